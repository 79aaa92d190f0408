// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>

#include "boltzflow/base/transport/kernels/assignment.hpp"

namespace boltzflow::transport {

/// Costs from `minimum` to `maximum` as integers from 0 to largest_cost.
class RoundedCosts {
 public:
  RoundedCosts(double minimum, double maximum)
      : minimum_(minimum),
        unit_((maximum - minimum) / largest_cost),
        steps_per_unit_cost_(maximum > minimum ? largest_cost / (maximum - minimum) : 0) {}

  std::int32_t operator()(double cost) const {
    const double steps = (cost - minimum_) * steps_per_unit_cost_ + 0.5;  // the product may pass the ends by rounding
    return steps < 0 ? 0 : steps > largest_cost ? largest_cost : static_cast<std::int32_t>(steps);
  }
  double minimum() const { return minimum_; }
  double unit() const { return unit_; }

 private:
  double minimum_, unit_, steps_per_unit_cost_;
};

}  // namespace boltzflow::transport
