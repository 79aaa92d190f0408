// SPDX-License-Identifier: MIT
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <string_view>

#include "boltzflow/evaluation/plot/figure.hpp"
#include "boltzflow/evaluation/report/html.hpp"
#include "boltzflow/evaluation/report/report_sections.hpp"

namespace boltzflow {
namespace {

using namespace plot;

constexpr double missing = std::numeric_limits<double>::quiet_NaN();

struct Line {
  std::string column;
  Series series;
  std::string name;
  double factor = 1;
};

struct Panel {
  std::string title;
  const char* y_label;
  bool logarithmic;
  bool over_evaluations;  ///< else over annealing steps
  std::vector<Line> lines;
};

double value_of(const HistoryRow& row, std::string_view column) {
  for (const auto& [name, value] : row.metrics)
    if (name == column) return value;
  return missing;
}

/// Shares of basins: every column that has a partner "NAME_reweighted".
std::vector<Line> basin_lines(std::span<const HistoryRow> history) {
  constexpr std::string_view suffix = "_reweighted";
  std::vector<Line> lines;
  for (const auto& [name, value] : history.back().metrics) {
    if (!name.ends_with(suffix)) continue;
    const std::string basin = name.substr(0, name.size() - suffix.size());
    if (std::isnan(value_of(history.back(), basin))) continue;
    lines.push_back({basin, Series::raw, "samples", 100});
    lines.push_back({name, Series::reweighted, "reweighted", 100});
    break;  // the first one; a line each for many residues would be unreadable
  }
  return lines;
}

std::string basin_title(std::span<const HistoryRow> history) {
  const auto lines = basin_lines(history);
  return lines.empty() ? "" : "Share of " + lines.front().column;
}

std::string figure_of(std::span<const HistoryRow> history, const Panel& panel) {
  std::vector<double> x, all;
  std::vector<std::vector<double>> values(panel.lines.size());
  double refinement = missing;
  for (const HistoryRow& row : history) {
    if (!panel.over_evaluations && row.phase != "anneal") continue;
    x.push_back(panel.over_evaluations ? value_of(row, "evaluations") : static_cast<double>(row.step));
    if (row.phase == "refine" && std::isnan(refinement)) refinement = x.back();
    for (std::size_t i = 0; i < panel.lines.size(); ++i) {
      values[i].push_back(panel.lines[i].factor * value_of(row, panel.lines[i].column));
      if (std::isfinite(values[i].back())) all.push_back(values[i].back());
    }
  }
  if (all.empty()) return "";
  Axis x_axis =
      axis_around(panel.over_evaluations ? "target evaluations" : "annealing step", x, panel.over_evaluations);
  Figure figure(x_axis, axis_around(panel.y_label, all, panel.logarithmic), panel.title,
                fmt::format("{} over {}, ending at {:.3g}", panel.title, x_axis.label, all.back()));
  if (panel.over_evaluations) figure.mark(refinement, "refinement");
  for (std::size_t i = 0; i < panel.lines.size(); ++i) {
    const bool is_there = std::any_of(values[i].begin(), values[i].end(), [](double v) { return std::isfinite(v); });
    if (!is_there) continue;
    figure.line(x, values[i], panel.lines[i].series, panel.lines[i].name);
    if (x.size() <= 20) figure.dots(x, values[i], panel.lines[i].series, "");
  }
  return figure.svg();
}

}  // namespace

std::string training_section(std::span<const HistoryRow> history) {
  if (history.empty()) return "";
  const std::array panels = {
      Panel{"Effective sample size to the target",
            "ESS (%)",
            false,
            true,
            {{"ess_target", Series::first, "clipped", 100}, {"ess_target_raw", Series::second, "not clipped", 100}}},
      Panel{"Loss", "mean -log q (nats)", false, true, {{"nll", Series::first, ""}}},
      Panel{basin_title(history), "share (%)", true, true, basin_lines(history)},
      Panel{"Multipliers",
            "lambda, eta",
            true,
            false,
            {{"lambda", Series::first, "lambda"}, {"eta", Series::second, "eta"}}},
      Panel{"Path: q0^(1 - beta) p^(alpha beta)",
            "exponent",
            false,
            false,
            {{"alpha", Series::first, "alpha"}, {"beta", Series::second, "beta"}}},
      Panel{"Entropy",
            "nats",
            false,
            false,
            {{"entropy", Series::first, "of the flow"}, {"entropy_next", Series::second, "of the next target"}}},
      Panel{"Trust region", "KL to the next target (nats)", false, false, {{"kl", Series::first, ""}}},
      Panel{"ESS to the next target", "ESS (%)", false, false, {{"ess_next", Series::first, "", 100}}},
  };
  std::vector<std::string> figures;
  for (const Panel& panel : panels)
    if (std::string svg = panel.lines.empty() ? "" : figure_of(history, panel); !svg.empty())
      figures.push_back(std::move(svg));
  if (figures.empty()) return "";
  return html_section("Training",
                      "How the flow got there: quality over target evaluations, and the annealing path step by step. "
                      "Values of zero have no place on "
                      "a logarithmic axis and are left out.",
                      html_figures(figures));
}

}  // namespace boltzflow
