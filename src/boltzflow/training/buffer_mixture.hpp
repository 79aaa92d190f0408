// SPDX-License-Identifier: MIT
#pragma once
#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "boltzflow/training/sample_buffer.hpp"

namespace boltzflow {

/// Old buffers of a training with the flows that made them, used together as samples of the flows' mixture.
///
/// With buffer j holding N_j samples of q_j and N = sum_j N_j, a kept sample x of any buffer has the weight
///
///     w(x) = exp(-u(x)) / sum_j (N_j / N) q_j(x)
///
/// towards the target (the balance heuristic: multiple importance sampling). Every q_j is known on every kept
/// sample; adding a buffer to K - 1 others costs 2 (K - 1) passes of a flow over a buffer and no energies.
/// Broad early flows keep rare basins in sight that a late flow may be about to lose.
/// @cite Veach1995, "Optimally combining sampling techniques for Monte Carlo rendering".
class BufferMixture {
 public:
  struct Component {
    std::int64_t number;  ///< counts the buffers ever added
    bool permanent;       ///< never makes room
    SampleBuffer samples;
    at::Tensor parameters;                      ///< flat, of the flow that made them
    std::vector<std::vector<double>> log_prob;  ///< [component j][sample]: log q_j(x) of this component's samples
  };

  /// Returns log q(x) of a buffer's samples under a flow of these flat parameters.
  using LogProb = std::function<std::vector<double>(const at::Tensor& parameters, const SampleBuffer& samples)>;

  /// @param n_recent how many components that are not permanent are kept, >= 1.
  explicit BufferMixture(std::int64_t n_recent) : n_recent_(n_recent) {}

  /// Adds a buffer; one that is not permanent makes the oldest such make room where n_recent are there.
  void add(SampleBuffer samples, at::Tensor parameters, bool permanent, const LogProb& log_prob_under);

  /// log w(x) up to a constant of all kept samples, component after component.
  std::vector<double> log_weights() const;

  const std::vector<Component>& components() const noexcept { return components_; }
  std::vector<Component>& components_for_restore() noexcept { return components_; }
  std::int64_t n_added() const noexcept { return n_added_; }
  void restore_count(std::int64_t n_added) noexcept { n_added_ = n_added; }
  std::int64_t n_samples() const;

 private:
  std::int64_t n_recent_, n_added_ = 0;
  std::vector<Component> components_;
};

/// A basin's weight and its statistical error.
struct BasinWeight {
  double value, standard_error;
};

/// The weight of basin `basin` under samples with these log weights (any constant), with the error of a ratio estimate.
BasinWeight basin_weight(const std::vector<std::uint32_t>& basins, int basin, const std::vector<double>& log_weight);

/// Compares what the newest flow thinks of a basin with what all kept buffers say, and returns a warning, or nothing.
///
/// A warning is due if the flow's own weight of the basin (the fraction of its samples) or its reweighted one differs
/// from the mixture's by more than a factor of 2 and more than 4 standard errors. A high effective sample size proves
/// nothing here: samples of a basin that the flow has left do not occur, so no weight tells of them.
std::string basin_disagreement(const BufferMixture& mixture, int basin, const std::string& name,
                               const std::vector<double>& mixture_log_weight);

}  // namespace boltzflow
