// SPDX-License-Identifier: MIT
#include "boltzflow/sampling/smc.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "boltzflow/base/errors.hpp"
#include "boltzflow/base/importance_weights.hpp"
#include "boltzflow/base/log_mean_exp.hpp"
#include "boltzflow/base/random.hpp"
#include "boltzflow/base/systematic_resampling.hpp"
#include "boltzflow/base/threads.hpp"

namespace boltzflow {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double mala_acceptance = 0.574;  // Roberts1998
constexpr double ula_acceptance = 0.95;    // ratios multiply the weights, so they must stay near one

/// Points with both densities and their gradients.
struct Points {
  Points(std::size_t n, std::size_t dimension)
      : x(n * dimension), log_prob(n), log_prob_gradient(n * dimension), energy(n), energy_gradient(n * dimension) {}
  std::vector<double> x, log_prob, log_prob_gradient, energy, energy_gradient;
};

template <class T>
void gather_rows(std::vector<T>& rows, std::span<const std::uint32_t> indices) {
  const std::size_t length = rows.size() / indices.size();
  std::vector<T> gathered;
  gathered.reserve(rows.size());
  for (const std::size_t i : indices)
    gathered.insert(gathered.end(), rows.begin() + static_cast<std::ptrdiff_t>(i * length),
                    rows.begin() + static_cast<std::ptrdiff_t>((i + 1) * length));
  rows = std::move(gathered);
}

void require_options(const SmcOptions& options) {
  if (options.kernel != "mala" && options.kernel != "ula")
    throw InputError(fmt::format("smc.kernel is \"{}\"; it must be mala or ula", options.kernel));
  if (options.kernel_steps < 0 || options.max_temperatures < 1)
    throw InputError(fmt::format("smc has {} kernel steps and at most {} temperatures; use at least 0 and 1",
                                 options.kernel_steps, options.max_temperatures));
  if (!(options.step_size > 0 && std::isfinite(options.step_size)))
    throw InputError(fmt::format("smc.step_size is {}; it must be positive", options.step_size));
  if (!(options.conditional_ess > 0 && options.conditional_ess < 1))
    throw InputError(fmt::format("smc.conditional_ess is {}; it must be in (0, 1)", options.conditional_ess));
  if (!(options.resample_below >= 0 && options.resample_below <= 1))
    throw InputError(fmt::format("smc.resample_below is {}; it must be in [0, 1]", options.resample_below));
}

class Sampler {
 public:
  Sampler(const AnnealingBridge& bridge, std::span<const double> x, std::size_t dimension,
          std::span<const double> log_weight, const SmcOptions& options)
      : bridge_(bridge),
        options_(options),
        n_(x.size() / dimension),
        dimension_(dimension),
        stream_(options.seed, 0x736d63u),
        step_size_(options.step_size),
        here_(n_, dimension),
        there_(n_, dimension),
        log_weight_(n_, 0.0),
        ancestor_(n_) {
    if (!log_weight.empty()) log_weight_.assign(log_weight.begin(), log_weight.end());
    require_log_weights(log_weight_);
    std::copy(x.begin(), x.end(), here_.x.begin());
    std::iota(ancestor_.begin(), ancestor_.end(), 0);
    evaluate(here_);
    for (std::size_t i = 0; i < n_; ++i)
      if (here_.log_prob[i] == -infinity)
        throw InputError(fmt::format("sample {} has no density under q, of which it is to be a sample", i));
  }

  SmcSamples run(const std::function<void(const SmcStage&)>& on_stage, const StopFlag* stop) {
    while (beta_ < 1 && !(stop != nullptr && stop->stop_requested())) {
      if (static_cast<std::int64_t>(stages_.size()) == options_.max_temperatures)
        throw InputError(fmt::format(
            "smc reached beta = {:.3g} after {} temperatures; raise smc.max_temperatures or lower smc.conditional_ess",
            beta_, stages_.size()));
      stages_.push_back(advance());
      if (on_stage) on_stage(stages_.back());
    }
    for (double& w : log_weight_) w += log_normalizer_;
    const double log_z = log_mean_exp(log_weight_);
    return {std::move(here_.x),
            std::move(log_weight_),
            std::move(here_.log_prob),
            std::move(here_.energy),
            std::move(ancestor_),
            std::move(stages_),
            log_z,
            n_evaluations_};
  }

