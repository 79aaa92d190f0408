// SPDX-License-Identifier: MIT
#include "boltzflow/molecule/frames.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <fstream>
#include <limits>

#include "boltzflow/base/atomic_file.hpp"
#include "boltzflow/base/errors.hpp"
#include "boltzflow/base/random.hpp"
#include "boltzflow/molecule/dcd.hpp"
#include "boltzflow/molecule/npz.hpp"
#include "boltzflow/molecule/pdb.hpp"
#include "molecule/fixtures.hpp"

namespace boltzflow {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

const MolecularSystem& molecule() {
  static const MolecularSystem system = load_system("alanine-dipeptide");
  return system;
}

/// The reference structure, shaken by 0.02 nm, [n_frames, 22, 3].
std::vector<double> shaken_frames(int n_frames, std::uint64_t seed) {
  RandomStream random(seed);
  std::vector<double> out;
  for (int frame = 0; frame < n_frames; ++frame)
    for (double x : molecule().positions) out.push_back(x + 0.02 * random.normal());
  return out;
}

void write(const std::filesystem::path& path, const std::vector<double>& positions,
           const std::map<std::string, std::span<const double>>& arrays = {}) {
  const auto writer = make_frame_writer(path, molecule());
  writer->append({static_cast<std::int64_t>(positions.size() / 66), positions, arrays});
  writer->finish();
}

class FrameFile : public testing::TestWithParam<const char*> {
 protected:
  std::filesystem::path path() const { return scratch(std::string("frames") + GetParam()); }
  /// How far a coordinate may be off: half a unit of the last digit of a PDB or XTC file; float32 Angstrom below 8 A in
  /// DCD and NetCDF.
  double tolerance() const {
    const std::string extension = GetParam();
    if (extension == ".xtc") return 0.6e-6;
    return extension == ".pdb" ? 0.5001e-4 : extension == ".dcd" || extension == ".nc" ? 3e-8 : 0;
  }
};

TEST_P(FrameFile, RoundTripInPieces) {
  const auto positions = shaken_frames(7, 1);
  {
    const auto writer = make_frame_writer(path(), molecule());
    const std::span<const double> all = positions;
    writer->append({3, all.subspan(0, 3 * 66)});
    writer->append({0, {}});
    writer->append({4, all.subspan(3 * 66)});
    writer->finish();
  }
  const Frames frames = read_frames(path(), &molecule());
  ASSERT_EQ(frames.n_frames, 7);
  ASSERT_EQ(frames.n_atoms, 22);
  for (std::size_t n = 0; n < positions.size(); ++n) ASSERT_NEAR(frames.positions[n], positions[n], tolerance()) << n;
}

TEST_P(FrameFile, TheSameFramesGiveTheSameBytes) {
  const auto positions = shaken_frames(3, 2);
  write(path(), positions);
  const std::string first = read_file(path());
  write(path(), positions);
  EXPECT_TRUE(first == read_file(path()));
}

TEST_P(FrameFile, AnUnfinishedWriterLeavesTheOldFileAndNothingElse) {
  write(path(), shaken_frames(2, 3));
  const std::string before = read_file(path());
  { make_frame_writer(path(), molecule())->append({1, shaken_frames(1, 4)}); }
  EXPECT_TRUE(before == read_file(path()));
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(path().parent_path()), {}), 1);
}

TEST_P(FrameFile, WritingWhereThereIsNoFolderIsAnIoError) {
  EXPECT_THROW(
      {
        const auto writer = make_frame_writer(std::string("/nonexistent/frames") + GetParam(), molecule());
        writer->append({1, shaken_frames(1, 4)});
        writer->finish();
      },
      IoError);
}

TEST_P(FrameFile, AFullDiskIsAnIoErrorAndTheOldFileStays) {
  // /dev/full stands for the disk: the temporary file beside the target is a link to it.
  const auto folder = path().parent_path();
  std::filesystem::remove_all(folder);
  std::filesystem::create_directories(folder);
  const std::string name = path().filename().string() + (std::string(GetParam()) == ".npz" ? ".positions.npy" : "");
  std::filesystem::create_symlink("/dev/full", folder / ("." + name + ".partial-" + std::to_string(::getpid())));
  EXPECT_THROW(
      {
        const auto writer = make_frame_writer(path(), molecule());
        writer->append({4000, shaken_frames(4000, 4)});
        writer->finish();
      },
      IoError);
  EXPECT_FALSE(std::filesystem::exists(path()));
}

