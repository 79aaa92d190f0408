// SPDX-License-Identifier: MIT
#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>

#include "boltzflow/app/evaluation_words.hpp"
#include "boltzflow/app/run_folder.hpp"
#include "boltzflow/app/sample_file_evaluation.hpp"
#include "boltzflow/app/system_argument.hpp"
#include "boltzflow/app/verbs/verb_definitions.hpp"
#include "boltzflow/base/atomic_file.hpp"
#include "boltzflow/molecule/load_system.hpp"

namespace boltzflow {
namespace {

struct Words {
  std::string what, system;
  std::optional<double> temperature;
  EvaluationWords evaluation;
};

struct Result {
  std::string text;
  nlohmann::ordered_json document;
};

/// Evaluates a model on fresh samples; in a run folder the result is kept.
Result evaluate_run(Words words, const Invocation& invocation) {
  std::optional<RunFolder> folder;
  if (is_run_folder(words.what)) folder.emplace(RunFolder::open(words.what));
  words.evaluation.complete_from(words.what);
  const TrainedModel model = load_trained_model(words.what, invocation.device.value_or("cpu"));
  const std::optional<Frames> reference = words.evaluation.read_reference(model.generator.system());
  Progress progress(invocation.progress_style());
  const ModelEvaluation evaluation =
      evaluate_model(model, reference, words.evaluation.options(invocation.seed), progress);
  if (folder) write_file_atomically(folder->evaluation(), to_json(evaluation).dump(2) + "\n");
  return {to_text(evaluation), to_json(evaluation)};
}

Result evaluate_samples(const Words& words, const Invocation& invocation) {
  std::optional<MolecularSystem> system;
  if (!words.system.empty()) system = load_system(words.system);
  const Evaluation evaluation =
      evaluate_sample_file({.samples = words.what,
                            .system = system ? &*system : nullptr,
                            .temperature = words.temperature,
                            .reference = words.evaluation.reference,
                            .n_reference_blocks = words.evaluation.n_reference_blocks.value_or(64),
                            .seed = invocation.seed.value_or(1),
                            .n_transport_points = words.evaluation.n_transport_points,
                            .drop_fraction = words.evaluation.drop_fraction});
  return {to_text(evaluation), to_json(evaluation)};
}

ExitStatus evaluate_words(const Words& words, const Invocation& invocation) {
  invocation.prepare();
  const bool samples = std::filesystem::path(words.what).extension() == ".npz";
  if (!samples && (!words.system.empty() || words.temperature))
    throw Error(ExitStatus::usage,
                "boltzflow evaluate: --system and --temperature go with a file of samples; a model has its own");
  if (samples && words.evaluation.n_samples)
    throw Error(ExitStatus::usage, "boltzflow evaluate: -n goes with a model; a file of samples is evaluated as it is");
  const Result result = samples ? evaluate_samples(words, invocation) : evaluate_run(words, invocation);
  invocation.print(result.text, result.document);
  return ExitStatus::success;
}

}  // namespace

Verb::Action define_evaluate(CLI::App& options) {
  auto words = std::make_shared<Words>();
  options
      .add_option("RUN|SAMPLES", words->what, "a run folder, a model file, or an .npz that `boltzflow sample` wrote")
      ->required();
  options.add_option("--system", words->system, "for SAMPLES: the molecule, for torsions and the reference's energies")
      ->type_name("SYSTEM");
  options.add_option("--temperature", words->temperature, "for SAMPLES: K (default: the system's own)")
      ->check(CLI::Range(1e-3, 1e5))
      ->type_name("K");
  words->evaluation.define(options);
  return [words](Invocation& invocation) { return evaluate_words(*words, invocation); };
}

}  // namespace boltzflow
