// SPDX-License-Identifier: MIT
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>

#include "boltzflow/app/evaluation_words.hpp"
#include "boltzflow/app/run_comparison.hpp"
#include "boltzflow/app/signals.hpp"
#include "boltzflow/app/verbs/verb_definitions.hpp"
#include "boltzflow/base/atomic_file.hpp"
#include "boltzflow/base/threads.hpp"

namespace boltzflow {
namespace {

constexpr std::int64_t n_timed_samples = 200'000;

struct Words {
  std::vector<std::string> runs;
  std::string output;
  bool evaluate = false, time = false;
  EvaluationWords evaluation;
};

/// A fresh evaluation of one run, which stays in the table: the run folder is left as it is.
nlohmann::ordered_json evaluate_anew(const std::string& run, const TrainedModel& model, EvaluationWords words,
                                     const Invocation& invocation, Progress& progress) {
  words.complete_from(run);
  const std::optional<Frames> reference = words.read_reference(model.generator.system());
  return to_json(evaluate_model(model, reference, words.options(invocation.seed), progress));
}

std::string timing_text(const std::vector<std::string>& lines) {
  if (lines.empty()) return {};
  return fmt::format("Seconds for {} samples with likelihoods, without energies, on {} thread{}: {}.\n",
                     n_timed_samples, thread_count(), thread_count() == 1 ? "" : "s", fmt::join(lines, "; "));
}

ExitStatus compare(const Words& words, const Invocation& invocation) {
  const std::string extension = std::filesystem::path(words.output).extension().string();
  if (!words.output.empty() && extension != ".md" && extension != ".csv")
    throw Error(ExitStatus::usage,
                fmt::format("boltzflow compare: -o {}: name a file that ends in .md or .csv", words.output));
  invocation.prepare();
  const std::string device = invocation.device.value_or("cpu");
  const bool evaluate_all = !words.evaluation.reference.empty();
  Progress progress(invocation.progress_style());
  std::vector<ComparedRun> runs;
  std::vector<std::string> timings;
  for (const std::string& path : words.runs) {
    throw_if_stopped("nothing was compared");
    progress.update(fmt::format("compare  {} of {}: {}", runs.size() + 1, words.runs.size(), path));
    ComparedRun run = read_compared_run(path);
    const bool evaluate = evaluate_all || (words.evaluate && lacks_metrics(run));
    if (evaluate || words.time) {
      const TrainedModel model = load_trained_model(path, device);
      if (evaluate) take_evaluation(run, evaluate_anew(path, model, words.evaluation, invocation, progress));
      if (words.time) {
        const SamplingTime time = measure_sampling_time(
            model.generator, words.evaluation.options(invocation.seed).precision, n_timed_samples);
        run.values["seconds_for_200000_samples"].value =
            time.seconds * static_cast<double>(n_timed_samples) / static_cast<double>(time.n_measured);
        timings.push_back(time.n_measured == n_timed_samples ? fmt::format("{} measured", path)
                                                             : fmt::format("{} extrapolated from {} in {:.2f} s", path,
                                                                           time.n_measured, time.seconds));
      }
    }
    runs.push_back(std::move(run));
  }
  progress.finish();
  const Comparison comparison = compare_runs(runs);
  const std::string text = to_markdown(comparison) + timing_text(timings);
  nlohmann::ordered_json document = to_json(comparison);
  if (words.time) document["timing"] = {{"n_samples", n_timed_samples}, {"threads", thread_count()}, {"runs", timings}};
  if (!words.output.empty()) {
    write_file_atomically(words.output, extension == ".md" ? text : to_csv(comparison));
    document["file"] = words.output;
  }
  invocation.print(text, document);
  return ExitStatus::success;
}

}  // namespace

Verb::Action define_compare(CLI::App& options) {
  auto words = std::make_shared<Words>();
  options.add_option("RUN", words->runs, "run folders; those that differ in their seeds alone share a line")
      ->required()
      ->expected(1, 1'000'000);
  options.add_option("-o,--output", words->output, "also write the table: Markdown (.md) or CSV (.csv)")
      ->type_name("FILE");
  options.add_flag("--evaluate", words->evaluate, "evaluate runs again whose evaluation lacks a metric of the table");
  options.add_flag("--time", words->time, "measure how long 200,000 samples with likelihoods take");
  words->evaluation.define(options);
  return [words](Invocation& invocation) { return compare(*words, invocation); };
}

}  // namespace boltzflow
