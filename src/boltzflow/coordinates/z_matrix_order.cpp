// SPDX-License-Identifier: MIT
#include "boltzflow/coordinates/z_matrix_order.hpp"

#include <fmt/format.h>

#include <array>
#include <cstddef>

#include "boltzflow/base/errors.hpp"

namespace boltzflow {
namespace {

void check_rows(const ZMatrix& z_matrix, const MolecularSystem& system) {
  const int n_atoms = system.n_atoms();
  std::vector<int> placed(static_cast<std::size_t>(n_atoms), 0);
  const auto check = [&](const std::string& where, int atom) {
    if (atom < 0 || atom >= n_atoms)
      throw InputError(fmt::format("{}: atom {} is not in [0, {}); correct the Z-matrix", where, atom, n_atoms));
  };
  const auto place = [&](const std::string& where, int atom) {
    check(where, atom);
    if (++placed[static_cast<std::size_t>(atom)] > 1)
      throw InputError(
          fmt::format("{}: {} is placed twice; every atom needs exactly one row", where, describe_atom(system, atom)));
  };
  for (const int atom : z_matrix.root) place("Z-matrix root", atom);
  for (std::size_t r = 0; r < z_matrix.rows.size(); ++r) {
    const ZMatrixRow& row = z_matrix.rows[r];
    const std::string where = fmt::format("Z-matrix row {}", r);
    const std::array<int, 4> atoms{row.atom, row.bond, row.angle, row.torsion};
    place(where, row.atom);
    for (std::size_t i = 0; i < 4; ++i) {
      check(where, atoms[i]);
      for (std::size_t j = 0; j < i; ++j)
        if (atoms[i] == atoms[j])
          throw InputError(fmt::format("{}: {} stands in it twice; a row needs four different atoms", where,
                                       describe_atom(system, atoms[i])));
    }
  }
  for (int atom = 0; atom < n_atoms; ++atom)
    if (placed[static_cast<std::size_t>(atom)] == 0)
      throw InputError(fmt::format("Z-matrix: {} is never placed; add a row for it", describe_atom(system, atom)));
}

}  // namespace

std::string describe_atom(const MolecularSystem& system, int atom) {
  const Atom& a = system.atoms[static_cast<std::size_t>(atom)];
  if (a.name.empty()) return fmt::format("atom {}", atom);
  return fmt::format("{} of {} {} (atom {})", a.name, a.residue_name, a.residue_number, atom);
}

std::vector<int> placement_order(const ZMatrix& z_matrix, const MolecularSystem& system) {
  check_rows(z_matrix, system);
  const auto n_rows = static_cast<int>(z_matrix.rows.size());
  std::vector<char> placed(static_cast<std::size_t>(system.n_atoms()), 0), done(static_cast<std::size_t>(n_rows), 0);
  for (const int atom : z_matrix.root) placed[static_cast<std::size_t>(atom)] = 1;
  const auto is_placed = [&](int atom) { return placed[static_cast<std::size_t>(atom)] != 0; };
  std::vector<int> order;
  for (bool progress = true; progress;) {
    progress = false;
    for (int r = 0; r < n_rows; ++r) {
      const ZMatrixRow& row = z_matrix.rows[static_cast<std::size_t>(r)];
      if (done[static_cast<std::size_t>(r)] || !is_placed(row.bond) || !is_placed(row.angle) || !is_placed(row.torsion))
        continue;
      done[static_cast<std::size_t>(r)] = placed[static_cast<std::size_t>(row.atom)] = 1;
      order.push_back(r);
      progress = true;
    }
  }
  for (int r = 0; r < n_rows; ++r)
    if (!done[static_cast<std::size_t>(r)])
      throw InputError(
          fmt::format("Z-matrix row {}: {} cannot be placed, for its references wait for each other in a circle", r,
                      describe_atom(system, z_matrix.rows[static_cast<std::size_t>(r)].atom)));
  return order;
}

}  // namespace boltzflow
