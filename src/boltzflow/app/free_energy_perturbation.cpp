// SPDX-License-Identifier: MIT
#include "boltzflow/app/free_energy_perturbation.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>

#include "boltzflow/app/signals.hpp"
#include "boltzflow/app/weighted_samples.hpp"
#include "boltzflow/base/errors.hpp"
#include "boltzflow/coordinates/aligned_coordinates.hpp"
#include "boltzflow/coordinates/check_trajectory.hpp"
#include "boltzflow/coordinates/internal_coordinates.hpp"
#include "boltzflow/energy/make_potential.hpp"
#include "boltzflow/evaluation/bootstrap.hpp"
#include "boltzflow/evaluation/multistate_bennett.hpp"
#include "boltzflow/evaluation/torsion_free_energy.hpp"
#include "boltzflow/molecule/frames.hpp"
#include "boltzflow/training/state_map.hpp"

namespace boltzflow {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::int64_t fewest_frames = 20;  // of a state: ten to fit, ten to estimate
constexpr double least_multistate_overlap = 1e-3;
constexpr std::uint64_t moments_stream = 1, trained_stream = 2, counting_stream = 3;

double seconds_since(Clock::time_point begin) { return std::chrono::duration<double>(Clock::now() - begin).count(); }

/// Frames of one state: the earlier half to fit the map to, the later half to estimate with.
struct StateFrames {
  std::vector<double> training, estimation;
};

/// The frames of a file that are whole molecules of the right hand.
std::vector<double> checked_frames(const MolecularSystem& system, const std::string& path,
                                   std::vector<std::string>& warnings) {
  Frames frames = read_frames(path, &system);
  const TrajectoryCheck check = check_trajectory(system, frames.positions, path);
  warnings = check.warnings;
  std::vector<std::uint8_t> unwanted(static_cast<std::size_t>(frames.n_frames));
  for (const auto* list : {&check.broken, &check.wrong_handed})
    for (const std::int64_t frame : *list) unwanted[static_cast<std::size_t>(frame)] = 1;
  const auto n_unwanted = std::ranges::count(unwanted, 1);
  if (n_unwanted == 0) return std::move(frames.positions);
  warnings.push_back(fmt::format("{}: {} of {} frames are left out", path, n_unwanted, frames.n_frames));
  std::vector<double> kept;
  const auto width = 3 * static_cast<std::ptrdiff_t>(frames.n_atoms);
  for (std::ptrdiff_t n = 0; n < frames.n_frames; ++n)
    if (unwanted[static_cast<std::size_t>(n)] == 0)
      kept.insert(kept.end(), frames.positions.begin() + n * width, frames.positions.begin() + (n + 1) * width);
  return kept;
}

StateFrames frames_inside(const std::vector<double>& positions, std::span<const double> angle, TorsionWindow window) {
  const auto width = static_cast<std::ptrdiff_t>(positions.size() / angle.size());
  std::vector<std::ptrdiff_t> inside;
  for (std::size_t n = 0; n < angle.size(); ++n)
    if (is_inside(window, angle[n])) inside.push_back(static_cast<std::ptrdiff_t>(n));
  StateFrames frames;
  for (std::size_t k = 0; k < inside.size(); ++k) {
    std::vector<double>& half = k < inside.size() / 2 ? frames.training : frames.estimation;
    half.insert(half.end(), positions.begin() + inside[k] * width, positions.begin() + (inside[k] + 1) * width);
  }
  return frames;
}

/// Coordinates without rigid motions, and which of them are circles.
struct Coordinates {
  std::shared_ptr<const CoordinateMap> map;
  std::vector<std::uint8_t> circular;
};

Coordinates make_coordinates(const MolecularSystem& system, const std::string& kind, const StateFrames& a,
                             const StateFrames& b) {
  if (kind == "aligned") {
    auto map = std::make_shared<AlignedCoordinates>(mean_structure({a.training, b.training}, system.n_atoms()));
    std::vector<std::uint8_t> circular(static_cast<std::size_t>(map->dimension()), 0);
    return {std::move(map), std::move(circular)};
  }
  auto map = std::make_shared<InternalCoordinates>(system);
  std::vector<std::uint8_t> circular(static_cast<std::size_t>(map->dimension()), 0);
  // Torsions come last, one per row; those confined to half a circle are intervals.
  const auto& ranges = map->torsion_ranges();
  for (std::size_t row = 0; row < ranges.size(); ++row)
    circular[circular.size() - ranges.size() + row] = ranges[row] == TorsionRange::full ? 1 : 0;
  return {std::move(map), std::move(circular)};
}

MapEstimate estimate(std::vector<double> forward, std::vector<double> reverse, const PerturbationResult& result,
                     int n_replicates, const RandomStream& stream) {
  MapEstimate estimate{std::move(forward), std::move(reverse), {}, {}, {}, std::numeric_limits<double>::quiet_NaN()};
  const std::vector<double>&f = estimate.forward, &r = estimate.reverse;
  estimate.difference = free_energy_difference(f, r, result.blocks_a, result.blocks_b, n_replicates, stream.child(0));
  const auto corrected = [](std::span<const double> forwards, std::span<const double> reverses) {
    const auto finite = [](std::span<const double> works) {
      return static_cast<double>(std::ranges::count_if(works, [](double w) { return std::isfinite(w); })) /
             static_cast<double>(works.size());
    };
    return std::vector{exponential_average_forward(forwards) + std::log(finite(reverses)),
                       exponential_average_reverse(reverses) - std::log(finite(forwards))};
  };
  const std::vector<double> values = corrected(f, r);
  const auto errors = bootstrap_errors(n_replicates, stream.child(1), [&](const RandomStream& random) {
    return corrected(gathered(f, bootstrap_indices(f.size(), result.blocks_a, random.child(0))),
                     gathered(r, bootstrap_indices(r.size(), result.blocks_b, random.child(1))));
  });
  estimate.forward_corrected = {values[0], errors[0]};
  estimate.reverse_corrected = {values[1], errors[1]};
  // Where the states hardly overlap, MBAR's equations hold to rounding at any difference.
  if (estimate.difference.overlap.bar > least_multistate_overlap) {
    // Energies up to a constant per sample: 0 in its own state, its work in the other.
    std::vector<double> energy(2 * (f.size() + r.size()));
    std::copy(f.begin(), f.end(), energy.begin() + std::ssize(f) + std::ssize(r));
    std::copy(r.begin(), r.end(), energy.begin() + std::ssize(f));
    const std::size_t counts[] = {f.size(), r.size()};
    estimate.multistate_bennett = multistate_bennett(energy, counts).difference(0, 1).value;
  }
  return estimate;
}

}  // namespace

