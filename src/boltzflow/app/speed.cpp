// SPDX-License-Identifier: MIT
#include "boltzflow/app/speed.hpp"

#include <ATen/core/Tensor.h>

#include <algorithm>
#include <chrono>
#include <functional>

#include "boltzflow/app/signals.hpp"
#include "boltzflow/base/errors.hpp"
#include "boltzflow/base/random.hpp"
#include "boltzflow/energy/potential.hpp"
#include "boltzflow/flow/flow_dimensions.hpp"
#include "boltzflow/training/adam.hpp"

namespace boltzflow {
namespace {

/// Median seconds of one call, after a call that warms up.
double median_seconds(const std::function<void()>& work) {
  using Clock = std::chrono::steady_clock;
  work();
  std::vector<double> times;
  double total = 0;
  while (times.size() < 7 || (total < 0.1 && times.size() < 1000)) {
    throw_if_stopped("the benchmark is not complete");
    const auto start = Clock::now();
    work();
    times.push_back(std::chrono::duration<double>(Clock::now() - start).count());
    total += times.back();
  }
  std::ranges::nth_element(times, times.begin() + static_cast<std::ptrdiff_t>(times.size() / 2));
  return times[times.size() / 2];
}

}  // namespace

EnergySpeed measure_energy_speed(const MolecularSystem& system) {
  if (system.positions.empty())
    throw InputError(system.name, "has no structure to make conformations from; take one with positions");
  constexpr std::size_t n_samples = 4096;
  RandomStream random(1);
  std::vector<double> positions;
  for (std::size_t n = 0; n < n_samples; ++n)
    for (const double x : system.positions)
      positions.push_back(x + 0.003 * random.normal());  // nm, as heat does at 300 K
  const std::vector<float> positions_float(positions.begin(), positions.end());
  std::vector<double> energy(n_samples), gradient(positions.size());
  std::vector<float> gradient_float(positions.size());
  const auto potential = make_force_field(system);
  const double per_sample = 1e6 / static_cast<double>(n_samples);
  return {per_sample * median_seconds([&] {
            potential->energy_and_gradient(std::span<const float>(positions_float), energy, gradient_float);
          }),
          per_sample * median_seconds([&] {
            potential->energy_and_gradient(std::span<const double>(positions), energy, gradient);
          })};
}

FlowSpeed measure_flow_speed(const MolecularSystem& system, const FlowOptions& options, ConditionerPrecision precision,
                             std::int64_t batch_size, const std::string& device) {
  const std::unique_ptr<Density> made = make_flow(system, *make_coordinates(system, {}), options, 1);
  Density& flow = *made;
  if (device != "cpu") flow.to_device(device);
  RandomStream random(2);
  const at::Tensor z = flow.sample(batch_size, random, precision).z;
  Adam optimizer(flow.parameters());
  FlowSpeed speed{flow.n_parameters(), 0, 0};
  speed.training_step_milliseconds = 1e3 * median_seconds([&] {
                                       optimizer.zero_gradients();
                                       const at::Tensor loss = -flow.log_prob(z, precision).mean();
                                       loss.backward();
                                       optimizer.step(1e-4, 20);
                                       flow.parameters_changed();
                                       (void)loss.item<float>();  // waits for the device
                                     });
  speed.sampling_milliseconds =
      1e3 * median_seconds([&] { (void)flow.sample(batch_size, random, precision).log_prob.cpu(); });
  return speed;
}

}  // namespace boltzflow
