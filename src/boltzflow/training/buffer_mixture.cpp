// SPDX-License-Identifier: MIT
#include "boltzflow/training/buffer_mixture.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "boltzflow/base/importance_weights.hpp"
#include "boltzflow/base/threads.hpp"

namespace boltzflow {

void BufferMixture::add(SampleBuffer samples, at::Tensor parameters, bool permanent, const LogProb& log_prob_under) {
  if (!permanent) {
    const auto n_recent = std::count_if(components_.begin(), components_.end(), [](auto& c) { return !c.permanent; });
    if (n_recent >= n_recent_) {
      const auto oldest = std::find_if(components_.begin(), components_.end(), [](auto& c) { return !c.permanent; });
      const auto index = oldest - components_.begin();
      for (Component& component : components_) component.log_prob.erase(component.log_prob.begin() + index);
      components_.erase(oldest);
    }
  }
  Component added{n_added_++, permanent, std::move(samples), std::move(parameters), {}};
  for (const Component& old : components_) added.log_prob.push_back(log_prob_under(old.parameters, added.samples));
  added.log_prob.push_back(added.samples.log_prob);
  for (Component& old : components_) old.log_prob.push_back(log_prob_under(added.parameters, old.samples));
  components_.push_back(std::move(added));
}

std::int64_t BufferMixture::n_samples() const {
  std::int64_t total = 0;
  for (const Component& component : components_) total += component.samples.size();
  return total;
}

std::vector<double> BufferMixture::log_weights() const {
  const auto total = static_cast<double>(n_samples());
  std::vector<double> log_share;
  for (const Component& component : components_)
    log_share.push_back(std::log(static_cast<double>(component.samples.size()) / total));
  std::vector<double> log_weight(n_samples());
  std::int64_t offset = 0;
  for (const Component& component : components_) {
    parallel_for(component.samples.size(), 1024, [&](std::int64_t begin, std::int64_t end, int) {
      std::vector<double> term(components_.size());
      for (std::int64_t i = begin; i < end; ++i) {
        double largest = -1e300;
        for (std::size_t j = 0; j < term.size(); ++j) {
          const double log_prob = component.log_prob[j][i];
          term[j] = log_share[j] + (std::isfinite(log_prob) ? log_prob : -1e30);
          largest = std::max(largest, term[j]);
        }
        double sum = 0;
        for (const double t : term) sum += std::exp(t - largest);
        log_weight[offset + i] = -component.samples.reduced_energy[i] - (largest + std::log(sum));
      }
    });
    offset += component.samples.size();
  }
  return log_weight;
}

BasinWeight basin_weight(const std::vector<std::uint32_t>& basins, int basin, const std::vector<double>& log_weight) {
  const double largest = *std::max_element(log_weight.begin(), log_weight.end());
  double total = 0, inside = 0;
  for (std::size_t i = 0; i < basins.size(); ++i) {
    const double weight = std::exp(log_weight[i] - largest);
    total += weight;
    if (basins[i] >> basin & 1) inside += weight;
  }
  const double value = inside / total;
  double squares = 0;
  for (std::size_t i = 0; i < basins.size(); ++i) {
    const double weight = std::exp(log_weight[i] - largest) / total;
    const double deviation = (basins[i] >> basin & 1 ? 1.0 : 0.0) - value;
    squares += weight * weight * deviation * deviation;
  }
  return {value, std::sqrt(squares)};
}

std::string basin_disagreement(const BufferMixture& mixture, int basin, const std::string& name,
                               const std::vector<double>& mixture_log_weight) {
  if (mixture.components().size() < 2) return "";
  std::vector<std::uint32_t> all_basins;
  for (const auto& component : mixture.components())
    all_basins.insert(all_basins.end(), component.samples.basins.begin(), component.samples.basins.end());
  const BasinWeight all = basin_weight(all_basins, basin, mixture_log_weight);
  const auto differs = [&](double value, double standard_error) {
    const double error = std::hypot(standard_error, all.standard_error);
    return (value > 2 * all.value || value < 0.5 * all.value) && std::abs(value - all.value) > 4 * error;
  };

  const SampleBuffer& newest = mixture.components().back().samples;
  const auto n = static_cast<double>(newest.size());
  const auto inside = std::count_if(newest.basins.begin(), newest.basins.end(),
                                    [&](std::uint32_t bits) { return (bits >> basin & 1) != 0; });
  const double raw = static_cast<double>(inside) / n;
  // Errors of the newest flow's estimates, should the mixture be right: an empty basin must not pass for a sure zero.
  const double raw_error = std::sqrt(std::max(raw, all.value) / n);
  std::vector<double> own(newest.size());
  for (std::int64_t i = 0; i < newest.size(); ++i) own[i] = -newest.reduced_energy[i] - newest.log_prob[i];
  const BasinWeight reweighted = basin_weight(newest.basins, basin, own);
  const double expected_error = std::sqrt(all.value / (n * std::max(effective_sample_size(own).fraction, 1e-12)));
  if (!differs(raw, raw_error) && !differs(reweighted.value, std::max(reweighted.standard_error, expected_error)))
    return "";

  std::string components;
  for (const auto& component : mixture.components()) {
    const SampleBuffer& samples = component.samples;
    std::vector<double> log_weight(samples.size());
    for (std::int64_t i = 0; i < samples.size(); ++i) log_weight[i] = -samples.reduced_energy[i] - samples.log_prob[i];
    const BasinWeight weight = basin_weight(samples.basins, basin, log_weight);
    components += fmt::format("{}{:.4f}+-{:.4f}", components.empty() ? "" : ", ", weight.value, weight.standard_error);
  }
  return fmt::format(
      "the kept flows disagree about {}: the newest gives it {:.4f} ({:.4f} reweighted), all together {:.4f}+-{:.4f}; "
      "one by one, oldest first: {}",
      name, raw, reweighted.value, all.value, all.standard_error, components);
}

}  // namespace boltzflow
