// SPDX-License-Identifier: MIT
#include <CLI/CLI.hpp>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>

#include "boltzflow/app/evaluation_words.hpp"
#include "boltzflow/app/free_energy_perturbation.hpp"
#include "boltzflow/app/free_energy_profile.hpp"
#include "boltzflow/app/target_system.hpp"
#include "boltzflow/app/verbs/verb_definitions.hpp"
#include "boltzflow/base/atomic_file.hpp"

namespace boltzflow {
namespace {

struct Words {
  std::string what, data, structure, output;
  std::optional<double> temperature;
  SettingsSource source;
  TorsionStateWords states;
  EvaluationWords evaluation;
  ModelFreeEnergyOptions model;
  PerturbationOptions perturbation;
  /// Options that only one of the two kinds has.
  std::vector<CLI::Option*> of_models, of_frames;
};

void require_unused(const std::vector<CLI::Option*>& options, const char* why) {
  for (const CLI::Option* option : options)
    if (option->count() > 0) throw Error(ExitStatus::usage, "boltzflow free-energy: " + option->get_name() + " " + why);
}

ExitStatus of_model(Words words, const Invocation& invocation) {
  if (!std::filesystem::exists(words.what))
    throw MissingInputError(
        words.what +
        ": there is no such run folder or model file; to map frames of one state onto another, give "
        "a system and its frames with --data");
  words.evaluation.complete_from(words.what);
  const TrainedModel model = load_trained_model(words.what, invocation.device.value_or("cpu"));
  const TorsionStates states = words.states.states(model.generator.system());
  const std::optional<Frames> reference = words.evaluation.read_reference(model.generator.system());
  words.model.samples = words.evaluation.options(invocation.seed);
  Progress progress(invocation.progress_style());
  const ModelFreeEnergies result = model_free_energies(model, states, reference, words.model, progress);
  progress.finish();
  if (!words.output.empty()) write_file_atomically(words.output, profile_csv(result.profiles, result.temperature));
  invocation.print(to_text(result), to_json(result));
  return ExitStatus::success;
}

/// Of what was tried on hundreds to thousands of frames of alanine dipeptide (docs/free-energy.md) these keep most of
/// the overlap that means and deviations have already; more freedom fits the noise of the pairs.
void set_defaults(RunSettings& settings) {
  settings.training.flow.architecture = "nsf-coupling";
  settings.training.flow.euclidean.n_layers = 4;
  settings.training.flow.euclidean.hidden_width = 64;
  settings.training.flow.euclidean.n_hidden_layers = 1;
  settings.training.trainer.precision = "float32";
  settings.training.trainer.learning_rate = 3e-4;
  settings.training.trainer.ema_decay = 0.99;
  settings.training.fit.gradient_steps = 400;
  settings.training.regflow.regularization_coefficient = 0.1;
}

ExitStatus of_frames(const Words& words, const Invocation& invocation) {
  RunSettings settings;
  set_defaults(settings);
  read_settings(settings, words.source);
  settings.system = words.what;
  settings.data.trajectory = words.data;
  if (!words.structure.empty()) settings.structure = words.structure;
  if (words.temperature) settings.temperature = *words.temperature;
  if (invocation.seed) settings.training.trainer.seed = *invocation.seed;
  LoadOptions load;
  if (!settings.structure.empty()) load.structure = settings.structure;
  load.generalized_born = settings.generalized_born;
  const MolecularSystem system = load_target_system(settings.system, load, settings.energy_library);
  if (settings.temperature == 0) settings.temperature = system.temperature;
  const TorsionStates states = words.states.states(system);
  Progress progress(invocation.progress_style());
  const PerturbationResult result = targeted_perturbation(system, states, settings, words.perturbation, progress);
  progress.finish();
  if (!words.output.empty()) write_file_atomically(words.output, works_csv(result));
  invocation.print(to_text(result), to_json(result));
  return ExitStatus::success;
}

ExitStatus free_energy(const Words& words, const Invocation& invocation) {
  invocation.prepare();
  if (words.data.empty()) {
    require_unused(words.of_frames, "goes with a system and --data; a model has its own");
    return of_model(words, invocation);
  }
  require_unused(words.of_models, "goes with a model; with --data no samples are drawn");
  return of_frames(words, invocation);
}

}  // namespace

Verb::Action define_free_energy(CLI::App& options) {
  auto words = std::make_shared<Words>();
  options
      .add_option("RUN|SYSTEM", words->what,
                  "a run folder or a model file, whose weighted samples are used; or with --data a system")
      ->required();
  words->states.define(options);
  options.add_option("-o,--output", words->output, "CSV: a model's profiles along phi and psi, or a map's works")
      ->type_name("FILE");

  std::vector<CLI::Option*> before = options.get_options();
  words->evaluation.define(options);
  options.add_option("--bins", words->model.n_bins, "of the profiles (default 60)")->check(CLI::Range(2, 10000));
  options
      .add_option("--clip", words->model.clip_fraction,
                  "fraction of the largest weights that is clipped (default 1e-4)")
      ->check(CLI::Range(0.0, 0.5));
  for (CLI::Option* option : options.get_options())
    if (std::ranges::find(before, option) == before.end()) words->of_models.push_back(option);

  options.add_option("--data", words->data, "frames of SYSTEM with both states in them: maps A onto B")
      ->type_name("FRAMES");
  before = options.get_options();
  options
      .add_option("--coordinates", words->perturbation.coordinates,
                  "of the map: internal (default), or aligned, Cartesian ones in the frame of the mean structure")
      ->check(CLI::IsMember({"internal", "aligned"}));
  options.add_option("--blocks", words->perturbation.n_blocks, "contiguous blocks that errors come from (default 50)")
      ->check(CLI::Range(2, 100000));
  options.add_option("--temperature", words->temperature, "K (default: the system's own)")
      ->check(CLI::Range(1e-3, 1e5))
      ->type_name("K");
  options.add_option("--structure", words->structure, "PDB or inpcrd that goes with a topology file")
      ->type_name("FILE");
  options.add_option("--config", words->source.configuration_file, "settings from a TOML file")->type_name("FILE.toml");
  options.add_option("--set", words->source.assignments, "one setting, as of `boltzflow train`")
      ->type_name("KEY=VALUE")
      ->allow_extra_args(false);
  for (CLI::Option* option : options.get_options())
    if (std::ranges::find(before, option) == before.end()) words->of_frames.push_back(option);
  return [words](Invocation& invocation) { return free_energy(*words, invocation); };
}

}  // namespace boltzflow
