// SPDX-License-Identifier: MIT
#include "boltzflow/training/cmt_dual.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "boltzflow/base/errors.hpp"
#include "boltzflow/base/instruction_set.hpp"
#include "boltzflow/base/threads.hpp"
#include "boltzflow/training/kernels/dual_kernels.hpp"

namespace boltzflow {
namespace {

constexpr double largest_multiplier = 1e13;
constexpr std::int64_t block_size = 4096;  // partial sums in this order, whatever the number of threads

struct ValueAndSlope {
  double value, slope;
};

/// The root of a falling function with function(low) > 0 >= function(high): Newton, with bisection where Newton leaves
/// the bracket or gains less than half.
template <class Function>
double falling_root(Function&& function, double low, double high, double x, double tolerance) {
  double previous = std::numeric_limits<double>::infinity();
  if (!(x > low && x < high)) x = 0.5 * (low + high);
  for (int iteration = 0; iteration < 200; ++iteration) {
    const auto [value, slope] = function(x);
    if (std::abs(value) <= tolerance) return x;
    (value > 0 ? low : high) = x;
    if (high - low <= 4e-16 * std::max(std::abs(low), std::abs(high))) break;
    double next = x - value / slope;
    const bool gained = std::abs(value) < 0.5 * previous;
    if (!gained || !(next > low && next < high)) next = 0.5 * (low + high);
    previous = std::abs(value);
    x = next;
  }
  return high;  // the side where the constraint holds
}

}  // namespace

/// W-weighted moments at (eta, s), with a relative to its maximum and l centred.
struct CmtDual::Moments {
  double scale;
  double log_mean_weight;  ///< log mean e^(a - max a)
  double mean_a, mean_l, variance_a, variance_l, covariance;
  double ess;

