// SPDX-License-Identifier: MIT
#pragma once
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "boltzflow/molecule/build_system.hpp"

namespace boltzflow {

/// A line of the list that make_peptides.py wrote.
struct Peptide {
  std::string sequence, disulphides, force_field, solvent, constraints, xml;
  double cutoff;

  BuildOptions options() const {
    BuildOptions out;
    out.force_fields = {force_field};
    out.solvent = solvent;
    out.fix_hydrogen_bonds = constraints == "h-bonds";
    if (cutoff > 0) out.cutoff = cutoff;
    std::istringstream pairs(disulphides == "none" ? "" : disulphides);
    for (std::string pair; std::getline(pairs, pair, ',');)
      out.disulphides.push_back({std::stoi(pair), std::stoi(pair.substr(pair.find('-') + 1))});
    return out;
  }
};

/// What make_peptides.py wrote into the folder of the CTest fixture.
inline std::vector<Peptide> peptides() {
  const std::filesystem::path folder(BOLTZFLOW_PEPTIDES);
  std::ifstream list(folder / "list.txt");
  std::vector<Peptide> out;
  for (Peptide p;
       list >> p.sequence >> p.disulphides >> p.force_field >> p.solvent >> p.constraints >> p.cutoff >> p.xml;) {
    p.xml = (folder / p.xml).string();
    out.push_back(p);
  }
  return out;
}

}  // namespace boltzflow
