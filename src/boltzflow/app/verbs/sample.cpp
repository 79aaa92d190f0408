// SPDX-License-Identifier: MIT
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>

#include "boltzflow/app/configuration_reader.hpp"
#include "boltzflow/app/refined_samples.hpp"
#include "boltzflow/app/sample_files.hpp"
#include "boltzflow/app/trained_model.hpp"
#include "boltzflow/app/verbs/verb_definitions.hpp"
#include "boltzflow/base/importance_weights.hpp"
#include "boltzflow/training/resampling.hpp"

namespace boltzflow {
namespace {

struct Words {
  std::string run, output, precision, refinement;
  std::int64_t n_samples = 10000, n_resampled = 0;
  std::vector<std::string> settings;
};

/// How often each sample is drawn when n are taken in proportion to the weights.
std::vector<std::int64_t> drawn_counts(std::span<const double> log_weight, std::int64_t n, std::int64_t seed) {
  RandomStream random(static_cast<std::uint64_t>(seed), /*stream=*/0x726573616d706c65);  // "resample"
  std::vector<std::int64_t> counts(log_weight.size());
  for (const std::uint32_t index : systematic_resample(normalized_weights(log_weight), n, random)) ++counts[index];
  return counts;
}

/// The samples of `batch` that are drawn, as often as they are.
WeightedSamples repeated(const WeightedSamples& batch, std::span<const std::int64_t> counts) {
  WeightedSamples result;
  const std::size_t stride = batch.positions.size() / batch.n_samples();
  for (std::size_t n = 0; n < batch.n_samples(); ++n) {
    for (std::int64_t k = 0; k < counts[n]; ++k) {
      const auto begin = batch.positions.begin() + static_cast<std::ptrdiff_t>(n * stride);
      result.positions.insert(result.positions.end(), begin, begin + static_cast<std::ptrdiff_t>(stride));
      result.log_prob.push_back(batch.log_prob[n]);
      result.reduced_energy.push_back(batch.reduced_energy[n]);
      result.log_weight.push_back(0);
    }
  }
  return result;
}

/// Below this many of the flow's samples, what the refined ones are worth is said with caution.
constexpr std::int64_t few_ancestors = 100;

SmcOptions smc_options(const std::vector<std::string>& assignments) {
  SmcOptions options;
  OptionTable table;
  describe(options, table);
  ConfigurationReader reader(table);
  for (const std::string& assignment : assignments) reader.set(assignment, "--set");
  reader.finish();
  return options;
}

nlohmann::ordered_json to_json(const RefinedSamples& refined, const EffectiveSampleSize& before) {
  nlohmann::ordered_json document{{"method", "smc"},
                                  {"n_temperatures", refined.stages.size()},
                                  {"n_evaluations", refined.n_evaluations},
                                  {"seconds", refined.seconds},
                                  {"effective_sample_size_before", before.count},
                                  {"n_ancestors", refined.n_ancestors},
                                  {"log_partition_function", refined.log_partition_function},
                                  {"temperatures", nlohmann::ordered_json::array()}};
  for (const SmcStage& stage : refined.stages)
    document["temperatures"].push_back({{"beta", stage.beta},
                                        {"effective_sample_size_fraction", stage.effective_sample_size},
                                        {"resampled", stage.resampled},
                                        {"acceptance", stage.acceptance},
                                        {"step_size", stage.step_size}});
  return document;
}

/// Draws samples, refines them and writes them.
ExitStatus sample_and_refine(const Words& words, const Invocation& invocation) {
  if (!words.precision.empty() && words.precision != "float32")
    throw Error(ExitStatus::usage, "boltzflow sample: --refine works in float32; leave --precision out");
  const SmcOptions options = smc_options(words.settings);
  invocation.prepare();
  const TrainedModel model = load_trained_model(words.run, invocation.device.value_or("cpu"));
  const std::int64_t seed = invocation.seed.value_or(1);
  SampleFiles files(words.output, model.generator.system());
  Progress progress(invocation.progress_style());
  const RefinedSamples refined = refine_samples(model, words.n_samples, seed, options, progress);
  const std::vector<double>& log_weight = refined.samples.log_weight;
  if (words.n_resampled > 0)
    files.append(repeated(refined.samples, drawn_counts(log_weight, words.n_resampled, seed)), false);
  else
    files.append(refined.samples, false);
  nlohmann::ordered_json paths = nlohmann::ordered_json::array();
  std::string names;
  for (const std::filesystem::path& path : files.finish()) {
    paths.push_back(path.string());
    names += path.string() + "\n";
  }
  progress.finish();
  const EffectiveSampleSize before = effective_sample_size(refined.log_weight_before);
  const EffectiveSampleSize after = effective_sample_size(log_weight);
  const nlohmann::ordered_json document{{"n_samples", words.n_samples},
                                        {"n_written", words.n_resampled > 0 ? words.n_resampled : words.n_samples},
                                        {"resampled", words.n_resampled > 0},
                                        {"seed", seed},
                                        {"precision", "float32"},
                                        {"effective_sample_size", after.count},
                                        {"n_zero_weights", std::ranges::count(log_weight, -INFINITY)},
                                        {"refinement", to_json(refined, before)},
                                        {"files", paths}};
  const std::string caution =
      refined.n_ancestors < few_ancestors
          ? "note: so few samples of the flow say little about which conformations there are, whatever the weights "
            "are\n"
            "worth; a better flow, more samples or a larger smc.conditional_ess keep more of them\n"
          : "";
  invocation.print(
      fmt::format(
          "{} samples, worth {:.1f} independent ones ({:.3g} %) as the flow made them\n"
          "refined over {} temperatures: weights worth {:.0f} ({:.1f} %), from {} different samples of the flow\n"
          "{} evaluations of flow and energy with gradients, {:.0f} s; log Z = {:.3f}\n{}{}"
          "{}(positions in nm, reduced_energy, log_weight; the density of refined samples is not known)\n",
          words.n_samples, before.count, 100 * before.fraction, refined.stages.size(), after.count,
          100 * after.fraction, refined.n_ancestors, count_text(static_cast<double>(refined.n_evaluations)),
          refined.seconds, refined.log_partition_function, caution,
          words.n_resampled > 0 ? fmt::format("{} equally weighted draws were written\n", words.n_resampled) : "",
          names),
      document);
  return ExitStatus::success;
}

ExitStatus sample(const Words& words, const Invocation& invocation) {
  if (!words.refinement.empty()) return sample_and_refine(words, invocation);
  if (!words.settings.empty())
    throw Error(ExitStatus::usage, "boltzflow sample: --set takes the settings of --refine; add --refine smc");
  invocation.prepare();
  const TrainedModel model = load_trained_model(words.run, invocation.device.value_or("cpu"));
  const std::int64_t seed = invocation.seed.value_or(1);
  const ConditionerPrecision precision =
      words.precision.empty() ? sampling_precision() : parse_conditioner_precision(words.precision);
  SampleFiles files(words.output, model.generator.system());
  Progress progress(invocation.progress_style());
  TimeLeft time;
  std::vector<double> log_weight;
  const std::int64_t n_passes = words.n_resampled > 0 ? 2 : 1;
  std::int64_t n_drawn = 0;
  const auto draw = [&](const std::function<void(const WeightedSamples&)>& take) {
    draw_weighted_samples(
        model.generator, *model.potential, words.n_samples, seed, precision, [&](const WeightedSamples& batch) {
          take(batch);
          n_drawn += static_cast<std::int64_t>(batch.n_samples());
          const double fraction = static_cast<double>(n_drawn) / static_cast<double>(n_passes * words.n_samples);
          progress.update(fmt::format("sample  {:.0f} %   {}", 100 * fraction, time.text(fraction)));
        });
  };
  draw([&](const WeightedSamples& batch) {
    log_weight.insert(log_weight.end(), batch.log_weight.begin(), batch.log_weight.end());
    if (words.n_resampled == 0) files.append(batch);
  });
  if (words.n_resampled > 0) {
    // The same seed gives the same samples again, so that only the weights need to be kept.
    const std::vector<std::int64_t> counts = drawn_counts(log_weight, words.n_resampled, seed);
    std::size_t begin = 0;
    draw([&](const WeightedSamples& batch) {
      files.append(repeated(batch, std::span(counts).subspan(begin, batch.n_samples())), false);
      begin += batch.n_samples();
    });
  }
  const std::vector<std::filesystem::path> paths = files.finish();
  progress.finish();
  const EffectiveSampleSize size = effective_sample_size(log_weight);
  const std::size_t n_excluded = static_cast<std::size_t>(std::ranges::count(log_weight, -INFINITY));
  nlohmann::ordered_json document{
      {"n_samples", words.n_samples},       {"n_written", words.n_resampled > 0 ? words.n_resampled : words.n_samples},
      {"resampled", words.n_resampled > 0}, {"seed", seed},
      {"precision", name_of(precision)},    {"effective_sample_size", size.count},
      {"n_zero_weights", n_excluded},       {"files", nlohmann::ordered_json::array()}};
  for (const std::filesystem::path& path : paths) document["files"].push_back(path.string());
  std::string text = fmt::format("{} samples, worth {:.0f} independent ones ({:.1f} %)\n", words.n_samples, size.count,
                                 100 * size.fraction);
  if (n_excluded > 0) text += fmt::format("{} of them have no finite energy and a weight of zero\n", n_excluded);
  if (words.n_resampled > 0) text += fmt::format("{} equally weighted draws were written\n", words.n_resampled);
  if (paths.size() > 1) text += fmt::format("{}  topology\n{}  frames\n", paths[0].string(), paths[1].string());
  text += fmt::format("{}  positions{}{}, reduced_energy, log_weight\n", paths.back().string(),
                      paths.size() > 1 ? " in nm" : "", words.n_resampled > 0 ? "" : ", log_prob");
  invocation.print(text, document);
  return ExitStatus::success;
}

}  // namespace

Verb::Action define_sample(CLI::App& options) {
  auto words = std::make_shared<Words>();
  options.add_option("RUN", words->run, "a run folder or a model file")->required();
  options.add_option("-n,--samples", words->n_samples, "number of samples (default 10000)")
      ->check(CLI::Range(std::int64_t{1}, std::int64_t{4'000'000'000}));
  options.add_option("-o,--output", words->output, "writes FILE.pdb, FILE.dcd and FILE.npz")
      ->required()
      ->type_name("FILE");
  options.add_option("--resample", words->n_resampled, "write N equally weighted draws from the samples instead")
      ->type_name("N")
      ->check(CLI::Range(std::int64_t{1}, std::int64_t{4'000'000'000}));
  options.add_option("--precision", words->precision, "of the conditioners: float32, bfloat16 or split-bfloat16")
      ->check(CLI::IsMember({"float32", "bfloat16", "split-bfloat16"}));
  options
      .add_option("--refine", words->refinement,
                  "anneal the samples to the Boltzmann distribution: smc, sequential Monte Carlo with Langevin steps")
      ->check(CLI::IsMember({"smc"}));
  options.add_option("--set", words->settings, "of --refine: smc.kernel_steps=20 (docs/cli.md lists them); repeatable")
      ->type_name("KEY=VALUE")
      ->allow_extra_args(false);
  return [words](Invocation& invocation) { return sample(*words, invocation); };
}

}  // namespace boltzflow
