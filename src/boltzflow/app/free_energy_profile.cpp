// SPDX-License-Identifier: MIT
#include "boltzflow/app/free_energy_profile.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <nlohmann/json.hpp>

#include "boltzflow/app/weighted_samples.hpp"
#include "boltzflow/base/importance_weights.hpp"
#include "boltzflow/base/units.hpp"
#include "boltzflow/evaluation/internal_geometry.hpp"

namespace boltzflow {
namespace {

constexpr double doubtful_effective_samples = 50;  // in a window: relative errors of weights beyond 1 / sqrt(50)
constexpr std::uint64_t profile_stream = 1, difference_stream = 2, raw_stream = 3, reference_stream = 4;

double effective_samples_inside(std::span<const double> angle, std::span<const double> weight, TorsionWindow window) {
  double sum = 0, squares = 0;
  for (std::size_t n = 0; n < angle.size(); ++n) {
    if (!is_inside(window, angle[n])) continue;
    sum += weight[n];
    squares += weight[n] * weight[n];
  }
  return squares > 0 ? sum * sum / squares : 0;
}

nlohmann::ordered_json number(double value) { return std::isfinite(value) ? nlohmann::ordered_json(value) : nullptr; }

std::string number_text(double value) { return std::isfinite(value) ? fmt::format("{:.6g}", value) : ""; }

}  // namespace

ModelFreeEnergies model_free_energies(const TrainedModel& model, const TorsionStates& states,
                                      const std::optional<Frames>& reference, const ModelFreeEnergyOptions& options,
                                      Progress& progress) {
  const MolecularSystem& system = model.generator.system();
  ModelFreeEnergies result;
  result.states = states;
  result.temperature = model.generator.temperature();
  result.clip_fraction = options.clip_fraction;
  const auto begin = std::chrono::steady_clock::now();
  std::vector<double> log_weight, angle[2];
  const auto torsions_of = [&](const std::vector<double>& positions, int which) {
    return torsion_angles<double>(std::span<const double>(positions), system.n_atoms(),
                                  (which == 0 ? system.phi : system.psi)[states.pair]);
  };
  draw_weighted_samples(
      model.generator, *model.potential, options.samples.n_samples, options.samples.seed, options.samples.precision,
      [&](const WeightedSamples& batch) {
        log_weight.insert(log_weight.end(), batch.log_weight.begin(), batch.log_weight.end());
        for (int which = 0; which < 2; ++which) {
          const std::vector<double> values = torsions_of(batch.positions, which);
          angle[which].insert(angle[which].end(), values.begin(), values.end());
        }
        progress.update(fmt::format("free-energy  {} of {} samples", count_text(static_cast<double>(log_weight.size())),
                                    count_text(static_cast<double>(options.samples.n_samples))));
      });
  result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  result.n_samples = log_weight.size();
  result.n_zero_weights = static_cast<std::size_t>(std::ranges::count(log_weight, -INFINITY));
  const std::vector<double> clipped = clip_log_weights(log_weight, options.clip_fraction);
  result.effective_samples = effective_sample_size(clipped).count;
  const std::vector<double> weight = normalized_weights(clipped);
  const std::vector<double>& chosen = angle[states.torsion == "phi" ? 0 : 1];
  result.effective_samples_a = effective_samples_inside(chosen, weight, states.a);
  result.effective_samples_b = effective_samples_inside(chosen, weight, states.b);
  const RandomStream root(static_cast<std::uint64_t>(options.samples.seed), /*stream=*/0x66726565);  // "free"
  const auto counted = [&](std::span<const double> angles, std::span<const double> weights, std::size_t n_blocks,
                           std::uint64_t stream) {
    return counted_free_energy_difference(angles, weights, states.a, states.b, n_blocks, options.n_replicates,
                                          root.child(stream));
  };
  result.difference = counted(chosen, weight, 0, difference_stream);
  result.unweighted = counted(chosen, {}, 0, raw_stream);
  const char* names[] = {"phi", "psi"};
  for (int which = 0; which < 2; ++which)
    result.profiles.push_back({names[which], "model",
                               torsion_profile(angle[which], weight, options.n_bins, 0, options.n_replicates,
                                               root.child(profile_stream).child(static_cast<std::uint64_t>(which)))});
  if (!reference) return result;
  result.n_reference_frames = static_cast<std::size_t>(reference->n_frames);
  result.n_reference_blocks =
      std::min(static_cast<std::size_t>(options.samples.n_reference_blocks), result.n_reference_frames);
  for (int which = 0; which < 2; ++which) {
    const std::vector<double> angles = torsions_of(reference->positions, which);
    result.profiles.push_back({names[which], "reference",
                               torsion_profile(angles, {}, options.n_bins, result.n_reference_blocks,
                                               options.n_replicates, root.child(reference_stream))});
    if (names[which] == states.torsion)
      result.reference = counted(angles, {}, result.n_reference_blocks, reference_stream);
  }
  return result;
}

std::string free_energy_row(const std::string& label, Estimate estimate, double temperature, const std::string& note) {
  const double kt = thermal_energy(temperature);
  std::string row = fmt::format("  {:<26} {:>18} kT {:>18} kJ/mol", label, format_estimate(estimate),
                                format_estimate({kt * estimate.value, kt * estimate.error}));
  if (!note.empty()) row += "   " + note;
  return row + "\n";
}

nlohmann::ordered_json free_energy_json(Estimate estimate, double temperature) {
  const double kt = thermal_energy(temperature);
  return {{"value_kT", number(estimate.value)},
          {"error_kT", number(estimate.error)},
          {"value_kJ_mol", number(kt * estimate.value)},
          {"error_kJ_mol", number(kt * estimate.error)}};
}

std::string to_text(const ModelFreeEnergies& result) {
  std::string text =
      fmt::format("A  {}\nB  {}\n", result.states.text(result.states.a), result.states.text(result.states.b));
  text += fmt::format("{} samples at {:g} K in {:.1f} s, worth {:.0f} independent ones: {:.0f} in A, {:.0f} in B\n",
                      result.n_samples, result.temperature, result.seconds, result.effective_samples,
                      result.effective_samples_a, result.effective_samples_b);
  if (result.n_zero_weights > 0)
    text += fmt::format("{} of them have no finite energy and a weight of zero\n", result.n_zero_weights);
  text += "\nF_B - F_A\n";
  text += free_energy_row("importance-weighted", result.difference, result.temperature,
                          fmt::format("{} energies", result.n_samples));
  text += free_energy_row("the flow, not weighted", result.unweighted, result.temperature);
  if (result.reference)
    text +=
        free_energy_row("counted in the reference", *result.reference, result.temperature,
                        fmt::format("{} frames in {} blocks", result.n_reference_frames, result.n_reference_blocks));
  if (std::min(result.effective_samples_a, result.effective_samples_b) < doubtful_effective_samples)
    text +=
        fmt::format("\nwarning: a window holds fewer than {:g} effective samples; its error is itself not known well\n",
                    doubtful_effective_samples);
  for (const NamedProfile& profile : result.profiles) {
    if (profile.torsion != result.states.torsion || profile.source != "model") continue;
    text += fmt::format("\n{} of {}\n      rad      deg        kT\n", profile.torsion, result.states.residue);
    for (std::size_t bin = 0; bin < profile.profile.angle.size(); ++bin)
      text += fmt::format(
          "  {:7.3f}  {:7.1f}   {}\n", profile.profile.angle[bin], profile.profile.angle[bin] * 180 / pi,
          std::isfinite(profile.profile.free_energy[bin].value) ? format_estimate(profile.profile.free_energy[bin])
                                                                : "no weight");
  }
  return text;
}

nlohmann::ordered_json profile_json(const std::vector<NamedProfile>& profiles) {
  auto document = nlohmann::ordered_json::array();
  for (const NamedProfile& named : profiles) {
    nlohmann::ordered_json entry{
        {"torsion", named.torsion}, {"source", named.source}, {"angle_rad", named.profile.angle}};
    entry["free_energy_kT"] = nlohmann::ordered_json::array();
    entry["error_kT"] = nlohmann::ordered_json::array();
    for (const Estimate& f : named.profile.free_energy) {
      entry["free_energy_kT"].push_back(number(f.value));
      entry["error_kT"].push_back(number(f.error));
    }
    document.push_back(std::move(entry));
  }
  return document;
}

nlohmann::ordered_json to_json(const ModelFreeEnergies& result) {
  const TorsionStates& states = result.states;
  nlohmann::ordered_json document{{"torsion", states.torsion},
                                  {"residue", states.residue},
                                  {"window_a", {states.a.begin, states.a.end}},
                                  {"window_b", {states.b.begin, states.b.end}},
                                  {"temperature", result.temperature},
                                  {"n_samples", result.n_samples},
                                  {"n_energies", result.n_samples},
                                  {"n_zero_weights", result.n_zero_weights},
                                  {"clip_fraction", result.clip_fraction},
                                  {"seconds", result.seconds},
                                  {"effective_samples", result.effective_samples},
                                  {"effective_samples_a", result.effective_samples_a},
                                  {"effective_samples_b", result.effective_samples_b},
                                  {"difference", free_energy_json(result.difference, result.temperature)},
                                  {"difference_unweighted", free_energy_json(result.unweighted, result.temperature)}};
  if (result.reference) {
    document["difference_reference"] = free_energy_json(*result.reference, result.temperature);
    document["n_reference_frames"] = result.n_reference_frames;
    document["n_reference_blocks"] = result.n_reference_blocks;
  }
  document["profiles"] = profile_json(result.profiles);
  return document;
}

std::string profile_csv(const std::vector<NamedProfile>& profiles, double temperature) {
  const double kt = thermal_energy(temperature);
  std::string text = "torsion,source,angle_rad,angle_deg,free_energy_kT,error_kT,free_energy_kJ_mol,error_kJ_mol\n";
  for (const NamedProfile& named : profiles)
    for (std::size_t bin = 0; bin < named.profile.angle.size(); ++bin) {
      const Estimate f = named.profile.free_energy[bin];
      text += fmt::format("{},{},{:.6f},{:.3f},{},{},{},{}\n", named.torsion, named.source, named.profile.angle[bin],
                          named.profile.angle[bin] * 180 / pi, number_text(f.value), number_text(f.error),
                          number_text(kt * f.value), number_text(kt * f.error));
    }
  return text;
}

}  // namespace boltzflow