TEST_P(FrameFile, ABatchThatDoesNotFitIsRefused) {
  const auto writer = make_frame_writer(path(), molecule());
  auto positions = shaken_frames(2, 5);
  EXPECT_THROW(writer->append({3, positions}), InputError);
  positions[66 + 3 * 5 + 1] = std::numeric_limits<double>::quiet_NaN();
  EXPECT_THAT([&] { writer->append({2, positions}); }, ThrowsMessage<InputError>(HasSubstr("frame 1, atom 5")));
}

TEST_P(FrameFile, CutAnywhereItIsAnErrorOrShorter) {
  write(path(), shaken_frames(3, 6));
  const std::string whole = read_file(path());
  int n_errors = 0;
  constexpr int n_cuts = 97;
  for (int cut = 0; cut < n_cuts; ++cut) {
    write_bytes(path(), whole.substr(0, whole.size() * cut / n_cuts));
    try {
      EXPECT_LE(read_frames(path()).n_frames, 3);
    } catch (const InputError&) {
      ++n_errors;
    }
  }
  // Binary formats notice every cut, but for XTC's between two frames; a PDB file that ends after a whole model is just
  // a shorter one.
  const std::string extension = GetParam();
  EXPECT_GE(n_errors, extension == ".pdb" ? n_cuts / 2 : extension == ".xtc" ? n_cuts - 2 : n_cuts);
}

TEST_P(FrameFile, TheNumberOfAtomsMustMatch) {
  write(path(), shaken_frames(1, 7));
  MolecularSystem smaller = molecule();
  smaller.atoms.pop_back();
  EXPECT_THAT([&] { read_frames(path(), &smaller); },
              ThrowsMessage<InputError>(HasSubstr("the frames have 22 atoms, but alanine-dipeptide has 21")));
}

TEST_P(FrameFile, MissingAndEmptyFiles) {
  EXPECT_THROW(read_frames(std::string("/nonexistent/x") + GetParam()), MissingInputError);
  write_bytes(path(), "");
  EXPECT_THROW(read_frames(path()), InputError);
  write_bytes(path(), std::string(5000, '\x7f'));
  EXPECT_THROW(read_frames(path()), InputError);
}

INSTANTIATE_TEST_SUITE_P(All, FrameFile, testing::Values(".pdb", ".dcd", ".nc", ".npy", ".npz", ".xtc"),
                         [](const auto& info) { return std::string(info.param).substr(1); });

TEST(Frames, EveryFormatIsTested) { EXPECT_EQ(frame_formats().size(), 6u); }

TEST(Frames, UnknownExtensionsAreNamed) {
  EXPECT_THAT([] { read_frames("frames.trr"); },
              ThrowsMessage<InputError>(HasSubstr("must be one of .pdb, .dcd, .npy, .npz")));
}

TEST(Frames, NotANumberNamesFrameAndAtom) {
  NpyWriter writer(scratch("bad.npy"), NumberType::float32, {22, 3});
  std::vector<float> positions(2 * 66, 0.5f);
  positions[66 + 3 * 8 + 2] = std::numeric_limits<float>::quiet_NaN();
  writer.append(std::span<const float>(positions));
  writer.finish();
  EXPECT_THAT([] { read_frames(scratch("bad.npy"), &molecule()); },
              ThrowsMessage<InputError>(HasSubstr("frame 1, atom 8 \"CA\": a coordinate is nan")));
}

TEST(Frames, NpzKeepsArraysByName) {
  const auto positions = shaken_frames(3, 8);
  const std::vector<double> log_prob{1.5, -2.25, 1e-300};
  write(scratch("a.npz"), positions, {{"log_prob", log_prob}});
  const Frames frames = read_frames(scratch("a.npz"));
  EXPECT_EQ(frames.arrays.at("log_prob"), log_prob);
  EXPECT_EQ(frames.arrays.size(), 1u);
}

// --- PDB -------------------------------------------------------------------------------------------------------------

TEST(Pdb, WritesTheColumnsOfTheFormat) {
  auto positions = molecule().positions;
  positions[3 * 8] = -1.23456;
  write(scratch("a.pdb"), positions);
  const std::string text = read_file(scratch("a.pdb"));
  EXPECT_THAT(text, HasSubstr("\nATOM      1 HH31 ACE A   1    "));
  EXPECT_THAT(text, HasSubstr("\nATOM      9  CA  ALA A   2     -12.346"));
  EXPECT_THAT(text, HasSubstr("  1.00  0.00           C  \n"));
}

