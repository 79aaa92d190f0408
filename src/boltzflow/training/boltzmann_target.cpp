// SPDX-License-Identifier: MIT
#include "boltzflow/training/boltzmann_target.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "boltzflow/base/errors.hpp"
#include "boltzflow/base/threads.hpp"

namespace boltzflow {
namespace {

constexpr double basin_end = 2.2;  // rad
constexpr std::size_t most_basins = 32;

using Vector3 = std::array<double, 3>;
Vector3 difference(const float* a, const float* b) {
  return {double(a[0]) - b[0], double(a[1]) - b[1], double(a[2]) - b[2]};
}
Vector3 cross(const Vector3& a, const Vector3& b) {
  return {a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]};
}
double dot(const Vector3& a, const Vector3& b) { return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]; }

/// IUPAC torsion angle in (-pi, pi].
double torsion_angle(const float* positions, const std::array<int, 4>& atoms) {
  const float *a = positions + 3 * atoms[0], *b = positions + 3 * atoms[1], *c = positions + 3 * atoms[2],
              *d = positions + 3 * atoms[3];
  const Vector3 b1 = difference(b, a), b2 = difference(c, b), b3 = difference(d, c);
  const Vector3 m = cross(b1, b2), n = cross(b2, b3);
  return std::atan2(dot(b1, n) * std::sqrt(dot(b2, b2)), dot(m, n));
}

}  // namespace

BoltzmannTarget::BoltzmannTarget(const MolecularSystem& system, const CoordinateMap& coordinates,
                                 const ReducedPotential& potential)
    : system_(system), coordinates_(coordinates), potential_(potential) {
  if (coordinates.configuration_size() != potential.potential().dimension())
    throw InputError(fmt::format("the flow's configurations have {} coordinates, the potential's {}",
                                 coordinates.configuration_size(), potential.potential().dimension()));
}

std::string BoltzmannTarget::description() const {
  return fmt::format("{} ({} atoms, {} dimensions) at {} K", system_.name, system_.n_atoms(), dimension(),
                     potential_.temperature());
}

std::vector<std::string> BoltzmannTarget::basin_names() const {
  std::vector<std::string> names;
  for (std::size_t k = 0; k < std::min(system_.phi.size(), most_basins); ++k)
    names.push_back(fmt::format("phi_{}_positive", system_.atoms[system_.phi[k][2]].residue_number));
  return names;
}

void BoltzmannTarget::evaluate(std::span<const float> z, std::span<double> log_det, std::span<double> reduced_energy,
                               std::span<std::uint32_t> basins, std::span<float> score) const {
  const std::int64_t n = std::ssize(log_det), d = dimension(), size = coordinates_.configuration_size();
  if (std::ssize(z) != n * d || std::ssize(reduced_energy) != n || std::ssize(basins) != n ||
      (!score.empty() && std::ssize(score) != n * d))
    throw InputError("z, log_det, reduced_energy, basins and score differ in their number of samples");
  constexpr std::int64_t chunk = 8192;  // keeps the positions in the cache
  std::vector<float> feature_major(std::min(n, chunk) * d), positions(std::min(n, chunk) * size);
  std::vector<float> gradient(score.empty() ? 0 : positions.size()),
      z_gradient(score.empty() ? 0 : feature_major.size());
  const std::vector<double> ones(score.empty() ? 0 : std::min(n, chunk), 1.0);
  const std::size_t n_basins = std::min(system_.phi.size(), most_basins);
  for (std::int64_t begin = 0; begin < n; begin += chunk) {
    const std::int64_t m = std::min(chunk, n - begin);
    parallel_for(m, 256, [&](std::int64_t first, std::int64_t last, int) {
      for (std::int64_t i = first; i < last; ++i)
        for (std::int64_t k = 0; k < d; ++k) feature_major[k * m + i] = z[(begin + i) * d + k];
    });
    const std::span<float> chunk_positions(positions.data(), m * size);
    const std::span<const float> chunk_z(feature_major.data(), m * d);
    coordinates_.to_cartesian(chunk_z, chunk_positions, log_det.subspan(begin, m));
    if (score.empty()) {
      potential_.reduced_energy(std::span<const float>(chunk_positions), reduced_energy.subspan(begin, m));
    } else {
      const std::span<float> forces(gradient.data(), m * size);
      potential_.reduced_energy_and_gradient(std::span<const float>(chunk_positions), reduced_energy.subspan(begin, m),
                                             forces);
      for (float& value : forces) value = -value;
      coordinates_.to_cartesian_gradient(chunk_z, forces, std::span(ones).first(m),
                                         std::span<float>(z_gradient.data(), m * d));
      parallel_for(m, 256, [&](std::int64_t first, std::int64_t last, int) {
        for (std::int64_t i = first; i < last; ++i)
          for (std::int64_t k = 0; k < d; ++k) score[(begin + i) * d + k] = z_gradient[k * m + i];
      });
    }
    parallel_for(m, 256, [&](std::int64_t first, std::int64_t last, int) {
      for (std::int64_t i = first; i < last; ++i) {
        std::uint32_t inside = 0;
        for (std::size_t k = 0; k < n_basins; ++k) {
          const double phi = torsion_angle(positions.data() + i * size, system_.phi[k]);
          if (phi > 0 && phi < basin_end) inside |= std::uint32_t{1} << k;
        }
        basins[begin + i] = inside;
      }
    });
  }
}

}  // namespace boltzflow
