// SPDX-License-Identifier: MIT
#include "boltzflow/app/sample_file_evaluation.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "boltzflow/app/reference_frames.hpp"
#include "boltzflow/base/errors.hpp"
#include "boltzflow/energy/make_potential.hpp"
#include "boltzflow/molecule/frames.hpp"

namespace boltzflow {
namespace {

std::vector<double> column(const Frames& frames, const std::filesystem::path& path, const std::string& name) {
  const auto found = frames.arrays.find(name);
  if (found == frames.arrays.end()) {
    throw InputError(path.string(),
                     "has no array \"" + name +
                         "\", which weights need; evaluate files that `boltzflow sample` wrote without --resample");
  }
  return found->second;
}

/// log q and u of samples. Refined ones have weights but no known density: they get the -u - log w whose weights are
/// theirs, and an infinite energy where the weight is zero.
void read_weights(const Frames& frames, const std::filesystem::path& path, FrameColumns& samples) {
  samples.reduced_energy = column(frames, path, "reduced_energy");
  const auto found = frames.arrays.find("log_weight");
  const bool resampled =
      found != frames.arrays.end() && std::ranges::all_of(found->second, [](double weight) { return weight == 0; });
  if (frames.arrays.contains("log_prob") || found == frames.arrays.end() || resampled) {
    samples.log_prob = column(frames, path, "log_prob");
    return;
  }
  for (std::size_t n = 0; n < found->second.size(); ++n) {
    double& energy = samples.reduced_energy.at(n);
    if (!std::isfinite(found->second[n])) energy = std::numeric_limits<double>::infinity();
    samples.log_prob.push_back(std::isfinite(energy) ? -energy - found->second[n] : 0);
  }
}

}  // namespace

Evaluation evaluate_sample_file(const SampleFileEvaluation& asked) {
  if (!asked.reference.empty() && !asked.system)
    throw Error(ExitStatus::usage, "boltzflow evaluate: a reference for a file of samples needs --system");
  const Frames frames = read_frames(asked.samples, asked.system);
  EvaluationInput input;
  read_weights(frames, asked.samples, input.samples);
  input.temperature = asked.temperature.value_or(asked.system ? asked.system->temperature : 300.0);
  if (asked.system) {
    add_torsions(input.samples, *asked.system, frames.positions);
    input.torsion_pair_names = torsion_pair_names(*asked.system);
  }
  if (!asked.reference.empty()) {
    input.reference = reference_columns(read_frames(asked.reference, asked.system), *asked.system,
                                        *make_potential(*asked.system, input.temperature), input.temperature, nullptr,
                                        asked.n_reference_blocks);
  }
  EvaluationOptions options;
  options.n_transport_points = asked.n_transport_points;
  options.drop_fraction = asked.drop_fraction;
  options.seed = static_cast<std::uint64_t>(asked.seed);
  return evaluate(input, options);
}

}  // namespace boltzflow
