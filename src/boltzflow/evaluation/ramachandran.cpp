// SPDX-License-Identifier: MIT
#include "boltzflow/evaluation/ramachandran.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "boltzflow/base/errors.hpp"
#include "boltzflow/base/units.hpp"

namespace boltzflow {
namespace {

std::size_t bin_of(double angle, int n_bins, std::size_t n) {
  if (!std::isfinite(angle)) throw InputError(fmt::format("angle {} is {}; it must be finite", n, angle));
  const double turns = angle / (2 * pi) + 0.5;
  const double fraction = turns - std::floor(turns);  // may round to 1 for angles just below -pi
  return std::min(static_cast<std::size_t>(fraction * n_bins), static_cast<std::size_t>(n_bins) - 1);
}

template <class BinOf>
CircularHistogram histogram(std::size_t n_samples, std::span<const double> weight, int n_bins, std::size_t n_cells,
                            const BinOf& cell_of) {
  if (n_samples == 0) throw InputError("there are no angles to bin");
  if (!weight.empty() && weight.size() != n_samples)
    throw InputError(fmt::format("{} weights do not go with {} angles", weight.size(), n_samples));
  CircularHistogram result{n_bins, std::vector<double>(n_cells)};
  double sum = 0;
  for (std::size_t n = 0; n < n_samples; ++n) {
    const double w = weight.empty() ? 1.0 : weight[n];
    if (!(w >= 0)) throw InputError(fmt::format("weight {} is {}; it must not be negative", n, w));
    result.probability[cell_of(n)] += w;
    sum += w;
  }
  if (!(sum > 0)) throw InputError("all weights are zero; there is nothing to bin");
  for (double& probability : result.probability) probability /= sum;
  return result;
}

void require_same_bins(const CircularHistogram& p, const CircularHistogram& q) {
  if (p.n_bins != q.n_bins || p.probability.size() != q.probability.size())
    throw InputError(
        fmt::format("histograms of {} and {} bins cannot be compared", p.probability.size(), q.probability.size()));
}

}  // namespace

CircularHistogram circle_histogram(std::span<const double> angle, std::span<const double> weight, int n_bins) {
  return histogram(angle.size(), weight, n_bins, static_cast<std::size_t>(n_bins),
                   [&](std::size_t n) { return bin_of(angle[n], n_bins, n); });
}

CircularHistogram torus_histogram(std::span<const double> phi, std::span<const double> psi,
                                  std::span<const double> weight, int n_bins) {
  if (phi.size() != psi.size()) throw InputError(fmt::format("{} phi do not go with {} psi", phi.size(), psi.size()));
  const auto bins = static_cast<std::size_t>(n_bins);
  return histogram(phi.size(), weight, n_bins, bins * bins,
                   [&](std::size_t n) { return bin_of(phi[n], n_bins, n) * bins + bin_of(psi[n], n_bins, n); });
}

double total_variation(const CircularHistogram& p, const CircularHistogram& q) {
  require_same_bins(p, q);
  double sum = 0;
  for (std::size_t i = 0; i < p.probability.size(); ++i) sum += std::abs(p.probability[i] - q.probability[i]);
  return 0.5 * sum;
}

double kullback_leibler_divergence(const CircularHistogram& p, const CircularHistogram& q) {
  require_same_bins(p, q);
  const bool torus = p.probability.size() != static_cast<std::size_t>(p.n_bins);
  const double width = 2 * pi / p.n_bins, area = torus ? width * width : width;
  double sum = 0;
  for (std::size_t i = 0; i < p.probability.size(); ++i)
    sum += p.probability[i] * std::log((p.probability[i] / area + 1e-10) / (q.probability[i] / area + 1e-10));
  return sum;
}

}  // namespace boltzflow
