// SPDX-License-Identifier: MIT
#include "boltzflow/evaluation/transport_metrics.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>

#include "boltzflow/base/errors.hpp"
#include "boltzflow/base/systematic_resampling.hpp"
#include "boltzflow/base/threads.hpp"
#include "boltzflow/evaluation/bootstrap.hpp"
#include "boltzflow/evaluation/random_subsets.hpp"
#include "boltzflow/evaluation/torus_wasserstein.hpp"
#include "boltzflow/evaluation/wasserstein.hpp"

namespace boltzflow {
namespace {

using Indices = std::vector<std::uint32_t>;

const std::array table = {
    MetricEntry{"torus_wasserstein", "T-W2", "rad", 1,
                "2-Wasserstein distance on the torus of all phi and psi, exact for this number of points",
                MetricNeeds::both_torsions, false, MetricFloor::none, nullptr},
    MetricEntry{"torus_wasserstein_reweighted", "T-W2, reweighted", "rad", 1, "the same of samples drawn by weight",
                MetricNeeds::both_torsions, false, MetricFloor::none, nullptr},
    MetricEntry{"distance_wasserstein", "Distance W1", "pm", 1000,
                "Wasserstein distance between the distributions of a pair distance, mean over pairs of atoms",
                MetricNeeds::nothing, false, MetricFloor::none, nullptr},
    MetricEntry{"distance_wasserstein_reweighted", "Distance W1, reweighted", "pm", 1000,
                "the same of samples drawn by weight", MetricNeeds::nothing, false, MetricFloor::none, nullptr},
};

Indices all_of(std::size_t n) {
  Indices indices(n);
  std::iota(indices.begin(), indices.end(), 0);
  return indices;
}

std::vector<std::vector<double>> torsions_of(const FrameColumns& frames, const Indices& indices) {
  std::vector<std::vector<double>> columns;
  for (const auto* torsions : {&frames.phi, &frames.psi})
    for (const auto& column : *torsions) columns.push_back(gathered(column, indices));
  return columns;
}

double torus_distance(const FrameColumns& a, const Indices& of_a, const FrameColumns& b, const Indices& of_b) {
  return torus_wasserstein(torsions_of(a, of_a), torsions_of(b, of_b));
}

double pair_distance_wasserstein(const FrameColumns& a, const Indices& of_a, const FrameColumns& b,
                                 const Indices& of_b) {
  const auto chosen = [](const std::vector<float>& column, const Indices& indices) {
    std::vector<double> values;
    for (const std::uint32_t n : indices) values.push_back(static_cast<double>(column[n]));
    return values;
  };
  double sum = 0;
  for (std::size_t pair = 0; pair < a.distances.size(); ++pair)
    sum += wasserstein_distance(chosen(a.distances[pair], of_a), {}, chosen(b.distances[pair], of_b), {}, 1);
  return sum / static_cast<double>(a.distances.size());
}

using Distance = double (*)(const FrameColumns&, const Indices&, const FrameColumns&, const Indices&);

Estimate mean_and_deviation(const std::vector<double>& values) {
  const auto n = static_cast<double>(values.size());
  const double mean = std::accumulate(values.begin(), values.end(), 0.0) / n;
  double squares = 0;
  for (const double value : values) squares += (value - mean) * (value - mean);
  return {mean, values.size() < 2 ? std::numeric_limits<double>::quiet_NaN() : std::sqrt(squares / (n - 1))};
}

/// Subsets of samples and reference, and the distances between them.
class SubsetComparison {
 public:
  SubsetComparison(const EvaluationInput& input, std::span<const double> weight, std::size_t n_reference,
                   std::size_t n_points, int n_draws, const RandomStream& stream)
      : samples_(input.samples),
        reference_(*input.reference),
        weight_(weight),
        n_reference_(n_reference),
        n_points_(n_points),
        n_draws_(static_cast<std::size_t>(n_draws)),
        stream_(stream) {}

