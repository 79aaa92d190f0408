// SPDX-License-Identifier: MIT
#pragma once
#include <array>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "boltzflow/molecule/frames.hpp"

namespace boltzflow {

/// Where an atom of the first model stands in its file.
struct PdbRecord {
  long line;
  char insertion_code;  ///< ' ': none
  int segment;          ///< counts TER records before it
};

/// An SSBOND record: two residues by chain and number.
struct PdbDisulphide {
  long line;
  std::array<std::string, 2> chain;
  std::array<int, 2> residue_number;
};

/// What a PDB file holds: the atoms of its first model, and the positions of all models.
struct PdbFile {
  std::vector<Atom>
      atoms;  ///< names, elements (columns 77-78, else from the name), residues, chains; mass of the element
  std::vector<PdbRecord> records;          ///< one per atom
  std::vector<std::array<int, 2>> bonds;   ///< of CONECT records between atoms that are there; i < j, each once
  std::vector<PdbDisulphide> disulphides;  ///< of SSBOND records
  long alternate_location = 0;             ///< the line of the first atom that was left out as an alternative; 0: none
  Frames frames;                           ///< one per MODEL
};

/// This reads ATOM, HETATM, SSBOND and CONECT records; of alternative locations the first (blank, A or 1) is kept.
/// Models are set apart by MODEL/ENDMDL, or by END.
/// @throws MissingInputError, IoError; InputError with file:line for atom and SSBOND records that are cut short or hold
/// no numbers, models
///         with different numbers of atoms, and files without atoms.
PdbFile read_pdb(const std::filesystem::path& path);

/// Copies names, elements and residues, and the first model's positions, into a system with the same atoms.
/// @throws InputError if the number of atoms differs.
void name_atoms_from_pdb(MolecularSystem& system, const std::filesystem::path& path);

Frames read_pdb_frames(const std::filesystem::path& path);

/// One MODEL a frame, and CONECT records for every bond at the end; coordinates to 0.0001 nm, below 1000 nm.
std::unique_ptr<FrameWriter> make_pdb_writer(const std::filesystem::path& path, const MolecularSystem& system);

}  // namespace boltzflow
