// SPDX-License-Identifier: MIT
#include "boltzflow/training/mean_gradient.hpp"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/autograd.h>

#include <algorithm>
#include <numeric>
#include <vector>

#include "boltzflow/base/threads.hpp"
#include "boltzflow/flow/conditioner_products.hpp"
#include "boltzflow/flow/euclidean_density.hpp"

namespace boltzflow {

double backward_of_mean(Density& flow, std::int64_t n_samples,
                        const std::function<at::Tensor(std::int64_t, std::int64_t)>& mean_over) {
  std::vector<at::Tensor> parameters = flow.parameters();
  const bool shared = dynamic_cast<const EuclideanDensity*>(&flow) != nullptr && parameters.front().is_cpu();
  const std::int64_t n_parts = shared ? std::min<std::int64_t>(thread_count(), n_samples) : 1;
  if (n_parts <= 1) {
    const at::Tensor loss = mean_over(0, n_samples);
    loss.backward();
    return loss.item<double>();
  }
  std::vector<std::vector<at::Tensor>> gradients(static_cast<std::size_t>(n_parts));
  std::vector<double> losses(static_cast<std::size_t>(n_parts));
  parallel_for(n_parts, 1, [&](std::int64_t begin, std::int64_t end, int) {
    const SerialProducts serial;
    for (std::int64_t p = begin; p < end; ++p) {
      const std::int64_t first = p * n_samples / n_parts, count = (p + 1) * n_samples / n_parts - first;
      const at::Tensor loss = mean_over(first, count) * (static_cast<double>(count) / static_cast<double>(n_samples));
      losses[static_cast<std::size_t>(p)] = loss.item<double>();
      gradients[static_cast<std::size_t>(p)] =
          torch::autograd::grad({loss}, parameters, {}, std::nullopt, false, /*allow_unused=*/true);
    }
  });
  // In the order of the parts, whichever thread had them.
  parallel_for(static_cast<std::int64_t>(parameters.size()), 1, [&](std::int64_t begin, std::int64_t end, int) {
    for (auto k = static_cast<std::size_t>(begin); k < static_cast<std::size_t>(end); ++k) {
      at::Tensor sum;
      for (const auto& part : gradients)
        if (part[k].defined()) sum = sum.defined() ? sum.add_(part[k]) : part[k];
      parameters[k].mutable_grad() = sum;
    }
  });
  return std::accumulate(losses.begin(), losses.end(), 0.0);
}

}  // namespace boltzflow