TEST(Pdb, ReadsAlternativeLocationsAndOldNames) {
  write_bytes(scratch("a.pdb"),
              "REMARK x\r\n"
              "ATOM      1 1HH3 ACE     1       2.000   1.000  -0.500\r\n"
              "ATOM      2  CA AALA B  -2       1.000   2.000   3.000  1.00  0.00           C  \r\n"
              "ATOM      3  CA BALA B  -2       1.500   2.000   3.000  1.00  0.00           C  \r\n"
              "HETATM    4 NA    NA B   3       1.000   2.000   4.000\r\n");
  const PdbFile file = read_pdb(scratch("a.pdb"));
  ASSERT_EQ(file.atoms.size(), 3u);
  EXPECT_EQ(file.atoms[0].name, "1HH3");
  EXPECT_EQ(file.atoms[0].element, "H");
  EXPECT_EQ(file.atoms[1].element, "C");
  EXPECT_EQ(file.atoms[1].residue_number, -2);
  EXPECT_EQ(file.atoms[1].chain, "B");
  EXPECT_EQ(file.atoms[2].element, "Na");
  EXPECT_DOUBLE_EQ(file.frames.positions[0], 0.2);
}

TEST(Pdb, BadRecordsNameTheLine) {
  const std::string good = "ATOM      1  CA  ALA A   1       2.000   1.000  -0.500\n";
  const auto expect_error = [&](const std::string& text, const char* message) {
    write_bytes(scratch("bad.pdb"), text);
    EXPECT_THAT([] { read_frames(scratch("bad.pdb")); }, ThrowsMessage<InputError>(HasSubstr(message)));
  };
  expect_error(good + "ATOM      1  CA  ALA A   1       2.000   1.0x0  -0.500\n",
               "bad.pdb:2: \"   1.0x0\" in columns 39");
  expect_error(good + "ATOM      1  CA  ALA A   1       2.000   1.0\n", "bad.pdb:2: this atom record ends before");
  expect_error("ATOM      1  CA  ALA A   1         nan   1.000  -0.500\n", "is not a coordinate");
  expect_error("ATOM      1  CA  ALA A   x       2.000   1.000  -0.500\n", "is not a residue number");
  expect_error("MODEL 1\n" + good + good + "ENDMDL\nMODEL 2\n" + good + "ENDMDL\n",
               "bad.pdb:7: model 2 ends with 1 atoms, but the first has 2");
  expect_error("REMARK nothing\nEND\n", "no ATOM or HETATM records");
}

TEST(Pdb, CoordinatesThatDoNotFitAreRefused) {
  auto positions = molecule().positions;
  positions[0] = 1001;
  EXPECT_THAT([&] { write(scratch("far.pdb"), positions); },
              ThrowsMessage<InputError>(HasSubstr("does not fit into a PDB")));
}

// --- DCD -------------------------------------------------------------------------------------------------------------

void put_word(std::string& file, std::size_t at, std::uint32_t word) { std::memcpy(file.data() + at, &word, 4); }

class DcdHeader : public testing::Test {
 protected:
  void SetUp() override {
    write(scratch("a.dcd"), shaken_frames(3, 9));
    file_ = read_file(scratch("a.dcd"));
  }
  void expect_error(const std::string& file, const char* message) {
    write_bytes(scratch("bad.dcd"), file);
    EXPECT_THAT([] { read_frames(scratch("bad.dcd")); }, ThrowsMessage<InputError>(HasSubstr(message)));
  }
  std::string with_word(std::size_t at, std::uint32_t word) const {
    std::string out = file_;
    put_word(out, at, word);
    return out;
  }
  std::string file_;
  static constexpr std::size_t frames_at = 8, fixed_at = 8 + 4 * 8, n_atoms_at = 4 + 84 + 4 + 4 + 164 + 4 + 4;
};

