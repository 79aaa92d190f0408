// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <string>

#include "boltzflow/base/options.hpp"

namespace boltzflow {

/// Settings of methods that take a given number of gradient steps on data; keys method.fit.*.
struct FitOptions {
  std::int64_t gradient_steps = 20'000;
  double learning_rate_end = 0;            ///< fraction of itself that the learning rate falls to along half a cosine
  std::int64_t report_steps = 500;         ///< gradient steps between reports
  std::int64_t validation_samples = 1000;  ///< points of the validation part per report; 0: none
  std::int64_t monitor_samples = 2000;     ///< samples of the flow per report whose energies give its ESS; 0: none
  void describe(OptionTable& table);
};

/// Regression of a flow on known pairs (arXiv 2506.01158); keys method.regflow.*.
struct RegflowOptions {
  std::string targets = "optimal-transport";  ///< or "reflow"
  std::int64_t n_pairs = 20'000;              ///< drawn once
  std::string teacher;                        ///< reflow: a run folder or model file with a continuous flow
  std::string regularization = "log-det";     ///< "none", "log-det", "forward-backward" or "backward"
  double regularization_coefficient = 1e-6;   ///< lambda_r
  double target_noise = 0;                    ///< lambda_n, in units of the flow's coordinates
  std::int64_t maximum_likelihood_steps = 0;  ///< gradient steps of maximum likelihood after the regression
  void describe(OptionTable& table);
};

/// Flow matching; keys method.flow_matching.*.
struct FlowMatchingOptions {
  std::string coupling = "independent";  ///< "independent" or "optimal-transport" within a batch
  double noise = 0;                      ///< sigma, in units of the flow's coordinates
  void describe(OptionTable& table);
};

}  // namespace boltzflow
