// SPDX-License-Identifier: MIT
#include "boltzflow/app/run_observer.hpp"

#include <fmt/format.h>

#include <cmath>

namespace boltzflow {
namespace {

/// The metrics that the live line shows, in this order, where a step has them.
struct Shown {
  const char* metric;
  const char* label;
  enum { plain, percent } kind;
};

constexpr Shown shown[] = {
    {"lambda", "lambda", Shown::plain},          {"entropy", "entropy", Shown::plain},
    {"ess_next", "ESS to next", Shown::percent}, {"ess_target", "ESS", Shown::percent},
    {"log_z_target", "log Z", Shown::plain},
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
    const double* value = find(item.metric);
    if (!value || std::isnan(*value)) continue;
    text += fmt::format("   {} {}", item.label,
                        item.kind == Shown::percent ? fmt::format("{:.1f} %", 100 * *value) : short_number(*value));
  }
  if (const double* count = find("evaluations")) text += fmt::format("   {} energies", count_text(*count));
  return text;
}

void RunObserver::on_step(const StepReport& report) {
  metrics_.append(report.phase, report.step, report.metrics);
  progress_.update(fmt::format("{}   {}", step_text(report), time_.text(report.expected_fraction)));
}

}  // namespace boltzflow
