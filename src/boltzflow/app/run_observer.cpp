// SPDX-License-Identifier: MIT
#include "boltzflow/app/run_observer.hpp"

#include <fmt/format.h>

#include <cmath>

namespace boltzflow {
namespace {

/// The metrics that the live line shows, in this order, where a step has them.
struct Shown {
  const char* phase;
  const char* metric;
  const char* label;
  bool is_fraction = false;  ///< shown in per cent
};

constexpr Shown shown[] = {
    {"anneal", "lambda", "lambda"},
    {"anneal", "entropy", "entropy"},
    {"anneal", "ess_next", "ESS to next", true},
    {"refine", "ess_target", "ESS", true},
    {"refine", "log_z_target", "log Z"},
    {"fit", "nll", "validation NLL"},
    {"fit", "ess_target", "ESS", true},
    {"match", "loss", "loss"},
    {"match", "validation_loss", "validation"},
    {"regress", "regression_error", "error"},
    {"regress", "nll", "validation NLL"},
    {"regress", "ess_target", "ESS", true},
};

std::string short_number(double value) {
  if (!std::isfinite(value)) return fmt::format("{}", value);
  if (std::abs(value) >= 1e5 || (value != 0 && std::abs(value) < 1e-2)) return fmt::format("{:.1e}", value);
  return std::abs(value) >= 10 ? fmt::format("{:.1f}", value) : fmt::format("{:.2f}", value);
}

}  // namespace

std::string step_text(const StepReport& report) {
  const auto find = [&](const std::string& name) -> const double* {
    for (const auto& [metric, value] : report.metrics)
      if (metric == name) return &value;
    return nullptr;
  };
  std::string text = fmt::format("{}  step {}", report.phase, report.step);
  // An unlimited number of rounds, with a budget of time, is no number to show.
  if (report.expected_steps > 0 && report.expected_steps < 100'000) text += fmt::format("/~{}", report.expected_steps);
  for (const Shown& item : shown) {
    const double* value = item.phase == report.phase ? find(item.metric) : nullptr;
    if (!value || std::isnan(*value)) continue;
    text += fmt::format("   {} {}", item.label,
                        item.is_fraction ? fmt::format("{:.1f} %", 100 * *value) : short_number(*value));
  }
  if (const double* count = find("evaluations")) text += fmt::format("   {} energies", count_text(*count));
  return text;
}

void RunObserver::on_step(const StepReport& report) {
  metrics_.append(report.phase, report.step, report.metrics);
  progress_.update(fmt::format("{}   {}", step_text(report), time_.text(report.expected_fraction)));
}

}  // namespace boltzflow
