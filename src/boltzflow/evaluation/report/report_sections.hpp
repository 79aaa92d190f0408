// SPDX-License-Identifier: MIT
#pragma once
#include <span>
#include <string>
#include <vector>

#include "boltzflow/evaluation/report/report.hpp"

namespace boltzflow {

// The sections of a report, each as HTML; empty where the input has nothing for it.

/// The numbers that matter most, large.
std::string headline_section(const Evaluation& evaluation);
/// Free energies over phi and psi: samples, reweighted, reference and the difference of the last two.
std::string ramachandran_section(const ReportInput& input, std::span<const double> weight);
/// Free energies along phi and psi, and the distribution of energies, with errors.
std::string marginal_section(const ReportInput& input, std::span<const double> weight);
/// Bond lengths and angles: all of them in two overviews, and those that differ most.
std::string coordinate_section(const ReportInput& input, std::span<const double> weight);
/// Populations and free-energy differences of the phi < 0 and phi > 0 states.
std::string basin_section(const Evaluation& evaluation);
/// All metrics with errors and floors.
std::string numbers_section(const Evaluation& evaluation);
/// The annealing path, and effective sample size and loss over target evaluations.
std::string training_section(std::span<const HistoryRow> history);
/// System, run, commands.
std::string facts_section(const ReportInput& input);

}  // namespace boltzflow
