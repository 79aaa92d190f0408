// SPDX-License-Identifier: MIT
#include "boltzflow/evaluation/finite_sample_floor.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>
#include <random>
#include <vector>

#include "boltzflow/base/errors.hpp"
#include "boltzflow/base/units.hpp"

namespace boltzflow {
namespace {

constexpr double largest_exact_mean = 40;

/// E|N(mean, deviation^2)|
double mean_absolute_normal(double mean, double deviation) {
  const double z = mean / deviation;
  return deviation * std::sqrt(2 / pi) * std::exp(-0.5 * z * z) + mean * std::erf(z / std::sqrt(2.0));
}

/// P(count = k), k = 0 .. beyond it lies less than 1e-9.
std::vector<double> poisson_probabilities(double mean) {
  std::vector<double> probability(static_cast<std::size_t>(mean + 7 * std::sqrt(mean) + 12));
  double term = std::exp(-mean);
  for (std::size_t k = 0; k < probability.size(); ++k) {
    probability[k] = term;
    term *= mean / static_cast<double>(k + 1);
  }
  return probability;
}

/// E|X / n - Y / m| of one bin.
double expected_difference(double p, double n, double m) {
  if (n * p > m * p) std::swap(n, m);  // n p is the smaller mean
  if (n * p > largest_exact_mean) return mean_absolute_normal(0, std::sqrt(p / n + p / m));
  const auto first = poisson_probabilities(n * p);
  double sum = 0;
  if (m * p > largest_exact_mean) {
    for (std::size_t k = 0; k < first.size(); ++k)
      sum += first[k] * mean_absolute_normal(static_cast<double>(k) / n - p, std::sqrt(p / m));
    return sum;
  }
  const auto second = poisson_probabilities(m * p);
  for (std::size_t k = 0; k < first.size(); ++k)
    for (std::size_t l = 0; l < second.size(); ++l)
      sum += first[k] * second[l] * std::abs(static_cast<double>(k) / n - static_cast<double>(l) / m);
  return sum;
}

/// The torus histogram with every bin spread over its neighbours by 1/4, 1/2, 1/4 along both angles.
CircularHistogram smoothed(const CircularHistogram& histogram) {
  const auto n = static_cast<std::size_t>(histogram.n_bins);
  CircularHistogram along_psi = histogram, result = histogram;
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = 0; j < n; ++j) {
      const double* row = &histogram.probability[i * n];
      along_psi.probability[i * n + j] = 0.25 * row[(j + n - 1) % n] + 0.5 * row[j] + 0.25 * row[(j + 1) % n];
    }
  const auto& p = along_psi.probability;
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = 0; j < n; ++j)
      result.probability[i * n + j] =
          0.25 * p[(i + n - 1) % n * n + j] + 0.5 * p[i * n + j] + 0.25 * p[(i + 1) % n * n + j];
  return result;
}

CircularHistogram drawn(const CircularHistogram& from, double n_samples, RandomStream& stream) {
  CircularHistogram result{from.n_bins, std::vector<double>(from.probability.size())};
  double sum = 0;
  while (sum == 0) {  // less than one draw is expected to be empty at times
    for (std::size_t i = 0; i < result.probability.size(); ++i) {
      const double mean = from.probability[i] * n_samples;
      if (mean > 0)
        sum += result.probability[i] = static_cast<double>(std::poisson_distribution<std::int64_t>(mean)(stream));
    }
  }
  for (double& p : result.probability) p /= sum;
  return result;
}

Estimate mean_and_deviation(const std::vector<double>& values) {
  const auto n = static_cast<double>(values.size());
  const double mean = std::accumulate(values.begin(), values.end(), 0.0) / n;
  double sum_of_squares = 0;
  for (const double value : values) sum_of_squares += (value - mean) * (value - mean);
  return {mean, values.size() < 2 ? std::numeric_limits<double>::quiet_NaN() : std::sqrt(sum_of_squares / (n - 1))};
}

