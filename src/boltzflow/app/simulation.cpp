// SPDX-License-Identifier: MIT
#include "boltzflow/app/simulation.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>
#include <set>

#include "boltzflow/app/frame_journal.hpp"
#include "boltzflow/app/manifest.hpp"
#include "boltzflow/app/reference_frames.hpp"
#include "boltzflow/app/run_folder.hpp"
#include "boltzflow/app/signals.hpp"
#include "boltzflow/app/simulation_report.hpp"
#include "boltzflow/base/threads.hpp"
#include "boltzflow/energy/energy_plugin.hpp"
#include "boltzflow/evaluation/internal_geometry.hpp"
#include "boltzflow/molecule/frames.hpp"
#include "boltzflow/molecule/system_file.hpp"
#include "boltzflow/sampling/minimize_structure.hpp"

namespace boltzflow {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

std::filesystem::path settings_file(const RunFolder& folder) { return folder.path() / "simulation.json"; }
std::filesystem::path state_file(const RunFolder& folder) { return folder.checkpoints() / "state.npz"; }

[[noreturn]] void throw_stopped(const RunFolder& folder) {
  throw Error(stop_status(),
              fmt::format("stopped; go on with: boltzflow simulate --resume {}", folder.path().string()));
}

std::vector<std::string> all_outputs(const SimulationSettings& settings) {
  std::vector<std::string> files = settings.outputs;
  if (!settings.topology.empty()) files.push_back(settings.topology);
  return files;
}

/// A writer that is opened and dropped leaves nothing behind, but says what is wrong with the name or the place.
void check_outputs(const SimulationSettings& settings, const MolecularSystem& system) {
  std::set<std::string> seen;
  for (const std::string& file : all_outputs(settings)) {
    if (!seen.insert(file).second)
      throw Error(ExitStatus::usage, fmt::format("{}: is to be written twice; name every file once", file));
    const std::filesystem::path parent = std::filesystem::path(file).parent_path();
    std::error_code error;
    if (!parent.empty()) std::filesystem::create_directories(parent, error);
    if (error) throw IoError(parent.string() + ": cannot make this folder: " + error.message());
    make_frame_writer(file, system);
  }
}

std::vector<double> masses_of(const MolecularSystem& system) {
  std::vector<double> masses;
  for (const Atom& atom : system.atoms) masses.push_back(atom.mass);
  return masses;
}

std::unique_ptr<Potential> potential_of(const SimulationSettings& settings, const MolecularSystem& system) {
  return settings.energy_library.empty() ? make_force_field(system)
                                         : load_energy_plugin(settings.energy_library, system);
}

std::vector<double> minimized(const SimulationSettings& settings, const MolecularSystem& system) {
  if (settings.energy_library.empty()) return minimize_structure(system).positions;
  if (system.positions.empty())
    throw InputError(system.name, "has no structure to start from; give one with --structure");
  return minimize_energy(*potential_of(settings, system), system.positions).positions;
}

/// A simulation that is ready to go: what it is, where it is kept, and how far it has come.
class Simulation {
 public:
  Simulation(SimulationSettings settings, MolecularSystem system, RunFolder folder)
      : settings_(std::move(settings)),
        system_(std::move(system)),
        folder_(std::move(folder)),
        potential_(potential_of(settings_, system_)),
        journal_(folder_.checkpoints() / "frames", settings_.options.n_ladders, system_.n_atoms()) {
    settings_.options.constraints = system_.constraints;
    sampler_ = std::make_unique<ReplicaExchange>(*potential_, masses_of(system_), system_.positions, settings_.options);
    if (std::filesystem::exists(state_file(folder_))) sampler_->restore(state_file(folder_));
    journal_.truncate(measured_steps() / settings_.options.frame_interval);
  }

  const RunFolder& folder() const { return folder_; }

  std::string introduction() const {
    const ReplicaExchangeOptions& o = settings_.options;
    const std::string temperatures = o.n_temperatures == 1
                                         ? fmt::format("{:g} K", o.lowest_temperature)
                                         : fmt::format("{} temperatures from {:g} to {:g} K", o.n_temperatures,
                                                       o.lowest_temperature, o.highest_temperature);
    return fmt::format(
        "{}   {}\n{} replica{} at {}, {:g} fs, friction {:g}/ps, {} constraints, {} thread{}\nfolder   {}",
        settings_.system, potential_->description(), o.n_ladders, o.n_ladders == 1 ? "" : "s", temperatures,
        1000 * o.time_step, o.friction, o.constraints.size(), thread_count(), thread_count() == 1 ? "" : "s",
        folder_.path().string());
  }

