// SPDX-License-Identifier: MIT
#pragma once
#include <cmath>
#include <vector>

#include "boltzflow/base/random.hpp"
#include "boltzflow/base/units.hpp"

namespace boltzflow {

/// A target exp(-u(x)) = exp(log_z) N(x; 0, 1) and a flow q = N(x; 0, deviation^2) in one dimension: everything has a
/// closed form.
struct GaussianProblem {
  double log_z = -3.0, deviation = 1.2;

  double reduced_energy(double x) const { return 0.5 * x * x + 0.5 * std::log(2 * pi) - log_z; }
  double log_prob(double x) const {
    return -0.5 * x * x / (deviation * deviation) - 0.5 * std::log(2 * pi) - std::log(deviation);
  }
  double log_weight(double x) const { return -reduced_energy(x) - log_prob(x); }

  /// 1 / E_q[(p/q)^2], with E_q[(p/q)^2] = s^2 / sqrt(2 s^2 - 1)
  double ess_fraction() const {
    const double variance = deviation * deviation;
    return std::sqrt(2 * variance - 1) / variance;
  }
  /// KL(p || q) and KL(q || p)
  double forward_divergence() const { return std::log(deviation) + 0.5 / (deviation * deviation) - 0.5; }
  double reverse_divergence() const { return -std::log(deviation) + 0.5 * deviation * deviation - 0.5; }

  std::vector<double> flow_samples(std::size_t n, RandomStream random) const {
    std::vector<double> x(n);
    for (double& value : x) value = deviation * random.normal();
    return x;
  }
  std::vector<double> target_samples(std::size_t n, RandomStream random) const {
    std::vector<double> x(n);
    for (double& value : x) value = random.normal();
    return x;
  }
  std::vector<double> log_weights(const std::vector<double>& x) const {
    std::vector<double> result;
    for (const double value : x) result.push_back(log_weight(value));
    return result;
  }
};

}  // namespace boltzflow