PerturbationResult targeted_perturbation(const MolecularSystem& system, const TorsionStates& states,
                                         const RunSettings& settings, const PerturbationOptions& options,
                                         Progress& progress) {
  const auto begin = Clock::now();
  if (!settings.training.flow.is_euclidean() || settings.training.flow.architecture == "continuous")
    throw ConfigurationError(fmt::format(
        "flow.architecture: \"{}\" is no map of R^d in one pass; choose one such as \"nsf-coupling\" or \"res-nvp\"",
        settings.training.flow.architecture));
  PerturbationResult result;
  result.states = states;
  result.temperature = settings.temperature;
  result.coordinates = options.coordinates;
  const std::string& path = settings.data.trajectory;
  const std::vector<double> positions = checked_frames(system, path, result.warnings);
  const std::vector<double> angle = states.angles(positions);
  result.n_frames = std::ssize(angle);
  const StateFrames a = frames_inside(positions, angle, states.a), b = frames_inside(positions, angle, states.b);
  const auto require_frames = [&](std::int64_t n_a, std::int64_t n_b) {
    for (const auto& [window, n] : {std::pair(states.a, n_a), std::pair(states.b, n_b)})
      if (n < fewest_frames)
        throw InputError(path, fmt::format("{} of {} frames have {}; a map needs {} of each state at least. Give more "
                                           "frames or another window",
                                           n, result.n_frames, states.text(window), fewest_frames));
  };
  const std::int64_t size = 3 * system.n_atoms();
  require_frames(std::ssize(a.training) / size + std::ssize(a.estimation) / size,
                 std::ssize(b.training) / size + std::ssize(b.estimation) / size);
  const Coordinates coordinates = make_coordinates(system, options.coordinates, a, b);
  const StatePoints training_a = state_points(*coordinates.map, a.training);
  const StatePoints training_b = state_points(*coordinates.map, b.training);
  const StatePoints estimation_a = state_points(*coordinates.map, a.estimation);
  const StatePoints estimation_b = state_points(*coordinates.map, b.estimation);
  result.n_training_a = training_a.size(), result.n_training_b = training_b.size();
  result.n_estimation_a = estimation_a.size(), result.n_estimation_b = estimation_b.size();
  const std::int64_t n_left_out =
      training_a.n_left_out + training_b.n_left_out + estimation_a.n_left_out + estimation_b.n_left_out;
  if (n_left_out > 0)
    result.warnings.push_back(
        fmt::format("{}: {} frames have no {} coordinates and are left out", path, n_left_out, options.coordinates));
  require_frames(result.n_training_a + result.n_estimation_a, result.n_training_b + result.n_estimation_b);
  result.blocks_a = static_cast<std::size_t>(std::min<std::int64_t>(options.n_blocks, result.n_estimation_a));
  result.blocks_b = static_cast<std::size_t>(std::min<std::int64_t>(options.n_blocks, result.n_estimation_b));

  const auto potential = make_potential(system, settings.temperature);
  const auto energy_inside = [&](TorsionWindow window) -> StateEnergy {
    return [&, window](const std::vector<double>& x) {
      const auto energy_begin = Clock::now();
      std::vector<double> u = reduced_energies(*potential, x, settings.temperature);
      result.energy_seconds += seconds_since(energy_begin);
      result.n_energies += std::ssize(u);
      const std::vector<double> angles = states.angles(x);
      for (std::size_t n = 0; n < u.size(); ++n)
        if (!is_inside(window, angles[n])) u[n] = std::numeric_limits<double>::infinity();
      return u;
    };
  };
  const StateEnergy u_a = energy_inside(states.a), u_b = energy_inside(states.b);
  EuclideanFlowOptions flow = settings.training.flow.euclidean;
  flow.architecture = settings.training.flow.architecture;
  StateMap map(training_a.z, training_b.z, coordinates.circular, flow,
               static_cast<std::uint64_t>(settings.training.trainer.seed));
  result.n_parameters = map.flow().n_parameters();
  result.dimension = training_a.z.size(1);
  const RandomStream root(static_cast<std::uint64_t>(settings.training.trainer.seed), /*stream=*/0x74666570);  // "tfep"
  const auto evaluate_map = [&](std::uint64_t stream) {
    throw_if_stopped("no free energy was estimated");
    std::vector<double> forward = generalized_works(map, false, *coordinates.map, estimation_a, u_a, u_b);
    std::vector<double> reverse = generalized_works(map, true, *coordinates.map, estimation_b, u_b, u_a);
    return estimate(std::move(forward), std::move(reverse), result, options.n_replicates, root.child(stream));
  };
  progress.update("free-energy  works before training");
  result.moments = evaluate_map(moments_stream);
  progress.update("free-energy  assigning frames of A to frames of B");
  TimeLeft time;
  result.fit = fit_state_map(map, training_a.z, training_b.z, settings.training, [&](std::int64_t step, double loss) {
    const double fraction = static_cast<double>(step) / static_cast<double>(settings.training.fit.gradient_steps);
    progress.update(
        fmt::format("free-energy  map  {:.0f} %   loss {:.4f}   {}", 100 * fraction, loss, time.text(fraction)));
    return !stop_flag().stop_requested();
  });
  progress.update("free-energy  works of the trained map");
  result.trained = evaluate_map(trained_stream);
  result.counted = counted_free_energy_difference(
      angle, {}, states.a, states.b,
      static_cast<std::size_t>(std::min<std::int64_t>(options.n_blocks, result.n_frames)), options.n_replicates,
      root.child(counting_stream));
  result.total_seconds = seconds_since(begin);
  return result;
}

}  // namespace boltzflow
