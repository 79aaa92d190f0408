// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "boltzflow/base/options.hpp"
#include "boltzflow/base/stop_flag.hpp"

namespace boltzflow {

/// Settings of sequential_monte_carlo().
struct SmcOptions {
  std::string kernel = "mala";  ///< "mala" (Metropolis-adjusted Langevin) or "ula" (unadjusted; exact by its weights)
  std::int64_t kernel_steps = 10;  ///< Langevin steps per temperature
  double step_size = 1e-5;         ///< h at the start, unit of x squared; adapted on the way
  bool adapt_step_size = true;     ///< towards the acceptance of 0.574 (mala) or a mean ratio of 0.95 (ula)
  double conditional_ess = 0.95;   ///< of every temperature step, which sets the next temperature
  double resample_below = 0.5;     ///< resample where the ESS falls below this share of the particles; 0: never (AIS)
  std::int64_t max_temperatures = 10'000;
  std::uint64_t seed = 1;
};

/// Adds the settings to the table as PREFIX.kernel, ...
void describe(SmcOptions& options, OptionTable& table, const std::string& prefix = "smc");

/// Writes log of a density or a reduced energy [n], and its gradient by x [n, dimension], of a whole batch of points x
/// [n, dimension]. log q = -inf and u = +inf are no density; the gradient is then ignored. NaN is an error.
using DensityAndGradient =
    std::function<void(std::span<const double> x, std::span<double> value, std::span<double> gradient)>;

/// The way from q to exp(-u): log pi_beta(x) = (1 - beta) log q(x) - beta u(x).
struct AnnealingBridge {
  DensityAndGradient log_prob;        ///< log q, normalised
  DensityAndGradient reduced_energy;  ///< u
};

/// What happened at one temperature.
struct SmcStage {
  double beta;                   ///< after the step
  double effective_sample_size;  ///< of the weights at beta, before resampling, as a share of the particles
  bool resampled;
  double acceptance;  ///< mean of min(1, Metropolis ratio) over particles and kernel steps
  double step_size;   ///< h of the last kernel step
};

/// Particles that represent exp(-u) together with their weights.
struct SmcSamples {
  std::vector<double> x;                ///< [n_particles, dimension]
  std::vector<double> log_weight;       ///< [n_particles]; the mean of exp(log_weight) estimates Z = integral exp(-u)
  std::vector<double> log_prob;         ///< [n_particles] log q(x)
  std::vector<double> reduced_energy;   ///< [n_particles] u(x)
  std::vector<std::uint32_t> ancestor;  ///< [n_particles] the initial sample that the particle descends from
  std::vector<SmcStage> stages;
  double log_partition_function = 0;  ///< log of the mean of exp(log_weight)
  std::int64_t n_evaluations = 0;     ///< of u (and of log q), single points
};

/// This anneals samples of q into weighted samples of exp(-u): annealed importance sampling (Neal2001) and, with
/// resampling, a sequential Monte Carlo sampler (DelMoral2006).
///
/// beta rises from 0 to 1 in steps whose conditional ESS (Zhou2016) is options.conditional_ess; weights grow by
/// exp(-(beta' - beta) (u + log q)); systematic resampling where their ESS is low; then Langevin steps at beta',
///
///     x' = x + h/2 grad log pi(x) + sqrt(h) xi,   r = pi(x') k(x | x') / (pi(x) k(x' | x)),
///
/// accepted with probability min(1, r) ("mala"), or always, with the weight multiplied by r ("ula": the time-reversed
/// kernel is the backward kernel, so that the weights are exact for any h; without r they would be off by a bias of
/// the step). Neither steps to where there is no density. For fixed temperatures and step sizes the mean of
/// exp(log_weight) is unbiased for Z; adapting them costs a bias of order 1 / n_particles.
///
/// @param x [n_particles, dimension] independent samples of q. @param log_weight their log weights if they do not
///        represent q itself, else empty.
/// @param on_stage called after every temperature, may be empty. @param stop read once per temperature, may be null.
/// @returns the particles; where a stop was requested those of the last temperature, whose beta is below 1.
/// Random numbers come from a stream per particle and step: the result does not depend on the number of threads.
/// @throws InputError if sizes do not fit, an option is out of range, a value is NaN, a gradient of a point with a
///         density is not finite, all weights are zero, or max_temperatures are not enough.
/// @cite Neal2001; DelMoral2006; Zhou2016; Tan2025 (SBG, with Boltzmann generators).
SmcSamples sequential_monte_carlo(const AnnealingBridge& bridge, std::span<const double> x, std::size_t dimension,
                                  std::span<const double> log_weight, const SmcOptions& options,
                                  const std::function<void(const SmcStage&)>& on_stage = {},
                                  const StopFlag* stop = nullptr);

}  // namespace boltzflow
