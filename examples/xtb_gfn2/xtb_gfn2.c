/* SPDX-License-Identifier: MIT */
/* The GFN2-xTB energy of a molecule in vacuum, from libxtb, as an energy of boltzflow's.
 * Bannwarth, Ehlert & Grimme, J. Chem. Theory Comput. 15 (2019) 1652. */
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include <xtb.h>

#include "boltzflow/energy/energy_plugin.h"

static const double bohr_per_nm = 18.8972612457;
static const double kj_per_mol_per_hartree = 2625.4996395;

/* Everything of one call; calls from other threads have their own. */
typedef struct {
  xtb_TEnvironment environment;
  xtb_TMolecule molecule;
  xtb_TCalculator calculator;
  xtb_TResults results;
  int* numbers;
  double* bohr;
  double* gradient;
} Calculation;

static void release(Calculation* c) {
  if (c->results) xtb_delResults(&c->results);
  if (c->calculator) xtb_delCalculator(&c->calculator);
  if (c->molecule) xtb_delMolecule(&c->molecule);
  if (c->environment) xtb_delEnvironment(&c->environment);
  free(c->numbers);
  free(c->bohr);
  free(c->gradient);
}

/* Whether all is well; else the reason goes into message. */
static bool good(Calculation* c, const char* what, char* message, size_t message_size) {
  if (xtb_checkEnvironment(c->environment) == 0) return true;
  char reason[512] = "";
  const int size = sizeof reason;
  xtb_getError(c->environment, reason, &size);
  snprintf(message, message_size, "xtb could not %s: %s", what, reason);
  return false;
}

static bool begin(Calculation* c, const boltzflow_molecule* molecule, const double* positions, char* message,
                  size_t message_size) {
  const int n_atoms = molecule->n_atoms, unpaired = 0;
  c->numbers = malloc(sizeof(int) * (size_t)n_atoms);
  c->bohr = malloc(sizeof(double) * 3 * (size_t)n_atoms);
  c->gradient = malloc(sizeof(double) * 3 * (size_t)n_atoms);
  c->environment = xtb_newEnvironment();
  if (!c->numbers || !c->bohr || !c->gradient || !c->environment) {
    snprintf(message, message_size, "out of memory");
    return false;
  }
  for (int i = 0; i < n_atoms; ++i) {
    c->numbers[i] = molecule->atomic_numbers[i];
    if (c->numbers[i] == 0) {
      snprintf(message, message_size, "the element of atom %d is not known", i);
      return false;
    }
  }
  for (int k = 0; k < 3 * n_atoms; ++k) c->bohr[k] = positions[k] * bohr_per_nm;
  xtb_setVerbosity(c->environment, XTB_VERBOSITY_MUTED);
  c->molecule =
      xtb_newMolecule(c->environment, &n_atoms, c->numbers, c->bohr, &molecule->charge, &unpaired, NULL, NULL);
  if (!good(c, "take the molecule", message, message_size)) return false;
  c->calculator = xtb_newCalculator();
  c->results = xtb_newResults();
  xtb_loadGFN2xTB(c->environment, c->molecule, c->calculator, NULL);
  return good(c, "load GFN2", message, message_size);
}

int boltzflow_energy_v1(const boltzflow_molecule* molecule, int64_t n_samples, const double* positions,
                        double* energies, double* gradients, char* message, size_t message_size) {
  Calculation c = {0};
  if (!begin(&c, molecule, positions, message, message_size)) {
    release(&c);
    return 1;
  }
  const int n_coordinates = 3 * molecule->n_atoms;
  for (int64_t s = 0; s < n_samples; ++s) {
    for (int k = 0; k < n_coordinates; ++k) c.bohr[k] = positions[s * n_coordinates + k] * bohr_per_nm;
    xtb_updateMolecule(c.environment, c.molecule, c.bohr, NULL);
    if (xtb_checkEnvironment(c.environment) == 0) xtb_singlepoint(c.environment, c.molecule, c.calculator, c.results);
    double energy = NAN;
    if (xtb_checkEnvironment(c.environment) == 0) {
      xtb_getEnergy(c.environment, c.results, &energy);
      xtb_getGradient(c.environment, c.results, c.gradient);
    }
    /* No self-consistent solution: this conformation has no energy, the others may. */
    const bool solved = xtb_checkEnvironment(c.environment) == 0 && isfinite(energy);
    if (!solved) {
      char reason[512];
      const int size = sizeof reason;
      xtb_getError(c.environment, reason, &size);
    }
    energies[s] = solved ? energy * kj_per_mol_per_hartree : NAN;
    for (int k = 0; gradients != NULL && k < n_coordinates; ++k)
      gradients[s * n_coordinates + k] = solved ? c.gradient[k] * kj_per_mol_per_hartree * bohr_per_nm : NAN;
  }
  release(&c);
  return 0;
}
