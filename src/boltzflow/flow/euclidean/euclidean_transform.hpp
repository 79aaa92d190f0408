// SPDX-License-Identifier: MIT
#pragma once
#include <ATen/core/Tensor.h>

#include <memory>

#include "boltzflow/flow/density.hpp"

namespace boltzflow {

/// One invertible map of R^d: what a Cartesian flow is a chain of. Points are feature-major here, [dimension,
/// n_samples], so that rows of a coupling's halves are contiguous; log_det is [n_samples], of the direction called.
///
/// Both directions are differentiable with respect to the point and the tensors the map was built from.
class EuclideanTransform {
 public:
  using Mapped = Density::Mapped;
  virtual ~EuclideanTransform() = default;
  virtual Mapped forward(const at::Tensor& x, ConditionerPrecision precision) const = 0;
  virtual Mapped inverse(const at::Tensor& x, ConditionerPrecision precision) const = 0;

 protected:
  EuclideanTransform() = default;
  EuclideanTransform(const EuclideanTransform&) = default;
  EuclideanTransform& operator=(const EuclideanTransform&) = default;
};

/// The same map called the other way round: its forward is `transform`'s inverse.
class InvertedTransform final : public EuclideanTransform {
 public:
  explicit InvertedTransform(std::unique_ptr<EuclideanTransform> transform) : transform_(std::move(transform)) {}
  Mapped forward(const at::Tensor& x, ConditionerPrecision precision) const override {
    return transform_->inverse(x, precision);
  }
  Mapped inverse(const at::Tensor& x, ConditionerPrecision precision) const override {
    return transform_->forward(x, precision);
  }

 private:
  std::unique_ptr<EuclideanTransform> transform_;
};

}  // namespace boltzflow