  MetricValue compare(const MetricEntry& metric, Distance distance, bool reweighted, std::size_t which) const {
    std::vector<double> values(n_draws_), replicates(n_draws_), floors(n_draws_);
    parallel_for(static_cast<std::int64_t>(3 * n_draws_), 1, [&](std::int64_t begin, std::int64_t end, int) {
      for (auto task = static_cast<std::size_t>(begin); task < static_cast<std::size_t>(end); ++task) {
        const std::size_t draw = task / 3;
        const RandomStream random = stream_.child(which).child(task);
        if (task % 3 == 0) {
          values[draw] = distance(samples_, samples_of(all_of(weight_.size()), reweighted, random.child(0)), reference_,
                                  random_subset(all_of(n_reference_), n_points_, random.child(1)));
        } else if (task % 3 == 1) {
          replicates[draw] = distance(
              samples_, samples_of(replicate(weight_.size(), 0, random.child(2)), reweighted, random.child(0)),
              reference_,
              random_subset(replicate(n_reference_, reference_.n_blocks, random.child(3)), n_points_, random.child(1)));
        } else {
          const auto [first, second] = random_halves(n_reference_, reference_.n_blocks, random.child(0));
          floors[draw] = distance(reference_, random_subset(first, n_points_, random.child(1)), reference_,
                                  random_subset(second, n_points_, random.child(2)));
        }
      }
    });
    MetricValue result{&metric, 0, {mean_and_deviation(values).value, mean_and_deviation(replicates).error}, {}};
    result.floor = mean_and_deviation(floors);
    result.n_points = n_points_;
    return result;
  }

 private:
  /// A bootstrap replicate that has n_points at least: whole copies are joined until it does.
  Indices replicate(std::size_t n, std::size_t n_blocks, const RandomStream& random) const {
    Indices indices;
    for (std::uint64_t copy = 0; indices.size() < n_points_; ++copy) {
      const auto more = bootstrap_indices(n, n_blocks, random.child(copy));
      indices.insert(indices.end(), more.begin(), more.end());
    }
    return indices;
  }

  Indices samples_of(Indices from, bool reweighted, const RandomStream& random) const {
    if (!reweighted) return random_subset(std::move(from), n_points_, random);
    std::vector<double> weight = gathered(weight_, from);
    if (std::all_of(weight.begin(), weight.end(), [](double w) { return w == 0; })) from = all_of(weight_.size());
    weight = gathered(weight_, from);
    RandomStream offset = random;
    Indices drawn = systematic_resampling(weight, n_points_, offset.uniform());
    for (std::uint32_t& n : drawn) n = from[n];
    return drawn;
  }

  const FrameColumns& samples_;
  const ReferenceColumns& reference_;
  std::span<const double> weight_;
  std::size_t n_reference_, n_points_, n_draws_;
  RandomStream stream_;
};

std::size_t distance_count(const FrameColumns& frames, std::size_t n_frames, const char* of) {
  for (std::size_t pair = 0; pair < frames.distances.size(); ++pair)
    if (frames.distances[pair].size() != n_frames)
      throw InputError(fmt::format("{}: pair {} has {} distances for {} frames", of, pair + 1,
                                   frames.distances[pair].size(), n_frames));
  return frames.distances.size();
}

}  // namespace

std::span<const MetricEntry> transport_metrics() { return table; }

std::vector<MetricValue> transport_metric_values(const EvaluationInput& input, std::span<const double> weight,
                                                 const EvaluationOptions& options, const RandomStream& stream) {
  std::vector<MetricValue> values;
  if (!input.reference || options.n_transport_points == 0) return values;
  if (options.n_transport_points < 0 || options.n_transport_draws < 1)
    throw InputError(fmt::format("{} points and {} draws were asked for T-W2; use at least 0 and 1",
                                 options.n_transport_points, options.n_transport_draws));
  const ReferenceColumns& reference = *input.reference;
  const std::size_t n_reference = frame_count(reference);
  const std::size_t n_blocks = reference.n_blocks;
  if (n_reference < 2 || n_blocks == 1) return values;
  // The smaller half of the reference: blocks are longer than the quotient by one frame at most.
  const std::size_t smaller_half = n_blocks == 0 ? n_reference / 2 : n_reference / n_blocks * (n_blocks / 2);
  const std::size_t n_points =
      std::min({static_cast<std::size_t>(options.n_transport_points), weight.size(), smaller_half});
  const SubsetComparison subsets(input, weight, n_reference, n_points, options.n_transport_draws, stream);
  if (!input.samples.phi.empty() && !reference.phi.empty())
    for (std::size_t i = 0; i < 2; ++i) values.push_back(subsets.compare(table[i], &torus_distance, i == 1, i));
  const std::size_t n_pairs = distance_count(input.samples, weight.size(), "samples");
  const std::size_t n_reference_pairs = distance_count(reference, n_reference, "reference");
  if (n_pairs == 0 || n_reference_pairs == 0) return values;
  if (n_pairs != n_reference_pairs)
    throw InputError(fmt::format("the samples have {} pair distances, the reference {}", n_pairs, n_reference_pairs));
  for (std::size_t i = 2; i < 4; ++i)
    values.push_back(subsets.compare(table[i], &pair_distance_wasserstein, i == 3, i));
  return values;
}

}  // namespace boltzflow
