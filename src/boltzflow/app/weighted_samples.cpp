// SPDX-License-Identifier: MIT
#include "boltzflow/app/weighted_samples.hpp"

#include <ATen/core/Tensor.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "boltzflow/app/signals.hpp"
#include "boltzflow/base/units.hpp"

namespace boltzflow {
namespace {

/// Small enough to stop soon after a signal, large enough for every thread to have full blocks.
constexpr std::int64_t batch_size = 16384;

std::vector<double> to_vector(const at::Tensor& tensor) {
  const at::Tensor plain = tensor.cpu().contiguous();
  const double* data = plain.const_data_ptr<double>();
  return {data, data + plain.numel()};
}

}  // namespace

std::vector<double> reduced_energies(const Potential& potential, const std::vector<double>& positions,
                                     double temperature) {
  std::vector<double> energy(positions.size() / static_cast<std::size_t>(potential.dimension()));
  potential.energy(std::span<const double>(positions), energy);
  for (double& u : energy)
    u = std::isfinite(u) ? u / thermal_energy(temperature) : std::numeric_limits<double>::infinity();
  return energy;
}

void draw_weighted_samples(const BoltzmannGenerator& generator, const Potential& potential, std::int64_t n_samples,
                           std::int64_t seed, ConditionerPrecision precision,
                           const std::function<void(const WeightedSamples& batch)>& take) {
  const RandomStream root(static_cast<std::uint64_t>(seed), /*stream=*/0x73616d706c65);  // "sample"
  for (std::int64_t begin = 0, index = 0; begin < n_samples; begin += batch_size, ++index) {
    throw_if_stopped("no samples were written");
    RandomStream random = root.child(static_cast<std::uint64_t>(index));
    const auto drawn = generator.sample(std::min(batch_size, n_samples - begin), random, precision);
    WeightedSamples batch{to_vector(drawn.positions), to_vector(drawn.log_prob), {}, {}};
    batch.reduced_energy = reduced_energies(potential, batch.positions, generator.temperature());
    batch.log_weight.resize(batch.n_samples());
    for (std::size_t i = 0; i < batch.n_samples(); ++i)
      batch.log_weight[i] = -batch.reduced_energy[i] - batch.log_prob[i];
    take(batch);
  }
}

}  // namespace boltzflow
