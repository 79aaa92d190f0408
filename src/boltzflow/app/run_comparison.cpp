// SPDX-License-Identifier: MIT
#include "boltzflow/app/run_comparison.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <set>

#include "boltzflow/app/manifest.hpp"
#include "boltzflow/app/metrics_log.hpp"
#include "boltzflow/app/option_text.hpp"
#include "boltzflow/app/run_folder.hpp"
#include "boltzflow/app/run_settings.hpp"
#include "boltzflow/app/trained_model.hpp"
#include "boltzflow/base/atomic_file.hpp"
#include "boltzflow/base/errors.hpp"

namespace boltzflow {
namespace {

constexpr const char *cost = "Cost", *weights = "Weights", *energies = "Energies", *shapes = "Conformations";

constexpr std::array table{
    ComparedQuantity{"n_parameters", "parameters", "", 1, cost, false},
    ComparedQuantity{"training_seconds", "training", "s", 1, cost, false},
    ComparedQuantity{"gradient_steps", "gradient steps", "", 1, cost, false},
    ComparedQuantity{"evaluations", "energies", "", 1, cost, false},
    ComparedQuantity{"seconds_for_200000_samples", "200,000 samples", "s", 1, cost, false},
    ComparedQuantity{"effective_sample_size", "ESS", "%", 100, weights, false},
    ComparedQuantity{"effective_sample_size_clipped", "ESS, clipped", "%", 100, weights, false},
    ComparedQuantity{"effective_sample_size_filtered", "ESS, top 0.2 % left out", "%", 100, weights, false},
    ComparedQuantity{"negative_log_likelihood", "NLL", "nats", 1, weights, false},
    ComparedQuantity{"median_log_weight", "median log weight", "nats", 1, weights, false},
    ComparedQuantity{"energy_wasserstein_1", "E-W1", "RT", 1, energies, false},
    ComparedQuantity{"energy_wasserstein_1_capped", "E-W1, capped", "RT", 1, energies, false},
    ComparedQuantity{"energy_wasserstein_1_reweighted", "E-W1, reweighted", "RT", 1, energies, false},
    ComparedQuantity{"energy_wasserstein_2", "E-W2", "RT", 1, energies, false},
    ComparedQuantity{"energy_wasserstein_2_capped", "E-W2, capped", "RT", 1, energies, false},
    ComparedQuantity{"energy_wasserstein_2_reweighted", "E-W2, reweighted", "RT", 1, energies, false},
    ComparedQuantity{"energy_above_cap", "above the cap", "%", 100, energies, false},
    ComparedQuantity{"torus_wasserstein", "T-W2", "rad", 1, shapes, true},
    ComparedQuantity{"torus_wasserstein_reweighted", "T-W2, reweighted", "rad", 1, shapes, true},
    ComparedQuantity{"ramachandran_total_variation", "Ramachandran TV", "", 1, shapes, true},
    ComparedQuantity{"ramachandran_total_variation_reweighted", "TV, reweighted", "", 1, shapes, true},
    ComparedQuantity{"distance_wasserstein", "distance W1", "pm", 1000, shapes, true},
};

bool is_metric(const ComparedQuantity& quantity) { return quantity.section != cost; }

/// Settings that change what is reported, how long and where, but not what the model is.
bool is_about_the_model(const std::string& key) {
  static const std::set<std::string> others{"system",
                                            "structure",
                                            "training.seed",
                                            "training.method",
                                            "training.maximum_minutes",
                                            "training.maximum_evaluations",
                                            "training.checkpoint_minutes",
                                            "training.sampling_precision",
                                            "flow.architecture",
                                            "method.fit.report_steps",
                                            "method.fit.validation_samples",
                                            "method.fit.monitor_samples"};
  return !others.contains(key) && !key.starts_with("evaluation.") && !key.starts_with("output.");
}

/// False for settings that this method and this architecture do not read.
bool is_read(const std::string& key, const std::string& method, const std::string& architecture) {
  const auto in = [&](const char* section) { return key.starts_with(section); };
  const bool learns_from_energy = method == "cmt";
  if (in("method.cmt.")) return learns_from_energy;
  if (in("method.regflow.")) return method == "regflow";
  if (in("method.flow_matching.")) return method == "flow-matching";
  if (in("method.fit.") || in("data.")) return !learns_from_energy;
  if (in("flow.continuous.")) return architecture == "continuous";
  if (in("flow.euclidean.")) return architecture != "continuous" && architecture != "spline";
  if (in("flow.")) return architecture == "spline";
  return true;
}

double number_of(const nlohmann::ordered_json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_number() ? found->get<double>() : std::numeric_limits<double>::quiet_NaN();
}

ComparedValue mean_of(const std::vector<ComparedValue>& values) {
  if (values.size() == 1) return values.front();
  const auto n = static_cast<double>(values.size());
  double mean = 0, floor = 0, squares = 0;
  for (const ComparedValue& value : values) mean += value.value / n, floor += value.floor / n;
  for (const ComparedValue& value : values) squares += (value.value - mean) * (value.value - mean);
  return {mean, std::sqrt(squares / (n - 1) / n), floor};
}

/// Whether runs agree in something that numbers depend on; if not, a warning.
template <class Property>
void warn_unless_equal(const std::vector<ComparedRun>& runs, const char* what, const Property& property,
                       std::vector<std::string>& warnings) {
  std::vector<std::string> seen;
  for (const ComparedRun& run : runs) {
    const std::string value = property(run);
    if (!value.empty() && std::ranges::find(seen, value) == seen.end()) seen.push_back(value);
  }
  if (seen.size() > 1)
    warnings.push_back(fmt::format("{} differ: {}; their numbers compare with care", what, fmt::join(seen, ", ")));
}

}  // namespace

std::span<const ComparedQuantity> compared_quantities() { return table; }

ComparedRun read_compared_run(const std::filesystem::path& folder) {
  if (!is_run_folder(folder))
    throw MissingInputError(folder.string() + ": is no run folder; name those that `boltzflow train` made");
  RunSettings settings;
  read_settings(settings, {.preset = {}, .configuration_file = (folder / "config.toml").string(), .assignments = {}});
  ComparedRun run;
  run.path = folder;
  run.system = settings.system;
  run.method = settings.training.trainer.method;
  run.architecture = settings.training.flow.architecture;
  run.seed = settings.training.trainer.seed;
  OptionTable options;
  settings.describe(options);
  for (const Option& option : options.options())
    if (is_about_the_model(option.key) && is_read(option.key, run.method, run.architecture))
      run.settings.emplace_back(option.key, toml_value(option));
  const TrainedModel model = load_trained_model(folder, "cpu");
  run.values["n_parameters"].value = static_cast<double>(model.generator.flow().n_parameters());
  if (std::filesystem::exists(folder / "metrics.jsonl")) {
    const std::vector<MetricsLog::Row> rows = read_metrics(folder / "metrics.jsonl");
    if (!rows.empty()) {
      for (const auto& [name, value] : rows.back().metrics) {
        if (name == "seconds") run.values["training_seconds"].value = value;
        if (name == "gradient_steps" || name == "evaluations") run.values[name].value = value;
      }
    }
  }
  if (!std::filesystem::exists(folder / "evaluation.json")) return run;
  try {
    take_evaluation(run, nlohmann::ordered_json::parse(read_file(folder / "evaluation.json")));
  } catch (const nlohmann::json::exception& error) {
    throw InputError(
        (folder / "evaluation.json").string(),
        fmt::format("is no evaluation ({}); make it anew with `boltzflow evaluate {}`", error.what(), folder.string()));
  }
  return run;
}

void take_evaluation(ComparedRun& run, nlohmann::ordered_json evaluation) {
  const nlohmann::ordered_json& metrics = evaluation.at("metrics");
  for (const ComparedQuantity& quantity : table) {
    if (!is_metric(quantity)) continue;
    run.values.erase(quantity.name);
    const auto found = metrics.find(quantity.name);
    if (found == metrics.end()) continue;
    ComparedValue value{number_of(*found, "value"), number_of(*found, "error")};
    if (found->contains("floor")) value.floor = number_of(found->at("floor"), "value");
    run.values[quantity.name] = value;
  }
  run.evaluation = std::move(evaluation);
}

bool lacks_metrics(const ComparedRun& run) {
  return std::ranges::any_of(table, [&](const ComparedQuantity& quantity) {
    return is_metric(quantity) && !run.values.contains(quantity.name);
  });
}

SamplingTime measure_sampling_time(const BoltzmannGenerator& generator, ConditionerPrecision precision,
                                   std::int64_t n_most) {
  constexpr double long_enough = 2;                                        // s
  RandomStream random(1, /*stream=*/0x74696d65);                           // "time"
  generator.sample(std::min<std::int64_t>(8, n_most), random, precision);  // what is made once, is made
  for (std::int64_t n = std::min<std::int64_t>(16, n_most);; n = std::min(4 * n, n_most)) {
    const auto start = std::chrono::steady_clock::now();
    generator.sample(n, random, precision);
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    if (seconds >= long_enough || n == n_most) return {n, seconds};
  }
}

Comparison compare_runs(const std::vector<ComparedRun>& runs) {
  Comparison comparison;
  std::vector<std::vector<const ComparedRun*>> groups;
  for (const ComparedRun& run : runs) {
    const auto group = std::ranges::find_if(groups, [&](const auto& members) {
      const ComparedRun& other = *members.front();
      return other.system == run.system && other.method == run.method && other.architecture == run.architecture &&
             other.settings == run.settings;
    });
    if (group == groups.end())
      groups.push_back({&run});
    else
      group->push_back(&run);
  }
  std::map<std::string, std::set<std::string>> values_of_setting;
  for (const auto& group : groups)
    for (const auto& [key, value] : group.front()->settings) values_of_setting[key].insert(value);
  for (const auto& group : groups) {
    const ComparedRun& first = *group.front();
    ComparisonRow row{first.system, first.method, first.architecture, {}, {}, {}, {}};
    for (const auto& setting : first.settings)
      if (values_of_setting[setting.first].size() > 1) row.settings.push_back(setting);
    for (const ComparedRun* run : group) row.runs.push_back(run->path), row.seeds.push_back(run->seed);
    for (const ComparedQuantity& quantity : table) {
      std::vector<ComparedValue> values;
      for (const ComparedRun* run : group)
        if (const auto found = run->values.find(quantity.name); found != run->values.end())
          values.push_back(found->second);
      if (!values.empty()) row.values[quantity.name] = mean_of(values);
    }
    comparison.rows.push_back(std::move(row));
  }

  std::vector<std::string>& warnings = comparison.warnings;
  const auto of_evaluation = [](const char* key) {
    return [key](const ComparedRun& run) {
      return run.evaluation.is_object() && run.evaluation.contains(key) ? run.evaluation.at(key).dump() : "";
    };
  };
  warn_unless_equal(
      runs, "the systems", [](const ComparedRun& run) { return run.system; }, warnings);
  warn_unless_equal(runs, "the temperatures (K)", of_evaluation("temperature"), warnings);
  warn_unless_equal(runs, "the numbers of samples evaluated", of_evaluation("n_samples"), warnings);
  warn_unless_equal(runs, "the numbers of reference frames", of_evaluation("n_reference_frames"), warnings);
  warn_unless_equal(runs, "the shares of largest weights left out", of_evaluation("drop_fraction"), warnings);
  warn_unless_equal(
      runs, "the numbers of points of T-W2",
      [](const ComparedRun& run) -> std::string {
        const nlohmann::json::json_pointer place("/metrics/torus_wasserstein/n_points");
        return run.evaluation.is_object() && run.evaluation.contains(place) ? run.evaluation.at(place).dump() : "";
      },
      warnings);
  for (const ComparedRun& run : runs) {
    if (run.evaluation.is_null())
      warnings.push_back(run.path.string() + " has no evaluation yet; --evaluate makes one for this table");
    else if (!run.values.contains("energy_wasserstein_1"))
      warnings.push_back(run.path.string() +
                         " was evaluated without a reference; --reference FRAMES compares with one");
    else if (!run.values.contains("energy_wasserstein_1_capped"))
      warnings.push_back(run.path.string() +
                         " was evaluated by an older version, which lacks some metrics; --evaluate adds them");
  }
  return comparison;
}

}  // namespace boltzflow
