// SPDX-License-Identifier: MIT
#include "boltzflow/app/round_trip.hpp"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <vector>

#include "boltzflow/flow/continuous/continuous_flow.hpp"
#include "boltzflow/flow/euclidean/euclidean_flow.hpp"
#include "boltzflow/flow/spline_flow.hpp"

namespace boltzflow {
namespace {

struct MedianAndLargest {
  double median, largest;
};

MedianAndLargest median_and_largest(const at::Tensor& errors) {
  const at::Tensor plain = errors.to(at::kCPU, at::kDouble).contiguous();
  std::vector<double> values(plain.const_data_ptr<double>(), plain.const_data_ptr<double>() + plain.numel());
  for (double& value : values)
    if (std::isnan(value)) value = std::numeric_limits<double>::infinity();
  std::ranges::sort(values);
  return {values[values.size() / 2], values.back()};
}

/// |difference| of points of the base, the short way around where a dimension is a circle.
at::Tensor distances(const Density& flow, at::Tensor difference) {
  if (const auto* spline = dynamic_cast<const SplineFlow*>(&flow)) {
    for (std::size_t k = 0; k < spline->dimensions().size(); ++k) {
      if (!spline->dimensions()[k].circular) continue;
      at::Tensor column = difference.select(1, static_cast<std::int64_t>(k));
      column.sub_(column.round());
    }
  }
  return difference.abs().amax(1);
}

RoundTripErrors errors_of(const Density& flow, const at::Tensor& base) {
  const Density::Mapped there = flow.forward(base, ConditionerPrecision::float32);
  const Density::Mapped back = flow.inverse(there.x, ConditionerPrecision::float32);
  const auto of_base = median_and_largest(distances(flow, back.x.to(at::kDouble) - base.to(at::kDouble)));
  const auto of_log_det = median_and_largest((there.log_det.to(at::kDouble) + back.log_det.to(at::kDouble)).abs());
  return {of_base.median, of_base.largest, of_log_det.median, of_log_det.largest};
}

/// A copy of the flow in float64, or null if it has none.
std::unique_ptr<Density> in_float64(const Density& flow) {
  std::unique_ptr<Density> copy = flow.copy();
  if (auto* euclidean = dynamic_cast<EuclideanFlow*>(copy.get())) {
    euclidean->to_type(at::kDouble);
    return copy;
  }
  if (auto* continuous = dynamic_cast<ContinuousFlow*>(copy.get())) {
    continuous->to_type(at::kDouble);
    return copy;
  }
  return nullptr;
}

nlohmann::ordered_json to_json(const RoundTripErrors& errors) {
  const auto number = [](double value) -> nlohmann::ordered_json {
    if (!std::isfinite(value)) return nullptr;
    return value;
  };
  return {{"base", {{"median", number(errors.median_base)}, {"largest", number(errors.largest_base)}}},
          {"log_det", {{"median", number(errors.median_log_det)}, {"largest", number(errors.largest_log_det)}}}};
}

std::string line(const char* type, std::int64_t n_samples, const RoundTripErrors& errors) {
  return fmt::format("{:<38} base {:.1e}, log-determinant {:.1e}; largest of {}: {:.1e}, {:.1e}\n",
                     fmt::format("Inverse error, median, {}", type), errors.median_base, errors.median_log_det,
                     n_samples, errors.largest_base, errors.largest_log_det);
}

}  // namespace

RoundTrip measure_round_trip(const Density& flow, std::int64_t seed) {
  const c10::NoGradGuard no_grad;
  RandomStream random(static_cast<std::uint64_t>(seed), /*stream=*/0x726f756e64);  // "round"
  const std::int64_t n_samples = dynamic_cast<const ContinuousFlow*>(&flow) != nullptr ? 16 : 1000;
  const at::Tensor base = flow.base_sample(n_samples, random).to(flow.parameters().front().device());
  RoundTrip result{n_samples, errors_of(flow, base), std::nullopt};
  if (const auto accurate = in_float64(flow)) result.in_float64 = errors_of(*accurate, base.to(at::kDouble));
  return result;
}

nlohmann::ordered_json to_json(const RoundTrip& round_trip) {
  nlohmann::ordered_json document{{"n_samples", round_trip.n_samples}, {"float32", to_json(round_trip.in_float32)}};
  if (round_trip.in_float64) document["float64"] = to_json(*round_trip.in_float64);
  return document;
}

std::string to_text(const RoundTrip& round_trip) {
  std::string text = line("float32", round_trip.n_samples, round_trip.in_float32);
  if (round_trip.in_float64) text += line("float64", round_trip.n_samples, *round_trip.in_float64);
  return text;
}

}  // namespace boltzflow
