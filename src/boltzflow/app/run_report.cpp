// SPDX-License-Identifier: MIT
#include <fmt/format.h>

#include <algorithm>

#include "boltzflow/app/manifest.hpp"
#include "boltzflow/app/metrics_log.hpp"
#include "boltzflow/app/run_results.hpp"
#include "boltzflow/base/atomic_file.hpp"
#include "boltzflow/evaluation/internal_geometry.hpp"
#include "boltzflow/evaluation/report/report.hpp"
#include "boltzflow/flow/continuous/continuous_flow.hpp"
#include "boltzflow/flow/euclidean/euclidean_flow.hpp"

namespace boltzflow {
namespace {

/// Enough for smooth marginals; more would only take time and memory.
constexpr std::size_t most_geometry_frames = 20000;

std::string atom_names(const MolecularSystem& system, std::initializer_list<int> atoms) {
  std::string name;
  for (const int atom : atoms) {
    const std::string& own = system.atoms[static_cast<std::size_t>(atom)].name;
    name += (name.empty() ? "" : "-") + (own.empty() ? std::to_string(atom) : own);
  }
  return name;
}

std::vector<CoordinateColumn> bonds_and_angles(const MolecularSystem& system, const ModelEvaluation& evaluation) {
  const int n_atoms = system.n_atoms();
  const auto first_frames = [&](const std::vector<float>& positions) {
    return std::span<const float>(positions).first(std::min(positions.size(), most_geometry_frames * 3 * n_atoms));
  };
  const std::span<const float> samples = first_frames(evaluation.sample_positions);
  const std::span<const float> reference = first_frames(evaluation.reference_positions);
  std::vector<CoordinateColumn> columns;
  for (const auto& [i, j] : system.bonds) {
    columns.push_back({atom_names(system, {i, j}), false, distances<float>(samples, n_atoms, {i, j}), {}});
    if (!reference.empty()) columns.back().reference = distances<float>(reference, n_atoms, {i, j});
  }
  for (const HarmonicAngle& a : system.harmonic_angles) {
    columns.push_back(
        {atom_names(system, {a.i, a.j, a.k}), true, angles<float>(samples, n_atoms, {a.i, a.j, a.k}), {}});
    if (!reference.empty()) columns.back().reference = angles<float>(reference, n_atoms, {a.i, a.j, a.k});
  }
  return columns;
}

std::string flow_fact(const BoltzmannGenerator& generator) {
  const FlowOptions& options = generator.flow_options();
  std::string text;
  if (const auto* flow = dynamic_cast<const EuclideanFlow*>(&generator.flow()))
    text = fmt::format("{}, {} layers, networks of {} x {} units", options.architecture, flow->options().n_layers,
                       flow->options().n_hidden_layers, flow->options().hidden_width);
  else if (const auto* continuous = dynamic_cast<const ContinuousFlow*>(&generator.flow()))
    text = fmt::format("continuous, {} velocity of {} units", options.continuous.velocity,
                       continuous->options().hidden_width);
  else
    text = fmt::format("{} couplings of {} layers of {} units, {} bins", options.spline.n_couplings,
                       options.spline.n_hidden_layers, options.spline.hidden_width, options.spline.n_bins);
  return fmt::format("{}; {} parameters", text, count_text(static_cast<double>(generator.flow().n_parameters()), 2));
}

std::vector<ReportFact> system_facts(const TrainedModel& model) {
  const BoltzmannGenerator& generator = model.generator;
  return {{"Molecule", fmt::format("{}, {}", generator.system().name, generator.system().description)},
          {"Atoms", std::to_string(generator.system().n_atoms())},
          {"Degrees of freedom", std::to_string(generator.coordinates().dimension())},
          {"Temperature", fmt::format("{:g} K", generator.temperature())},
          {"Potential", model.potential->description()},
          {"Flow", flow_fact(generator)}};
}

std::string joined(const nlohmann::ordered_json& words) {
  std::string text;
  for (const auto& word : words) {
    std::string quoted = word.get<std::string>();
    if (quoted.find_first_of(" '\"$&|;<>()*?") != std::string::npos) quoted = "'" + quoted + "'";
    text += (text.empty() ? "" : " ") + quoted;
  }
  return text;
}

void add_run_facts(const nlohmann::ordered_json& manifest, const std::vector<MetricsLog::Row>& rows,
                   ReportInput& input) {
  const nlohmann::ordered_json& hardware = manifest.at("hardware");
  input.run = {
      {"Program", fmt::format("boltzflow {} ({})", manifest.at("version").get<std::string>(),
                              manifest.at("git_revision").get<std::string>())},
      {"Seed", manifest.at("seed").dump()},
      {"Hardware", fmt::format("{}, {}{}, {} threads", hardware.at("cpu").get<std::string>(),
                               hardware.at("instruction_set").get<std::string>(),
                               hardware.at("amx").get<bool>() ? " with AMX" : "", manifest.at("threads").dump())}};
  if (!rows.empty()) {
    for (const auto& [name, value] : rows.back().metrics) {
      if (name == "evaluations") input.run.emplace_back("Target energies", fmt::format("{:.0f}", value));
      if (name == "gradient_steps") input.run.emplace_back("Gradient steps", fmt::format("{:.0f}", value));
      if (name == "seconds") input.run.emplace_back("Training time", clock_text(value));
    }
  }
  for (const auto& session : manifest.at("sessions")) input.commands.push_back(joined(session.at("command_line")));
}

}  // namespace

void write_report(const RunFolder& folder, const TrainedModel& model, const ModelEvaluation& evaluation) {
  ReportInput input;
  const MolecularSystem& system = model.generator.system();
  input.title = system.name;
  input.subtitle =
      fmt::format("A Boltzmann generator of {}, at {:g} K", system.description, model.generator.temperature());
  input.system = system_facts(model);
  std::vector<MetricsLog::Row> rows;
  if (std::filesystem::exists(folder.metrics_jsonl())) rows = read_metrics(folder.metrics_jsonl());
  for (const MetricsLog::Row& row : rows) input.history.push_back({row.phase, row.step, row.metrics});
  if (std::filesystem::exists(folder.manifest())) add_run_facts(Manifest(folder.manifest()).document(), rows, input);
  const std::string run = folder.path().string();
  input.commands.push_back(fmt::format("boltzflow sample {} -n 100000 -o samples", run));
  input.data = &evaluation.input;
  input.evaluation = &evaluation.evaluation;
  if (evaluation.evaluation.n_zero_weights > 0)
    input.warnings.push_back(fmt::format("{} of {} samples have no finite energy; their weight is zero.",
                                         evaluation.evaluation.n_zero_weights, evaluation.evaluation.n_samples));
  if (evaluation.evaluation.representable_fraction < 1)
    input.warnings.push_back(fmt::format("{:.3f} % of the reference cannot be represented by the flow's coordinates.",
                                         100 * (1 - evaluation.evaluation.representable_fraction)));
  input.coordinates = bonds_and_angles(system, evaluation);
  write_file_atomically(folder.report(), report_html(input));
}

}  // namespace boltzflow
