// SPDX-License-Identifier: MIT
#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "boltzflow/app/free_energy_perturbation.hpp"
#include "boltzflow/app/free_energy_profile.hpp"

namespace boltzflow {
namespace {

constexpr double least_overlap = 0.06;  // Klimovich2015: 0.03 per element of the overlap matrix

nlohmann::ordered_json number(double value) { return std::isfinite(value) ? nlohmann::ordered_json(value) : nullptr; }

nlohmann::ordered_json map_json(const MapEstimate& map, double temperature) {
  const FreeEnergyDifference& difference = map.difference;
  nlohmann::ordered_json document{
      {"exponential_forward", free_energy_json(map.forward_corrected, temperature)},
      {"exponential_reverse", free_energy_json(map.reverse_corrected, temperature)},
      {"exponential_forward_uncorrected", free_energy_json(difference.forward, temperature)},
      {"exponential_reverse_uncorrected", free_energy_json(difference.reverse, temperature)},
      {"bar", free_energy_json(difference.bennett, temperature)},
      {"bar_theory_error_kT", number(difference.bennett_theory_error)},
      {"mbar_kT", number(map.multistate_bennett)}};
  document["overlap"] = number(difference.overlap.bar);
  document["forward_effective_works"] = difference.overlap.forward_effective_samples;
  document["reverse_effective_works"] = difference.overlap.reverse_effective_samples;
  document["forward_inside"] = difference.overlap.forward_finite;
  document["reverse_inside"] = difference.overlap.reverse_finite;
  return document;
}

std::string overlap_text(const MapEstimate& map) {
  const WorkOverlap& overlap = map.difference.overlap;
  return fmt::format(
      "  overlap {:.3f}; of A {:.1f} % stay inside B, worth {:.1f} works; of B {:.1f} % inside A, worth {:.1f}\n",
      overlap.bar, 100 * overlap.forward_finite, overlap.forward_effective_samples, 100 * overlap.reverse_finite,
      overlap.reverse_effective_samples);
}

std::string map_text(const MapEstimate& map, double kelvin) {
  std::string text =
      free_energy_row("exponential, forward", map.forward_corrected, kelvin) +
      free_energy_row("exponential, reverse", map.reverse_corrected, kelvin) +
      free_energy_row("BAR", map.difference.bennett, kelvin,
                      fmt::format("(theory for independent works: {:.2g})", map.difference.bennett_theory_error));
  if (std::isfinite(map.multistate_bennett))
    text += free_energy_row("MBAR", {map.multistate_bennett, map.difference.bennett.error}, kelvin);
  return text + overlap_text(map);
}

}  // namespace

bool PerturbationResult::trained_is_better() const {
  return trained.difference.overlap.bar > moments.difference.overlap.bar;
}

std::string to_text(const PerturbationResult& result) {
  const double kelvin = result.temperature;
  std::string text;
  for (const std::string& warning : result.warnings) text += "warning: " + warning + "\n";
  text += fmt::format("A  {}: {} frames to fit, {} to estimate\n", result.states.text(result.states.a),
                      result.n_training_a, result.n_estimation_a);
  text += fmt::format("B  {}: {} frames to fit, {} to estimate\n", result.states.text(result.states.b),
                      result.n_training_b, result.n_estimation_b);
  text += fmt::format("{} coordinates, {:g} K\n", result.coordinates, kelvin);
  text += "\nF_B - F_A by means and deviations alone\n" + map_text(result.moments, kelvin);
  text += fmt::format("\nF_B - F_A by the trained map, {} parameters\n", result.n_parameters) +
          map_text(result.trained, kelvin);
  text += fmt::format("\nF_B - F_A, from the {} with the larger overlap\n",
                      result.trained_is_better() ? "trained map, the one" : "means and deviations, the map");
  text += free_energy_row("BAR", result.best().difference.bennett, kelvin);
  text += free_energy_row("counted", result.counted, kelvin, fmt::format("{} frames", result.n_frames));
  text += fmt::format(
      "\ncost: {} pairs by {} assignment{} in {:.2f} s (rms distance {:.2f}, left {:.2f}), training {:.1f} s, "
      "{} energies {:.2f} s, all {:.1f} s\n",
      result.fit.n_pairs, result.fit.n_assignments, result.fit.n_assignments == 1 ? "" : "s",
      result.fit.transport_seconds, result.fit.root_mean_square_distance,
      std::sqrt(result.fit.regression_error * static_cast<double>(result.dimension)), result.fit.training_seconds,
      result.n_energies, result.energy_seconds, result.total_seconds);
  if (!(result.best().difference.overlap.bar >= least_overlap))
    text += fmt::format("\nwarning: an overlap below {:g} is too little to trust a difference and its error\n",
                        least_overlap);
  return text;
}

nlohmann::ordered_json to_json(const PerturbationResult& result) {
  const double kelvin = result.temperature;
  const TorsionStates& states = result.states;
  nlohmann::ordered_json document{{"torsion", states.torsion},
                                  {"residue", states.residue},
                                  {"window_a", {states.a.begin, states.a.end}},
                                  {"window_b", {states.b.begin, states.b.end}},
                                  {"temperature", kelvin},
                                  {"coordinates", result.coordinates},
                                  {"n_frames", result.n_frames},
                                  {"n_training_a", result.n_training_a},
                                  {"n_training_b", result.n_training_b},
                                  {"n_estimation_a", result.n_estimation_a},
                                  {"n_estimation_b", result.n_estimation_b},
                                  {"n_parameters", result.n_parameters}};
  document["map"] = result.trained_is_better() ? "trained" : "moments";
  document["difference"] = free_energy_json(result.best().difference.bennett, kelvin);
  document["moments"] = map_json(result.moments, kelvin);
  document["trained"] = map_json(result.trained, kelvin);
  document["counted"] = free_energy_json(result.counted, kelvin);
  document["n_pairs"] = result.fit.n_pairs;
  document["n_assignments"] = result.fit.n_assignments;
  document["pair_distance"] = result.fit.root_mean_square_distance;
  document["regression_error"] = result.fit.regression_error;
  document["n_energies"] = result.n_energies;
  document["seconds"] = {{"transport", result.fit.transport_seconds},
                         {"training", result.fit.training_seconds},
                         {"energies", result.energy_seconds},
                         {"total", result.total_seconds}};
  document["warnings"] = result.warnings;
  return document;
}

std::string works_csv(const PerturbationResult& result) {
  std::string text = "map,direction,work_kT\n";
  const auto rows = [&](const char* name, const MapEstimate& map) {
    for (const double work : map.forward) text += fmt::format("{},forward,{:.8g}\n", name, work);
    for (const double work : map.reverse) text += fmt::format("{},reverse,{:.8g}\n", name, work);
  };
  rows("moments", result.moments);
  rows("trained", result.trained);
  return text;
}

}  // namespace boltzflow
