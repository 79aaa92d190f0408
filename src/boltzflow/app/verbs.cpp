// SPDX-License-Identifier: MIT
#include <array>

#include "boltzflow/app/verbs/verb_definitions.hpp"

namespace boltzflow {

std::span<const Verb> verbs() {
  static constexpr std::array table{
      Verb{"train", "train a flow on a molecule's energy, then evaluate it and write samples and a report",
           "boltzflow train alanine-dipeptide --preset quick", define_train},
      Verb{"sample", "draw independent weighted conformations from a trained model",
           "boltzflow sample runs/quickstart -n 100000 -o alanine", define_sample},
      Verb{"evaluate", "effective sample size, free energies and distances to a reference",
           "boltzflow evaluate runs/quickstart --reference data/reference/alanine-dipeptide.npz", define_evaluate},
      Verb{"compare", "one table over runs: weights, energies, conformations and what they cost",
           "boltzflow compare runs/maximum-likelihood-1 runs/regflow-1 --time -o table.md", define_compare},
      Verb{"free-energy",
           "free-energy differences and profiles along torsions, from a model or by a map of one state onto another",
           "boltzflow free-energy runs/quickstart --torsion phi -o profile.csv", define_free_energy},
      Verb{"report", "write a run's report: one HTML page with every number and picture",
           "boltzflow report runs/quickstart", define_report},
      Verb{"simulate", "sample a molecule's equilibrium by batched dynamics and replica exchange, without a flow",
           "boltzflow simulate alanine-dipeptide --temperatures 300:1000:8 -o alanine.npz", define_simulate},
      Verb{"system build", "make a system from a sequence of residues or a PDB file, with OpenMM's force fields",
           "boltzflow system build ACE-ALA-ALA-NME --force-field amber99sbildn --solvent obc2 -o peptide",
           define_system_build},
      Verb{"system show", "what a molecular system is made of", "boltzflow system show alanine-dipeptide",
           define_system_show},
      Verb{"system check", "gradients, coordinates and stereocentres of a system, pass or fail",
           "boltzflow system check alanine-dipeptide", define_system_check},
      Verb{"system energy", "potential energy of every frame of a file, total and per term",
           "boltzflow system energy alanine-dipeptide frames.pdb --precision float64", define_system_energy},
      Verb{"benchmark", "speed of energies, training and sampling on this machine", "boltzflow benchmark",
           define_benchmark},
      Verb{"help", "help on a verb, and on exit-codes, configuration and presets", "boltzflow help exit-codes",
           define_help, false},
      Verb{"version", "version and git revision", "boltzflow version", define_version},
  };
  return table;
}

}  // namespace boltzflow
