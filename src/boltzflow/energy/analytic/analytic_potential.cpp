// SPDX-License-Identifier: MIT
#include "boltzflow/energy/analytic/analytic_potential.hpp"

#include <fmt/format.h>

#include <cstdint>

#include "boltzflow/base/errors.hpp"
#include "boltzflow/base/threads.hpp"
#include "boltzflow/base/units.hpp"

namespace boltzflow::energy {

AnalyticPotential::AnalyticPotential(std::string description, int dimension, int n_atoms, double temperature)
    : description_(std::move(description)),
      dimension_(dimension),
      n_atoms_(n_atoms),
      thermal_energy_(thermal_energy(temperature)) {}

template <class Scalar>
void AnalyticPotential::evaluate(std::span<const Scalar> positions, std::span<double> energy,
                                 std::span<Scalar> gradient) const {
  const auto d = static_cast<std::size_t>(dimension_);
  if (positions.size() != d * energy.size() || (!gradient.empty() && gradient.size() != positions.size()))
    throw InputError(
        fmt::format("{} samples in {} dimensions need {} coordinates, but there are {} positions and {} gradients",
                    energy.size(), d, d * energy.size(), positions.size(), gradient.size()));
  parallel_for(static_cast<std::int64_t>(energy.size()), 64, [&](std::int64_t begin, std::int64_t end, int) {
    std::vector<double> x(d), g(d);
    for (auto s = static_cast<std::size_t>(begin); s < static_cast<std::size_t>(end); ++s) {
      for (std::size_t c = 0; c < d; ++c) x[c] = positions[s * d + c], g[c] = 0;
      energy[s] = thermal_energy_ * reduced_energy(x.data(), g.data());
      if (!gradient.empty())
        for (std::size_t c = 0; c < d; ++c) gradient[s * d + c] = static_cast<Scalar>(thermal_energy_ * g[c]);
    }
  });
}

void AnalyticPotential::energy(std::span<const float> positions, std::span<double> energy) const {
  evaluate(positions, energy, std::span<float>{});
}
void AnalyticPotential::energy(std::span<const double> positions, std::span<double> energy) const {
  evaluate(positions, energy, std::span<double>{});
}
void AnalyticPotential::energy_and_gradient(std::span<const float> positions, std::span<double> energy,
                                            std::span<float> gradient) const {
  if (gradient.empty() && !energy.empty()) throw InputError("there is no room for the gradient");
  evaluate(positions, energy, gradient);
}
void AnalyticPotential::energy_and_gradient(std::span<const double> positions, std::span<double> energy,
                                            std::span<double> gradient) const {
  if (gradient.empty() && !energy.empty()) throw InputError("there is no room for the gradient");
  evaluate(positions, energy, gradient);
}
void AnalyticPotential::energy_terms(std::span<const double> positions, std::span<double> terms) const {
  evaluate(positions, terms, std::span<double>{});
}

}  // namespace boltzflow::energy
