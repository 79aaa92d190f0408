// SPDX-License-Identifier: MIT
#pragma once
#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>

#include "boltzflow/base/random.hpp"
#include "boltzflow/flow/density.hpp"

namespace boltzflow {

class Trainer;
class TrainingData;
struct RegflowOptions;

/// Points of the base density with their images under the map that a flow is to learn.
class RegressionPairs {
 public:
  struct Batch {
    at::Tensor x0, x1;  ///< [n, dimension] float32, on the CPU
  };
  virtual ~RegressionPairs() = default;
  virtual std::int64_t size() const = 0;
  /// n pairs drawn with replacement.
  virtual Batch draw(std::int64_t n, RandomStream& random) const = 0;
  /// sqrt(mean |x1 - x0|^2) over all pairs.
  virtual double root_mean_square_distance() const = 0;
};

/// Pairs by the optimal assignment of n draws of the flow's base density to n points of the data, exact up to 20,000
/// pairs; beyond, by blocks (block_optimal_transport). @throws InputError if there are fewer points than pairs.
std::unique_ptr<RegressionPairs> make_optimal_transport_pairs(const Density& flow, const TrainingData& data,
                                                              std::int64_t n_pairs, RandomStream& random);

/// Pairs by transporting base points through the teacher, a flow on the same coordinates of the same molecule, kept in
/// pairs.boltzflow beside the checkpoint (reflow_pairs.hpp): a stopped generation goes on where it was.
/// @returns null if the trainer is asked to stop before there are enough pairs.
/// @throws ConfigurationError if there is no teacher, or it is of another molecule or on other coordinates.
std::unique_ptr<RegressionPairs> make_reflow_pairs(Trainer& trainer, const RegflowOptions& options);

}  // namespace boltzflow
