// SPDX-License-Identifier: MIT
#include "boltzflow/training/fit_options.hpp"

namespace boltzflow {

void FitOptions::describe(OptionTable& table) {
  const auto key = [](const char* name) { return std::string("method.fit.") + name; };
  table.add(key("gradient_steps"), gradient_steps, 1, 1e12, "of methods that train on data");
  table.add(key("learning_rate_end"), learning_rate_end, 0, 1,
            "fraction of itself that the learning rate falls to along half a cosine");
  table.add(key("report_steps"), report_steps, 1, 1e12, "gradient steps between reports");
  table.add(key("validation_samples"), validation_samples, 0, 1e9, "points of the validation part per report; 0: none");
  table.add(key("monitor_samples"), monitor_samples, 0, 1e9,
            "samples of the flow per report whose energies give its effective sample size; 0: none");
}

void RegflowOptions::describe(OptionTable& table) {
  const auto key = [](const char* name) { return std::string("method.regflow.") + name; };
  table.add(key("targets"), targets, {"optimal-transport", "reflow"},
            "whether pairs come from an optimal assignment of prior draws to data, or from a continuous flow");
  table.add(key("n_pairs"), n_pairs, 2, 1e9, "pairs to regress on, made once");
  table.add(key("teacher"), teacher, {}, "of reflow: a run folder or model file with a continuous flow");
  table.add(key("regularization"), regularization, {"none", "log-det", "forward-backward", "backward"},
            "what is added to the squared error");
  table.add(key("regularization_coefficient"), regularization_coefficient, 0, 1e6, "of what is added");
  table.add(key("target_noise"), target_noise, 0, 1e3,
            "standard deviation of the noise added to targets, in units of the flow's coordinates");
  table.add(key("maximum_likelihood_steps"), maximum_likelihood_steps, 0, 1e12,
            "gradient steps of maximum likelihood after the regression");
}

void FlowMatchingOptions::describe(OptionTable& table) {
  const auto key = [](const char* name) { return std::string("method.flow_matching.") + name; };
  table.add(key("coupling"), coupling, {"independent", "optimal-transport"}, "of base points and data within a batch");
  table.add(key("noise"), noise, 0, 1e3, "standard deviation of the noise on the path");
}

}  // namespace boltzflow
