// SPDX-License-Identifier: MIT
#include "boltzflow/molecule/build_system.hpp"

#include <gtest/gtest.h>

#include <fstream>

#include "boltzflow/base/atomic_file.hpp"
#include "boltzflow/molecule/openmm_system.hpp"
#include "boltzflow/molecule/start_structure.hpp"
#include "molecule/fixtures.hpp"
#include "molecule/system_comparison.hpp"

namespace boltzflow {
namespace {

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

std::vector<Peptide> peptides() {
  const std::filesystem::path folder(BOLTZFLOW_PEPTIDES);
  std::ifstream list(folder / "list.txt");
  std::vector<Peptide> out;
  for (Peptide p; list >> p.sequence >> p.force_field >> p.solvent >> p.constraints >> p.cutoff >> p.xml;) {
    p.xml = (folder / p.xml).string();
    out.push_back(p);
  }
  return out;
}

class AllPeptides : public testing::TestWithParam<std::string> {};

// Every amino acid between caps and as both ends, with each force field, in every solvent: the terms are OpenMM's, to
// the rounding of the XML's 17 digits and of products of two numbers.
TEST_P(AllPeptides, HaveOpenMMsParameters) {
  int n_compared = 0;
  for (const Peptide& peptide : peptides()) {
    if (peptide.force_field != GetParam()) continue;
    SCOPED_TRACE(peptide.sequence + " " + peptide.force_field + " " + peptide.solvent);
    const MolecularSystem system = build_system_from_sequence(peptide.sequence, peptide.options());
    expect_same_parameters(system, read_openmm_system(peptide.xml), 1e-12);
    ++n_compared;
    if (HasFailure()) return;
  }
  EXPECT_GE(n_compared, 42);
}
INSTANTIATE_TEST_SUITE_P(ForceFields, AllPeptides,
                         testing::Values("amber96", "amber99sbildn", "amber14/protein.ff14SB"),
                         [](const auto& info) { return info.param.substr(0, info.param.find('/')); });

}  // namespace
}  // namespace boltzflow