TEST_F(DcdHeader, CountsAreCheckedAgainstTheLengthOfTheFile) {
  expect_error(with_word(frames_at, 4), "the header promises 4 frames, but the file holds 3");
  expect_error(with_word(frames_at, 0xffffffff), "the header promises 4294967295 frames, but the file holds 3");
  expect_error(file_.substr(0, file_.size() - 1), "the file is cut within frame 2");
  expect_error(with_word(n_atoms_at, 0x7fffffff), "the header says 2147483647 atoms in a file of");
  expect_error(with_word(n_atoms_at, 0), "the header says 0 atoms");
  expect_error(with_word(n_atoms_at, 21), "the file is cut within frame");
  expect_error(with_word(fixed_at, 2), "2 fixed atoms");
  expect_error(with_word(0, 85), "not a DCD file with 32-bit record marks");
  expect_error(with_word(4, 0), "no \"CORD\"");
  expect_error(with_word(92, 0xfffffff0), "the file ends early");
  expect_error(with_word(n_atoms_at + 8, 4), "a record mark at byte");
}

TEST_F(DcdHeader, AFileThatWasNeverFinishedIsReadByItsLength) {
  write_bytes(scratch("open.dcd"), with_word(frames_at, 0));
  EXPECT_EQ(read_frames(scratch("open.dcd")).n_frames, 3);
}

TEST_F(DcdHeader, TheOtherByteOrderIsRead) {
  std::string swapped = file_;
  const auto swap_words = [&](std::size_t begin, std::size_t end) {
    for (std::size_t at = begin; at < end; at += 4) {
      std::swap(swapped[at], swapped[at + 3]);
      std::swap(swapped[at + 1], swapped[at + 2]);
    }
  };
  swap_words(0, 4);
  swap_words(8, 100);                        // the control words, the marks around them, the number of title lines
  swap_words(n_atoms_at - 8, file_.size());  // everything behind the title
  write_bytes(scratch("big.dcd"), swapped);
  EXPECT_EQ(read_frames(scratch("big.dcd")).positions, read_frames(scratch("a.dcd")).positions);
}

TEST_F(DcdHeader, UnitCellsArePassedOver) {
  // A CHARMM file with a unit cell: word 10 is 1, and each frame begins with a record of six doubles.
  std::string out = with_word(8 + 4 * 10, 1).substr(0, n_atoms_at + 8);
  std::string cell(56, '\1');
  put_word(cell, 0, 48);
  put_word(cell, 52, 48);
  const std::size_t frame_bytes = 3 * (22 * 4 + 8);
  for (int frame = 0; frame < 3; ++frame) out += cell + file_.substr(n_atoms_at + 8 + frame * frame_bytes, frame_bytes);
  write_bytes(scratch("cell.dcd"), out);
  EXPECT_EQ(read_frames(scratch("cell.dcd")).positions, read_frames(scratch("a.dcd")).positions);
}

// --- other programs --------------------------------------------------------------------------------------------------

// mdtraj, MDAnalysis and NumPy read what is written here, and what they and OpenMM write is read here.
TEST(OtherPrograms, ReadOurFilesAndWeReadTheirs) {
  const auto positions = shaken_frames(5, 10);
  const std::vector<double> log_prob{1, 2, 3, 4, 5};
  for (const char* extension : {".pdb", ".dcd", ".xtc", ".npy", ".npz"})
    write(scratch(std::string("ours") + extension), positions, {{"log_prob", log_prob}});
  const std::string command =
      std::string("'" BOLTZFLOW_PYTHON "' '" BOLTZFLOW_SOURCE_DIR "/tests/molecule/other_programs.py' '") +
      scratch("").string() + "'";
  ASSERT_EQ(std::system(command.c_str()), 0);
  for (const char* theirs : {"mdtraj.dcd", "mdanalysis.dcd", "openmm.dcd", "mdtraj.pdb", "mdanalysis.pdb", "mdtraj.xtc",
                             "mdanalysis.xtc", "numpy.npy", "numpy.npz", "numpy_deflated.npz", "numpy_float32.npy"}) {
    const Frames frames = read_frames(scratch(theirs), &molecule());
    ASSERT_EQ(frames.n_frames, 5) << theirs;
    // PDB: rounded twice; XTC in theirs: 0.001 nm, and MDAnalysis rounds what mdtraj or DCD gave it
    const std::string name = theirs;
    const double tolerance = name.ends_with(".pdb") ? 1.1e-4 : name.ends_with(".xtc") ? 0.502e-3 : 1e-6;
    for (std::size_t n = 0; n < positions.size(); ++n)
      ASSERT_NEAR(frames.positions[n], positions[n], tolerance) << theirs;
  }
  EXPECT_EQ(read_frames(scratch("numpy_deflated.npz")).arrays.at("log_prob"), log_prob);
}

}  // namespace
}  // namespace boltzflow
