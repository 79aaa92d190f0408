// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <string>

namespace boltzflow {

/// This is what a manifest says of the machine a run was made on; nothing in it names the machine.
struct Machine {
  std::string cpu_model;        ///< "Intel(R) Xeon(R) ..."
  std::string instruction_set;  ///< of the kernels in use: "avx512"
  bool amx;                     ///< AMX bfloat16 tiles are usable
  int n_cores;                  ///< that this process may run on
  int n_threads;
  std::int64_t memory_bytes;
};

Machine this_machine();

/// The most memory this process has used so far, bytes.
std::int64_t peak_memory_bytes();

}  // namespace boltzflow
