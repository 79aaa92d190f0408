/* SPDX-License-Identifier: MIT */
/* An energy of your own: a shared library that exports boltzflow_energy_v1, in C or in any language that can.
 *
 *     cc -shared -fPIC -O2 my_energy.c -o my_energy.so
 *
 * docs/energy.md has an example. */
#ifndef BOLTZFLOW_ENERGY_PLUGIN_H
#define BOLTZFLOW_ENERGY_PLUGIN_H

#include <stddef.h>
#include <stdint.h>

#if defined(_WIN32)
#define BOLTZFLOW_EXPORT __declspec(dllexport)
#else
#define BOLTZFLOW_EXPORT __attribute__((visibility("default")))
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* What a molecule is made of; the same in every call, and valid only during the call. */
typedef struct {
  int32_t n_atoms;
  const int32_t* atomic_numbers; /* [n_atoms]; 0 where the element is not known */
  double charge;                 /* of the whole molecule, in e */
} boltzflow_molecule;

/* Potential energies of many conformations of one molecule.
 *
 * positions      [n_samples, n_atoms, 3], nm
 * energies       [n_samples], kJ/mol: to be written; infinite or NaN for a conformation that has none
 * gradients      [n_samples, n_atoms, 3], kJ/mol/nm, dU/dx and not forces: to be written, unless it is NULL
 * message        room for message_size bytes: what went wrong, in one sentence that ends with a zero byte
 *
 * Returns 0, or anything else to stop the program with the message. Called from several threads at the same time, each
 * with samples of its own; n_samples is at least 1. It must not end the program, nor let a C++ exception pass. */
BOLTZFLOW_EXPORT int boltzflow_energy_v1(const boltzflow_molecule* molecule, int64_t n_samples, const double* positions,
                                         double* energies, double* gradients, char* message, size_t message_size);

#ifdef __cplusplus
}
#endif

#endif