  double kl() const { return mean_a - log_mean_weight; }
  double entropy_change() const { return kl() + mean_l; }  ///< H(q_i) - H(q_{i+1}), as mean log_prob is 0
};

CmtDual::CmtDual(std::span<const double> log_prob, std::span<const double> reduced_energy) {
  if (log_prob.size() != reduced_energy.size())
    throw InputError("the dual needs one reduced energy for every log_prob");
  double sum = 0;
  smallest_energy_ = std::numeric_limits<double>::infinity();
  for (std::size_t n = 0; n < log_prob.size(); ++n) {
    if (!std::isfinite(log_prob[n]) || !std::isfinite(reduced_energy[n])) {
      ++n_dropped_;
      continue;
    }
    log_prob_.push_back(log_prob[n]);
    reduced_energy_.push_back(reduced_energy[n]);
    sum += log_prob[n];
    smallest_energy_ = std::min(smallest_energy_, reduced_energy[n]);
  }
  if (log_prob_.empty()) throw InputError("not one sample has a finite log_prob and a finite reduced energy");
  mean_log_prob_ = sum / static_cast<double>(log_prob_.size());
  for (double& l : log_prob_) l -= mean_log_prob_;
  for (double& u : reduced_energy_) u -= smallest_energy_;
  exponent_.resize(log_prob_.size());
}

CmtDual::Moments CmtDual::moments(double eta, double scale) {
  const std::int64_t n = n_samples(), n_blocks = (n + block_size - 1) / block_size;
  if (eta != exponent_eta_) {
    std::vector<double> maxima(n_blocks, -std::numeric_limits<double>::infinity());
    const auto for_blocks = [&](auto&& body) {
      parallel_for(n_blocks, 1, [&](std::int64_t begin, std::int64_t end, int) {
        for (std::int64_t block = begin; block < end; ++block)
          for (std::int64_t i = block * block_size; i < std::min(n, (block + 1) * block_size); ++i) body(block, i);
      });
    };
    for_blocks([&](std::int64_t block, std::int64_t i) {
      exponent_[i] = -reduced_energy_[i] - (1 + eta) * log_prob_[i];
      maxima[block] = std::max(maxima[block], exponent_[i]);
    });
    exponent_maximum_ = *std::max_element(maxima.begin(), maxima.end());
    for_blocks([&](std::int64_t, std::int64_t i) { exponent_[i] -= exponent_maximum_; });
    exponent_eta_ = eta;
  }
  std::vector<DualSums> partial(n_blocks);
  const auto dual_sums = for_this_cpu(&baseline::dual_sums, &avx2::dual_sums, &avx512::dual_sums);
  parallel_for(n_blocks, 1, [&](std::int64_t begin, std::int64_t end, int) {
    for (std::int64_t block = begin; block < end; ++block) {
      const std::int64_t first = block * block_size;
      partial[block] =
          dual_sums(exponent_.data() + first, log_prob_.data() + first, std::min(block_size, n - first), 1 / scale);
    }
  });
  DualSums sums;
  for (const DualSums& block : partial) {
    sums.weight += block.weight;
    sums.weight_squared += block.weight_squared;
    sums.a += block.a;
    sums.a_squared += block.a_squared;
    sums.l += block.l;
    sums.l_squared += block.l_squared;
    sums.a_l += block.a_l;
  }
  const double count = static_cast<double>(n), mean_a = sums.a / sums.weight, mean_l = sums.l / sums.weight;
  return {.scale = scale,
          .log_mean_weight = std::log(sums.weight / count),
          .mean_a = mean_a,
          .mean_l = mean_l,
          .variance_a = std::max(0.0, sums.a_squared / sums.weight - mean_a * mean_a),
          .variance_l = std::max(0.0, sums.l_squared / sums.weight - mean_l * mean_l),
          .covariance = sums.a_l / sums.weight - mean_a * mean_l,
          .ess = sums.weight * sums.weight / (count * sums.weight_squared)};
}

CmtDualPoint CmtDual::point(double eta, const Moments& m, double lambda) const {
  CmtDualPoint point;
  point.lambda = lambda;
  point.eta = eta;
  point.log_z = m.log_mean_weight + (exponent_maximum_ - smallest_energy_ - (1 + eta) * mean_log_prob_) / m.scale;
  point.kl = std::max(0.0, m.kl());
  point.entropy = -mean_log_prob_;
  point.entropy_next = point.entropy - m.entropy_change();
  point.ess_next = m.ess;
  return point;
}

CmtDualPoint CmtDual::at(double lambda, double eta) { return point(eta, moments(eta, 1 + lambda + eta), lambda); }

double CmtDual::scale_of_trust_region(double eta, double trust_region, double guess) {
  const double smallest = 1 + eta;
  if (moments(eta, smallest).kl() <= trust_region) return smallest;
  // log KL is close to linear in log s, and a depends on s alone: d log KL / d log s = -Var_W(a) / KL.
  const auto excess = [&](double log_scale) -> ValueAndSlope {
    const Moments m = moments(eta, std::exp(log_scale));
    const double kl = std::max(m.kl(), 1e-300);
    return {std::log(kl / trust_region), -m.variance_a / kl};
  };
  const double high = std::log(largest_multiplier + smallest);
  if (excess(high).value > 0) return std::exp(high);
  return std::exp(falling_root(excess, std::log(smallest), high, std::log(guess), 1e-13));
}

CmtDualPoint CmtDual::solve(const CmtConstraints& constraints) {
  if (constraints.trust_region && !(*constraints.trust_region > 0)) throw InputError("a trust region must be positive");
  if (constraints.entropy_decrease && !(*constraints.entropy_decrease > 0))
    throw InputError("a bound of the entropy decrease must be positive");

  double scale = 1;
  const auto best_scale = [&](double eta) {
    scale = constraints.trust_region ? scale_of_trust_region(eta, *constraints.trust_region, scale) : 1 + eta;
    return scale;
  };
  const auto result = [&](double eta) {
    const double s = best_scale(eta);
    return point(eta, moments(eta, s), std::max(0.0, s - (1 + eta)));
  };
  if (!constraints.entropy_decrease) return result(0);

  // d/deta max_lambda g = H(q_i) - H(q_{i+1}) - entropy_decrease; its slope by the implicit function theorem, from
  // d2g = -Cov_W((a, a + l)) / s.
  const auto excess = [&](double log_one_plus_eta) -> ValueAndSlope {
    const double eta = std::expm1(log_one_plus_eta), s = best_scale(eta);
    const Moments m = moments(eta, s);
    const double across = m.variance_a + m.covariance, both = across + m.covariance + m.variance_l;
    const bool trust_region_binds = s > 1 + eta;
    const double curvature = trust_region_binds && m.variance_a > 0 ? both - across * across / m.variance_a : both;
    return {m.entropy_change() - *constraints.entropy_decrease, -std::max(curvature, 0.0) / s * (1 + eta)};
  };
  if (excess(0).value <= 0) return result(0);
  const double high = std::log1p(largest_multiplier);
  if (excess(high).value > 0) return result(largest_multiplier);
  const double tolerance = 1e-13 * (1 + std::abs(mean_log_prob_));
  return result(std::expm1(falling_root(excess, 0.0, high, 0.0, tolerance)));
}

}  // namespace boltzflow
