// SPDX-License-Identifier: MIT
#include <fmt/format.h>

#include <string>
#include <vector>

#include "boltzflow/evaluation/plot/figure.hpp"
#include "boltzflow/evaluation/report/html.hpp"
#include "boltzflow/evaluation/report/report_sections.hpp"

namespace boltzflow {
namespace {

using plot::escaped;

std::string displayed(const MetricEntry& metric, Estimate estimate) {
  const double factor = metric.display_factor;
  return format_estimate({estimate.value * factor, estimate.error * factor}, "±");
}

std::string with_unit(const MetricEntry& metric, Estimate estimate) {
  const std::string text = displayed(metric, estimate);
  if (*metric.unit == '\0') return text;
  // Per cent of a value with its error stands in brackets, or it would belong to the error alone.
  if (std::string_view(metric.unit) == "%" && text.find("±") != std::string::npos) return "(" + text + ")\u00a0%";
  return text + "\u00a0" + metric.unit;
}

std::string tile(const Evaluation& evaluation, const char* name, const char* label) {
  const MetricValue* value = find_metric(evaluation, name);
  if (value == nullptr) return "";
  std::string small;
  if (value->floor) small = fmt::format("<small>perfect: {}</small>", displayed(*value->metric, *value->floor));
  return fmt::format("<div><dt>{}</dt><dd>{}{}</dd></div>\n", escaped(label),
                     with_unit(*value->metric, value->estimate), small);
}

std::string cell(const Evaluation& evaluation, const char* name, std::size_t pair) {
  const MetricValue* value = find_metric(evaluation, name, pair);
  return value == nullptr ? "" : with_unit(*value->metric, value->estimate);
}

std::string fact_list(const char* heading, const std::vector<ReportFact>& facts) {
  if (facts.empty()) return "";
  std::string html = fmt::format("<div><h3>{}</h3><dl class=\"list\">\n", heading);
  for (const auto& [label, text] : facts)
    html += fmt::format("<dt>{}</dt><dd>{}</dd>\n", escaped(label), escaped(text));
  return html + "</dl></div>\n";
}

}  // namespace

std::string headline_section(const Evaluation& evaluation) {
  const char* population =
      find_metric(evaluation, "population_phi_positive_reweighted") == nullptr ? "" : "phi > 0, reweighted";
  std::string tiles = tile(evaluation, "effective_sample_size_clipped", "Effective sample size") +
                      tile(evaluation, "log_partition_function_reverse", "log Z") +
                      tile(evaluation, "evidence_upper_bound", "EUBO") +
                      tile(evaluation, "ramachandran_total_variation", "Ramachandran TV") +
                      tile(evaluation, "population_phi_positive_reweighted", population) +
                      tile(evaluation, "free_energy_difference_reweighted", "F(phi > 0) - F(phi < 0)");
  return "<dl class=\"tiles\">\n" + tiles + "</dl>\n";
}

std::string basin_section(const Evaluation& evaluation) {
  std::vector<std::vector<std::string>> rows;
  for (std::size_t pair = 0; pair < evaluation.torsion_pair_names.size(); ++pair) {
    const std::string name = escaped(evaluation.torsion_pair_names[pair]);
    rows.push_back({name + ": population of phi &gt; 0", cell(evaluation, "population_phi_positive", pair),
                    cell(evaluation, "population_phi_positive_reweighted", pair),
                    cell(evaluation, "population_phi_positive_reference", pair)});
    rows.push_back({name + ": left-handed basin, 0 &lt; phi &lt; 126&#176;",
                    cell(evaluation, "population_left_handed", pair),
                    cell(evaluation, "population_left_handed_reweighted", pair),
                    cell(evaluation, "population_left_handed_reference", pair)});
    rows.push_back({name + ": F(phi &gt; 0) - F(phi &lt; 0)", cell(evaluation, "free_energy_difference", pair),
                    cell(evaluation, "free_energy_difference_reweighted", pair),
                    cell(evaluation, "free_energy_difference_reference", pair)});
  }
  if (rows.empty()) return "";
  return html_section(
      "Basins",
      "How much of the distribution lies in each half of the phi circle. A high effective sample size proves nothing "
      "about basins that the flow has lost: compare the columns.",
      html_table({"", "samples", "reweighted", "reference"}, rows));
}

std::string numbers_section(const Evaluation& evaluation) {
  std::vector<std::vector<std::string>> rows;
  const bool several_pairs = evaluation.torsion_pair_names.size() > 1;
  for (const MetricValue& value : evaluation.metrics) {
    std::string label = escaped(value.metric->label);
    if (value.metric->per_pair && several_pairs) label += ", " + escaped(evaluation.torsion_pair_names[value.pair]);
    rows.push_back({label, with_unit(*value.metric, value.estimate),
                    value.floor ? displayed(*value.metric, *value.floor) : "", escaped(value.metric->documentation)});
  }
  std::string introduction = fmt::format(
      "{} samples; errors are standard errors from {} bootstrap replicates; the largest {:g}\u00a0% of the weights are "
      "clipped for "
      "everything clipped or reweighted.",
      evaluation.n_samples, evaluation.options.n_replicates, 100 * evaluation.options.clip_fraction);
  if (evaluation.n_zero_weights > 0)
    introduction += fmt::format(" {} samples have an infinite energy and weigh nothing.", evaluation.n_zero_weights);
  if (evaluation.n_reference_frames > 0) {
    introduction += fmt::format(" The reference has {} frames", evaluation.n_reference_frames);
    if (evaluation.n_reference_blocks > 0)
      introduction += fmt::format(", resampled in {} blocks", evaluation.n_reference_blocks);
    introduction += fmt::format("; the flow's coordinates can represent {:.4g} % of them.",
                                100 * evaluation.representable_fraction);
  }
  if (evaluation.halves)
    introduction += fmt::format(
        " Perfect sampler: what as many independent samples of the target itself (for reweighted ones, as many as the "
        "effective "
        "sample size) would score against this reference, on histograms of {0} x {0} bins. Two halves of the reference "
        "differ by TV "
        "{1} and KL {2} nats.",
        evaluation.options.n_bins, format_estimate(evaluation.halves->total_variation, "±"),
        format_estimate(evaluation.halves->kullback_leibler, "±"));
  std::string html = html_table({"metric", "value", "perfect sampler", "what it is"}, rows);
  // The last column is prose and may wrap.
  for (std::size_t at = 0; (at = html.find("</td></tr>", at)) != std::string::npos; ++at) {
    const std::size_t open = html.rfind("<td>", at);
    html.replace(open, 4, "<td class=\"text\">");
    at = html.find("</td></tr>", open);
  }
  return html_section("Numbers", introduction, html);
}

std::string facts_section(const ReportInput& input) {
  std::string facts = fact_list("System", input.system) + fact_list("Run", input.run);
  if (!facts.empty()) facts = "<div class=\"facts\">\n" + facts + "</div>\n";
  if (!input.commands.empty()) {
    std::string commands;
    for (const std::string& command : input.commands) commands += escaped(command) + "\n";
    facts += "<h3>Commands</h3>\n<pre>" + commands + "</pre>\n";
  }
  return facts.empty() ? "" : html_section("About this run", "", facts);
}

}  // namespace boltzflow
