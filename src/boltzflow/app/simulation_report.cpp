// SPDX-License-Identifier: MIT
#include "boltzflow/app/simulation_report.hpp"

#include <fmt/format.h>

#include <cmath>

namespace boltzflow {
namespace {

constexpr double seconds_per_day = 86400, ps_per_ns = 1000;

nlohmann::ordered_json number(double value) {
  return std::isfinite(value) ? nlohmann::ordered_json(value) : nlohmann::ordered_json();
}

std::string temperature_table(const ReplicaExchangeResult& result) {
  std::string text = fmt::format("{:>8} {:>12} {:>16} {:>10}\n", "T / K", "kinetic T", "energy, kJ/mol", "exchanged");
  for (std::size_t t = 0; t < result.temperatures.size(); ++t)
    text += fmt::format("{:>8.1f} {:>12.1f} {:>16.2f} {:>10}\n", result.temperatures[t], result.kinetic_temperature[t],
                        result.mean_energy[t],
                        t < result.acceptance.size() ? fmt::format("{:.0f} %", 100 * result.acceptance[t]) : "");
  return text;
}

std::string convergence_table(const std::vector<ReportedQuantity>& quantities, double frame_time) {
  std::string text = fmt::format("{:<24} {:>12} {:>10} {:>12} {:>14} {:>8}\n", "mean of", "", "+-", "corr. / ps",
                                 "independent", "R-hat");
  double slowest = 0, largest = 0;
  for (const ReportedQuantity& q : quantities) {
    const Convergence& c = q.convergence;
    text += fmt::format("{:<24} {:>12.4f} {:>10.4f} {:>12.3g} {:>14.0f} {:>8.3f}\n",
                        q.unit.empty() ? q.name : q.name + ", " + q.unit, c.mean, c.standard_error,
                        c.autocorrelation_time * frame_time, c.effective_samples, c.gelman_rubin);
    if (std::isfinite(c.gelman_rubin)) largest = std::max(largest, c.gelman_rubin);
    if (std::isfinite(c.effective_samples))
      slowest = slowest == 0 ? c.effective_samples : std::min(slowest, c.effective_samples);
  }
  if (largest > 1.01 || slowest < 100)
    text +=
        "Not converged: R-hat should be below 1.01 and every mean rest on 100 independent samples or more; go on "
        "for longer\n";
  return text;
}

}  // namespace

std::vector<ReportedQuantity> assess_simulation(
    const std::vector<double>& energy, const std::vector<std::pair<std::string, std::vector<double>>>& torsions,
    int n_ladders) {
  std::vector<ReportedQuantity> quantities{{"energy", "kJ/mol", assess_convergence(energy, n_ladders)}};
  for (const auto& [name, angles] : torsions) {
    ReportedQuantity slower;
    for (const bool sine : {false, true}) {
      std::vector<double> values;
      for (const double a : angles) values.push_back(sine ? std::sin(a) : std::cos(a));
      ReportedQuantity q{fmt::format("{} {}", sine ? "sin" : "cos", name), "", assess_convergence(values, n_ladders)};
      if (!sine || q.convergence.autocorrelation_time > slower.convergence.autocorrelation_time) slower = q;
    }
    quantities.push_back(slower);
  }
  return quantities;
}

double nanoseconds_per_day(const ReplicaExchangeOptions& o, std::int64_t steps, double seconds) {
  const double ns = static_cast<double>(steps) * o.time_step / ps_per_ns * o.n_ladders * o.n_temperatures;
  return seconds > 0 ? ns * seconds_per_day / seconds : 0;
}

SimulationReport report_simulation(const SimulationSettings& settings, const ReplicaExchangeResult& result,
                                   const std::vector<ReportedQuantity>& quantities, std::int64_t n_frames,
                                   double seconds, std::int64_t session_steps) {
  const ReplicaExchangeOptions& o = settings.options;
  const double ns = static_cast<double>(result.measured_steps) * o.time_step / ps_per_ns;
  const double frame_time = static_cast<double>(o.frame_interval) * o.time_step;
  const double per_day = nanoseconds_per_day(o, session_steps, seconds);
  nlohmann::ordered_json convergence = nlohmann::ordered_json::array();
  for (const ReportedQuantity& q : quantities)
    convergence.push_back({{"quantity", q.name},
                           {"unit", q.unit},
                           {"mean", number(q.convergence.mean)},
                           {"standard_error", number(q.convergence.standard_error)},
                           {"standard_deviation", number(q.convergence.standard_deviation)},
                           {"autocorrelation_time", number(q.convergence.autocorrelation_time * frame_time)},
                           {"effective_samples", number(q.convergence.effective_samples)},
                           {"gelman_rubin", number(q.convergence.gelman_rubin)}});
  SimulationReport report;
  report.document = {{"system", settings.system},
                     {"n_replicas", o.n_ladders},
                     {"temperatures", result.temperatures},
                     {"time_step", o.time_step},
                     {"friction", o.friction},
                     {"n_constraints", o.constraints.size()},
                     {"exchange_interval", o.exchange_interval},
                     {"frame_interval", o.frame_interval},
                     {"seed", o.seed},
                     {"equilibration_steps", o.equilibration_steps},
                     {"steps", result.measured_steps},
                     {"nanoseconds", ns},
                     {"n_evaluations", result.n_evaluations},
                     {"seconds", seconds},
                     {"nanoseconds_per_day", per_day},
                     {"kinetic_temperature", result.kinetic_temperature},
                     {"mean_energy", result.mean_energy},
                     {"acceptance", result.acceptance},
                     {"convergence", convergence},
                     {"n_frames", n_frames * o.n_ladders},
                     {"files", settings.outputs}};
  if (!settings.topology.empty()) report.document["topology"] = settings.topology;
  report.text = fmt::format(
      "{} replica{} of {:.4g} ns at {:.1f} K, {} frames; {:.4g} ns/day for all replicas together\n", o.n_ladders,
      o.n_ladders == 1 ? "" : "s", ns, result.temperatures[0], n_frames * o.n_ladders, per_day);
  report.text += temperature_table(result) + convergence_table(quantities, frame_time);
  for (const std::string& file : settings.outputs) report.text += file + "\n";
  if (!settings.topology.empty()) report.text += settings.topology + "\n";
  return report;
}

}  // namespace boltzflow