 private:
  SmcStage advance() {
    std::vector<double> rate(n_);  // of the log weight by beta
    for (std::size_t i = 0; i < n_; ++i) rate[i] = -here_.energy[i] - here_.log_prob[i];
    const double next = next_beta(rate);
    for (std::size_t i = 0; i < n_; ++i)
      if (log_weight_[i] > -infinity) log_weight_[i] += (next - beta_) * rate[i];
    beta_ = next;
    SmcStage stage{beta_, effective_sample_size(log_weight_).fraction, false, 1, step_size_};
    if (stage.effective_sample_size < options_.resample_below) {
      stage.resampled = true;
      resample();
    }
    double acceptance = 0;
    for (std::int64_t step = 0; step < options_.kernel_steps; ++step) {
      stage.step_size = step_size_;
      const double mean_ratio = langevin_step(stream_.child(stages_.size()).child(static_cast<std::uint64_t>(step)));
      acceptance += mean_ratio / static_cast<double>(options_.kernel_steps);
      const double target = is_mala() ? mala_acceptance : ula_acceptance;
      if (options_.adapt_step_size) step_size_ *= std::exp(mean_ratio - target);
    }
    if (options_.kernel_steps > 0) stage.acceptance = acceptance;
    require_log_weights(log_weight_);
    return stage;
  }

  /// The beta at which the conditional ESS (sum W a)^2 / sum W a^2, a = exp((beta' - beta) rate), is what is wanted.
  double next_beta(std::span<const double> rate) const {
    const std::vector<double> weight = normalized_weights(log_weight_);
    const auto conditional_ess = [&](double beta) {
      double largest = -infinity, sum = 0, squares = 0;
      for (std::size_t i = 0; i < n_; ++i)
        if (weight[i] > 0) largest = std::max(largest, (beta - beta_) * rate[i]);
      if (largest == -infinity) return 0.0;
      for (std::size_t i = 0; i < n_; ++i) {
        if (weight[i] == 0) continue;
        const double a = std::exp((beta - beta_) * rate[i] - largest);
        sum += weight[i] * a;
        squares += weight[i] * a * a;
      }
      return sum * sum / squares;
    };
    if (conditional_ess(1) >= options_.conditional_ess) return 1;
    // Points of infinite energy lose their weight at any beta > 0; what they cost is no reason to go slower.
    const double reachable = std::min(options_.conditional_ess, 0.999 * conditional_ess(beta_ + 1e-12 * (1 - beta_)));
    double low = beta_, high = 1;
    for (int i = 0; i < 60; ++i) {
      const double middle = 0.5 * (low + high);
      (conditional_ess(middle) >= reachable ? low : high) = middle;
    }
    return std::max(high, std::nextafter(beta_, 2.0));
  }

  void resample() {
    RandomStream random = stream_.child(1u << 30).child(stages_.size());
    const std::vector<double> weight = normalized_weights(log_weight_);
    const auto drawn = systematic_resampling(weight, n_, random.uniform());
    gather_rows(here_.x, drawn);
    gather_rows(here_.log_prob, drawn);
    gather_rows(here_.log_prob_gradient, drawn);
    gather_rows(here_.energy, drawn);
    gather_rows(here_.energy_gradient, drawn);
    gather_rows(ancestor_, drawn);
    log_normalizer_ += log_mean_exp(log_weight_);
    std::fill(log_weight_.begin(), log_weight_.end(), 0.0);
  }

  double log_density(const Points& points, std::size_t i) const {
    // beta = 0 or 1 must not make NaN of an infinity that does not count.
    const double of_q = beta_ < 1 ? (1 - beta_) * points.log_prob[i] : 0;
    return of_q - beta_ * points.energy[i];
  }
  double slope(const Points& points, std::size_t component) const {
    const double of_q = beta_ < 1 ? (1 - beta_) * points.log_prob_gradient[component] : 0;
    return of_q - beta_ * points.energy_gradient[component];
  }

  /// One step of all particles; returns the mean of min(1, ratio).
  double langevin_step(const RandomStream& random) {
    const double h = step_size_, noise = std::sqrt(h);
    std::vector<double> forward(n_), accepted(n_);
    for_particles([&](std::size_t i) {
      RandomStream own = random.child(i);
      const bool alive = log_density(here_, i) > -infinity;  // else it has no weight and stays where it is
      for (std::size_t c = i * dimension_; c < (i + 1) * dimension_; ++c) {
        const double xi = own.normal();
        there_.x[c] = alive ? here_.x[c] + 0.5 * h * slope(here_, c) + noise * xi : here_.x[c];
        forward[i] += -0.5 * xi * xi;
      }
    });
    evaluate(there_);
    for_particles([&](std::size_t i) {
      const double before = log_density(here_, i), after = log_density(there_, i);
      // A step to where there is no density is not taken, by either kernel. The unadjusted one must not carry a weight
      // of zero there: its reversal would lose what the walls hold back, and Z come out too small.
      if (before == -infinity || after == -infinity) return;
      double backward = 0;
      for (std::size_t c = i * dimension_; c < (i + 1) * dimension_; ++c) {
        const double xi = (here_.x[c] - there_.x[c] - 0.5 * h * slope(there_, c)) / noise;
        backward += -0.5 * xi * xi;
      }
      const double log_ratio = after + backward - before - forward[i];
      accepted[i] = log_ratio < 0 ? std::exp(log_ratio) : 1;
      if (is_mala()) {
        // A stream of its own: how many numbers the proposal took must not matter.
        if (random.child(i).child(1).uniform() >= accepted[i]) return;
      } else {
        log_weight_[i] += log_ratio;
      }
      take(i);
    });
    return std::accumulate(accepted.begin(), accepted.end(), 0.0) / static_cast<double>(n_);
  }

