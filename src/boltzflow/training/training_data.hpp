// SPDX-License-Identifier: MIT
#pragma once
#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>

#include "boltzflow/base/random.hpp"

namespace boltzflow {

/// Configurations of the target that another method has sampled, as points of the flow's domain: what methods train on
/// that learn from data.
class TrainingData {
 public:
  virtual ~TrainingData() = default;
  virtual int dimension() const = 0;
  /// One line that tells data sets apart, so that a checkpoint is not resumed on another.
  virtual std::string description() const = 0;
  virtual std::int64_t n_training() const = 0;
  virtual std::int64_t n_validation() const = 0;
  /// n points of the training part drawn with replacement, rotated and shifted at random where the coordinates are not
  /// invariant: [n, dimension] float32. A function of the stream's state alone.
  virtual at::Tensor draw(std::int64_t n, RandomStream& random) const = 0;
  /// The first n points of the training part, each once, augmented likewise. @throws InputError if there are fewer.
  virtual at::Tensor first(std::int64_t n, RandomStream& random) const = 0;
  /// The first n points of the validation part, the same every time: [min(n, n_validation), dimension] float32.
  virtual at::Tensor validation(std::int64_t n) const = 0;
  /// Rotates each pair of points [n, dimension] by one random rotation, in place, where that leaves the base density
  /// and the data alike; otherwise nothing happens.
  virtual void rotate_together(at::Tensor& x0, at::Tensor& x1, RandomStream& random) const {
    static_cast<void>(x0), static_cast<void>(x1), static_cast<void>(random);
  }
};

}  // namespace boltzflow
