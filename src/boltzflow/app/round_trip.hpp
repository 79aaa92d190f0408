// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

#include "boltzflow/flow/density.hpp"

namespace boltzflow {

/// How far samples come back from where they went.
struct RoundTripErrors {
  double median_base, largest_base;        ///< of max_k |x_k - x'_k| per sample; around the circle on circles
  double median_log_det, largest_log_det;  ///< of |log_det forward + log_det inverse| per sample
};

/// The errors of base -> z -> base in both number types; what does not come back as a number is +inf.
struct RoundTrip {
  std::int64_t n_samples;
  RoundTripErrors in_float32;
  std::optional<RoundTripErrors> in_float64;  ///< of flows whose parameters can be converted
};

/// Measures the round trip of a flow on its own samples: 1000 of them, 16 of a continuous flow, where an exact
/// log-determinant takes as long as thousands of samples of the others. Its errors are those of sampling in one
/// direction and asking for the likelihood in the other; a flow with an analytic inverse has rounding errors alone,
/// magnified by its largest slopes.
RoundTrip measure_round_trip(const Density& flow, std::int64_t seed);

/// {"n_samples", "float32": {"base": {"median", "largest"}, "log_det": {..}}, "float64": {..}}; not finite is null.
nlohmann::ordered_json to_json(const RoundTrip& round_trip);
/// Lines for people.
std::string to_text(const RoundTrip& round_trip);

}  // namespace boltzflow
