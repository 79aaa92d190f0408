// SPDX-License-Identifier: MIT
#include "boltzflow/base/log_mean_exp.hpp"

#include <algorithm>
#include <cmath>
#include <string>

#include "boltzflow/base/errors.hpp"

namespace boltzflow {

double log_mean_exp(std::span<const double> values) {
  if (values.empty()) throw InputError("the mean of no values was asked for");
  for (std::size_t n = 0; n < values.size(); ++n) {
    if (std::isnan(values[n]))
      throw InputError("value " + std::to_string(n) + " is NaN; the logarithm of a mean needs numbers");
  }
  const double largest = *std::max_element(values.begin(), values.end());
  if (std::isinf(largest)) return largest;
  double sum = 0;
  for (const double value : values) sum += std::exp(value - largest);
  return largest + std::log(sum / static_cast<double>(values.size()));
}

}  // namespace boltzflow
