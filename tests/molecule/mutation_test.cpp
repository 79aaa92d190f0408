// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <cstring>
#include <functional>

#include "boltzflow/base/atomic_file.hpp"
#include "boltzflow/base/errors.hpp"
#include "boltzflow/base/random.hpp"
#include "boltzflow/molecule/build_system.hpp"
#include "boltzflow/molecule/builtin_systems.hpp"
#include "boltzflow/molecule/force_field_files.hpp"
#include "boltzflow/molecule/frames.hpp"
#include "molecule/fixtures.hpp"

namespace boltzflow {
namespace {

/// One to four random changes: bits, bytes, digits, cuts, repeated and lost stretches, extreme words.
std::string mutated(const std::string& original, RandomStream& random) {
  std::string out = original;
  const int n_changes = 1 + static_cast<int>(random.below(4));
  for (int change = 0; change < n_changes && !out.empty(); ++change) {
    const std::size_t at = random.below(out.size());
    const std::size_t length = 1 + random.below(std::min<std::size_t>(out.size() - at, 64));
    static constexpr const char* words[] = {"nan", "-1",        "99999999999999999999", "1e999", "", "\"", "<",
                                            "0",   "2147483647"};
    switch (random.below(8)) {
      case 0:
        out[at] = static_cast<char>(out[at] ^ (1 << random.below(8)));
        break;
      case 1:
        out[at] = static_cast<char>(random.below(256));
        break;
      case 2:
        out.resize(at);
        break;
      case 3:
        out.erase(at, length);
        break;
      case 4:
        out.insert(at, out.substr(at, length));
        break;
      case 5:
        out.replace(at, length, words[random.below(std::size(words))]);
        break;
      case 6: {  // the next digit becomes another
        const std::size_t digit = out.find_first_of("0123456789", at);
        if (digit != std::string::npos) out[digit] = static_cast<char>('0' + random.below(10));
        break;
      }
      default:  // a binary count: all ones, or a large power of two
        for (std::size_t i = at; i < std::min(at + 4, out.size()); ++i)
          out[i] = static_cast<char>(random.below(2) ? 0xff : 0x7f);
    }
  }
  return out;
}

/// ff14SB without the residues that the test does not need.
std::string small_force_field() {
  const std::string whole = read_file(find_force_field_file("ff14SB", force_field_folders()));
  std::string out;
  for (std::size_t at = 0; at < whole.size();) {
    const std::size_t residue = whole.find("<Residue ", at);
    out += whole.substr(at, residue - at);
    if (residue == std::string::npos) break;
    const std::size_t end = whole.find("</Residue>", residue) + 10;
    for (const char* name : {"<Residue name=\"ACE\"", "<Residue name=\"ALA\"", "<Residue name=\"NME\""})
      if (whole.compare(residue, std::strlen(name), name) == 0) out += whole.substr(residue, end - residue);
    at = end;
  }
  return out;
}

struct Subject {
  const char* extension;
  std::string contents;
  std::function<void(const std::filesystem::path&)> read;
};

std::vector<Subject> subjects() {
  const auto read_system = [](const std::filesystem::path& path) { load_system(path); };
  const auto read_trajectory = [](const std::filesystem::path& path) { read_frames(path); };
  std::vector<Subject> out{{".json", std::string(builtin_systems()[0].json), read_system}};
  for (const char* name : {"obc1.xml", "gbsa_obc.xml", "h_bonds.xml"})
    out.push_back({".xml", read_file(fixture(name)), read_system});
  for (const char* name : {"plain.prmtop", "scaled.prmtop"})
    out.push_back({".prmtop", read_file(fixture(name)), read_system});
  out.push_back({".crd", read_file(fixture("plain.inpcrd")),
                 [](const std::filesystem::path& path) { load_system(fixture("plain.prmtop"), {.structure = path}); }});
  out.push_back({".top", read_file(fixture("gromacs.top")), read_system});
  out.push_back({".gro", read_file(fixture("gromacs.gro")),
                 [](const std::filesystem::path& path) { load_system(fixture("gromacs.top"), {.structure = path}); }});
  out.push_back({".pdb", read_file(fixture("structure.pdb")),
                 [](const std::filesystem::path& path) { load_system(fixture("obc1.xml"), {.structure = path}); }});
  const MolecularSystem system = load_system("alanine-dipeptide");
  for (const char* extension : {".pdb", ".dcd", ".npy", ".npz"}) {
    const auto path = scratch(std::string("whole") + extension);
    const auto writer = make_frame_writer(path, system);
    const std::vector<double> log_prob{0.5};
    for (int frame = 0; frame < 4; ++frame) writer->append({1, system.positions, {{"log_prob", log_prob}}});
    writer->finish();
    out.push_back({extension, read_file(path), read_trajectory});
  }
  // A force field of three residues, and a peptide of them.
  const auto peptide = scratch("peptide.pdb");
  const MolecularSystem built = build_system_from_sequence("ACE-ALA-NME");
  const auto writer = make_frame_writer(peptide, built);
  writer->append({1, built.positions});
  writer->finish();
  out.push_back({".pdb", read_file(peptide), [](const std::filesystem::path& path) { build_system_from_pdb(path); }});
  out.push_back({".xml", small_force_field(), [](const std::filesystem::path& path) {
                   build_system_from_sequence("ACE-ALA-NME", {.force_fields = {path.string()}});
                 }});
  return out;
}

// Whatever happened to a file, reading it ends in a result or in one of our errors.
TEST(Mutation, NoMutatedFileEndsInAnythingButAnError) {
  constexpr int n_mutations = 500;  // of each of 16 files
  int n_errors = 0, n_read = 0;
  std::uint64_t stream = 0;
  for (const Subject& subject : subjects()) {
    const auto path = scratch(std::string("mutated") + subject.extension);
    for (int n = 0; n < n_mutations; ++n) {
      RandomStream random(20261122, stream++);
      const std::string contents = mutated(subject.contents, random);
      write_bytes(path, contents);
      try {
        subject.read(path);
        ++n_read;
      } catch (const Error& error) {
        ++n_errors;
        EXPECT_FALSE(std::string(error.what()).empty());
      } catch (const std::exception& error) {
        FAIL() << subject.extension << " mutation " << n << " (stream " << stream - 1 << "): " << error.what();
      }
    }
  }
  // Most changes must be noticed, and some (a digit of a mass) cannot be: both kinds did occur.
  EXPECT_GT(n_errors, 1000);
  EXPECT_GT(n_read, 100);
}

}  // namespace
}  // namespace boltzflow
