// SPDX-License-Identifier: MIT
#pragma once
#include <ATen/core/Tensor.h>

#include <string>
#include <vector>

#include "boltzflow/coordinates/cartesian_data_set.hpp"
#include "boltzflow/coordinates/coordinate_map.hpp"
#include "boltzflow/training/training_data.hpp"

namespace boltzflow {

/// This hands a trajectory's data set to methods that train a flow on coordinates which do not turn with the molecule,
/// internal or aligned ones: points are drawn as they are, by the data set's weights. Frames that the coordinates
/// cannot represent are left out, after the names of equivalent atoms were exchanged for those that they can.
class MappedTrainingData final : public TrainingData {
 public:
  /// @throws InputError if no training frame is left.
  MappedTrainingData(const CartesianDataSet& data, const CoordinateMap& coordinates);

  int dimension() const override { return static_cast<int>(training_.size(1)); }
  std::string description() const override { return description_; }
  std::int64_t n_training() const override { return training_.size(0); }
  std::int64_t n_validation() const override { return validation_.size(0); }
  at::Tensor draw(std::int64_t n, RandomStream& random) const override;
  at::Tensor first(std::int64_t n, RandomStream& random) const override;
  at::Tensor validation(std::int64_t n) const override;

 private:
  std::string description_;
  at::Tensor training_, validation_;  ///< [n, dimension] float32
  std::vector<double> cumulative_;    ///< of the training points' weights
};

}  // namespace boltzflow
