// SPDX-License-Identifier: MIT
// A shared library with some other function.
extern "C" __attribute__((visibility("default"))) int my_energy() { return 0; }