  /// To the end of the steps or the minutes. @throws as begin_simulation.
  SimulationReport run(double maximum_minutes, Progress& progress) {
    const Clock::time_point begin = Clock::now();
    Clock::time_point saved = begin, shown{};
    const std::int64_t first_step = sampler_->steps_done();
    StopFlag stop;
    TimeLeft time;
    ReplicaExchangeObserver observer;
    observer.frame = [&](const ReplicaExchangeFrame& frame) { journal_.append(frame.positions, frame.energy); };
    observer.progress = [&](std::int64_t done, std::int64_t total) {
      const double seconds = seconds_since(begin);
      if (stop_flag().stop_requested() || (maximum_minutes > 0 && seconds > 60 * maximum_minutes)) stop.request_stop();
      if (seconds_since(saved) > 60 * settings_.checkpoint_minutes) {
        save();
        saved = Clock::now();
      }
      if (shown != Clock::time_point{} && seconds_since(shown) < 0.1) return;
      shown = Clock::now();
      progress.update(progress_line(done, total, seconds, done - first_step) +
                      time.text(static_cast<double>(done) / static_cast<double>(total)));
    };
    sampler_->run(observer, &stop);
    const double seconds = seconds_since(begin);
    save();
    progress.finish();
    if (stop_flag().stop_requested()) throw_stopped(folder_);
    if (journal_.n_frames() == 0)
      throw Error(ExitStatus::failure, fmt::format("no frame was reached in {:g} minutes; go on with: boltzflow "
                                                   "simulate --resume {}",
                                                   maximum_minutes, folder_.path().string()));
    const std::vector<ReportedQuantity> quantities = write_frames();
    return report_simulation(settings_, sampler_->result(), quantities, journal_.n_frames(), seconds,
                             sampler_->steps_done() - first_step);
  }

 private:
  std::int64_t measured_steps() const {
    return std::max<std::int64_t>(0, sampler_->steps_done() - settings_.options.equilibration_steps);
  }

  void save() {
    journal_.sync();  // first: a state must not know of frames that are not there
    sampler_->save(state_file(folder_));
  }

  std::string progress_line(std::int64_t done, std::int64_t total, double seconds, std::int64_t session_steps) const {
    const ReplicaExchangeOptions& o = settings_.options;
    std::string line = fmt::format(
        "{}  {:.1f} %   {:.3g} of {:.3g} ns   {:.4g} ns/day   ",
        done <= o.equilibration_steps ? "equilibrate" : "simulate",
        100 * static_cast<double>(done) / static_cast<double>(total), static_cast<double>(done) * o.time_step / 1000,
        static_cast<double>(total) * o.time_step / 1000, nanoseconds_per_day(o, session_steps, seconds));
    if (o.n_temperatures > 1) {
      const std::vector<double> rates = sampler_->result().acceptance;
      const auto [lowest, highest] = std::ranges::minmax(rates);
      line += fmt::format("exchanged {:.0f}-{:.0f} %   ", 100 * lowest, 100 * highest);
    }
    return line;
  }

