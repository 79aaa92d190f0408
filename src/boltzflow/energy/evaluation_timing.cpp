// SPDX-License-Identifier: MIT
#include "boltzflow/energy/evaluation_timing.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <vector>

#include "boltzflow/base/errors.hpp"

namespace boltzflow {
namespace {

template <class Scalar>
double median_seconds(const Potential& potential, std::span<const Scalar> positions, TimedEvaluation what,
                      int n_repetitions) {
  const auto n_coordinates = static_cast<std::size_t>(potential.dimension());
  const std::size_t n_samples = positions.size() / n_coordinates;
  if (n_samples == 0 || positions.size() != n_samples * n_coordinates)
    throw InputError(
        fmt::format("timing: {} coordinates are no whole samples of {} each", positions.size(), n_coordinates));
  if (n_repetitions < 1) throw InputError(fmt::format("timing: {} repetitions are less than 1", n_repetitions));
  std::vector<double> energy(n_samples), seconds;
  std::vector<Scalar> gradient(positions.size());
  for (int repetition = -1; repetition < n_repetitions; ++repetition) {
    const auto begin = std::chrono::steady_clock::now();
    if (what == TimedEvaluation::energy)
      potential.energy(positions, energy);
    else
      potential.energy_and_gradient(positions, energy, std::span<Scalar>(gradient));
    const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - begin;
    if (repetition >= 0) seconds.push_back(elapsed.count() / static_cast<double>(n_samples));
  }
  std::ranges::nth_element(seconds, seconds.begin() + n_repetitions / 2);
  return seconds[static_cast<std::size_t>(n_repetitions / 2)];
}

}  // namespace

double seconds_per_evaluation(const Potential& potential, std::span<const float> positions, TimedEvaluation what,
                              int n_repetitions) {
  return median_seconds(potential, positions, what, n_repetitions);
}

double seconds_per_evaluation(const Potential& potential, std::span<const double> positions, TimedEvaluation what,
                              int n_repetitions) {
  return median_seconds(potential, positions, what, n_repetitions);
}

}  // namespace boltzflow
