// SPDX-License-Identifier: MIT
#include "boltzflow/evaluation/metrics.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>

#include "boltzflow/base/errors.hpp"
#include "boltzflow/base/importance_weights.hpp"
#include "boltzflow/base/units.hpp"
#include "boltzflow/evaluation/evidence_bounds.hpp"
#include "boltzflow/evaluation/forward_effective_sample_size.hpp"
#include "boltzflow/evaluation/free_energy.hpp"
#include "boltzflow/evaluation/log_partition_function.hpp"
#include "boltzflow/evaluation/wasserstein.hpp"
#include "boltzflow/evaluation/weight_filter.hpp"

namespace boltzflow {
namespace {

constexpr double energy_cap_margin = 100;  // RT above the reference's largest energy
constexpr TorsionWindow phi_positive{0, -pi};
// The left-handed helix; beyond it phi > 0 is the extended region reaching over the seam at 180 degrees.
constexpr TorsionWindow phi_left_handed{0, 2.2};

void require_columns(const std::vector<std::vector<double>>& phi, const std::vector<std::vector<double>>& psi,
                     std::size_t n_frames, const char* of) {
  if (phi.size() != psi.size())
    throw InputError(fmt::format("{}: {} columns of phi do not go with {} of psi", of, phi.size(), psi.size()));
  for (std::size_t pair = 0; pair < phi.size(); ++pair)
    if (phi[pair].size() != n_frames || psi[pair].size() != n_frames)
      throw InputError(fmt::format("{}: torsion pair {} has {} phi and {} psi for {} frames", of, pair + 1,
                                   phi[pair].size(), psi[pair].size(), n_frames));
}

double mean(std::span<const double> values, std::span<const double> weight) {
  if (weight.empty()) return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
  double sum = 0;
  for (std::size_t n = 0; n < values.size(); ++n)
    if (weight[n] > 0) sum += weight[n] * values[n];  // a weight of zero goes with an infinite energy
  return sum;
}

template <class Distance>
double mean_over_pairs(const std::vector<CircularHistogram>& expected, const std::vector<CircularHistogram>& flow,
                       const Distance& distance) {
  double sum = 0;
  for (std::size_t pair = 0; pair < flow.size(); ++pair) sum += distance(expected[pair], flow[pair]);
  return sum / static_cast<double>(flow.size());
}

double phi_positive_difference(std::span<const double> phi, std::span<const double> weight, double temperature) {
  const double positive = population(phi, weight, phi_positive);
  return free_energy_difference(positive, 1 - positive, temperature);
}

/// NaN if the weights left out are the only ones.
double filtered_effective_sample_size(std::span<const double> log_weight) {
  const auto kept = drop_largest_log_weights(log_weight, literature_drop_fraction);
  const bool nothing_left = *std::max_element(kept.begin(), kept.end()) == -std::numeric_limits<double>::infinity();
  return nothing_left ? std::numeric_limits<double>::quiet_NaN() : effective_sample_size(kept).fraction;
}

/// Above this no energy counts for more: one clash in 1e4 samples, at 1e19 RT, would otherwise be all of E-W1.
double energy_cap(const MetricData& data) {
  return *std::ranges::max_element(data.reference->reduced_energy) + energy_cap_margin;
}

double capped_energy_distance(const MetricData& data, int order) {
  std::vector<double> energy = data.samples.reduced_energy;
  const double cap = energy_cap(data);
  for (double& u : energy) u = std::min(u, cap);
  return wasserstein_distance(energy, {}, data.reference->reduced_energy, {}, order);
}

double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::ranges::nth_element(values, middle);
  if (values.size() % 2 == 1) return *middle;
  return (*middle + *std::max_element(values.begin(), middle)) / 2;
}

using Data = MetricData;
using enum MetricNeeds;
constexpr auto no_floor = MetricFloor::none;

const std::array
    table =
        {
            MetricEntry{"effective_sample_size", "Reverse ESS", "%", 100,
                        "Kish's effective sample size of the weights, per sample", nothing, false, no_floor,
                        [](const Data& d, std::size_t) { return effective_sample_size(d.log_weight).fraction; }},
            MetricEntry{"effective_sample_size_clipped", "Reverse ESS, clipped", "%", 100,
                        "the same after the largest weights were clipped, as in the literature", nothing, false,
                        no_floor,
                        [](const Data& d, std::size_t) {
                          return effective_sample_size(d.log_weight, d.clip_fraction).fraction;
                        }},
            MetricEntry{"effective_sample_size_filtered", "Reverse ESS, top 0.2 % left out", "%", 100,
                        "the same after the largest 0.2 % of the weights were left out, as in the literature on "
                        "Cartesian flows",
                        nothing, false, no_floor,
                        [](const Data& d, std::size_t) { return filtered_effective_sample_size(d.log_weight); }},
            MetricEntry{
                "forward_effective_sample_size", "Forward ESS", "%", 100,
                "effective sample size seen from the reference: notices lost basins", reference_log_prob, false,
                no_floor,
                [](const Data& d, std::size_t) { return forward_effective_sample_size(d.reference_log_weight); }},
            MetricEntry{"evidence_lower_bound", "ELBO", "nats", 1,
                        "log Z - KL(flow || target); dominated by rare clashes", nothing, false, no_floor,
                        [](const Data& d, std::size_t) { return evidence_lower_bound(d.log_weight); }},
            MetricEntry{"median_log_weight", "Median log weight", "nats", 1,
                        "median of -u - log q of the samples: what the ELBO would be about without rare clashes",
                        nothing, false, no_floor, [](const Data& d, std::size_t) { return median(d.log_weight); }},
            MetricEntry{"log_partition_function_reverse", "log Z, from samples", "nats", 1,
                        "from the mean weight of the samples", nothing, false, no_floor,
                        [](const Data& d, std::size_t) { return log_partition_function_reverse(d.log_weight); }},
            MetricEntry{
                "log_partition_function_forward", "log Z, from reference", "nats", 1,
                "from the mean inverse weight of the reference frames", reference_log_prob, false, no_floor,
                [](const Data& d, std::size_t) { return log_partition_function_forward(d.reference_log_weight); }},
            MetricEntry{"evidence_upper_bound", "EUBO", "nats", 1, "log Z + KL(target || flow); lower is better",
                        reference_log_prob, false, no_floor,
                        [](const Data& d, std::size_t) { return evidence_upper_bound(d.reference_log_weight); }},
            MetricEntry{"negative_log_likelihood", "NLL", "nats", 1, "mean of -log q over the reference",
                        reference_log_prob, false, no_floor,
                        [](const Data& d, std::size_t) { return negative_log_likelihood(d.reference_log_prob); }},
            MetricEntry{"mean_reduced_energy", "Mean energy, reweighted", "RT", 1,
                        "mean reduced energy of the weighted samples", nothing, false, no_floor,
                        [](const Data& d, std::size_t) { return mean(d.samples.reduced_energy, d.weight); }},
            MetricEntry{"mean_reduced_energy_reference", "Mean energy, reference", "RT", 1,
                        "mean reduced energy of the reference", reference_energy, false, no_floor,
                        [](const Data& d, std::size_t) { return mean(d.reference->reduced_energy, {}); }},
            MetricEntry{"energy_wasserstein_1", "E-W1", "RT", 1,
                        "1-Wasserstein distance between reduced energies of samples and reference", reference_energy,
                        false, no_floor,
                        [](const Data& d, std::size_t) {
                          return wasserstein_distance(d.samples.reduced_energy, {}, d.reference->reduced_energy, {}, 1);
                        }},
            MetricEntry{"energy_wasserstein_1_reweighted", "E-W1, reweighted", "RT", 1,
                        "the same of the weighted samples", reference_energy, false, no_floor,
                        [](const Data& d, std::size_t) {
                          return wasserstein_distance(d.samples.reduced_energy, d.weight, d.reference->reduced_energy,
                                                      {}, 1);
                        }},
            MetricEntry{"energy_wasserstein_2", "E-W2", "RT", 1,
                        "2-Wasserstein distance between reduced energies of samples and reference", reference_energy,
                        false, no_floor,
                        [](const Data& d, std::size_t) {
                          return wasserstein_distance(d.samples.reduced_energy, {}, d.reference->reduced_energy, {}, 2);
                        }},
            MetricEntry{"energy_wasserstein_2_reweighted", "E-W2, reweighted", "RT", 1,
                        "the same of the weighted samples", reference_energy, false, no_floor,
                        [](const Data& d, std::size_t) {
                          return wasserstein_distance(d.samples.reduced_energy, d.weight, d.reference->reduced_energy,
                                                      {}, 2);
                        }},
            MetricEntry{"energy_wasserstein_1_capped", "E-W1, capped", "RT", 1,
                        "E-W1 with the samples' energies cut at the reference's largest + 100 RT", reference_energy,
                        false, no_floor, [](const Data& d, std::size_t) { return capped_energy_distance(d, 1); }},
            MetricEntry{"energy_wasserstein_2_capped", "E-W2, capped", "RT", 1,
                        "E-W2 with the samples' energies cut at the reference's largest + 100 RT", reference_energy,
                        false, no_floor, [](const Data& d, std::size_t) { return capped_energy_distance(d, 2); }},
            MetricEntry{"energy_above_cap", "Energy above the cap", "%", 100,
                        "share of the samples with an energy above the reference's largest + 100 RT", reference_energy,
                        false, no_floor,
                        [](const Data& d, std::size_t) {
                          const double cap = energy_cap(d);
                          return static_cast<double>(std::ranges::count_if(d.samples.reduced_energy,
                                                                           [cap](double u) { return u > cap; })) /
                                 static_cast<double>(d.samples.reduced_energy.size());
                        }},
            MetricEntry{"ramachandran_total_variation", "Ramachandran TV", "", 1,
                        "total variation between the torsion histograms of samples and reference, mean over residues",
                        both_torsions, false, MetricFloor::total_variation,
                        [](const Data& d, std::size_t) { return mean_over_pairs(d.expected, d.raw, total_variation); }},
            MetricEntry{
                "ramachandran_total_variation_reweighted", "Ramachandran TV, reweighted", "", 1,
                "the same of the weighted samples", both_torsions, false, MetricFloor::total_variation_reweighted,
                [](const Data& d, std::size_t) { return mean_over_pairs(d.expected, d.reweighted, total_variation); }},
            MetricEntry{"ramachandran_kullback_leibler", "Ramachandran KL", "nats", 1,
                        "KL(reference || samples) of the torsion histograms, mean over residues", both_torsions, false,
                        MetricFloor::kullback_leibler,
                        [](const Data& d,
                           std::size_t) { return mean_over_pairs(d.expected, d.raw, kullback_leibler_divergence); }},
            MetricEntry{
                "ramachandran_kullback_leibler_reweighted", "Ramachandran KL, reweighted", "nats", 1,
                "the same of the weighted samples", both_torsions, false, MetricFloor::kullback_leibler_reweighted,
                [](const Data& d, std::size_t) {
                  return mean_over_pairs(d.expected, d.reweighted, kullback_leibler_divergence);
                }},
            MetricEntry{
                "population_phi_positive", "phi > 0, samples", "%", 100, "share of the samples with phi > 0", torsions,
                true, no_floor,
                [](const Data& d, std::size_t pair) { return population(d.samples.phi[pair], {}, phi_positive); }},
            MetricEntry{"population_phi_positive_reweighted", "phi > 0, reweighted", "%", 100,
                        "share of the weight with phi > 0", torsions, true, no_floor,
                        [](const Data& d, std::size_t pair) {
                          return population(d.samples.phi[pair], d.weight, phi_positive);
                        }},
            MetricEntry{
                "population_phi_positive_reference", "phi > 0, reference", "%", 100,
                "share of the reference with phi > 0", reference_torsions, true, no_floor,
                [](const Data& d, std::size_t pair) { return population(d.reference->phi[pair], {}, phi_positive); }},
            MetricEntry{
                "population_left_handed", "0 < phi < 126 deg, samples", "%", 100,
                "share of the samples in the left-handed basin", torsions, true, no_floor,
                [](const Data& d, std::size_t pair) { return population(d.samples.phi[pair], {}, phi_left_handed); }},
            MetricEntry{"population_left_handed_reweighted", "0 < phi < 126 deg, reweighted", "%", 100,
                        "share of the weight in the left-handed basin", torsions, true, no_floor,
                        [](const Data& d, std::size_t pair) {
                          return population(d.samples.phi[pair], d.weight, phi_left_handed);
                        }},
            MetricEntry{"population_left_handed_reference", "0 < phi < 126 deg, reference", "%", 100,
                        "share of the reference in the left-handed basin", reference_torsions, true, no_floor,
                        [](const Data& d, std::size_t pair) {
                          return population(d.reference->phi[pair], {}, phi_left_handed);
                        }},
            MetricEntry{"free_energy_difference", "F(phi > 0) - F(phi < 0), samples", "kJ/mol", 1,
                        "-RT ln of the ratio of populations", torsions, true, no_floor,
                        [](const Data& d, std::size_t pair) {
                          return phi_positive_difference(d.samples.phi[pair], {}, d.temperature);
                        }},
            MetricEntry{"free_energy_difference_reweighted", "F(phi > 0) - F(phi < 0), reweighted", "kJ/mol", 1,
                        "the same of the weighted samples", torsions, true, no_floor,
                        [](const Data& d, std::size_t pair) {
                          return phi_positive_difference(d.samples.phi[pair], d.weight, d.temperature);
                        }},
            MetricEntry{"free_energy_difference_reference", "F(phi > 0) - F(phi < 0), reference", "kJ/mol", 1,
                        "the same of the reference", reference_torsions, true, no_floor,
                        [](const Data& d, std::size_t pair) {
                          return phi_positive_difference(d.reference->phi[pair], {}, d.temperature);
                        }},
};

}  // namespace

