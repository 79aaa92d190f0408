// SPDX-License-Identifier: MIT
#include "boltzflow/evaluation/bootstrap.hpp"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <limits>

#include "boltzflow/base/errors.hpp"
#include "boltzflow/base/threads.hpp"

namespace boltzflow {
namespace {

constexpr double rounding = 1e-13;  // of a mean over the replicates, relative

/// cumulative[k] = 2^32 P(count <= k) for a Poisson variable of mean one; above 12 the chance is below 2^-32.
std::array<std::uint64_t, 13> poisson_thresholds() {
  std::array<std::uint64_t, 13> cumulative{};
  double term = std::exp(-1.0), sum = 0;
  for (std::size_t k = 0; k < cumulative.size(); ++k) {
    sum += term;
    term /= static_cast<double>(k + 1);
    cumulative[k] = static_cast<std::uint64_t>(sum * 0x1p32);
  }
  return cumulative;
}

}  // namespace

std::vector<std::uint32_t> bootstrap_indices(std::size_t n_samples, std::size_t n_blocks, RandomStream stream) {
  if (n_samples == 0) throw InputError("there are no samples to resample");
  if (n_samples > std::numeric_limits<std::uint32_t>::max())
    throw InputError(fmt::format("{} samples are more than the bootstrap can number; use fewer than 2^32", n_samples));
  if (n_blocks > n_samples)
    throw InputError(fmt::format("{} samples cannot be cut into {} blocks", n_samples, n_blocks));
  static const auto thresholds = poisson_thresholds();
  const std::size_t n_units = n_blocks == 0 ? n_samples : n_blocks;
  std::vector<std::uint32_t> indices;
  indices.reserve(n_samples + 8 * static_cast<std::size_t>(std::sqrt(n_samples)) + 16);
  while (indices.empty()) {
    for (std::size_t unit = 0; unit < n_units; ++unit) {
      const std::uint32_t word = stream();
      std::size_t count = 0;
      while (count < thresholds.size() && word >= thresholds[count]) ++count;
      if (count == 0) continue;
      const std::size_t begin = n_samples * unit / n_units, end = n_samples * (unit + 1) / n_units;
      for (std::size_t repeat = 0; repeat < count; ++repeat)
        for (std::size_t n = begin; n < end; ++n) indices.push_back(static_cast<std::uint32_t>(n));
    }
  }
  return indices;
}

std::vector<double> bootstrap_errors(int n_replicates, const RandomStream& stream,
                                     const std::function<std::vector<double>(const RandomStream&)>& statistics) {
  if (n_replicates < 2)
    throw InputError(fmt::format("{} bootstrap replicates give no error; use at least 2", n_replicates));
  std::vector<std::vector<double>> replicates(static_cast<std::size_t>(n_replicates));
  parallel_for(n_replicates, 1, [&](std::int64_t begin, std::int64_t end, int) {
    for (std::int64_t r = begin; r < end; ++r)
      replicates[static_cast<std::size_t>(r)] = statistics(stream.child(static_cast<std::uint64_t>(r)));
  });
  const std::size_t n_values = replicates.front().size();
  std::vector<double> errors(n_values);
  for (std::size_t i = 0; i < n_values; ++i) {
    double mean = 0, sum_of_squares = 0;
    for (const auto& values : replicates) mean += values[i] / n_replicates;
    for (const auto& values : replicates) sum_of_squares += (values[i] - mean) * (values[i] - mean);
    double error = std::sqrt(sum_of_squares / (n_replicates - 1));
    if (error < rounding * std::abs(mean)) error = 0;  // the same value in all replicates
    errors[i] = std::isfinite(error) ? error : std::numeric_limits<double>::quiet_NaN();
  }
  return errors;
}

std::vector<double> gathered(std::span<const double> values, std::span<const std::uint32_t> indices) {
  std::vector<double> result(indices.size());
  for (std::size_t n = 0; n < indices.size(); ++n) result[n] = values[indices[n]];
  return result;
}

}  // namespace boltzflow
