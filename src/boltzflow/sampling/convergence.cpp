// SPDX-License-Identifier: MIT
#include "boltzflow/sampling/convergence.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <complex>
#include <limits>
#include <numeric>
#include <vector>

#include "boltzflow/base/errors.hpp"
#include "boltzflow/base/units.hpp"

namespace boltzflow {
namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();

/// Fourier transform in place, unnormalised; the size is a power of two.
void transform(std::vector<std::complex<double>>& a) {
  const std::size_t n = a.size();
  for (std::size_t i = 1, j = 0; i < n; ++i) {
    std::size_t bit = n >> 1;
    for (; j & bit; bit >>= 1) j ^= bit;
    j ^= bit;
    if (i < j) std::swap(a[i], a[j]);
  }
  for (std::size_t length = 2; length <= n; length *= 2) {
    std::vector<std::complex<double>> turn(length / 2);
    for (std::size_t k = 0; k < turn.size(); ++k)
      turn[k] = std::polar(1.0, -2 * pi * static_cast<double>(k) / static_cast<double>(length));
    for (std::size_t begin = 0; begin < n; begin += length) {
      for (std::size_t k = 0; k < length / 2; ++k) {
        const std::complex<double> even = a[begin + k], odd = turn[k] * a[begin + k + length / 2];
        a[begin + k] = even + odd;
        a[begin + k + length / 2] = even - odd;
      }
    }
  }
}

double mean_of(std::span<const double> values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

/// Adds sum_i (x_i - mean)(x_(i+t) - mean) / n to sums[t], for all t below n.
void add_autocovariances(std::span<const double> series, std::vector<double>& sums) {
  const std::size_t n = series.size();
  std::size_t padded = 1;
  while (padded < 2 * n) padded *= 2;
  std::vector<std::complex<double>> a(padded);
  const double mean = mean_of(series);
  for (std::size_t i = 0; i < n; ++i) a[i] = series[i] - mean;
  transform(a);
  for (auto& value : a) value = std::norm(value);
  transform(a);  // of an even function: the inverse but for the factor
  for (std::size_t t = 0; t < n; ++t) sums[t] += a[t].real() / static_cast<double>(padded * n);
}

struct Variances {
  double within, total;  ///< W and var+
};

Variances variances(std::span<const double> values, std::size_t n_chains, std::size_t n) {
  std::vector<double> means;
  double within = 0;
  for (std::size_t c = 0; c < n_chains; ++c) {
    const std::span<const double> chain = values.subspan(c * n, n);
    means.push_back(mean_of(chain));
    for (const double x : chain) within += (x - means.back()) * (x - means.back());
  }
  within /= static_cast<double>(n_chains * (n - 1));
  double between = 0;  // the variance of the means, B / n
  const double mean = mean_of(means);
  for (const double m : means) between += (m - mean) * (m - mean);
  if (n_chains > 1) between /= static_cast<double>(n_chains - 1);
  return {within, static_cast<double>(n - 1) / static_cast<double>(n) * within + between};
}

double split_r_hat(std::span<const double> values, std::size_t n_chains, std::size_t n) {
  const std::size_t half = n / 2;
  std::vector<double> halves;
  for (std::size_t c = 0; c < n_chains; ++c) {
    for (const std::size_t begin : {c * n, (c + 1) * n - half}) {
      const auto first = values.begin() + static_cast<std::ptrdiff_t>(begin);
      halves.insert(halves.end(), first, first + static_cast<std::ptrdiff_t>(half));
    }
  }
  const Variances v = variances(halves, 2 * n_chains, half);
  return std::sqrt(v.total / v.within);
}

double autocorrelation_time(std::span<const double> values, std::size_t n_chains, std::size_t n, const Variances& v) {
  std::vector<double> covariance(n);
  for (std::size_t c = 0; c < n_chains; ++c) add_autocovariances(values.subspan(c * n, n), covariance);
  const double factor = static_cast<double>(n) / static_cast<double>(n_chains * (n - 1));  // so that t = 0 gives W
  const auto rho = [&](std::size_t t) { return 1 - (v.within - factor * covariance[t]) / v.total; };
  double sum = 0, previous = std::numeric_limits<double>::infinity();
  for (std::size_t t = 0; t + 1 < n; t += 2) {
    const double pair = std::min(previous, (t == 0 ? 1 : rho(t)) + rho(t + 1));
    if (!(pair > 0)) break;
    sum += pair;
    previous = pair;
  }
  // Anticorrelated chains may be worth more than their length; the bound is that of the paper's implementations.
  const double n_total = static_cast<double>(n_chains * n);
  return std::max(-1 + 2 * sum, 1 / std::log10(std::max(n_total, 10.0)));
}

}  // namespace

Convergence assess_convergence(std::span<const double> values, int n_chains) {
  if (n_chains < 1 || values.empty() || values.size() % static_cast<std::size_t>(n_chains) != 0)
    throw InputError(fmt::format("convergence: {} values do not make {} chains", values.size(), n_chains));
  const auto chains = static_cast<std::size_t>(n_chains);
  const std::size_t n = values.size() / chains;
  Convergence result{mean_of(values), nan, nan, nan, nan, nan};
  if (n < 4) return result;
  const Variances v = variances(values, chains, n);
  // Equal values leave a variance of rounding.
  if (!(v.total > 1e-28 * result.mean * result.mean) || !(v.within > 0)) return result;
  result.standard_deviation = std::sqrt(v.total);
  result.autocorrelation_time = autocorrelation_time(values, chains, n, v);
  result.effective_samples = static_cast<double>(values.size()) / result.autocorrelation_time;
  result.standard_error = result.standard_deviation / std::sqrt(result.effective_samples);
  result.gelman_rubin = split_r_hat(values, chains, n);
  return result;
}

double integrated_autocorrelation_time(std::span<const double> series) {
  return assess_convergence(series, 1).autocorrelation_time;
}

}  // namespace boltzflow
