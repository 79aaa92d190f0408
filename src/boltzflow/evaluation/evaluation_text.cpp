// SPDX-License-Identifier: MIT
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "boltzflow/evaluation/evaluate.hpp"

namespace boltzflow {
namespace {

Estimate displayed(Estimate estimate, double factor) { return {estimate.value * factor, estimate.error * factor}; }

}  // namespace

std::string format_estimate(Estimate estimate, std::string_view plus_minus) {
  const auto [value, error] = estimate;
  if (!std::isfinite(value)) return std::isnan(value) ? "not defined" : value > 0 ? "+inf" : "-inf";
  if (!std::isfinite(error) || error <= 0) return fmt::format("{:.4g}", value);
  int exponent = static_cast<int>(std::floor(std::log10(error)));
  const double first_digits = std::round(error / std::pow(10.0, exponent - 1));  // 10 .. 100
  if (first_digits >= 100) ++exponent;
  const int n_digits = first_digits >= 30 && first_digits < 100 ? 1 : 2;
  const int decimals = std::max(0, n_digits - 1 - exponent);
  if (decimals > 7 || std::abs(value) >= 1e7) return fmt::format("{:.4g} {} {:.2g}", value, plus_minus, error);
  return fmt::format("{:.{}f} {} {:.{}f}", value, decimals, plus_minus, error, decimals);
}

std::string to_text(const Evaluation& evaluation) {
  std::string text = fmt::format("{} samples at {:g} K", evaluation.n_samples, evaluation.temperature);
  if (evaluation.n_zero_weights > 0) text += fmt::format(", {} of infinite energy", evaluation.n_zero_weights);
  if (evaluation.n_reference_frames > 0) {
    text += fmt::format("; reference of {} frames", evaluation.n_reference_frames);
    if (evaluation.n_reference_blocks > 0) text += fmt::format(" in {} blocks", evaluation.n_reference_blocks);
    if (evaluation.representable_fraction < 1)
      text += fmt::format(", {:.4g} % of them representable", 100 * evaluation.representable_fraction);
  }
  if (evaluation.options.drop_fraction > 0)
    text += fmt::format("; without the largest {:g} % of the weights", 100 * evaluation.options.drop_fraction);
  text += "\n\n";
  const bool several_pairs = evaluation.torsion_pair_names.size() > 1;
  for (const MetricValue& value : evaluation.metrics) {
    std::string label = value.metric->label;
    if (value.metric->per_pair && several_pairs) label += ", " + evaluation.torsion_pair_names[value.pair];
    if (value.n_points > 0) label += fmt::format(", {} points", value.n_points);
    const double factor = value.metric->display_factor;
    std::string line =
        fmt::format("{:<38} {:>22} {}", label, format_estimate(displayed(value.estimate, factor)), value.metric->unit);
    if (value.floor) line = fmt::format("{:<70} floor {}", line, format_estimate(displayed(*value.floor, factor)));
    while (line.back() == ' ') line.pop_back();
    text += line + "\n";
  }
  if (evaluation.halves)
    text += fmt::format(
        "\nfloor: what as many independent samples of the target itself would score against this reference\n"
        "(it is worth about {:.2g} independent frames; two halves of it: TV {}, KL {} nats)\n",
        evaluation.halves->effective_size, format_estimate(evaluation.halves->total_variation),
        format_estimate(evaluation.halves->kullback_leibler));
  return text;
}

}  // namespace boltzflow