/// The size at which halves are expected to be `distance` apart, at most n_frames; by bisection, the expectation falls
/// with size.
double matching_size(std::span<const double> probability, double distance, double n_frames) {
  const auto halves_apart = [&](double size) { return expected_total_variation(probability, size / 2, size / 2); };
  if (halves_apart(n_frames) >= distance) return n_frames;
  double low = std::log(1.0), high = std::log(n_frames);
  for (int step = 0; step < 14; ++step) {
    const double middle = 0.5 * (low + high);
    (halves_apart(std::exp(middle)) > distance ? low : high) = middle;
  }
  return std::exp(0.5 * (low + high));
}

}  // namespace

ReferenceHalves split_reference(std::span<const double> phi, std::span<const double> psi, std::size_t n_blocks,
                                int n_bins, int n_splits, const RandomStream& stream) {
  const std::size_t n_frames = phi.size(), n_units = n_blocks == 0 ? n_frames : n_blocks;
  if (n_units < 2 || n_units > n_frames)
    throw InputError(
        fmt::format("a reference of {} frames in {} blocks cannot be split into halves", n_frames, n_blocks));
  if (n_splits < 1)
    throw InputError(fmt::format("{} splits of the reference were asked for; use at least 1", n_splits));
  std::vector<double> total_variations, divergences;
  for (int split = 0; split < n_splits; ++split) {
    RandomStream random = stream.child(static_cast<std::uint64_t>(split));
    std::vector<std::size_t> order(n_units);
    std::iota(order.begin(), order.end(), 0);
    for (std::size_t i = n_units - 1; i > 0; --i) std::swap(order[i], order[random.below(i + 1)]);
    std::vector<double> half_phi[2], half_psi[2];
    for (std::size_t i = 0; i < n_units; ++i) {
      const int half = i < n_units / 2 ? 0 : 1;
      const std::size_t begin = n_frames * order[i] / n_units, end = n_frames * (order[i] + 1) / n_units;
      half_phi[half].insert(half_phi[half].end(), phi.begin() + static_cast<std::ptrdiff_t>(begin),
                            phi.begin() + static_cast<std::ptrdiff_t>(end));
      half_psi[half].insert(half_psi[half].end(), psi.begin() + static_cast<std::ptrdiff_t>(begin),
                            psi.begin() + static_cast<std::ptrdiff_t>(end));
    }
    const auto first = torus_histogram(half_phi[0], half_psi[0], {}, n_bins);
    const auto second = torus_histogram(half_phi[1], half_psi[1], {}, n_bins);
    total_variations.push_back(total_variation(first, second));
    divergences.push_back(kullback_leibler_divergence(first, second));
  }
  ReferenceHalves result{mean_and_deviation(total_variations), mean_and_deviation(divergences), 0};
  result.effective_size = matching_size(smoothed(torus_histogram(phi, psi, {}, n_bins)).probability,
                                        result.total_variation.value, static_cast<double>(n_frames));
  return result;
}

double expected_total_variation(std::span<const double> probability, double n_first, double n_second) {
  std::map<double, int> bins_of;  // a histogram of counts repeats few values many times
  for (const double p : probability)
    if (p > 0) ++bins_of[p];
  double sum = 0;
  for (const auto& [p, n_bins] : bins_of) sum += n_bins * expected_difference(p, n_first, n_second);
  return 0.5 * sum;
}

FiniteSampleFloor finite_sample_floor(const CircularHistogram& reference, double reference_effective_size,
                                      double n_samples, int n_draws, const RandomStream& stream) {
  const CircularHistogram density = smoothed(reference);
  std::vector<double> total_variations, divergences;
  for (int draw = 0; draw < n_draws; ++draw) {
    RandomStream random = stream.child(static_cast<std::uint64_t>(draw));
    const auto as_reference = drawn(density, reference_effective_size, random);
    const auto as_sampler = drawn(density, n_samples, random);
    total_variations.push_back(total_variation(as_reference, as_sampler));
    divergences.push_back(kullback_leibler_divergence(as_reference, as_sampler));
  }
  return {mean_and_deviation(total_variations), mean_and_deviation(divergences)};
}

}  // namespace boltzflow
