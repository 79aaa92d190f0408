// SPDX-License-Identifier: MIT
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "boltzflow/base/errors.hpp"
#include "boltzflow/base/units.hpp"
#include "boltzflow/evaluation/plot/figure.hpp"
#include "boltzflow/evaluation/report/html.hpp"
#include "boltzflow/evaluation/report/report_sections.hpp"
#include "boltzflow/evaluation/weighted_histogram.hpp"

namespace boltzflow {
namespace {

using namespace plot;

constexpr int n_histogram_bins = 40;
constexpr std::size_t n_shown = 3;  // of bonds and of angles

struct Moments {
  double mean, deviation;
};

Moments moments(std::span<const double> values, std::span<const double> weight) {
  double sum = 0, mean = 0, variance = 0;
  for (std::size_t n = 0; n < values.size(); ++n) {
    const double w = weight.empty() ? 1.0 : weight[n];
    sum += w;
    mean += w * values[n];
  }
  mean /= sum;
  for (std::size_t n = 0; n < values.size(); ++n)
    variance += (weight.empty() ? 1.0 : weight[n]) * (values[n] - mean) * (values[n] - mean);
  return {mean, std::sqrt(variance / sum)};
}

struct Comparison {
  const CoordinateColumn* column;
  Moments samples, reweighted, reference;
  /// How far the weighted samples are from the reference: the mean in its standard deviations, and the relative width.
  double shift() const { return (reweighted.mean - reference.mean) / reference.deviation; }
  double size() const { return std::abs(shift()) + std::abs(reweighted.deviation / reference.deviation - 1); }
};

std::string histogram_figure(const Comparison& comparison, std::span<const double> weight) {
  const CoordinateColumn& column = *comparison.column;
  const double factor = column.is_angle ? 180 / pi : 1;
  const auto scaled = [&](std::vector<double> values) {
    for (double& value : values) value *= factor;
    return values;
  };
  const auto samples = scaled(column.samples), reference = scaled(column.reference);
  const Moments& guide = column.reference.empty() ? comparison.samples : comparison.reference;
  const double low = factor * (guide.mean - 4.5 * guide.deviation),
               high = factor * (guide.mean + 4.5 * guide.deviation);
  if (!(low < high)) return "";
  std::vector<double> x, all{0};
  std::vector<std::pair<Series, WeightedHistogram>> curves;
  curves.emplace_back(Series::raw, weighted_histogram(samples, {}, low, high, n_histogram_bins));
  curves.emplace_back(Series::reweighted,
                      weighted_histogram(samples, weight.first(samples.size()), low, high, n_histogram_bins));
  if (!reference.empty())
    curves.emplace_back(Series::reference, weighted_histogram(reference, {}, low, high, n_histogram_bins));
  for (std::size_t bin = 0; bin < std::size_t{n_histogram_bins}; ++bin) x.push_back(curves[0].second.center(bin));
  for (auto& [series, histogram] : curves)
    for (double& p : histogram.probability) all.push_back(p /= histogram.width());
  Axis x_axis{column.is_angle ? "angle (degrees)" : "length (nm)", low, high, false, {}};
  x_axis.ticks = nice_ticks(x_axis, 4);
  Figure figure(x_axis, axis_around(column.is_angle ? "density (1/degree)" : "density (1/nm)", all),
                (column.is_angle ? "Angle " : "Bond ") + column.name,
                fmt::format("Distributions of {}; mean of the weighted samples {:.5g}", column.name,
                            factor * comparison.reweighted.mean));
  for (std::size_t i = curves.size(); i-- > 0;)
    figure.line(x, curves[i].second.probability, curves[i].first,
                curves[i].first == Series::raw          ? "samples"
                : curves[i].first == Series::reweighted ? "reweighted"
                                                        : "reference");
  return figure.svg();
}

std::string overview_figure(const std::vector<Comparison>& comparisons, const char* title) {
  std::vector<double> index, shift, width, all{-0.05, 0.05};
  for (const Comparison& comparison : comparisons) {
    index.push_back(static_cast<double>(index.size() + 1));
    shift.push_back(comparison.shift());
    width.push_back(comparison.reweighted.deviation / comparison.reference.deviation - 1);
    all.push_back(shift.back());
    all.push_back(width.back());
  }
  Axis x{"number, in the order of the internal coordinates", 0, static_cast<double>(index.size()) + 1, false, {}};
  for (const double tick : nice_ticks(x))
    if (tick == std::floor(tick) && tick > 0) x.ticks.push_back(tick);
  Figure figure(
      x, axis_around("difference to the reference", all), title,
      fmt::format(
          "Differences of means and widths of {} coordinates between weighted samples and reference, at most {:.2g}",
          index.size(), *std::max_element(all.begin(), all.end())));
  figure.dots(index, shift, Series::first, "mean (in widths)");
  figure.dots(index, width, Series::second, "width (relative)");
  return figure.svg();
}

}  // namespace

std::string coordinate_section(const ReportInput& input, std::span<const double> weight) {
  std::vector<std::string> overviews, figures;
  bool has_reference = false;
  for (const bool is_angle : {false, true}) {
    std::vector<Comparison> comparisons;
    for (const CoordinateColumn& column : input.coordinates) {
      if (column.is_angle != is_angle || column.samples.empty()) continue;
      if (column.samples.size() > weight.size())
        throw InputError(fmt::format("coordinate {} has {} values for {} samples", column.name, column.samples.size(),
                                     weight.size()));
      Comparison comparison{
          &column, moments(column.samples, {}), moments(column.samples, weight.first(column.samples.size())), {}};
      if (!column.reference.empty()) {
        comparison.reference = moments(column.reference, {});
        has_reference = true;
      }
      comparisons.push_back(comparison);
    }
    if (comparisons.empty()) continue;
    if (has_reference) {
      overviews.push_back(overview_figure(comparisons, is_angle ? "All angles" : "All bonds"));
      std::stable_sort(comparisons.begin(), comparisons.end(),
                       [](const Comparison& a, const Comparison& b) { return a.size() > b.size(); });
    }
    for (std::size_t i = 0; i < std::min(n_shown, comparisons.size()); ++i)
      if (std::string svg = histogram_figure(comparisons[i], weight); !svg.empty()) figures.push_back(std::move(svg));
  }
  if (figures.empty()) return "";
  figures.insert(figures.begin(), overviews.begin(), overviews.end());
  return html_section("Bonds and angles",
                      has_reference ? "Means and widths of all of them against the reference (a difference of 0.1 is a "
                                      "tenth of the thermal width), "
                                      "and the distributions of those that differ most."
                                    : "Distributions of the first of each kind.",
                      html_figures(figures));
}

}  // namespace boltzflow
