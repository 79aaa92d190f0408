// SPDX-License-Identifier: MIT
#include "boltzflow/evaluation/free_energy_estimators.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "boltzflow/base/errors.hpp"
#include "boltzflow/base/log_mean_exp.hpp"
#include "boltzflow/evaluation/bootstrap.hpp"

namespace boltzflow {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();

void require_works(std::span<const double> work, const char* direction) {
  if (work.empty()) throw InputError(fmt::format("there are no {} works; at least one is needed", direction));
  for (std::size_t n = 0; n < work.size(); ++n)
    if (!(work[n] > -infinity))
      throw InputError(fmt::format("{} work {} is {}; it must be finite, or +inf for a point outside the other state",
                                   direction, n, work[n]));
}

double log_mean_exp_negative(std::span<const double> work) {
  std::vector<double> negative(work.size());
  std::transform(work.begin(), work.end(), negative.begin(), [](double w) { return -w; });
  return log_mean_exp(negative);
}

/// 1 / (1 + exp(w)), without overflow.
double fermi(double w) { return w > 0 ? std::exp(-w) / (1 + std::exp(-w)) : 1 / (1 + std::exp(w)); }

double log_ratio(std::span<const double> forward, std::span<const double> reverse) {
  return std::log(static_cast<double>(forward.size())) - std::log(static_cast<double>(reverse.size()));
}

struct FermiSums {
  double forward = 0, reverse = 0, forward_squares = 0, reverse_squares = 0;
};

FermiSums fermi_sums(std::span<const double> forward, std::span<const double> reverse, double difference) {
  const double m = log_ratio(forward, reverse);
  FermiSums sums;
  for (const double w : forward) {
    const double f = fermi(w - difference + m);
    sums.forward += f;
    sums.forward_squares += f * f;
  }
  for (const double w : reverse) {
    const double f = fermi(w + difference - m);
    sums.reverse += f;
    sums.reverse_squares += f * f;
  }
  return sums;
}

/// Monotonously rising in the difference, from below zero to above it.
double imbalance(std::span<const double> forward, std::span<const double> reverse, double difference) {
  const FermiSums sums = fermi_sums(forward, reverse, difference);
  return std::log(sums.forward) - std::log(sums.reverse);
}

double bennett_root(std::span<const double> forward, std::span<const double> reverse) {
  // At the ends of this bracket every term of one side is no smaller than every term of the other.
  double low = infinity, high = -infinity;
  for (const double w : forward)
    if (w < infinity) low = std::min(low, w), high = std::max(high, w);
  for (const double w : reverse)
    if (w < infinity) low = std::min(low, -w), high = std::max(high, -w);
  const double m = std::abs(log_ratio(forward, reverse));
  low -= m + 1, high += m + 1;
  // Infinite works shift the balance beyond these ends by the logarithm of their share at most; widen until it turns.
  for (double step = 1; imbalance(forward, reverse, low) > 0; step *= 2) low -= step;
  for (double step = 1; imbalance(forward, reverse, high) < 0; step *= 2) high += step;
  // Regula falsi with halving (Illinois), falling back to bisection; ends when the bracket is two neighbouring numbers.
  double at_low = imbalance(forward, reverse, low), at_high = imbalance(forward, reverse, high);
  for (int iteration = 0; iteration < 400; ++iteration) {
    if (at_low == 0) return low;
    if (at_high == 0) return high;
    double middle = iteration % 3 == 2 ? 0.5 * (low + high) : low - at_low * (high - low) / (at_high - at_low);
    if (!(middle > low && middle < high)) middle = 0.5 * (low + high);
    if (middle == low || middle == high) break;
    const double value = imbalance(forward, reverse, middle);
    if (value < 0) {
      low = middle;
      at_low = value;
      at_high *= 0.5;
    } else {
      high = middle;
      at_high = value;
      at_low *= 0.5;
    }
  }
  return 0.5 * (low + high);
}

double effective_works(std::span<const double> work) {
  const double least = *std::min_element(work.begin(), work.end());
  if (least == infinity) return 0;
  double sum = 0, squares = 0;
  for (const double w : work) {
    const double weight = std::exp(least - w);
    sum += weight;
    squares += weight * weight;
  }
  return sum * sum / squares;
}

double finite_share(std::span<const double> work) {
  return static_cast<double>(std::count_if(work.begin(), work.end(), [](double w) { return w < infinity; })) /
         static_cast<double>(work.size());
}

}  // namespace

