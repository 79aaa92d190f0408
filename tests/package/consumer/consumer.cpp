// SPDX-License-Identifier: MIT
// What a user's first program looks like: the energy of the built-in alanine dipeptide, and a round trip of its coordinates.
#include <cmath>
#include <cstdio>
#include <vector>

#include "boltzflow/coordinates/internal_coordinates.hpp"
#include "boltzflow/energy/potential.hpp"
#include "boltzflow/molecule/load_system.hpp"

int main() {
  const auto system = boltzflow::load_system("alanine-dipeptide");
  const auto potential = boltzflow::make_force_field(system);
  std::vector<double> energy(1), energy_again(1), log_det(1);
  potential->energy(std::span<const double>(system.positions), energy);

  const boltzflow::InternalCoordinates coordinates(system);
  std::vector<double> z(coordinates.dimension()), positions(system.positions.size());
  std::vector<std::uint8_t> representable(1);
  coordinates.from_cartesian(std::span<const double>(system.positions), z, log_det, representable);
  coordinates.to_cartesian(std::span<const double>(z), positions, log_det);
  potential->energy(std::span<const double>(positions), energy_again);

  std::printf("%.6f kJ/mol, %.6f after a round trip through %d internal coordinates\n", energy[0], energy_again[0],
              coordinates.dimension());
  return representable[0] == 1 && std::abs(energy[0] - energy_again[0]) < 1e-6 ? 0 : 1;
}
