// SPDX-License-Identifier: MIT
#include "boltzflow/app/sample_file_evaluation.hpp"

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

}  // namespace

Evaluation evaluate_sample_file(const SampleFileEvaluation& asked) {
  if (!asked.reference.empty() && !asked.system)
    throw Error(ExitStatus::usage, "boltzflow evaluate: a reference for a file of samples needs --system");
  const Frames frames = read_frames(asked.samples, asked.system);
  EvaluationInput input;
  input.samples.log_prob = column(frames, asked.samples, "log_prob");
  input.samples.reduced_energy = column(frames, asked.samples, "reduced_energy");
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
  options.seed = static_cast<std::uint64_t>(asked.seed);
  return evaluate(input, options);
}

}  // namespace boltzflow
