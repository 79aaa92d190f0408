// SPDX-License-Identifier: MIT
#include "boltzflow/app/training_run.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "boltzflow/app/manifest.hpp"
#include "boltzflow/app/metrics_log.hpp"
#include "boltzflow/app/run_folder.hpp"
#include "boltzflow/app/run_observer.hpp"
#include "boltzflow/app/run_results.hpp"
#include "boltzflow/app/signals.hpp"
#include "boltzflow/app/target_system.hpp"
#include "boltzflow/base/atomic_file.hpp"
#include "boltzflow/base/threads.hpp"
#include "boltzflow/energy/make_potential.hpp"
#include "boltzflow/molecule/frames.hpp"
#include "boltzflow/molecule/load_system.hpp"
#include "boltzflow/molecule/system_file.hpp"
#include "boltzflow/training/cartesian_training_data.hpp"
#include "boltzflow/training/mapped_training_data.hpp"
#include "boltzflow/training/method.hpp"

namespace boltzflow {
namespace {

/// A run ready to train: where it is written and what is trained.
struct Run {
  RunSettings settings;  ///< resolved
  RunFolder folder;
  Manifest manifest;
  TrainedModel model;
  std::optional<Frames> reference;
  std::unique_ptr<TrainingData> data;  ///< null without a trajectory to learn from
  std::vector<std::string> warnings;   ///< of the data
};

/// The settings of a new run: the layers, and the words that stand for single settings over them.
void read_new_settings(const TrainingWords& words, const Invocation& invocation, RunSettings& settings) {
  read_settings(settings, words.source);
  if (!words.system.empty()) settings.system = words.system;
  if (!words.structure.empty()) settings.structure = words.structure;
  if (words.temperature) settings.temperature = *words.temperature;
  if (invocation.seed) settings.training.trainer.seed = *invocation.seed;
  if (!words.reference.empty()) settings.evaluation.reference = words.reference;
  if (!words.data.empty()) settings.data.trajectory = words.data;
  if (settings.system.empty())
    throw Error(ExitStatus::usage, "boltzflow train: name a system, as in `boltzflow train alanine-dipeptide`");
}

/// A run may be resumed from another folder than it was started in.
void make_absolute(std::string& path) {
  if (!path.empty()) path = std::filesystem::absolute(path).lexically_normal().string();
}

/// Keeps test frames of the data in the run folder, which the model is then compared with: as many as samples are
/// evaluated, spread evenly, since likelihoods of frames cost what those of samples do.
void write_test_frames(const CartesianDataSet& data, const RunSettings& settings, const MolecularSystem& system,
                       const std::filesystem::path& file) {
  const std::int64_t n_test = data.size(CartesianDataSet::Part::test);
  const std::int64_t n = std::min(n_test, settings.evaluation.samples);
  if (n == 0) return;
  const std::span<const double> all = data.positions(CartesianDataSet::Part::test);
  const std::size_t width = all.size() / static_cast<std::size_t>(n_test);
  std::vector<double> chosen;
  chosen.reserve(static_cast<std::size_t>(n) * width);
  for (std::int64_t i = 0; i < n; ++i) {
    const auto frame = all.subspan(static_cast<std::size_t>(i * n_test / n) * width, width);
    chosen.insert(chosen.end(), frame.begin(), frame.end());
  }
  const std::unique_ptr<FrameWriter> writer = make_frame_writer(file, system);
  writer->append({.n_frames = n, .positions = chosen});
  writer->finish();
}

std::optional<Frames> named_reference(const RunSettings& settings, const MolecularSystem& system) {
  if (settings.evaluation.reference.empty()) return std::nullopt;
  return read_frames(settings.evaluation.reference, &system);
}

/// What the model is compared with: the frames that the user names, else those that write_test_frames() left, if any.
std::optional<Frames> read_reference(const RunSettings& settings, const RunFolder& folder,
                                     const MolecularSystem& system) {
  if (auto named = named_reference(settings, system)) return named;
  if (!std::filesystem::exists(folder.test_frames())) return std::nullopt;
  return read_frames(folder.test_frames(), &system);
}

void resolve(RunSettings& settings, int dimension) {
  try {
    settings.training = resolve_training_options(settings.training, dimension);
  } catch (const ConfigurationError& error) {
    const std::string message = error.what();
    const auto n = std::count(message.begin(), message.end(), '\n') + 1;
    throw ConfigurationError(fmt::format("{}\n{} {}; nothing was started.", message, n, n == 1 ? "error" : "errors"));
  }
}

/// The trajectory to learn from, or null.
std::shared_ptr<const CartesianDataSet> read_data(const RunSettings& settings, const MolecularSystem& system) {
  if (settings.data.trajectory.empty()) {
    if (find_method(settings.training.trainer.method).needs_data)
      throw ConfigurationError("training.method: \"" + settings.training.trainer.method +
                               "\" learns from data; give a trajectory with --data");
    return nullptr;
  }
  if (system.n_atoms() == 0)
    throw ConfigurationError("data.trajectory: " + system.name +
                             " has no atoms, so that there are no trajectories of it");
  return std::make_shared<CartesianDataSet>(CartesianDataSet::read(system, settings.data));
}

std::vector<std::string> warnings_of(const CartesianDataSet* data) {
  return data ? data->warnings() : std::vector<std::string>();
}

std::unique_ptr<TrainingData> make_training_data(const std::shared_ptr<const CartesianDataSet>& data,
                                                 const BoltzmannGenerator& generator) {
  if (!data) return nullptr;
  if (generator.coordinate_options().kind == "cartesian") return std::make_unique<CartesianTrainingData>(data);
  return std::make_unique<MappedTrainingData>(*data, generator.coordinates());
}

TrainedModel make_model(MolecularSystem system, const RunSettings& settings, const CoordinateOptions& coordinates,
                        const std::string& device) {
  auto potential = make_potential(system, settings.temperature);
  TrainedModel model{BoltzmannGenerator(std::move(system), settings.temperature, coordinates, settings.training.flow,
                                        static_cast<std::uint64_t>(settings.training.trainer.seed)),
                     std::move(potential)};
  if (device != "cpu") model.generator.flow().to_device(device);
  return model;
}

Run start(const TrainingWords& words, const Invocation& invocation) {
  RunSettings settings;
  read_new_settings(words, invocation, settings);
  const std::string device = invocation.device.value_or("cpu");
  invocation.prepare();
  LoadOptions load;
  if (!settings.structure.empty()) load.structure = settings.structure;
  load.generalized_born = settings.generalized_born;
  MolecularSystem system = load_target_system(settings.system, load, settings.energy_library);
  if (settings.temperature == 0) settings.temperature = system.temperature;
  make_absolute(settings.evaluation.reference);
  make_absolute(settings.data.trajectory);
  make_absolute(settings.training.regflow.teacher);
  // Before anything is written: it may be missing.
  std::optional<Frames> reference = named_reference(settings, system);
  const std::shared_ptr<const CartesianDataSet> frames = read_data(settings, system);
  const CoordinateOptions coordinates = coordinates_of(system, settings.training.flow, settings.data, frames.get());
  resolve(settings, make_coordinates(system, coordinates)->dimension());
  const std::string name = system.name.empty() ? std::filesystem::path(settings.system).stem().string() : system.name;
  TrainedModel model = make_model(system, settings, coordinates, device);

  RunFolder folder = RunFolder::create(words.run, name);
  // The configuration comes last: a folder with a config.toml is a run, and a run can be resumed.
  write_system_file(folder.system(), system);
  Manifest manifest(folder.manifest(), name, settings.training.trainer.seed, device);
  manifest.begin_session(invocation.command_line);
  if (frames && !reference) {
    write_test_frames(*frames, settings, system, folder.test_frames());
    reference = read_reference(settings, folder, system);
  }
  write_file_atomically(folder.configuration(), settings_toml(settings));
  auto data = make_training_data(frames, model.generator);
  return {std::move(settings),  std::move(folder), std::move(manifest),      std::move(model),
          std::move(reference), std::move(data),   warnings_of(frames.get())};
}

Run reopen(const TrainingWords& words, const Invocation& invocation) {
  if (!words.system.empty() || words.temperature || invocation.seed)
    throw Error(ExitStatus::usage,
                "boltzflow train --resume: system, temperature and seed are those of the run; leave them out");
  RunFolder folder = RunFolder::open(words.resume);
  Manifest manifest(folder.manifest());
  RunSettings settings;
  SettingsSource source = words.source;
  source.configuration_file = folder.configuration().string();
  read_settings(settings, source);
  if (!words.reference.empty()) settings.evaluation.reference = words.reference;
  make_absolute(settings.evaluation.reference);
  make_absolute(settings.data.trajectory);
  make_absolute(settings.training.regflow.teacher);
  const std::string device = invocation.device.value_or(manifest.device());
  invocation.prepare(manifest.n_threads(), device);
  MolecularSystem system = read_system_file(folder.system());
  std::optional<Frames> reference = read_reference(settings, folder, system);
  const std::shared_ptr<const CartesianDataSet> frames = read_data(settings, system);
  const CoordinateOptions coordinates = coordinates_of(system, settings.training.flow, settings.data, frames.get());
  resolve(settings, make_coordinates(system, coordinates)->dimension());
  TrainedModel model = make_model(std::move(system), settings, coordinates, device);
  manifest.begin_session(invocation.command_line);
  auto data = make_training_data(frames, model.generator);
  return {std::move(settings),  std::move(folder), std::move(manifest),      std::move(model),
          std::move(reference), std::move(data),   warnings_of(frames.get())};
}

std::string introduction(const Run& run) {
  const BoltzmannGenerator& generator = run.model.generator;
  const MolecularSystem& system = generator.system();
  const std::string name = system.name.empty() ? run.settings.system : system.name;
  const auto width = static_cast<int>(std::max<std::size_t>(name.size(), 10)) + 3;
  const std::string atoms = system.n_atoms() > 0 ? fmt::format("{} atoms, ", system.n_atoms()) : "";
  return fmt::format("{:<{}}{}{} degrees of freedom, {}, {:g} K; flow of {} parameters on {} thread{}\n{:<{}}{}", name,
                     width, atoms, generator.coordinates().dimension(), system.description, generator.temperature(),
                     count_text(static_cast<double>(generator.flow().n_parameters()), 2), thread_count(),
                     thread_count() == 1 ? "" : "s", "run folder", width, run.folder.path().string());
}

const char* name_of(TrainingEnd end) {
  switch (end) {
    case TrainingEnd::finished:
      return "finished";
    case TrainingEnd::budget:
      return "budget";
    default:
      return "stopped";
  }
}

[[noreturn]] void throw_stopped(const Run& run) {
  throw Error(stop_status(),
              fmt::format("stopped; go on with: boltzflow train --resume {}", run.folder.path().string()));
}

/// False if the run was interrupted before its first checkpoint: then it begins anew.
bool is_there_a_checkpoint(const std::filesystem::path& folder) {
  try {
    read_checkpoint_summary(folder);
    return true;
  } catch (const MissingInputError&) {
    return false;
  }
}

/// Trains to the end, then writes the results; leaves the manifest's session open.
nlohmann::ordered_json train_and_evaluate(Run& run, bool resume, const Invocation& invocation, std::string& text) {
  Progress progress(invocation.progress_style());
  progress.message(introduction(run));
  if (run.data) progress.message(run.data->description());
  for (const std::string& warning : run.warnings) progress.message("warning: " + warning);
  MetricsLog metrics(run.folder.metrics_csv(), run.folder.metrics_jsonl());
  RunObserver observer(metrics, progress, [&] { run.model.generator.save(run.folder.model()); });
  const auto potential =
      std::shared_ptr<const Potential>(make_potential(run.model.generator.system(), run.settings.temperature));
  const ReducedPotential target(potential, run.settings.temperature);
  const bool has_checkpoint = resume && is_there_a_checkpoint(run.folder.checkpoints());
  const TrainingEnd end = train(run.model.generator, target, run.data.get(), run.settings.training,
                                run.folder.checkpoints(), has_checkpoint, observer, stop_flag());
  progress.finish();
  write_file_atomically(run.folder.configuration(), settings_toml(run.settings));  // a resume may have changed budgets
  if (end == TrainingEnd::stopped) throw_stopped(run);
  run.model.generator.save(run.folder.model());

  const RunResults results =
      write_run_results(run.folder, run.model, run.reference,
                        {.n_samples = run.settings.evaluation.samples,
                         .seed = run.settings.training.trainer.seed,
                         .n_reference_blocks = run.settings.evaluation.reference_blocks,
                         .precision = parse_conditioner_precision(run.settings.evaluation.precision)},
                        run.settings.output.samples, progress);
  progress.finish();
  text = results.text;
  nlohmann::ordered_json document = results.document;
  document["run"] = run.folder.path().string();
  document["end"] = name_of(end);
  if (end == TrainingEnd::budget)
    text =
        "The training ended at its budget of time or evaluations; a larger one goes on: --resume with --set.\n" + text;
  return document;
}

}  // namespace

ExitStatus run_training(const TrainingWords& words, const Invocation& invocation) {
  const bool resume = !words.resume.empty();
  Run run = resume ? reopen(words, invocation) : start(words, invocation);
  std::string text;
  nlohmann::ordered_json document;
  try {
    document = train_and_evaluate(run, resume, invocation, text);
  } catch (const std::exception& error) {
    const bool stopped = stop_flag().stop_requested();
    try {
      run.manifest.end_session(stopped ? "stopped" : "failed");
    } catch (const IoError&) {  // the disk may be what failed; the first error says so
    }
    if (stopped && dynamic_cast<const Error*>(&error)) throw_stopped(run);
    throw;
  }
  run.manifest.end_session(document["end"].get<std::string>());
  invocation.print(text, document);
  return ExitStatus::success;
}

}  // namespace boltzflow
