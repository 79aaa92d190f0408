// SPDX-License-Identifier: MIT
#pragma once
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "boltzflow/molecule/build_system.hpp"

namespace boltzflow {

/// A line of the list that make_peptides.py wrote.
struct Peptide {
  std::string sequence, force_field, solvent, constraints, xml;
  double cutoff;

  BuildOptions options() const {
    BuildOptions out;
    out.force_fields = {force_field};
    out.solvent = solvent;
    out.fix_hydrogen_bonds = constraints == "h-bonds";
    if (cutoff > 0) out.cutoff = cutoff;
    return out;
  }
};

/// What make_peptides.py wrote into the folder of the CTest fixture.
inline std::vector<Peptide> peptides() {
  const std::filesystem::path folder(BOLTZFLOW_PEPTIDES);
  std::ifstream list(folder / "list.txt");
  std::vector<Peptide> out;
  for (Peptide p; list >> p.sequence >> p.force_field >> p.solvent >> p.constraints >> p.cutoff >> p.xml;) {
    p.xml = (folder / p.xml).string();
    out.push_back(p);
  }
  return out;
}

}  // namespace boltzflow
