// SPDX-License-Identifier: MIT
#pragma once
#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "boltzflow/base/random.hpp"
#include "boltzflow/flow/conditioner_precision.hpp"

namespace boltzflow {

/// This is what every method of training and every consumer of samples sees of a flow: a normalised density q(z) on
/// the flow's domain ([0,1]^d with circles, or R^d), as the image of a base density under an invertible map.
///
/// forward maps base -> z (sampling), inverse maps z -> base (density). log_det is always that of the direction called.
/// Samples are [n_samples, dimension], any device.
class Density {
 public:
  struct Mapped {
    at::Tensor x;        ///< [n_samples, dimension], in the parameters' floating-point type
    at::Tensor log_det;  ///< [n_samples], likewise
  };
  struct Sample {
    at::Tensor z;         ///< [n_samples, dimension] float32
    at::Tensor log_prob;  ///< [n_samples] float64, log q(z), from the pass that made the sample
  };

  virtual ~Density() = default;
  virtual int dimension() const noexcept = 0;

  /// Both are differentiable with respect to parameters() and their argument, unless the density says otherwise.
  virtual Mapped forward(const at::Tensor& base, ConditionerPrecision precision) const = 0;
  virtual Mapped inverse(const at::Tensor& z, ConditionerPrecision precision) const = 0;
  /// log q(z), [n_samples]; differentiable as inverse() is.
  at::Tensor log_prob(const at::Tensor& z, ConditionerPrecision precision) const;
  /// Independent samples and their log_prob, no gradients; reproducible from the stream's state alone, whatever the
  /// number of threads, up to rounding. Memory beyond the result does not grow with n_samples.
  virtual Sample sample(std::int64_t n_samples, RandomStream& random, ConditionerPrecision precision) const = 0;
  /// log q(z) without gradients, in batches; [n_samples] float64.
  virtual at::Tensor log_prob_no_grad(const at::Tensor& z, ConditionerPrecision precision) const = 0;

  /// Base density on [n_samples, dimension]: log_prob [n_samples], and samples (float32).
  virtual at::Tensor base_log_prob(const at::Tensor& x) const = 0;
  virtual at::Tensor base_sample(std::int64_t n_samples, RandomStream& random) const = 0;

  /// The leaf parameters: contiguous, all on one device; write them in place and call parameters_changed().
  virtual std::vector<at::Tensor> parameters() const = 0;
  std::int64_t n_parameters() const;
  /// Values are copied in and out as one flat float32 vector in an order that does not depend on any packing.
  virtual at::Tensor flat_parameters() const;
  /// @throws InputError if the number of values is another.
  virtual void set_flat_parameters(const at::Tensor& flat);
  /// Call after writing parameters in place, so that copies made from them are made anew.
  virtual void parameters_changed() const {}
  /// An independent density with the same values.
  virtual std::unique_ptr<Density> copy() const = 0;
  virtual void to_device(const std::string& device) = 0;

 protected:
  Density() = default;
  Density(const Density&) = default;
  Density(Density&&) = default;
  Density& operator=(const Density&) = default;
  Density& operator=(Density&&) = default;
};

}  // namespace boltzflow