MetricData::MetricData(const FrameColumns& samples_, const ReferenceColumns* reference_, double temperature_,
                       const EvaluationOptions& options)
    : samples(samples_),
      reference(reference_),
      temperature(temperature_),
      clip_fraction(options.clip_fraction),
      log_weight(log_importance_weights(samples.log_prob, samples.reduced_energy)),
      weight(normalized_weights(
          clip_log_weights(drop_largest_log_weights(log_weight, options.drop_fraction), options.clip_fraction))) {
  require_columns(samples.phi, samples.psi, log_weight.size(), "samples");
  for (std::size_t pair = 0; pair < samples.phi.size(); ++pair) {
    raw.push_back(torus_histogram(samples.phi[pair], samples.psi[pair], {}, options.n_bins));
    reweighted.push_back(torus_histogram(samples.phi[pair], samples.psi[pair], weight, options.n_bins));
  }
  if (reference == nullptr) return;
  const std::size_t n_frames = frame_count(*reference);
  if (n_frames == 0) throw InputError("the reference has no frames");
  const auto fits = [&](std::size_t size) { return size == 0 || size == n_frames; };
  if (!fits(reference->log_prob.size()) || !fits(reference->reduced_energy.size()) ||
      !fits(reference->representable.size()))
    throw InputError(fmt::format(
        "reference: {} values of log_prob, {} reduced energies, {} of representable for {} frames",
        reference->log_prob.size(), reference->reduced_energy.size(), reference->representable.size(), n_frames));
  require_columns(reference->phi, reference->psi, n_frames, "reference");
  if (!reference->phi.empty() && !samples.phi.empty() && reference->phi.size() != samples.phi.size())
    throw InputError(
        fmt::format("the samples have {} torsion pairs, the reference {}", samples.phi.size(), reference->phi.size()));
  for (std::size_t n = 0; n < reference->reduced_energy.size(); ++n)
    if (!(std::abs(reference->reduced_energy[n]) < std::numeric_limits<double>::infinity()))
      throw InputError(fmt::format("the reduced energy of reference frame {} is {}; it must be finite", n,
                                   reference->reduced_energy[n]));
  for (std::size_t pair = 0; pair < reference->phi.size(); ++pair)
    expected.push_back(torus_histogram(reference->phi[pair], reference->psi[pair], {}, options.n_bins));
  if (reference->log_prob.empty() || reference->reduced_energy.empty()) return;
  for (std::size_t n = 0; n < n_frames; ++n) {
    if (!reference->representable.empty() && !reference->representable[n]) continue;
    reference_log_prob.push_back(reference->log_prob[n]);
    reference_log_weight.push_back(-reference->reduced_energy[n] - reference->log_prob[n]);
  }
}

std::size_t frame_count(const ReferenceColumns& reference) {
  return std::max({reference.log_prob.size(), reference.reduced_energy.size(),
                   reference.phi.empty() ? std::size_t{0} : reference.phi.front().size()});
}

std::span<const MetricEntry> metrics() { return table; }

bool is_available(const MetricEntry& metric, const MetricData& data) {
  switch (metric.needs) {
    case nothing:
      return true;
    case reference_energy:
      return data.reference != nullptr && !data.reference->reduced_energy.empty();
    case reference_log_prob:
      return !data.reference_log_prob.empty();
    case torsions:
      return !data.raw.empty();
    case reference_torsions:
      return !data.expected.empty();
    case both_torsions:
      return !data.raw.empty() && !data.expected.empty();
  }
  return false;
}

}  // namespace boltzflow
