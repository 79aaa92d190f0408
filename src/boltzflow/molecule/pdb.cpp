// SPDX-License-Identifier: MIT
#include "boltzflow/molecule/pdb.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <map>

#include "boltzflow/base/atomic_file.hpp"
#include "boltzflow/base/errors.hpp"
#include "boltzflow/molecule/elements.hpp"
#include "boltzflow/molecule/output_file.hpp"
#include "boltzflow/molecule/text_number.hpp"

namespace boltzflow {
namespace {

constexpr double nm_per_angstrom = 0.1;

/// Columns as the format's description counts them, from 1, both included; what lies beyond the line is empty.
std::string_view columns(std::string_view line, std::size_t first, std::size_t last) {
  return line.size() < first ? std::string_view() : line.substr(first - 1, last - first + 1);
}

std::string capitalised(std::string_view symbol) {
  std::string out;
  for (char c : symbol)
    out += static_cast<char>(out.empty() ? std::toupper(static_cast<unsigned char>(c))
                                         : std::tolower(static_cast<unsigned char>(c)));
  return out;
}

/// The element a name stands for where columns 77-78 are empty: ions are named like their residue; in everything else
/// that a force field of peptides knows, the first letter is the element.
std::string element_from_name(std::string_view name, std::string_view residue) {
  if (name == residue && element_mass(capitalised(name)) > 0) return capitalised(name);
  const std::size_t letter = name.find_first_not_of("0123456789'\"*");
  return letter == std::string_view::npos ? std::string() : capitalised(name.substr(letter, 1));
}

class PdbReader {
 public:
  PdbReader(std::string_view text, const std::string& origin) : text_(text), origin_(origin) {}

  PdbFile read() {
    while (!text_.empty()) {
      const std::size_t end = std::min(text_.find('\n'), text_.size());
      line_ = text_.substr(0, end);
      text_.remove_prefix(std::min(end + 1, text_.size()));
      ++line_number_;
      while (!line_.empty() && line_.back() == '\r') line_.remove_suffix(1);
      const std::string_view record = trimmed(columns(line_, 1, 6));
      if (record == "ATOM" || record == "HETATM")
        read_atom();
      else if (record == "MODEL" || record == "ENDMDL" || record == "END")
        end_model();
      else if (record == "TER")
        ++segment_;
      else if (record == "SSBOND")
        read_disulphide();
      else if (record == "CONECT")
        read_connections();
    }
    end_model();
    find_bonds();
    if (file_.frames.n_frames == 0) throw InputError(origin_, "there are no ATOM or HETATM records in this file");
    return std::move(file_);
  }

 private:
  [[noreturn]] void fail(const std::string& message) const { throw InputError(origin_, line_number_, message); }

  void read_atom() {
    if (line_.size() < 54) fail("this atom record ends before its coordinates (columns 31 to 54)");
    const std::string_view location = columns(line_, 17, 17);
    if (location != " " && location != "A" && location != "1") {
      if (file_.alternate_location == 0) file_.alternate_location = line_number_;
      return;
    }
    for (std::size_t first : {31, 39, 47}) {
      const auto value = number_in<double>(columns(line_, first, first + 7));
      if (!value)
        fail(fmt::format("\"{}\" in columns {} to {} is not a coordinate", columns(line_, first, first + 7), first,
                         first + 7));
      file_.frames.positions.push_back(*value * nm_per_angstrom);
    }
    ++n_atoms_in_model_;
    if (file_.frames.n_frames > 0) return;
    Atom atom;
    atom.name = trimmed(columns(line_, 13, 16));
    atom.residue_name = trimmed(columns(line_, 18, 21));
    atom.chain = trimmed(columns(line_, 22, 22));
    if (const auto number = number_in<int>(columns(line_, 23, 26)))
      atom.residue_number = *number;
    else
      fail(fmt::format("\"{}\" in columns 23 to 26 is not a residue number", columns(line_, 23, 26)));
    atom.element = capitalised(trimmed(columns(line_, 77, 78)));
    if (element_mass(atom.element) == 0) atom.element = element_from_name(atom.name, atom.residue_name);
    atom.mass = element_mass(atom.element);
    serial_.emplace(trimmed(columns(line_, 7, 11)), static_cast<int>(file_.atoms.size()));
    file_.atoms.push_back(std::move(atom));
    file_.records.push_back({line_number_, line_[26], segment_});
  }

  void read_disulphide() {
    PdbDisulphide bond{line_number_, {}, {}};
    for (const auto& [n, chain, first] : {std::tuple{0, 16, 18}, std::tuple{1, 30, 32}}) {
      bond.chain[n] = trimmed(columns(line_, chain, chain));
      const auto number = number_in<int>(columns(line_, first, first + 3));
      if (!number)
        fail(fmt::format("\"{}\" in columns {} to {} of this SSBOND record is not a residue number",
                         columns(line_, first, first + 3), first, first + 3));
      bond.residue_number[n] = *number;
    }
    file_.disulphides.push_back(std::move(bond));
  }

  /// Atoms go by their serial numbers, which are words here: large files continue them with letters.
  void read_connections() {
    const std::string from(trimmed(columns(line_, 7, 11)));
    for (const std::size_t first : {12, 17, 22, 27})
      if (const std::string_view to = trimmed(columns(line_, first, first + 4)); !to.empty())
        connections_.emplace_back(from, to);
  }

