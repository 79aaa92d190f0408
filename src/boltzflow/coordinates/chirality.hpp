// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "boltzflow/molecule/molecular_system.hpp"
#include "boltzflow/molecule/start_structure.hpp"

namespace boltzflow {

/// This tells whether conformations have the handedness of a system's reference structure. Stereocentres come from the
/// bond graph: atoms with four neighbours no two of which begin equivalent branches (alpha carbons but glycine's, CB
/// of isoleucine and threonine; not CB of valine or CG of leucine, where only names could be wrong).
class Chirality {
 public:
  /// @throws InputError if the system has stereocentres but no reference structure, or a centre in it is flat.
  explicit Chirality(const MolecularSystem& system);

  /// So ordered that signed_volume() is positive in the reference structure.
  const std::vector<Stereocentre>& centres() const noexcept { return centres_; }
  /// "CA of ALA 2", one per centre.
  const std::vector<std::string>& names() const noexcept { return names_; }

  /// @param positions [n_frames, n_atoms, 3], any length unit.
  /// @param wrong [n_frames, centres().size()]: 1 where a centre's signed volume is not positive.
  /// @throws InputError if sizes do not fit.
  void wrong_centres(std::span<const double> positions, std::span<std::uint8_t> wrong) const;

  /// Inverts (x -> -x, about the origin) every frame all of whose centres are wrong: mirror images, which models with
  /// reflection symmetry draw half of the time. Energies do not change. Returns how many frames are left with a wrong
  /// centre, which no inversion mends.
  std::int64_t invert_mirror_images(std::span<double> positions) const;

 private:
  std::size_t width_;  ///< 3 n_atoms
  std::vector<Stereocentre> centres_;
  std::vector<std::string> names_;
};

}  // namespace boltzflow
