// SPDX-License-Identifier: MIT
#include "boltzflow/evaluation/evidence_bounds.hpp"

#include <fmt/format.h>

#include <limits>

#include "boltzflow/base/errors.hpp"

namespace boltzflow {
namespace {

/// The mean of values of which none is NaN or `forbidden`.
double checked_mean(std::span<const double> values, double forbidden, const char* name) {
  if (values.empty()) throw InputError(fmt::format("there are no values of {}; at least one sample is needed", name));
  double sum = 0;
  for (std::size_t n = 0; n < values.size(); ++n) {
    if (!(values[n] == values[n]) || values[n] == forbidden)
      throw InputError(fmt::format("{} of sample {} is {}, which no sample can have", name, n, values[n]));
    sum += values[n];
  }
  return sum / static_cast<double>(values.size());
}

constexpr double infinity = std::numeric_limits<double>::infinity();

}  // namespace

double evidence_lower_bound(std::span<const double> log_weight) {
  return checked_mean(log_weight, infinity, "log weight");
}
double evidence_upper_bound(std::span<const double> log_weight) {
  return checked_mean(log_weight, -infinity, "log weight");
}
double negative_log_likelihood(std::span<const double> log_prob) {
  return -checked_mean(log_prob, infinity, "log_prob");
}

}  // namespace boltzflow
