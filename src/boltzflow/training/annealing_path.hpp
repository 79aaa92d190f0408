// SPDX-License-Identifier: MIT
#pragma once

namespace boltzflow {

/// Where an annealing stands on the path  q_i ~ q_0^{1 - beta_i} (p~^{alpha_i})^{beta_i}  (CMT, Theorem 2.4):
///     1 - beta_{i+1} = (1 - beta_i) lambda_i / s_i,   e_{i+1} = (lambda_i e_i + 1) / s_i,   s_i = 1 + lambda_i + eta_i
/// with e_i = alpha_i beta_i the exponent of p~. beta never falls; alpha is an inverse temperature relative to the
/// target.
struct AnnealingPath {
  double beta = 0;
  double target_exponent = 0;  ///< e_i = alpha_i beta_i

  void advance(double lambda, double eta) {
    const double s = 1 + lambda + eta;
    beta = (1 + eta + lambda * beta) / s;  // the first recursion, free of cancellation for beta near 0
    target_exponent = (lambda * target_exponent + 1) / s;
  }
  double alpha() const { return beta > 0 ? target_exponent / beta : 0; }
};

}  // namespace boltzflow
