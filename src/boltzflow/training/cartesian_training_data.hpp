// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <memory>
#include <string>
#include <utility>

#include "boltzflow/coordinates/cartesian_data_set.hpp"
#include "boltzflow/training/training_data.hpp"

namespace boltzflow {

/// This hands a trajectory's data set to the methods that learn from data.
class CartesianTrainingData final : public TrainingData {
 public:
  /// @param rotate_pairs false where the base density or the target is not the same for all orientations.
  explicit CartesianTrainingData(std::shared_ptr<const CartesianDataSet> data, bool rotate_pairs = true)
      : data_(std::move(data)), rotate_pairs_(rotate_pairs) {}

  int dimension() const override { return data_->dimension(); }
  std::string description() const override { return data_->description(); }
  std::int64_t n_training() const override { return data_->size(CartesianDataSet::Part::training); }
  std::int64_t n_validation() const override { return data_->size(CartesianDataSet::Part::validation); }
  at::Tensor draw(std::int64_t n, RandomStream& random) const override { return data_->draw(n, random); }
  at::Tensor first(std::int64_t n, RandomStream& random) const override {
    return data_->first(CartesianDataSet::Part::training, n, random);
  }
  at::Tensor validation(std::int64_t n) const override {
    RandomStream random(validation_seed);
    return data_->first(CartesianDataSet::Part::validation, std::min(n, n_validation()), random);
  }
  void rotate_together(at::Tensor& x0, at::Tensor& x1, RandomStream& random) const override {
    if (rotate_pairs_) data_->rotate_together(x0, x1, random);
  }

 private:
  static constexpr std::uint64_t validation_seed = 20'000;  // any: the same rotations every time

  std::shared_ptr<const CartesianDataSet> data_;
  bool rotate_pairs_;
};

}  // namespace boltzflow
