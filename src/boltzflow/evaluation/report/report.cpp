// SPDX-License-Identifier: MIT
#include "boltzflow/evaluation/report/report.hpp"

#include <fmt/format.h>

#include "boltzflow/base/importance_weights.hpp"
#include "boltzflow/evaluation/plot/figure.hpp"
#include "boltzflow/evaluation/report/html.hpp"
#include "boltzflow/evaluation/report/report_sections.hpp"

namespace boltzflow {

using plot::escaped;

std::string report_html(const ReportInput& input) {
  std::string html = fmt::format(
      "<!DOCTYPE html>\n<html lang=\"en\" xmlns=\"http://www.w3.org/1999/xhtml\">\n<head>\n<meta charset=\"utf-8\"/>\n"
      "<meta name=\"viewport\" content=\"width=device-width, "
      "initial-scale=1\"/>\n<title>{}</title>\n<style>{}</style>\n"
      "</head>\n<body>\n<header>\n<h1>{}</h1>\n",
      escaped(input.title), report_style, escaped(input.title));
  if (!input.subtitle.empty()) html += fmt::format("<p>{}</p>\n", escaped(input.subtitle));
  for (const std::string& warning : input.warnings)
    html += fmt::format("<p class=\"warning\">{}</p>\n", escaped(warning));
  html += "</header>\n<main>\n";
  if (input.evaluation != nullptr) html += headline_section(*input.evaluation);
  if (input.data != nullptr) {
    const double clip_fraction =
        input.evaluation != nullptr ? input.evaluation->options.clip_fraction : EvaluationOptions{}.clip_fraction;
    const auto log_weight = log_importance_weights(input.data->samples.log_prob, input.data->samples.reduced_energy);
    const auto weight = normalized_weights(clip_log_weights(log_weight, clip_fraction));
    html += ramachandran_section(input, weight);
    if (input.evaluation != nullptr) html += basin_section(*input.evaluation);
    html += marginal_section(input, weight);
    html += coordinate_section(input, weight);
  }
  html += training_section(input.history);
  if (input.evaluation != nullptr) html += numbers_section(*input.evaluation);
  html += facts_section(input);
  return html + "</main>\n</body>\n</html>\n";
}

}  // namespace boltzflow
