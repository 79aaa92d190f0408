// SPDX-License-Identifier: MIT
#pragma once
#include <span>

namespace boltzflow {

/// This returns the evidence lower bound: ELBO = E_q[-u - log q] = log Z - KL(q || p) <= log Z.
/// Rare clashes (u up to 1e20) dominate it long before they matter for anything else: read it beside the ESS.
/// @param log_weight [n_samples] -u(x_n) - log q(x_n), x_n ~ q; -inf makes the result -inf.
/// @throws InputError if log_weight is empty or holds NaN or +inf.
double evidence_lower_bound(std::span<const double> log_weight);

/// This returns the evidence upper bound: EUBO = E_p[-u - log q] = log Z + KL(p || q) >= log Z; lower is better.
/// @param log_weight [n_samples] -u(x_n) - log q(x_n), x_n ~ p; +inf makes the result +inf.
/// @throws InputError if log_weight is empty or holds NaN or -inf.
double evidence_upper_bound(std::span<const double> log_weight);

/// This returns the negative log-likelihood: NLL = -E_p[log q]; EUBO = NLL - E_p[u].
/// @param log_prob [n_samples] log q(x_n), x_n ~ p. @throws InputError if it is empty or holds NaN or +inf.
double negative_log_likelihood(std::span<const double> log_prob);

}  // namespace boltzflow
