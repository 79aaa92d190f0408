// SPDX-License-Identifier: MIT
#include "boltzflow/coordinates/chirality.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <utility>

#include "boltzflow/base/errors.hpp"
#include "boltzflow/coordinates/equivalent_branches.hpp"
#include "boltzflow/coordinates/z_matrix_order.hpp"
#include "boltzflow/molecule/topology.hpp"

namespace boltzflow {
namespace {

constexpr double smallest_volume = 1e-4;  // nm^3; a tetrahedral centre with a hydrogen has 2e-3

}  // namespace

Chirality::Chirality(const MolecularSystem& system) : width_(3 * system.atoms.size()) {
  std::set<int> symmetric;
  for (const EquivalentBranches& group : find_equivalent_branches(system)) symmetric.insert(group.centre);
  const auto neighbours = bonded_atoms(system.n_atoms(), system.bonds);
  for (int atom = 0; atom < system.n_atoms(); ++atom) {
    const auto& around = neighbours[static_cast<std::size_t>(atom)];
    if (around.size() != 4 || symmetric.contains(atom)) continue;
    const std::string name = describe_atom(system, atom);
    if (system.positions.size() != width_)
      throw InputError(fmt::format("{} is a stereocentre, but {} has no reference structure to say which form is meant",
                                   name, system.name));
    Stereocentre centre{atom, {around[0], around[1], around[2]}};
    const double volume = signed_volume(centre, system.positions);
    if (!(std::abs(volume) > smallest_volume))
      throw InputError(fmt::format("reference structure of {}: the stereocentre {} is flat (signed volume {:.1e} nm^3)",
                                   system.name, name, volume));
    if (volume < 0) std::swap(centre.neighbours[1], centre.neighbours[2]);
    centres_.push_back(centre);
    names_.push_back(name);
  }
}

void Chirality::wrong_centres(std::span<const double> positions, std::span<std::uint8_t> wrong) const {
  if (positions.size() % width_ != 0 || positions.size() / width_ * centres_.size() != wrong.size())
    throw InputError(fmt::format("chirality: {} positions and {} marks are no frames of {} atoms with {} stereocentres",
                                 positions.size(), wrong.size(), width_ / 3, centres_.size()));
  std::size_t next = 0;
  for (std::size_t frame = 0; frame < positions.size(); frame += width_)
    for (const Stereocentre& centre : centres_)
      wrong[next++] = signed_volume(centre, positions.subspan(frame, width_)) > 0 ? 0 : 1;
}

std::int64_t Chirality::invert_mirror_images(std::span<double> positions) const {
  if (centres_.empty()) return 0;
  std::vector<std::uint8_t> wrong(positions.size() / width_ * centres_.size());
  wrong_centres(positions, wrong);
  std::int64_t n_left = 0;
  for (std::size_t frame = 0; frame < positions.size() / width_; ++frame) {
    const auto begin = wrong.begin() + static_cast<std::ptrdiff_t>(frame * centres_.size());
    const auto n_wrong = std::count(begin, begin + static_cast<std::ptrdiff_t>(centres_.size()), 1);
    if (n_wrong == static_cast<std::ptrdiff_t>(centres_.size()))
      for (double& value : positions.subspan(frame * width_, width_)) value = -value;
    else if (n_wrong > 0)
      ++n_left;
  }
  return n_left;
}

}  // namespace boltzflow
