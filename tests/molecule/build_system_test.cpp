// SPDX-License-Identifier: MIT
#include "boltzflow/molecule/build_system.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <set>
#include <sstream>

#include "boltzflow/base/atomic_file.hpp"
#include "boltzflow/base/errors.hpp"
#include "boltzflow/molecule/builtin_systems.hpp"
#include "boltzflow/molecule/frames.hpp"
#include "boltzflow/molecule/openmm_system.hpp"
#include "boltzflow/molecule/start_structure.hpp"
#include "molecule/fixtures.hpp"
#include "molecule/peptides.hpp"
#include "molecule/system_comparison.hpp"

namespace boltzflow {
namespace {

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
  EXPECT_GE(n_compared, 44);
}
INSTANTIATE_TEST_SUITE_P(ForceFields, AllPeptides,
                         testing::Values("amber96", "amber99sbildn", "amber14/protein.ff14SB"),
                         [](const auto& info) { return info.param.substr(0, info.param.find('/')); });

// Atoms and charges as the literature counts them; natural stereochemistry; and every structure a minimum, as far as a
// structure can say so: no bond is off its length by more than a minimum's 0.005 nm.
TEST(BuiltinSystems, AreTheMoleculesOfTheLiterature) {
  const std::map<std::string_view, std::pair<int, int>> expected{{"alanine-dipeptide", {22, 0}},
                                                                 {"alanine-dipeptide-ff99", {22, 0}},
                                                                 {"alanine-hexapeptide", {62, 0}},
                                                                 {"alanine-tetrapeptide", {42, 0}},
                                                                 {"alanine-tripeptide", {33, 0}},
                                                                 {"chignolin", {138, -2}},
                                                                 {"elil", {75, -1}}};
  std::string_view last;
  int n_found = 0;
  for (const auto& builtin : builtin_systems()) {
    SCOPED_TRACE(builtin.name);
    EXPECT_LT(last, builtin.name);
    last = builtin.name;
    const auto found = expected.find(builtin.name);
    if (found == expected.end()) continue;
    ++n_found;
    const MolecularSystem system = load_system(std::string(builtin.name));
    EXPECT_EQ(system.n_atoms(), found->second.first);
    double charge = 0;
    for (const auto& particle : system.nonbonded) charge += particle.charge;
    EXPECT_NEAR(charge, found->second.second, 1e-5);  // amber's charges have five digits
    EXPECT_FALSE(stereocentres(system).empty());
    for (const auto& centre : stereocentres(system)) EXPECT_GT(signed_volume(centre, system.positions), 1e-4);
    for (const auto& b : system.harmonic_bonds) {
      const double* x = system.positions.data();
      const double length =
          std::hypot(x[3 * b.i] - x[3 * b.j], x[3 * b.i + 1] - x[3 * b.j + 1], x[3 * b.i + 2] - x[3 * b.j + 2]);
      EXPECT_NEAR(length, b.length, 0.005);
    }
  }
  EXPECT_EQ(n_found, 7);
}

// The script takes parameters from OpenMM; building from the sequence gives the same ones.
TEST(BuiltinSystems, AreWhatTheirSequencesGive) {
  const std::pair<const char*, const char*> sequences[] = {
      {"elil", "GLU-LEU-ILE-LEU"},
      {"chignolin", "GLY-TYR-ASP-PRO-GLU-THR-GLY-THR-TRP-GLY"},
      {"alanine-dipeptide-ff99", "ACE-ALA-NME"},
  };
  for (const auto& [name, sequence] : sequences) {
    SCOPED_TRACE(name);
    expect_same_parameters(build_system_from_sequence(sequence, {.solvent = "amber99_obc"}), load_system(name), 1e-12);
  }
}

// A PDB file of a built system, its atoms renamed as old files have it and in another order, is the same molecule.
TEST(BuildSystem, ReadsPdbFilesWithOtherNamesAndOrders) {
  for (const char* sequence : {"ACE-ALA-ILE-NME", "GLU-LEU-ILE-LEU", "ACE-HIS-PRO-ARG-NME", "GLY-TRP-GLY"}) {
    SCOPED_TRACE(sequence);
    const MolecularSystem built = build_system_from_sequence(sequence);
    const auto path = scratch("peptide.pdb");
    const auto writer = make_frame_writer(path, built);
    writer->append({1, built.positions});
    writer->finish();
    expect_same_parameters(build_system_from_pdb(path), built, 1e-12);

    // Hydrogens last within their residue, numbered from 1, and under names of their own.
    std::istringstream lines(read_file(path));
    std::vector<std::string> records;
    for (std::string line; std::getline(lines, line);)
      if (line.starts_with("ATOM")) records.push_back(line);
    int n_hydrogens = 0;
    for (auto& record : records)
      if (record[77] == 'H') record.replace(12, 4, fmt::format("{:<4}", fmt::format("{}H", ++n_hydrogens)));
    std::stable_sort(records.begin(), records.end(), [](const auto& a, const auto& b) {
      return std::pair(a.substr(21, 5), a[77] == 'H') < std::pair(b.substr(21, 5), b[77] == 'H');
    });
    std::string text;
    for (const auto& record : records) text += record + "\n";
    write_bytes(path, text);
    const MolecularSystem renamed = build_system_from_pdb(path);
    ASSERT_EQ(renamed.n_atoms(), built.n_atoms());
    std::multiset<std::string> names, expected_names;
    double charge = 0;
    for (int i = 0; i < built.n_atoms(); ++i) {
      names.insert(fmt::format("{} {}", renamed.atoms[i].residue_number, renamed.atoms[i].name));
      expected_names.insert(fmt::format("{} {}", built.atoms[i].residue_number, built.atoms[i].name));
      charge += renamed.nonbonded[i].charge - built.nonbonded[i].charge;
    }
    EXPECT_EQ(names, expected_names);
    EXPECT_NEAR(charge, 0, 1e-12);
    EXPECT_EQ(renamed.harmonic_angles.size(), built.harmonic_angles.size());
    EXPECT_EQ(renamed.periodic_torsions.size(), built.periodic_torsions.size());
  }
}

/// The message of the InputError or MissingInputError that a call ends in; "" if it does not.
template <class Function>
std::string error_of(Function function) {
  try {
    function();
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

std::string written_pdb(const MolecularSystem& system, const std::filesystem::path& path) {
  const auto writer = make_frame_writer(path, system);
  writer->append({1, system.positions});
  writer->finish();
  return read_file(path);
}

std::string without_lines(const std::string& text, const std::string& start) {
  std::istringstream lines(text);
  std::string out;
  for (std::string line; std::getline(lines, line);)
    if (!line.starts_with(start)) out += line + "\n";
  return out;
}

// A chain whose sulphurs are far apart: what bonds them is a record, and without one they lack a hydrogen.
TEST(BuildSystem, TakesDisulphidesFromRecordsOfAPdb) {
  const MolecularSystem built = build_system_from_sequence("ACE-CYS-GLY-GLY-CYS-NME", {.disulphides = {{2, 5}}});
  const auto path = scratch("bridged.pdb");
  const std::string whole = written_pdb(built, path), bare = without_lines(whole, "CONECT");
  const auto expect_built = [&] { expect_same_parameters(build_system_from_pdb(path), built, 1e-12); };
  expect_built();  // CONECT
  const std::string record = "SSBOND   1 CYS A    2    CYS A    5                          1555   1555  2.04\n";
  write_bytes(path, record + bare);
  expect_built();
  const auto error = [&](const std::string& text) {
    write_bytes(path, text);
    return error_of([&] { build_system_from_pdb(path); });
  };
  using testing::AllOf;
  using testing::HasSubstr;
  EXPECT_THAT(error(bare),
              AllOf(HasSubstr("bridged.pdb:"), HasSubstr("SG of residue CYS 2 has no hydrogen"), HasSubstr("SSBOND")));
  const auto changed = [&](std::size_t at, const std::string& with) {
    std::string text = record;
    return text.replace(at, with.size(), with) + bare;
  };
  EXPECT_THAT(error(changed(31, "   4")), AllOf(HasSubstr("bridged.pdb:1: "), HasSubstr("no SG of a cysteine")));
  EXPECT_THAT(error(changed(29, "B")), HasSubstr("residue 5 of chain \"B\""));
  EXPECT_THAT(error(changed(31, "   2")), HasSubstr("bonds a residue to itself"));
  // A thiolate is asked for by its name.
  std::string charged = bare;
  for (std::size_t at = 0; (at = charged.find("CYS", at)) != std::string::npos;) charged.replace(at, 3, "CYM");
  EXPECT_EQ(error(charged), "");
  EXPECT_THAT(error(changed(17, "two ")), AllOf(HasSubstr("bridged.pdb:1: "), HasSubstr("not a residue number")));
}

// Four sulphurs at the corners of a rectangle: each takes the nearer one, if it is nearer than 0.3 nm.
TEST(BuildSystem, BondsTheNearestSulphursOfAPdb) {
  const auto path = scratch("near.pdb");
  MolecularSystem system = build_system_from_sequence("ACE-CYX-GLY-CYX-GLY-CYX-GLY-CYX-NME",
                                                      {.solvent = "vacuum", .disulphides = {{2, 6}, {4, 8}}});
  const auto write = [&](double width, double height) {
    int n = 0;
    for (int i = 0; i < system.n_atoms(); ++i) {
      if (system.atoms[i].name != "SG") continue;
      system.positions[3 * i] = 100 + (n % 2) * width;
      system.positions[3 * i + 1] = 100 + (n / 2) * height;
      system.positions[3 * i + 2] = 100;
      ++n;
    }
    write_bytes(path, without_lines(written_pdb(system, path), "CONECT"));
  };
  write(0.28, 0.2);
  EXPECT_EQ(build_system_from_pdb(path, {.solvent = "vacuum"}).bonds, system.bonds);
  write(0.5, 0.31);
  EXPECT_THAT(error_of([&] { build_system_from_pdb(path, {.solvent = "vacuum"}); }),
              testing::HasSubstr("SG of residue CYX 2 has no hydrogen, and no other sulphur is within 0.3 nm"));
}

TEST(BuildSystem, NamesWhatIsWrongWithDisulphides) {
  const auto error = [](const std::string& sequence, std::vector<std::array<int, 2>> disulphides) {
    return error_of([&] { build_system_from_sequence(sequence, {.disulphides = disulphides}); });
  };
  EXPECT_THAT(error("CYX-ALA-CYS", {}), testing::HasSubstr("residue 1 is CYX, the half of a disulphide"));
  EXPECT_THAT(error("CYS-ALA-CYS", {{1, 2}}), testing::HasSubstr("disulphide 1-2: residue 2 is ALA, not CYS"));
  EXPECT_THAT(error("CYS-ALA-CYS", {{1, 4}}), testing::HasSubstr("residue 4 is not in 1 to 3"));
  EXPECT_THAT(error("CYS-ALA-CYS", {{0, 3}}), testing::HasSubstr("residue 0 is not in 1 to 3"));
  EXPECT_THAT(error("CYS-ALA-CYS", {{1, 1}}), testing::HasSubstr("residue 1 cannot have two disulphides"));
  EXPECT_THAT(error("CYS-CYS-CYS", {{1, 2}, {2, 3}}), testing::HasSubstr("residue 2 cannot have two disulphides"));
  EXPECT_THAT(error_of([] {
                build_system_from_pdb("any.pdb", {.disulphides = {{1, 2}}});
              }),
              testing::HasSubstr("SSBOND"));
}

TEST(BuildSystem, NamesWhatIsWrongWithASequence) {
  const auto error = [](const std::string& sequence, const BuildOptions& options = {}) {
    return error_of([&] { build_system_from_sequence(sequence, options); });
  };
  EXPECT_THAT(error("ACE-ALX-NME"), testing::HasSubstr("residue 2 is \"ALX\""));
  EXPECT_THAT(error("ALA-ACE"), testing::HasSubstr("ACE can only be the first residue"));
  EXPECT_THAT(error("NME-ALA"), testing::HasSubstr("NME can only be the last residue"));
  EXPECT_THAT(error("ALA"), testing::HasSubstr("needs caps"));
  EXPECT_THAT(error(""), testing::HasSubstr("residue 1 is \"\""));
  EXPECT_THAT(error("ALA--ALA"), testing::HasSubstr("residue 2 is \"\""));
  EXPECT_THAT(error("ACE-NME-"), testing::HasSubstr("NME can only be the last"));
  EXPECT_THAT(error("ACE-ALA-NME", {.force_fields = {"amber77"}}), testing::HasSubstr("amber77: no such force field"));
  EXPECT_THAT(error("ACE-ALA-NME", {.solvent = "obc3"}), testing::HasSubstr("the solvent \"obc3\" is not known"));
  EXPECT_THAT(error("ACE-ALA-NME", {.solvent = "amber96"}), testing::HasSubstr("defined twice"));
  EXPECT_THAT(error("ACE-ALA-NME", {.solvent = "tip3p"}),
              testing::HasSubstr("no GBSAOBCForce for the atom types of amber99sbildn"));
  EXPECT_THAT(error("ACE-ALA-NME", {.force_fields = {"ff14SB"}, .solvent = "amber99_obc"}),
              testing::HasSubstr("no GBSAOBCForce for the atom types of ff14SB"));
  EXPECT_THAT(error("ACE-ALA-NME", {.force_fields = {"implicit/obc1"}}),
              testing::AllOf(testing::HasSubstr("obc1.xml:2: the section <Script>"), testing::HasSubstr("Python")));
  EXPECT_THAT(error("ACE-ALA-NME", {.force_fields = {"charmm36"}}), testing::HasSubstr("is not supported"));
  EXPECT_THAT(error("ACE-ALA-NME", {.force_fields = {"tip3p"}}), testing::HasSubstr("has no residue ACE"));
}

TEST(BuildSystem, NamesFileLineResidueAndAtomOfABadPdb) {
  const MolecularSystem built = build_system_from_sequence("ACE-ALA-SER-NME");
  const auto path = scratch("peptide.pdb");
  const auto writer = make_frame_writer(path, built);
  writer->append({1, built.positions});
  writer->finish();
  const std::string whole = read_file(path);
  ASSERT_EQ(error_of([&] { build_system_from_pdb(path); }), "");
  // The error after an edit of the line that holds an atom, given as its columns 13 to 26.
  const auto error = [&](const std::string& atom, const std::function<void(std::string&)>& edit) {
    std::istringstream lines(whole);
    std::string text;
    for (std::string line; std::getline(lines, line);) {
      if (line.size() > 26 && line.substr(12, 14) == atom) edit(line);
      if (!line.empty()) text += line + "\n";
    }
    write_bytes(path, text);
    return error_of([&] { build_system_from_pdb(path); });
  };
  const std::string alpha = " CA  ALA A   2", beta = " HB2 ALA A   2";
  const auto change = [](std::size_t at, const std::string& with) {
    return [at, with](std::string& line) { line.replace(at, with.size(), with); };
  };
  using testing::AllOf;
  using testing::HasSubstr;
  EXPECT_THAT(error(alpha, change(12, " CX ")), AllOf(HasSubstr("peptide.pdb:11: atom 9 \"CX\""), HasSubstr("ALA 2")));
  EXPECT_THAT(error(beta, [](std::string& line) { line.clear(); }),
              AllOf(HasSubstr("peptide.pdb:9: residue ALA 2"), HasSubstr("CB has 2 hydrogens where 3 are expected")));
  EXPECT_THAT(error(alpha, [](std::string& line) { line.clear(); }), HasSubstr("peptide.pdb:"));
  EXPECT_THAT(error(beta, change(12, " HB1")), HasSubstr("two atoms named HB1"));
  EXPECT_THAT(error(beta, change(30, " 900.000")), AllOf(HasSubstr("hydrogen HB2"), HasSubstr("too far")));
  EXPECT_THAT(error(beta, change(16, "B")), HasSubstr("alternate location"));
  EXPECT_THAT(error(beta, change(26, "A")), HasSubstr("insertion code"));
  EXPECT_THAT(error(alpha, change(30, "  abc.de")), HasSubstr("is not a coordinate"));
  const auto unknown = [](std::string& line) { line.replace(17, 3, "XYZ"); };
  EXPECT_THAT(error(alpha, unknown), HasSubstr("XYZ 2"));
  MolecularSystem torn = built;
  for (int i = 0; i < torn.n_atoms(); ++i)
    if (torn.atoms[i].residue_number > 2) torn.positions[3 * i] += 1;
  const auto torn_writer = make_frame_writer(path, torn);
  torn_writer->append({1, torn.positions});
  torn_writer->finish();
  EXPECT_THAT(error_of([&] { build_system_from_pdb(path); }),
              AllOf(HasSubstr("peptide.pdb:19: N of residue SER 3"), HasSubstr("the chain is broken")));

  std::string heavy_only;
  std::istringstream lines(whole);
  for (std::string line; std::getline(lines, line);)
    if (line.size() < 78 || line[77] != 'H') heavy_only += line + "\n";
  write_bytes(path, heavy_only);
  EXPECT_THAT(error_of([&] { build_system_from_pdb(path); }), HasSubstr("there are no hydrogens in this file"));
}

TEST(BuildSystem, FixesBondsToHydrogensAtTheirLengths) {
  MolecularSystem system = build_system_from_sequence("ACE-ALA-NME", {.fix_hydrogen_bonds = true});
  ASSERT_EQ(system.constraints.size(), 12u);
  EXPECT_EQ(system.harmonic_bonds.size(), 9u);
  for (double& x : system.positions) x *= 1.1;
  fit_to_constraints(system);
  for (const auto& c : system.constraints) {
    const double* x = system.positions.data();
    EXPECT_NEAR(std::hypot(x[3 * c.i] - x[3 * c.j], x[3 * c.i + 1] - x[3 * c.j + 1], x[3 * c.i + 2] - x[3 * c.j + 2]),
                c.distance, 1e-12);
  }
}

}  // namespace
}  // namespace boltzflow