  void find_bonds() {
    for (const auto& [from, to] : connections_) {
      const auto i = serial_.find(from), j = serial_.find(to);
      if (i == serial_.end() || j == serial_.end() || i->second == j->second) continue;
      file_.bonds.push_back({std::min(i->second, j->second), std::max(i->second, j->second)});
    }
    std::ranges::sort(file_.bonds);
    file_.bonds.erase(std::unique(file_.bonds.begin(), file_.bonds.end()), file_.bonds.end());
  }

  void end_model() {
    if (n_atoms_in_model_ == 0) return;
    if (file_.frames.n_frames == 0) file_.frames.n_atoms = n_atoms_in_model_;
    if (n_atoms_in_model_ != file_.frames.n_atoms)
      fail(fmt::format("model {} ends with {} atoms, but the first has {}", file_.frames.n_frames + 1,
                       n_atoms_in_model_, file_.frames.n_atoms));
    ++file_.frames.n_frames;
    n_atoms_in_model_ = 0;
  }

  std::string_view text_, line_;
  const std::string& origin_;
  long line_number_ = 0;
  int n_atoms_in_model_ = 0, segment_ = 0;
  std::map<std::string, int> serial_;  ///< atoms of the first model
  std::vector<std::pair<std::string, std::string>> connections_;
  PdbFile file_;
};

/// The part of an atom's record that does not change between models: columns 1 to 30, and 55 to 80.
struct RecordFrame {
  std::string before, after;
};

RecordFrame record_frame(const Atom& atom, int index) {
  const std::string name = atom.name.empty() ? (atom.element.empty() ? "X" : atom.element) : atom.name.substr(0, 4);
  // Names start in column 14 unless they need four characters or a two-letter element.
  const std::string field =
      name.size() == 4 || atom.element.size() == 2 ? fmt::format("{:<4}", name) : fmt::format(" {:<3}", name);
  const std::string residue = atom.residue_name.empty() ? "MOL" : atom.residue_name.substr(0, 4);
  std::string element;
  for (char c : atom.element) element += static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  // Numbers beyond the field wrap around, as other programs have it; readers here and elsewhere count atoms themselves.
  return {
      fmt::format("ATOM  {:>5} {} {:<4}{}{:>4}    ", (index + 1) % 100000, field,
                  residue.size() == 4 ? residue : fmt::format("{:>3} ", residue).substr(0, 4),
                  atom.chain.empty() ? " " : atom.chain.substr(0, 1), ((atom.residue_number % 10000) + 10000) % 10000),
      fmt::format("  1.00  0.00          {:>2}  \n", element.substr(0, 2))};
}

class PdbWriter final : public FrameWriter {
 public:
  PdbWriter(const std::filesystem::path& path, const MolecularSystem& system)
      : file_(path), n_atoms_(system.n_atoms()), bonds_(system.bonds) {
    for (int i = 0; i < n_atoms_; ++i) records_.push_back(record_frame(system.atoms[i], i));
    file_.write(fmt::format("REMARK   1 {}\n", system.name.substr(0, 60)));
  }

  void append(const FrameBatch& batch) override {
    check_batch(batch, n_atoms_, file_.path().string());
    for (std::int64_t frame = 0; frame < batch.n_frames; ++frame) {
      std::string text = fmt::format("MODEL {:>8}\n", ++n_frames_ % 100000000);
      for (int i = 0; i < n_atoms_; ++i) {
        text += records_[i].before;
        for (int axis = 0; axis < 3; ++axis) {
          const double angstrom = batch.positions[(frame * n_atoms_ + i) * 3 + axis] / nm_per_angstrom;
          if (angstrom > 9999.9994 || angstrom < -999.9994)
            throw InputError(file_.path().string(),
                             fmt::format("frame {}, atom {}: {} nm does not fit into a PDB file; choose .dcd or .npz",
                                         n_frames_ - 1, i, angstrom * nm_per_angstrom));
          text += fmt::format("{:8.3f}", angstrom);
        }
        text += records_[i].after;
      }
      file_.write(text + "TER\nENDMDL\n");
    }
  }

  void finish() override {
    if (n_atoms_ < 100000)
      for (const auto& [i, j] : bonds_) file_.write(fmt::format("CONECT{:>5}{:>5}\n", i + 1, j + 1));
    file_.write("END\n");
    file_.commit();
  }

 private:
  OutputFile file_;
  int n_atoms_;
  std::vector<std::array<int, 2>> bonds_;
  std::vector<RecordFrame> records_;
  std::int64_t n_frames_ = 0;
};

}  // namespace

PdbFile read_pdb(const std::filesystem::path& path) {
  const std::string text = read_file(path);
  return PdbReader(text, path.string()).read();
}

void name_atoms_from_pdb(MolecularSystem& system, const std::filesystem::path& path) {
  PdbFile pdb = read_pdb(path);
  if (pdb.frames.n_atoms != system.n_atoms())
    throw InputError(path.string(), fmt::format("this file has {} atoms, but the system has {}", pdb.frames.n_atoms,
                                                system.n_atoms()));
  for (int i = 0; i < system.n_atoms(); ++i) {
    Atom& atom = system.atoms[i];
    const double mass = atom.mass;
    const std::string element = atom.element;
    atom = pdb.atoms[i];
    atom.mass = mass;
    if (atom.element.empty()) atom.element = element;
  }
  system.positions.assign(pdb.frames.positions.begin(), pdb.frames.positions.begin() + 3 * system.n_atoms());
}

Frames read_pdb_frames(const std::filesystem::path& path) { return read_pdb(path).frames; }

std::unique_ptr<FrameWriter> make_pdb_writer(const std::filesystem::path& path, const MolecularSystem& system) {
  return std::make_unique<PdbWriter>(path, system);
}

}  // namespace boltzflow
