// SPDX-License-Identifier: MIT
#include <CLI/CLI.hpp>
#include <memory>

#include "boltzflow/app/evaluation_words.hpp"
#include "boltzflow/app/run_results.hpp"
#include "boltzflow/app/verbs/verb_definitions.hpp"

namespace boltzflow {
namespace {

struct Words {
  std::string run;
  EvaluationWords evaluation;
};

ExitStatus report(Words words, const Invocation& invocation) {
  invocation.prepare();
  const RunFolder folder = RunFolder::open(words.run);
  words.evaluation.complete_from(words.run);
  const TrainedModel model = load_trained_model(words.run, invocation.device.value_or("cpu"));
  const std::optional<Frames> reference = words.evaluation.read_reference(model.generator.system());
  Progress progress(invocation.progress_style());
  const RunResults results =
      write_run_results(folder, model, reference, words.evaluation.options(invocation.seed), 0, progress);
  progress.finish();
  invocation.print(results.text, results.document);
  return ExitStatus::success;
}

}  // namespace

Verb::Action define_report(CLI::App& options) {
  auto words = std::make_shared<Words>();
  options.add_option("RUN", words->run, "a run folder")->required();
  words->evaluation.define(options);
  return [words](Invocation& invocation) { return report(*words, invocation); };
}

}  // namespace boltzflow
