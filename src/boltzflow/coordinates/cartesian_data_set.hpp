// SPDX-License-Identifier: MIT
#pragma once
#include <ATen/core/Tensor.h>

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "boltzflow/base/options.hpp"
#include "boltzflow/base/random.hpp"
#include "boltzflow/coordinates/cartesian_coordinates.hpp"
#include "boltzflow/molecule/molecular_system.hpp"

namespace boltzflow {

/// Settings of a data set made from a trajectory; keys data.*.
struct CartesianDataSetOptions {
  std::string trajectory;               ///< file name
  double training = 0, validation = 0;  ///< frames (>= 1) or a fraction (< 1); 0: derived
  std::string order = "file";           ///< "file": parts follow each other; "shuffled": by data.seed
  std::int64_t seed = 1;
  std::string coordinates = "cartesian";  ///< of flows on R^d: or "aligned", AlignedCoordinates::whitened()
  std::string centre = "helmert";         ///< CentreOfMass
  bool rotations = true;                  ///< draws are turned at random
  std::string wrong_handed = "drop";      ///< "drop", "keep" or "refuse"
  /// Training frames are drawn with weights r f(phi) + 1, f a von Mises density; r = 0: all alike.
  double phi_weight = 0;
  double phi_weight_mean = 1, phi_weight_concentration = 10;
  std::int64_t phi_weight_residue = 0;
};
void describe(CartesianDataSetOptions& options, OptionTable& table);

/// This is a trajectory as a flow in Cartesian coordinates is trained on it: checked, split, centred, divided by one
/// length (the standard deviation of all centred training coordinates), and drawn from with random rotations and, where
/// the flow has a centre of mass, its noise.
///
/// Frames with a broken bond are left out, those of the wrong hand as data.wrong_handed says. Of the n frames that are
/// kept the first data.training are for training, the next data.validation for validation, the others for tests;
/// derived are min(100000, 0.7 n) and min(20000, 0.14 n). In the order of the file the parts of one long simulation are
/// nearly independent; shuffled ones are not, where frames follow each other closely, but hold the same conformations.
class CartesianDataSet {
 public:
  enum class Part { training, validation, test };

  /// @param positions [n_frames, n_atoms, 3] nm. @param origin the file's name, for messages and description().
  /// @throws InputError as check_trajectory() does; if a part asked for does not fit or training or validation would be
  ///         empty; if frames of the wrong hand are refused; if phi weights are asked of a system without that phi.
  CartesianDataSet(const MolecularSystem& system, std::vector<double> positions, const CartesianDataSetOptions& options,
                   const std::string& origin);

  /// Reads options.trajectory (any format of read_frames()). @throws as read_frames() and the constructor do.
  static CartesianDataSet read(const MolecularSystem& system, const CartesianDataSetOptions& options);

  const CartesianCoordinates& coordinates() const noexcept { return coordinates_; }
  int dimension() const noexcept { return coordinates_.dimension(); }
  std::int64_t size(Part part) const noexcept;
  /// [size, n_atoms, 3] nm, centred, orientations as in the file.
  std::span<const double> positions(Part part) const noexcept;
  /// What training frame n is drawn with, up to a common factor.
  double training_weight(std::int64_t n) const;
  /// What check_trajectory() warned of, what was left out, and parts too small to learn from; for people.
  const std::vector<std::string>& warnings() const noexcept { return warnings_; }
  /// One line: file, parts, coordinates, scale and a checksum of the frames.
  const std::string& description() const noexcept { return description_; }

  /// n training frames drawn with replacement by their weights, each turned by its own uniform random rotation and with
  /// its own centre: z [n, dimension] float32. A function of the stream's next two words alone, any number of threads.
  at::Tensor draw(std::int64_t n, RandomStream& random) const;
  /// The first n frames of a part, each once, turned likewise. @throws InputError if there are fewer.
  at::Tensor first(Part part, std::int64_t n, RandomStream& random) const;

  /// Turns row n of both x0 and x1 [n, dimension] (float32 or float64, contiguous) by the same random rotation, in
  /// place: a standard normal base stays one, and so do densities of molecules without an outer field.
  /// @throws InputError if a shape is another.
  void rotate_together(at::Tensor& x0, at::Tensor& x1, RandomStream& random) const;

 private:
  void drop_frames(const MolecularSystem& system, std::vector<double>& positions,
                   const CartesianDataSetOptions& options, const std::string& origin);
  void split(std::int64_t n_frames, const CartesianDataSetOptions& options, const std::string& origin);
  void weigh(const MolecularSystem& system, const CartesianDataSetOptions& options, const std::string& origin);
  template <class Choose>
  at::Tensor augmented(std::int64_t n, RandomStream& random, Choose choose) const;

  CartesianCoordinates coordinates_;
  bool rotations_;
  std::int64_t n_training_ = 0, n_validation_ = 0, n_test_ = 0;
  std::vector<double> positions_;   ///< [n_frames, n_atoms, 3] centred, part after part
  std::vector<float> z_;            ///< [n_frames, dimension], centre 0
  std::vector<double> cumulative_;  ///< of the training frames' weights; empty: all alike
  std::vector<std::string> warnings_;
  std::string description_;
};

}  // namespace boltzflow