  /// Replica by replica, in time's order within one; also collects what convergence is judged by.
  std::vector<ReportedQuantity> write_frames() {
    std::vector<std::unique_ptr<FrameWriter>> writers;
    for (const std::string& file : settings_.outputs) writers.push_back(make_frame_writer(file, system_));
    std::vector<double> all_energies;
    std::vector<std::pair<std::string, std::vector<double>>> torsions;
    const std::vector<std::string> names = torsion_pair_names(system_);
    for (const std::string& name : names)
      for (const char* angle : {"phi ", "psi "}) torsions.emplace_back(angle + name, std::vector<double>{});
    constexpr std::int64_t frames_at_once = 1024;
    for (int ladder = 0; ladder < settings_.options.n_ladders; ++ladder) {
      for (std::int64_t first = 0; first < journal_.n_frames(); first += frames_at_once) {
        const std::int64_t n = std::min(frames_at_once, journal_.n_frames() - first);
        std::vector<double> positions, energy, time;
        journal_.read(ladder, first, n, positions, energy);
        for (std::int64_t f = first; f < first + n; ++f)
          time.push_back(static_cast<double>((f + 1) * settings_.options.frame_interval) * settings_.options.time_step);
        const std::vector<double> replica(static_cast<std::size_t>(n), ladder);
        const FrameBatch batch{n, positions, {{"energy", energy}, {"replica", replica}, {"time", time}}};
        for (const auto& writer : writers) writer->append(batch);
        all_energies.insert(all_energies.end(), energy.begin(), energy.end());
        for (std::size_t k = 0; k < torsions.size(); ++k) {
          const auto& atoms = (k % 2 == 0 ? system_.phi : system_.psi)[k / 2];
          const auto angles = torsion_angles<double>(positions, system_.n_atoms(), atoms);
          torsions[k].second.insert(torsions[k].second.end(), angles.begin(), angles.end());
        }
      }
    }
    for (const auto& writer : writers) writer->finish();
    if (!settings_.topology.empty()) {
      const auto writer = make_frame_writer(settings_.topology, system_);
      writer->append({.n_frames = 1, .positions = system_.positions});
      writer->finish();
    }
    return assess_simulation(all_energies, torsions, settings_.options.n_ladders);
  }

  SimulationSettings settings_;
  MolecularSystem system_;
  RunFolder folder_;
  std::unique_ptr<Potential> potential_;
  FrameJournal journal_;
  std::unique_ptr<ReplicaExchange> sampler_;
};

ExitStatus run(SimulationSettings settings, MolecularSystem system, RunFolder run_folder, Manifest manifest,
               double maximum_minutes, const Invocation& invocation) {
  const std::filesystem::path path = run_folder.path();
  SimulationReport report;
  try {
    Simulation simulation(std::move(settings), std::move(system), std::move(run_folder));
    Progress progress(invocation.progress_style());
    progress.message(simulation.introduction());
    report = simulation.run(maximum_minutes, progress);
  } catch (const std::exception&) {
    try {
      manifest.end_session(stop_flag().stop_requested() ? "stopped" : "failed");
    } catch (const IoError&) {  // the disk may be what failed; the first error says so
    }
    throw;
  }
  std::error_code ignored;  // what is left of the folder does no harm
  std::filesystem::remove_all(path, ignored);
  invocation.print(report.text, report.document);
  return ExitStatus::success;
}

}  // namespace

std::filesystem::path simulation_folder(const std::filesystem::path& output) {
  return std::filesystem::path(output).replace_extension(".simulation");
}

ExitStatus begin_simulation(SimulationSettings settings, MolecularSystem system, double maximum_minutes,
                            const Invocation& invocation) {
  for (std::string* file : {&settings.topology, &settings.energy_library})
    if (!file->empty()) *file = std::filesystem::absolute(*file).lexically_normal().string();
  for (std::string& file : settings.outputs) file = std::filesystem::absolute(file).lexically_normal().string();
  check_outputs(settings, system);
  const std::filesystem::path path = simulation_folder(settings.outputs.front());
  if (std::filesystem::exists(path))
    throw Error(ExitStatus::usage,
                fmt::format("{}: an unfinished simulation is here; go on with it by `boltzflow simulate --resume {}`, "
                            "or remove the folder",
                            path.string(), path.string()));
  system.positions = minimized(settings, system);
  RunFolder folder = RunFolder::create(path, settings.system);
  write_system_file(folder.system(), system);
  Manifest manifest(folder.manifest(), settings.system, static_cast<std::int64_t>(settings.options.seed), "cpu");
  manifest.begin_session(invocation.command_line);
  write_simulation_settings(settings_file(folder), settings);
  return run(std::move(settings), std::move(system), std::move(folder), std::move(manifest), maximum_minutes,
             invocation);
}

ExitStatus resume_simulation(const std::filesystem::path& path, double maximum_minutes, const Invocation& invocation) {
  if (!std::filesystem::exists(path / "simulation.json"))
    throw MissingInputError(fmt::format("{}: is no folder of an unfinished simulation", path.string()));
  RunFolder folder = RunFolder::open(path);
  SimulationSettings settings = read_simulation_settings(settings_file(folder));
  Manifest manifest(folder.manifest());
  MolecularSystem system = read_system_file(folder.system());
  manifest.begin_session(invocation.command_line);
  return run(std::move(settings), std::move(system), std::move(folder), std::move(manifest), maximum_minutes,
             invocation);
}

}  // namespace boltzflow
