// SPDX-License-Identifier: MIT
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "boltzflow/base/units.hpp"
#include "boltzflow/evaluation/plot/figure.hpp"
#include "boltzflow/evaluation/report/html.hpp"
#include "boltzflow/evaluation/report/report_sections.hpp"
#include "boltzflow/evaluation/weighted_histogram.hpp"

namespace boltzflow {
namespace {

using namespace plot;

struct Curve {
  Series series;
  const char* name;
  WeightedHistogram histogram;
};

std::vector<double> in_degrees(const std::vector<double>& angles) {
  std::vector<double> degrees;
  for (const double angle : angles) {
    const double turned = std::remainder(angle, 2 * pi) * 180 / pi;
    degrees.push_back(turned >= 180 ? -180 : turned);
  }
  return degrees;
}

/// -RT ln(density) from the lowest point of the reference (or the last curve), with a band of one standard error.
std::string free_energy_figure(const std::vector<Curve>& curves, double temperature, const std::string& coordinate,
                               const std::string& title) {
  const double rt = thermal_energy(temperature);
  const auto& last = curves.back().histogram.probability;
  const double zero = -rt * std::log(*std::max_element(last.begin(), last.end()));
  std::vector<std::vector<double>> x, value, low, high;
  std::vector<double> all;
  for (const Curve& curve : curves) {
    auto& f = value.emplace_back();
    auto &below = low.emplace_back(), &above = high.emplace_back(), &centers = x.emplace_back();
    for (std::size_t bin = 0; bin < curve.histogram.probability.size(); ++bin) {
      const double p = curve.histogram.probability[bin], relative = std::min(curve.histogram.error[bin] / p, 3.0);
      centers.push_back(curve.histogram.center(bin));
      f.push_back(-rt * std::log(p) - zero);
      // A weight that carries next to nothing would stretch the axis for no use.
      if (p > 1e-6) all.push_back(f.back());
      below.push_back(f.back() - rt * relative);
      above.push_back(f.back() + rt * relative);
    }
  }
  all.push_back(*std::max_element(all.begin(), all.end()) + rt);
  const Axis y = axis_around("free energy (kJ/mol)", all);
  Figure figure({coordinate + " (degrees)", -180, 180, false, {-180, -90, 0, 90, 180}}, y, title,
                fmt::format("Free energy along {} of {} distributions, up to {:.3g} kJ/mol", coordinate, curves.size(),
                            y.maximum));
  for (std::size_t i = 0; i < curves.size(); ++i) figure.band(x[i], low[i], high[i], curves[i].series);
  for (std::size_t i = curves.size(); i-- > 0;) figure.line(x[i], value[i], curves[i].series, curves[i].name);
  return figure.svg();
}

std::vector<Curve> curves_of(std::span<const double> samples, std::span<const double> weight,
                             std::span<const double> reference, std::size_t n_blocks, double minimum, double maximum,
                             int n_bins) {
  std::vector<Curve> curves{
      {Series::raw, "samples", weighted_histogram(samples, {}, minimum, maximum, n_bins)},
      {Series::reweighted, "reweighted", weighted_histogram(samples, weight, minimum, maximum, n_bins)}};
  if (!reference.empty())
    curves.push_back(
        {Series::reference, "reference", weighted_histogram(reference, {}, minimum, maximum, n_bins, n_blocks)});
  return curves;
}

double quantile(std::vector<double> values, double fraction) {
  const auto at = values.begin() + static_cast<std::ptrdiff_t>(fraction * static_cast<double>(values.size() - 1));
  std::nth_element(values.begin(), at, values.end());
  return *at;
}

std::string energy_figure(const ReportInput& input, std::span<const double> weight) {
  const auto& samples = input.data->samples.reduced_energy;
  const auto& frames = input.data->reference ? input.data->reference->reduced_energy : std::vector<double>();
  const auto& guide = frames.empty() ? samples : frames;
  // Clashes reach to 1e12; without a reference to say what is usual, the middle half of the samples does.
  const double least = quantile(guide, 0.25), most = quantile(guide, 0.75);
  const double low = quantile(guide, 0.0005), high = std::min(quantile(guide, 0.9995), most + 10 * (most - least)),
               margin = std::max(0.25 * (high - low), 1e-3);
  if (!std::isfinite(low) || !std::isfinite(high)) return "";
  const auto curves = curves_of(samples, weight, frames, input.data->reference ? input.data->reference->n_blocks : 0,
                                low - margin, high + margin, 80);
  std::vector<std::vector<double>> x, density, below, above;
  std::vector<double> all{0};
  for (const Curve& curve : curves) {
    const double width = curve.histogram.width();
    auto &centers = x.emplace_back(), &p = density.emplace_back(), &lower = below.emplace_back(),
         &upper = above.emplace_back();
    for (std::size_t bin = 0; bin < curve.histogram.probability.size(); ++bin) {
      centers.push_back(curve.histogram.center(bin));
      p.push_back(curve.histogram.probability[bin] / width);
      lower.push_back(p.back() - curve.histogram.error[bin] / width);
      upper.push_back(p.back() + curve.histogram.error[bin] / width);
      all.push_back(p.back());
    }
  }
  Axis x_axis = axis_around("reduced energy U / RT", std::vector{low - margin, high + margin});
  x_axis.minimum = low - margin;
  x_axis.maximum = high + margin;
  Figure figure(x_axis, axis_around("density", all), "Energy",
                fmt::format("Distributions of the reduced energy; {:.2g} per cent of the samples lie beyond the axis",
                            100 * curves[0].histogram.outside));
  for (std::size_t i = 0; i < curves.size(); ++i) figure.band(x[i], below[i], above[i], curves[i].series);
  for (std::size_t i = curves.size(); i-- > 0;) figure.line(x[i], density[i], curves[i].series, curves[i].name);
  return figure.svg();
}

}  // namespace

std::string marginal_section(const ReportInput& input, std::span<const double> weight) {
  const EvaluationInput& data = *input.data;
  std::vector<std::string> figures;
  for (std::size_t pair = 0; pair < data.samples.phi.size(); ++pair) {
    const bool named = data.samples.phi.size() > 1 && input.evaluation != nullptr;
    const std::string suffix = named ? ", " + input.evaluation->torsion_pair_names[pair] : "";
    for (const bool is_phi : {true, false}) {
      const auto samples = in_degrees((is_phi ? data.samples.phi : data.samples.psi)[pair]);
      std::vector<double> frames;
      if (data.reference && pair < data.reference->phi.size())
        frames = in_degrees((is_phi ? data.reference->phi : data.reference->psi)[pair]);
      const auto curves =
          curves_of(samples, weight, frames, data.reference ? data.reference->n_blocks : 0, -180, 180, 90);
      figures.push_back(
          free_energy_figure(curves, data.temperature, is_phi ? "phi" : "psi", (is_phi ? "phi" : "psi") + suffix));
    }
  }
  if (std::string energy = energy_figure(input, weight); !energy.empty()) figures.push_back(std::move(energy));
  return html_section("Marginals",
                      "Free energies along single torsions, in bins of 4 degrees, and the distribution of the reduced "
                      "energy. Bands are one "
                      "standard error.",
                      html_figures(figures));
}

}  // namespace boltzflow
