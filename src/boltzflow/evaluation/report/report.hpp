// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "boltzflow/evaluation/evaluate.hpp"
#include "boltzflow/evaluation/evaluation_input.hpp"

namespace boltzflow {

/// One line of a list of facts: {"Atoms", "22"}.
using ReportFact = std::pair<std::string, std::string>;

/// The values of one bond length or bond angle.
struct CoordinateColumn {
  std::string name;               ///< "CA-C"
  bool is_angle = false;          ///< rad, else a bond in nm
  std::vector<double> samples;    ///< of the first samples: no more than there are, fewer will do
  std::vector<double> reference;  ///< of reference frames, any number; may be empty
};

/// One step of training, as in metrics.csv.
struct HistoryRow {
  std::string phase;  ///< "anneal", "refine"
  std::int64_t step = 0;
  std::vector<std::pair<std::string, double>> metrics;  ///< by name; what a figure needs and a row lacks is left out
};

/// All that a report shows; every part may be missing.
struct ReportInput {
  std::string title;                       ///< "alanine-dipeptide"
  std::string subtitle;                    ///< one line on what this is
  std::vector<ReportFact> system;          ///< the molecule and the flow
  std::vector<ReportFact> run;             ///< seed, hardware, time, evaluations
  std::vector<std::string> commands;       ///< shell commands that made this and use it
  std::vector<std::string> warnings;       ///< shown at the top
  const EvaluationInput* data = nullptr;   ///< samples and reference that the pictures are drawn from
  const Evaluation* evaluation = nullptr;  ///< of the same data
  std::vector<CoordinateColumn> coordinates;
  std::vector<HistoryRow> history;
};

/// This returns a report as one HTML file that needs nothing else: no scripts, no network; well-formed XML; readable on
/// light and dark screens and on paper. The same input gives the same bytes. Typically 300 kB.
/// @throws InputError for columns that do not fit each other.
std::string report_html(const ReportInput& input);

}  // namespace boltzflow
