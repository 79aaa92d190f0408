// SPDX-License-Identifier: MIT
#include "boltzflow/training/state_map.hpp"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "boltzflow/base/errors.hpp"

namespace boltzflow {
namespace {

constexpr double smallest_deviation = 1e-9;  // of a coordinate that does not move
/// Of z mapped to positions and back. Rounding is 1e-12; a point beyond the domain comes back changed by what it was
/// beyond.
constexpr double round_trip_tolerance = 1e-7;

std::span<double> values(at::Tensor& tensor) {
  return {tensor.mutable_data_ptr<double>(), static_cast<std::size_t>(tensor.numel())};
}

/// The middle of the largest gap between points of the circle [0, 1).
double largest_gap(std::vector<double> points) {
  for (double& z : points) z -= std::floor(z);
  std::sort(points.begin(), points.end());
  double cut = 0, widest = -1;
  for (std::size_t n = 0; n < points.size(); ++n) {
    const double next = n + 1 < points.size() ? points[n + 1] : points[0] + 1;
    if (next - points[n] > widest) {
      widest = next - points[n];
      cut = 0.5 * (points[n] + next);
    }
  }
  return cut - std::floor(cut);
}

}  // namespace

StatePoints state_points(const CoordinateMap& coordinates, std::vector<double> positions) {
  const auto size = static_cast<std::size_t>(coordinates.configuration_size());
  const std::size_t n = positions.size() / size;
  coordinates.relabel_equivalent_atoms(positions);
  at::Tensor z = at::empty({coordinates.dimension(), static_cast<std::int64_t>(n)}, at::kDouble);
  std::vector<double> log_det(n);
  std::vector<std::uint8_t> representable(n);
  coordinates.from_cartesian(positions, values(z), log_det, representable);
  StatePoints result;
  std::vector<std::int64_t> kept;
  for (std::size_t i = 0; i < n; ++i) {
    if (representable[i] == 0) {
      ++result.n_left_out;
      continue;
    }
    kept.push_back(static_cast<std::int64_t>(i));
    result.log_det.push_back(log_det[i]);
    const auto begin = positions.begin() + static_cast<std::ptrdiff_t>(i * size);
    result.positions.insert(result.positions.end(), begin, begin + static_cast<std::ptrdiff_t>(size));
  }
  result.z = z.t().index_select(0, at::tensor(kept, at::kLong)).contiguous();
  return result;
}

at::Tensor StateMap::Chart::unwrapped(const at::Tensor& z) const { return z - circular * (z - cut).floor(); }

at::Tensor StateMap::Chart::standardized(const at::Tensor& z) const { return (unwrapped(z) - mean) / deviation; }

StateMap::Chart StateMap::make_chart(const at::Tensor& points, std::span<const std::uint8_t> circular) {
  const std::int64_t d = points.size(1);
  Chart chart;
  chart.cut = at::zeros({d}, at::kDouble);
  chart.circular = at::zeros({d}, at::kDouble);
  const at::Tensor columns = points.t().contiguous();
  for (std::int64_t k = 0; k < d; ++k) {
    if (circular[static_cast<std::size_t>(k)] == 0) continue;
    const double* column = columns.const_data_ptr<double>() + k * points.size(0);
    chart.circular.mutable_data_ptr<double>()[k] = 1;
    chart.cut.mutable_data_ptr<double>()[k] = largest_gap({column, column + points.size(0)});
  }
  const at::Tensor unwrapped = chart.unwrapped(points);
  chart.mean = unwrapped.mean(0);
  chart.deviation = (unwrapped - chart.mean).square().mean(0).sqrt().clamp_min(smallest_deviation);
  return chart;
}

StateMap::StateMap(const at::Tensor& a, const at::Tensor& b, std::span<const std::uint8_t> circular,
                   const EuclideanFlowOptions& flow, std::uint64_t seed)
    : circular_(circular.begin(), circular.end()) {
  for (const at::Tensor* points : {&a, &b})
    if (points->dim() != 2 || points->size(1) != std::ssize(circular) || points->size(0) < 2)
      throw InputError(
          fmt::format("a map between two states of {} coordinates needs at least 2 training points of each; one "
                      "of them has {}",
                      circular.size(), points->dim() == 2 ? points->size(0) : 0));
  charts_[0] = make_chart(a, circular);
  charts_[1] = make_chart(b, circular);
  flow_ = make_euclidean_flow(static_cast<int>(a.size(1)), flow, seed);
  flow_->to_type(at::kDouble);
}

StateMap::Mapped StateMap::map(const at::Tensor& z, bool inverse) const {
  const c10::NoGradGuard no_grad;
  const Chart &from = charts_[inverse ? 1 : 0], &to = charts_[inverse ? 0 : 1];
  constexpr std::int64_t batch = 1024;
  const at::Tensor x = from.standardized(z);
  std::vector<at::Tensor> mapped, log_det;
  for (std::int64_t begin = 0; begin < x.size(0); begin += batch) {
    const at::Tensor part = x.narrow(0, begin, std::min(batch, x.size(0) - begin));
    const Density::Mapped result = inverse ? flow_->inverse(part, ConditionerPrecision::float32)
                                           : flow_->forward(part, ConditionerPrecision::float32);
    mapped.push_back(result.x);
    log_det.push_back(result.log_det);
  }
  if (mapped.empty()) return {z, at::zeros({0}, at::kDouble), {}};
  const at::Tensor y = at::cat(mapped).to(at::kDouble) * to.deviation + to.mean;
  const at::Tensor beyond = (to.circular * (y - to.cut).floor()).abs().sum(1).contiguous();
  Mapped result;
  result.z = (y - to.circular * y.floor()).contiguous();
  result.log_det = (at::cat(log_det).to(at::kDouble) + (to.deviation.log() - from.deviation.log()).sum()).contiguous();
  const double* turns = beyond.const_data_ptr<double>();
  for (std::int64_t n = 0; n < x.size(0); ++n) result.inside.push_back(turns[n] == 0 ? 1 : 0);
  return result;
}

std::vector<double> generalized_works(const StateMap& map, bool inverse, const CoordinateMap& coordinates,
                                      const StatePoints& points, const StateEnergy& u_from, const StateEnergy& u_to) {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  const auto n = static_cast<std::size_t>(points.size());
  const StateMap::Mapped mapped = inverse ? map.inverse(points.z) : map.forward(points.z);
  at::Tensor z = mapped.z.t().contiguous(), back = at::empty_like(z);
  std::vector<double> positions(points.positions.size()), log_det(n), log_det_back(n);
  std::vector<std::uint8_t> representable(n);
  coordinates.to_cartesian(std::span<const double>(values(z)), positions, log_det);
  coordinates.from_cartesian(positions, values(back), log_det_back, representable);
  const std::vector<double> from = u_from(points.positions), to = u_to(positions);
  const double *at_z = z.const_data_ptr<double>(), *at_back = back.const_data_ptr<double>(),
               *of_map = mapped.log_det.const_data_ptr<double>();
  std::vector<double> works(n);
  for (std::size_t i = 0; i < n; ++i) {
    if (!std::isfinite(from[i]))
      throw InputError(
          fmt::format("point {} of a state has the reduced energy {}; frames must lie in their state and "
                      "have finite energies",
                      i, from[i]));
    bool inside = mapped.inside[i] != 0 && representable[i] != 0;
    for (std::size_t k = 0; inside && k < map.circular().size(); ++k) {
      double change = at_back[k * n + i] - at_z[k * n + i];
      if (map.circular()[k] != 0) change -= std::round(change);
      inside = std::abs(change) < round_trip_tolerance;  // false for NaN
    }
    works[i] =
        inside && std::isfinite(to[i]) ? to[i] - from[i] - (of_map[i] + log_det[i] - points.log_det[i]) : infinity;
    if (std::isnan(works[i])) works[i] = infinity;
  }
  return works;
}

}  // namespace boltzflow
