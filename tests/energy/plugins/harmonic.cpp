// SPDX-License-Identifier: MIT
// Every atom tied to the origin by a spring of its atomic number plus the charge; refuses a first coordinate above 100.
#include <stdio.h>

#include "boltzflow/energy/energy_plugin.h"

extern "C" int boltzflow_energy_v1(const boltzflow_molecule* molecule, int64_t n_samples, const double* positions,
                                   double* energies, double* gradients, char* message, size_t message_size) {
  const int64_t n_coordinates = 3 * static_cast<int64_t>(molecule->n_atoms);
  for (int64_t s = 0; s < n_samples; ++s) {
    const double* const x = positions + s * n_coordinates;
    if (x[0] > 100) {
      snprintf(message, message_size, "atom 0 is at x = %g nm, too far out", x[0]);
      return 7;
    }
    energies[s] = 0;
    for (int64_t c = 0; c < n_coordinates; ++c) {
      const double spring = molecule->atomic_numbers[c / 3] + molecule->charge;
      energies[s] += 0.5 * spring * x[c] * x[c];
      if (gradients != nullptr) gradients[s * n_coordinates + c] = spring * x[c];
    }
  }
  return 0;
}
