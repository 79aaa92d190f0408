// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace boltzflow {

/// The constraints of one step of Constrained Mass Transport, in nats; one that is not set does not bind.
struct CmtConstraints {
  std::optional<double> trust_region;      ///< KL(q_{i+1} || q_i) <= trust_region, > 0
  std::optional<double> entropy_decrease;  ///< H(q_i) - H(q_{i+1}) <= entropy_decrease, > 0
};

/// The next distribution of the path, q_{i+1} ~ q_i^{lambda/s} p~^{1/s} with s = 1 + lambda + eta, as the buffer sees
/// it.
struct CmtDualPoint {
  double lambda = 0, eta = 0;  ///< multipliers of the trust region and the entropy constraint
  double log_z = 0;            ///< log of the normaliser of q_i^{lambda/s} p~^{1/s}
  double kl = 0;               ///< KL(q_{i+1} || q_i)
  double entropy = 0;          ///< H(q_i)
  double entropy_next = 0;     ///< H(q_{i+1})
  double ess_next = 0;         ///< effective samples of q_{i+1} among samples of q_i, as a fraction
};

/// This is the dual problem of one step of Constrained Mass Transport, estimated on samples x_n of q_i.
///
/// min_q KL(q || p) subject to the constraints has the Lagrange dual, concave, to be maximised over lambda, eta >= 0,
///
///     g(lambda, eta) = -s log Z - lambda trust_region + eta (H(q_i) - entropy_decrease),    s = 1 + lambda + eta
///     dg/dlambda = KL(q_{i+1} || q_i) - trust_region,   dg/deta = H(q_i) - H(q_{i+1}) - entropy_decrease
///
/// (the sign of the entropy term follows from the Lagrangian; the published equation 11 has the opposite one). With
/// l_n = log q_i(x_n), r_n = -u(x_n) and a_n = (r_n - (1 + eta) l_n) / s:
///
///     log Z = log mean_n e^{a_n},   W_n = e^{a_n} / sum e^a,   KL = sum W_n a_n - log Z,
///     H(q_i) = -mean l_n,           H(q_{i+1}) = -sum W_n (a_n + l_n - log Z)
///
/// solve() is a safeguarded Newton iteration, nested: KL as a function of s falls for fixed eta, and the entropy's
/// derivative of max_lambda g falls in eta. All sums in float64. Reduced energies up to 1e20 are no trouble.
/// @cite Constrained mass transport, arXiv 2510.18460, equations 1 to 12.
class CmtDual {
 public:
  /// @param log_prob [n] log q_i(x_n), @param reduced_energy [n] u(x_n), nats; samples with either not finite are left
  /// out.
  /// @throws InputError if the sizes differ or no sample is finite.
  CmtDual(std::span<const double> log_prob, std::span<const double> reduced_energy);

  std::int64_t n_samples() const noexcept { return static_cast<std::int64_t>(log_prob_.size()); }  ///< finite ones
  std::int64_t n_dropped() const noexcept { return n_dropped_; }

  /// Maximises the dual. A multiplier whose constraint does not bind is exactly 0; one that would have to exceed 1e13
  /// is cut there. Constraints hold to a relative 1e-9 or the rounding of the sums.
  CmtDualPoint solve(const CmtConstraints& constraints);

  /// The point of given multipliers: fixed schedules, tests.
  CmtDualPoint at(double lambda, double eta);

 private:
  struct Moments;
  Moments moments(double eta, double scale);
  /// The scale s >= 1 + eta with KL = trust_region, or 1 + eta where KL is already below it.
  double scale_of_trust_region(double eta, double trust_region, double guess);
  CmtDualPoint point(double eta, const Moments& moments, double lambda) const;

  std::vector<double> log_prob_;        // centred: minus mean_log_prob_
  std::vector<double> reduced_energy_;  // minus the smallest
  double mean_log_prob_ = 0, smallest_energy_ = 0;
  std::int64_t n_dropped_ = 0;
  std::vector<double> exponent_;  // r - (1 + eta) l minus its maximum, for exponent_eta_
  double exponent_eta_ = -1, exponent_maximum_ = 0;
};

}  // namespace boltzflow