  void take(std::size_t i) {
    here_.log_prob[i] = there_.log_prob[i];
    here_.energy[i] = there_.energy[i];
    for (std::size_t c = i * dimension_; c < (i + 1) * dimension_; ++c) {
      here_.x[c] = there_.x[c];
      here_.log_prob_gradient[c] = there_.log_prob_gradient[c];
      here_.energy_gradient[c] = there_.energy_gradient[c];
    }
  }

  void evaluate(Points& points) {
    bridge_.log_prob(points.x, points.log_prob, points.log_prob_gradient);
    bridge_.reduced_energy(points.x, points.energy, points.energy_gradient);
    n_evaluations_ += static_cast<std::int64_t>(n_);
    for (std::size_t i = 0; i < n_; ++i) {
      if (!(points.log_prob[i] < infinity) || !(points.energy[i] > -infinity))
        throw InputError(fmt::format("particle {} has log q = {} and reduced energy {}; neither may be NaN", i,
                                     points.log_prob[i], points.energy[i]));
      if (points.log_prob[i] == -infinity || points.energy[i] == infinity) continue;
      for (std::size_t c = i * dimension_; c < (i + 1) * dimension_; ++c)
        if (!std::isfinite(points.log_prob_gradient[c]) || !std::isfinite(points.energy_gradient[c]))
          throw InputError(fmt::format("component {} of a gradient at particle {} is not finite (log q: {}, u: {})",
                                       c - i * dimension_, i, points.log_prob_gradient[c], points.energy_gradient[c]));
    }
  }

  template <class Function>
  void for_particles(const Function& function) const {
    parallel_for(static_cast<std::int64_t>(n_), 64, [&](std::int64_t begin, std::int64_t end, int) {
      for (std::int64_t i = begin; i < end; ++i) function(static_cast<std::size_t>(i));
    });
  }
  bool is_mala() const { return options_.kernel == "mala"; }

  const AnnealingBridge& bridge_;
  const SmcOptions& options_;
  std::size_t n_, dimension_;
  RandomStream stream_;
  double beta_ = 0, step_size_, log_normalizer_ = 0;
  Points here_, there_;
  std::vector<double> log_weight_;
  std::vector<std::uint32_t> ancestor_;
  std::vector<SmcStage> stages_;
  std::int64_t n_evaluations_ = 0;
};

}  // namespace

void describe(SmcOptions& options, OptionTable& table, const std::string& prefix) {
  table.add(prefix + ".kernel", options.kernel, {"mala", "ula"},
            "Langevin steps between temperatures: Metropolis-adjusted, or unadjusted with the ratio in the weight");
  table.add(prefix + ".kernel_steps", options.kernel_steps, 0, 1e6, "Langevin steps per temperature");
  table.add(prefix + ".step_size", options.step_size, 1e-300, 1e300,
            "first step size h, unit of the coordinates squared");
  table.add(prefix + ".adapt_step_size", options.adapt_step_size, "adapt h to the acceptance");
  table.add(prefix + ".conditional_ess", options.conditional_ess, 1e-6, 1 - 1e-6,
            "conditional effective sample size that sets the next temperature");
  table.add(prefix + ".resample_below", options.resample_below, 0, 1,
            "resample where the effective sample size is below this share; 0: never");
  table.add(prefix + ".max_temperatures", options.max_temperatures, 1, 1e9, "give up after as many temperatures");
}

SmcSamples sequential_monte_carlo(const AnnealingBridge& bridge, std::span<const double> x, std::size_t dimension,
                                  std::span<const double> log_weight, const SmcOptions& options,
                                  const std::function<void(const SmcStage&)>& on_stage, const StopFlag* stop) {
  require_options(options);
  if (dimension == 0 || x.empty() || x.size() % dimension != 0)
    throw InputError(fmt::format("{} coordinates are no particles of dimension {}", x.size(), dimension));
  if (!log_weight.empty() && log_weight.size() != x.size() / dimension)
    throw InputError(
        fmt::format("{} log weights do not go with {} particles", log_weight.size(), x.size() / dimension));
  return Sampler(bridge, x, dimension, log_weight, options).run(on_stage, stop);
}

}  // namespace boltzflow
