// SPDX-License-Identifier: MIT
#pragma once
#include <CLI/App.hpp>
#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "boltzflow/evaluation/free_energy.hpp"
#include "boltzflow/molecule/molecular_system.hpp"

namespace boltzflow {

/// Two states A and B as windows of one backbone torsion.
struct TorsionStates {
  std::string torsion;       ///< "phi" or "psi"
  std::string residue;       ///< "ALA 2"
  std::array<int, 4> atoms;  ///< of the torsion
  std::size_t pair;          ///< which residue with a phi and a psi, from 0
  TorsionWindow a, b;
  int n_atoms;  ///< of the molecule

  /// [n] rad of frames [n, n_atoms, 3] nm.
  std::vector<double> angles(const std::vector<double>& positions) const;
  /// "phi of ALA 2 in (0, 2.2) rad".
  std::string text(TorsionWindow window) const;
};

/// The words on the command line that name two states.
struct TorsionStateWords {
  std::string torsion = "phi", window_a, window_b;
  std::optional<std::int64_t> residue;

  /// Adds them to a verb; this object must live as long as `options`.
  void define(CLI::App& options);
  /// Without windows: A is phi in (0, 2.2) rad, the left-handed basin of alanine, and B the rest; with one, the other
  /// is the rest of the circle. @throws Error of status usage if a window is malformed or empty, both overlap, psi has
  /// no window, or the molecule has no such torsion (naming those it has).
  TorsionStates states(const MolecularSystem& system) const;
};

bool is_inside(TorsionWindow window, double angle);

}  // namespace boltzflow
