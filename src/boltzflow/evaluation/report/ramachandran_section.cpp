// SPDX-License-Identifier: MIT
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "boltzflow/base/units.hpp"
#include "boltzflow/evaluation/free_energy.hpp"
#include "boltzflow/evaluation/plot/figure.hpp"
#include "boltzflow/evaluation/ramachandran.hpp"
#include "boltzflow/evaluation/report/html.hpp"
#include "boltzflow/evaluation/report/report_sections.hpp"

namespace boltzflow {
namespace {

using namespace plot;

constexpr int n_bins = 72;             // of 5 degrees
constexpr int n_difference_bins = 36;  // of 10 degrees: differences scatter more

Axis degrees(const char* label) { return {label, -180, 180, false, {-180, -90, 0, 90, 180}}; }

std::string map_of(const std::vector<double>& values, int n, const ColorScale& scale, const std::string& title,
                   const std::string& description) {
  Figure figure(degrees("phi (degrees)"), degrees("psi (degrees)"), title, description);
  figure.heat_map(values, n, n, scale);
  return figure.svg();
}

double largest_finite(const std::vector<double>& values) {
  double largest = 0;
  for (const double value : values)
    if (std::isfinite(value)) largest = std::max(largest, value);
  return largest;
}

/// What 95 per cent of the finite values do not exceed in size.
double size_of_most(const std::vector<double>& values) {
  std::vector<double> sizes;
  for (const double value : values)
    if (std::isfinite(value)) sizes.push_back(std::abs(value));
  if (sizes.empty()) return 0;
  const auto at = sizes.begin() + static_cast<std::ptrdiff_t>(0.95 * static_cast<double>(sizes.size() - 1));
  std::nth_element(sizes.begin(), at, sizes.end());
  return *at;
}

/// Where the surface is lowest, for those who cannot see the map.
std::string lowest_point(const std::vector<double>& surface) {
  const auto lowest = std::min_element(surface.begin(), surface.end()) - surface.begin();
  const auto degrees_of = [](std::ptrdiff_t bin) { return -180 + 360.0 / n_bins * (static_cast<double>(bin) + 0.5); };
  return fmt::format("lowest at phi {:.0f}, psi {:.0f} degrees", degrees_of(lowest / n_bins),
                     degrees_of(lowest % n_bins));
}

/// Differences of free energies of bins that both histograms know by at least ten samples or so.
std::vector<double> differences(const CircularHistogram& flow, const CircularHistogram& reference, double smallest,
                                double temperature) {
  std::vector<double> result(flow.probability.size(), std::numeric_limits<double>::quiet_NaN());
  for (std::size_t i = 0; i < result.size(); ++i)
    if (flow.probability[i] > smallest && reference.probability[i] > smallest)
      result[i] = -thermal_energy(temperature) * std::log(flow.probability[i] / reference.probability[i]);
  return result;
}

std::vector<std::string> maps_of_pair(const ReportInput& input, std::span<const double> weight, std::size_t pair,
                                      const std::string& suffix) {
  const EvaluationInput& data = *input.data;
  const bool has_reference = data.reference && pair < data.reference->phi.size();
  const auto raw = torus_histogram(data.samples.phi[pair], data.samples.psi[pair], {}, n_bins);
  const auto reweighted = torus_histogram(data.samples.phi[pair], data.samples.psi[pair], weight, n_bins);
  const auto raw_surface = free_energy_surface(raw.probability, data.temperature);
  const auto reweighted_surface = free_energy_surface(reweighted.probability, data.temperature);
  double largest = largest_finite(raw_surface);  // weights reach far lower probabilities than any map can show
  CircularHistogram reference;
  std::vector<double> reference_surface;
  if (has_reference) {
    reference = torus_histogram(data.reference->phi[pair], data.reference->psi[pair], {}, n_bins);
    reference_surface = free_energy_surface(reference.probability, data.temperature);
    largest = std::max(largest, largest_finite(reference_surface));
  }
  const ColorScale scale{"kJ/mol", 0, std::max(5.0, std::ceil(largest / 5) * 5), false};
  std::vector<std::string> maps{map_of(raw_surface, n_bins, scale, "Samples" + suffix,
                                       "Free energy of the flow's samples, " + lowest_point(raw_surface)),
                                map_of(reweighted_surface, n_bins, scale, "Reweighted" + suffix,
                                       "Free energy of the weighted samples, " + lowest_point(reweighted_surface))};
  if (!has_reference) return maps;
  maps.push_back(map_of(reference_surface, n_bins, scale, "Reference" + suffix,
                        "Free energy of the reference, " + lowest_point(reference_surface)));
  const auto coarse = torus_histogram(data.samples.phi[pair], data.samples.psi[pair], weight, n_difference_bins);
  const auto coarse_reference =
      torus_histogram(data.reference->phi[pair], data.reference->psi[pair], {}, n_difference_bins);
  const double smallest =
      10 / static_cast<double>(std::min(data.samples.phi[pair].size(), data.reference->phi[pair].size()));
  const auto difference = differences(coarse, coarse_reference, smallest, data.temperature);
  const double limit = std::clamp(std::ceil(size_of_most(difference)), 1.0, 10.0);
  maps.push_back(
      map_of(difference, n_difference_bins, {"kJ/mol", -limit, limit, true}, "Reweighted - reference" + suffix,
             fmt::format("Difference of free energies where both have ten samples or more; 95 per cent of the "
                         "bins differ by less than {:.2g} kJ/mol",
                         size_of_most(difference))));
  return maps;
}

}  // namespace

std::string ramachandran_section(const ReportInput& input, std::span<const double> weight) {
  const auto& phi = input.data->samples.phi;
  std::vector<std::string> maps;
  for (std::size_t pair = 0; pair < phi.size(); ++pair) {
    const bool named = input.evaluation != nullptr && pair < input.evaluation->torsion_pair_names.size();
    const std::string suffix = phi.size() > 1 && named ? ", " + input.evaluation->torsion_pair_names[pair] : "";
    for (std::string& map : maps_of_pair(input, weight, pair, suffix)) maps.push_back(std::move(map));
  }
  if (maps.empty()) return "";
  return html_section(
      "Ramachandran free energies",
      "-RT ln p over bins of 5 degrees, from the lowest one; where there is no colour no sample fell. The "
      "difference is over bins of 10 degrees, where both have ten samples or more; a bin of ten samples "
      "scatters by RT/3.",
      html_figures(maps, FigureSize::large));
}

}  // namespace boltzflow
