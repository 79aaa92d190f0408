// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <functional>

#include "boltzflow/flow/density.hpp"

namespace boltzflow {

/// This is a density on R^d whose base is the standard normal: everything a flow on Cartesian coordinates shares.
/// What derives from it gives the map, its parameters and a copy.
class EuclideanDensity : public Density {
 public:
  int dimension() const noexcept override { return dimension_; }
  /// log N(x; 0, 1).
  at::Tensor base_log_prob(const at::Tensor& x) const override;
  /// Sample i is a function of the stream's next two words and i alone; 53-bit uniforms through Box-Muller.
  at::Tensor base_sample(std::int64_t n_samples, RandomStream& random) const override;
  Sample sample(std::int64_t n_samples, RandomStream& random, ConditionerPrecision precision) const override;
  at::Tensor log_prob_no_grad(const at::Tensor& z, ConditionerPrecision precision) const override;

 protected:
  explicit EuclideanDensity(int dimension) : dimension_(dimension) {}
  /// Calls work(first, count), without gradients, on parts of n samples small enough to bound a pass's temporaries: one
  /// after the other here, concurrently where a density gains by it.
  virtual void in_batches(std::int64_t n, const std::function<void(std::int64_t, std::int64_t)>& work) const;
  /// @throws InputError unless x is [n, dimension]. Returns it on the parameters' device and in their type.
  at::Tensor checked(const at::Tensor& x) const;

 private:
  int dimension_;
};

}  // namespace boltzflow