double exponential_average_forward(std::span<const double> forward) {
  require_works(forward, "forward");
  return -log_mean_exp_negative(forward);
}

double exponential_average_reverse(std::span<const double> reverse) {
  require_works(reverse, "reverse");
  return log_mean_exp_negative(reverse);
}

Estimate bennett_acceptance_ratio(std::span<const double> forward, std::span<const double> reverse) {
  require_works(forward, "forward");
  require_works(reverse, "reverse");
  const bool no_forward = finite_share(forward) == 0, no_reverse = finite_share(reverse) == 0;
  if (no_forward && no_reverse) return {not_a_number, not_a_number};
  if (no_forward) return {infinity, not_a_number};
  if (no_reverse) return {-infinity, not_a_number};
  const double difference = bennett_root(forward, reverse);
  const FermiSums sums = fermi_sums(forward, reverse, difference);
  const auto n_forward = static_cast<double>(forward.size()), n_reverse = static_cast<double>(reverse.size());
  // Shirts2003: <f^2>/<f>^2 - 1 over either set, divided by its size.
  const double variance = sums.forward_squares / (sums.forward * sums.forward) - 1 / n_forward +
                          sums.reverse_squares / (sums.reverse * sums.reverse) - 1 / n_reverse;
  return {difference, std::sqrt(std::max(0.0, variance))};
}

WorkOverlap work_overlap(std::span<const double> forward, std::span<const double> reverse, double difference) {
  require_works(forward, "forward");
  require_works(reverse, "reverse");
  const FermiSums sums = fermi_sums(forward, reverse, difference);
  // f(forward - F + m) is the share p of B in the mixture of both sets at a point of A, f(reverse + F - m) that of A at
  // one of B: W_A W_B of the overlap matrix's sum_n W_nA W_nB is p (1 - p) / (N_A N_B).
  const auto n_forward = static_cast<double>(forward.size()), n_reverse = static_cast<double>(reverse.size());
  const double products = sums.forward - sums.forward_squares + sums.reverse - sums.reverse_squares;
  return {std::isfinite(difference) ? std::min(1.0, products * (n_forward + n_reverse) / (n_forward * n_reverse)) : 0,
          effective_works(forward), effective_works(reverse), finite_share(forward), finite_share(reverse)};
}

FreeEnergyDifference free_energy_difference(std::span<const double> forward, std::span<const double> reverse,
                                            std::size_t forward_blocks, std::size_t reverse_blocks, int n_replicates,
                                            const RandomStream& stream) {
  const Estimate bennett = bennett_acceptance_ratio(forward, reverse);
  const auto errors = bootstrap_errors(n_replicates, stream, [&](const RandomStream& random) {
    const auto f = gathered(forward, bootstrap_indices(forward.size(), forward_blocks, random.child(0)));
    const auto r = gathered(reverse, bootstrap_indices(reverse.size(), reverse_blocks, random.child(1)));
    return std::vector{exponential_average_forward(f), exponential_average_reverse(r),
                       bennett_acceptance_ratio(f, r).value};
  });
  return {{exponential_average_forward(forward), errors[0]},
          {exponential_average_reverse(reverse), errors[1]},
          {bennett.value, errors[2]},
          bennett.error,
          work_overlap(forward, reverse, bennett.value)};
}

}  // namespace boltzflow
