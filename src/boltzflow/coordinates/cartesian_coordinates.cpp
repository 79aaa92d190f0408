// SPDX-License-Identifier: MIT
#include "boltzflow/coordinates/cartesian_coordinates.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>

#include "boltzflow/base/errors.hpp"
#include "boltzflow/base/threads.hpp"
#include "boltzflow/base/units.hpp"

namespace boltzflow {
namespace {

constexpr std::int64_t grain = 16;       // samples; one row of z for each fills a cache line
constexpr double smallest_scale = 1e-9;  // nm; less is rounding

void check_size(const char* what, std::size_t size, std::size_t n_samples, int per_sample) {
  if (size != n_samples * static_cast<std::size_t>(per_sample))
    throw InputError(fmt::format("Cartesian coordinates: {} holds {} values where {} samples of {} are expected", what,
                                 size, n_samples, per_sample));
}

/// The length of Helmert's column k before it is made a unit vector.
double column_norm(int k) { return std::sqrt(static_cast<double>(k) * (k + 1)); }

/// Column `sample` of [dimension, n_samples].
template <class Scalar>
struct Column {
  Scalar* data;
  std::size_t n_samples, sample;
  Scalar& operator[](int row) const { return data[static_cast<std::size_t>(row) * n_samples + sample]; }
};

/// x = B z along one axis; the sums over columns run from the last one.
template <class Scalar, class Store>
void expand(const Column<const Scalar>& z, int n_atoms, int axis, Store store) {
  double later = 0;
  for (int k = n_atoms - 1; k > 0; --k) {
    const double part = static_cast<double>(z[3 * (k - 1) + axis]) / column_norm(k);
    store(k, later - k * part);
    later += part;
  }
  store(0, later);
}

/// z = B^T x along one axis.
template <class Load, class Store>
void contract(Load load, int n_atoms, int axis, Store store) {
  double earlier = load(0);
  for (int k = 1; k < n_atoms; ++k) {
    const double value = load(k);
    store(3 * (k - 1) + axis, (earlier - k * value) / column_norm(k));
    earlier += value;
  }
}

template <class Load>
std::array<double, 3> mean_of(Load load, int n_atoms) {
  std::array<double, 3> mean{};
  for (int i = 0; i < n_atoms; ++i)
    for (int axis = 0; axis < 3; ++axis) mean[axis] += load(3 * i + axis) / n_atoms;
  return mean;
}

double square(const std::array<double, 3>& v) { return v[0] * v[0] + v[1] * v[1] + v[2] * v[2]; }

/// log N(sqrt(N) c; 0, 1_3)
double log_prob_of_centre(const std::array<double, 3>& centre, int n_atoms) {
  return -0.5 * n_atoms * square(centre) - 1.5 * std::log(2 * pi);
}

}  // namespace

CentreOfMass centre_of_mass(std::string_view word) {
  if (word == "helmert") return CentreOfMass::helmert;
  if (word == "noise") return CentreOfMass::noise;
  throw InputError(fmt::format("centre of mass: \"{}\" is neither helmert nor noise", word));
}

CartesianCoordinates::CartesianCoordinates(int n_atoms, double scale, CentreOfMass centre)
    : n_atoms_(n_atoms), scale_(scale), centre_(centre) {
  if (n_atoms < 2) throw InputError(fmt::format("Cartesian coordinates need at least 2 atoms, not {}", n_atoms));
  if (!(scale > 0) || !std::isfinite(scale))
    throw InputError(fmt::format("Cartesian coordinates: the scale {:g} nm is not positive and finite", scale));
  log_det_constant_ = (3 * n_atoms - 3) * std::log(scale) + 1.5 * std::log(n_atoms) - std::log(2.0);
}

template <class Scalar>
void CartesianCoordinates::positions_from(std::span<const Scalar> z, std::span<Scalar> positions,
                                          std::span<double> log_det) const {
  const std::size_t n = log_det.size();
  check_size("z", z.size(), n, dimension());
  check_size("positions", positions.size(), n, 3 * n_atoms_);
  parallel_for(static_cast<std::int64_t>(n), grain, [&](std::int64_t begin, std::int64_t end, int) {
    for (auto sample = static_cast<std::size_t>(begin); sample < static_cast<std::size_t>(end); ++sample) {
      const Column<const Scalar> column{z.data(), n, sample};
      Scalar* frame = positions.data() + sample * 3 * static_cast<std::size_t>(n_atoms_);
      log_det[sample] = log_det_constant_;
      if (centre_ == CentreOfMass::helmert) {
        for (int axis = 0; axis < 3; ++axis)
          expand(column, n_atoms_, axis,
                 [&](int atom, double value) { frame[3 * atom + axis] = static_cast<Scalar>(scale_ * value); });
      } else {
        const auto centre = mean_of([&](int row) { return static_cast<double>(column[row]); }, n_atoms_);
        log_det[sample] += log_prob_of_centre(centre, n_atoms_);
        for (int row = 0; row < 3 * n_atoms_; ++row)
          frame[row] = static_cast<Scalar>(scale_ * (static_cast<double>(column[row]) - centre[row % 3]));
      }
    }
  });
}

void CartesianCoordinates::to_cartesian(std::span<const float> z, std::span<float> positions,
                                        std::span<double> log_det) const {
  positions_from(z, positions, log_det);
}
void CartesianCoordinates::to_cartesian(std::span<const double> z, std::span<double> positions,
                                        std::span<double> log_det) const {
  positions_from(z, positions, log_det);
}

void CartesianCoordinates::from_cartesian(std::span<const double> positions, std::span<double> z,
                                          std::span<double> log_det, std::span<std::uint8_t> representable) const {
  const std::size_t n = log_det.size();
  check_size("positions", positions.size(), n, 3 * n_atoms_);
  check_size("z", z.size(), n, dimension());
  check_size("representable", representable.size(), n, 1);
  parallel_for(static_cast<std::int64_t>(n), grain, [&](std::int64_t begin, std::int64_t end, int) {
    for (auto sample = static_cast<std::size_t>(begin); sample < static_cast<std::size_t>(end); ++sample) {
      const Column<double> column{z.data(), n, sample};
      const double* frame = positions.data() + sample * 3 * static_cast<std::size_t>(n_atoms_);
      log_det[sample] = log_det_constant_;
      if (centre_ == CentreOfMass::noise) log_det[sample] += log_prob_of_centre({}, n_atoms_);
      const bool finite = std::all_of(frame, frame + 3 * n_atoms_, [](double value) { return std::isfinite(value); });
      representable[sample] = finite ? 1 : 0;
      if (!finite) {
        for (int row = 0; row < dimension(); ++row) column[row] = 0;
        continue;
      }
      const auto mean = mean_of([&](int row) { return frame[row]; }, n_atoms_);
      const auto centred = [&](int row) { return (frame[row] - mean[row % 3]) / scale_; };
      if (centre_ == CentreOfMass::helmert)
        for (int axis = 0; axis < 3; ++axis)
          contract([&](int atom) { return centred(3 * atom + axis); }, n_atoms_, axis,
                   [&](int row, double value) { column[row] = value; });
      else
        for (int row = 0; row < 3 * n_atoms_; ++row) column[row] = centred(row);
    }
  });
}

void CartesianCoordinates::draw_centres(std::span<double> z, std::span<double> log_det, RandomStream& random) const {
  const std::size_t n = log_det.size();
  check_size("z", z.size(), n, dimension());
  const std::uint64_t high = random(), key = high << 32 | random();
  if (centre_ == CentreOfMass::helmert) return;
  const double deviation = 1 / std::sqrt(static_cast<double>(n_atoms_));
  parallel_for(static_cast<std::int64_t>(n), grain, [&](std::int64_t begin, std::int64_t end, int) {
    for (auto sample = static_cast<std::size_t>(begin); sample < static_cast<std::size_t>(end); ++sample) {
      const Column<double> column{z.data(), n, sample};
      RandomStream own(key, sample);
      const auto before = mean_of([&](int row) { return column[row]; }, n_atoms_);
      std::array<double, 3> centre{};
      for (double& value : centre) value = deviation * own.normal();
      for (int row = 0; row < 3 * n_atoms_; ++row) column[row] += centre[row % 3] - before[row % 3];
      log_det[sample] = log_det_constant_ + log_prob_of_centre(centre, n_atoms_);
    }
  });
}

template <class Scalar>
void CartesianCoordinates::gradient_from(std::span<const Scalar> z, std::span<const Scalar> positions_gradient,
                                         std::span<const double> log_det_gradient, std::span<Scalar> z_gradient) const {
  const std::size_t n = log_det_gradient.size();
  check_size("z", z.size(), n, dimension());
  check_size("the positions' gradient", positions_gradient.size(), n, 3 * n_atoms_);
  check_size("the gradient of z", z_gradient.size(), n, dimension());
  parallel_for(static_cast<std::int64_t>(n), grain, [&](std::int64_t begin, std::int64_t end, int) {
    for (auto sample = static_cast<std::size_t>(begin); sample < static_cast<std::size_t>(end); ++sample) {
      const Column<const Scalar> column{z.data(), n, sample};
      const Column<Scalar> out{z_gradient.data(), n, sample};
      const Scalar* gradient = positions_gradient.data() + sample * 3 * static_cast<std::size_t>(n_atoms_);
      if (centre_ == CentreOfMass::helmert) {
        for (int axis = 0; axis < 3; ++axis)
          contract([&](int atom) { return scale_ * static_cast<double>(gradient[3 * atom + axis]); }, n_atoms_, axis,
                   [&](int row, double value) { out[row] = static_cast<Scalar>(value); });
        continue;
      }
      const auto centre = mean_of([&](int row) { return static_cast<double>(column[row]); }, n_atoms_);
      const auto total = mean_of([&](int row) { return static_cast<double>(gradient[row]); }, n_atoms_);
      // d log N(sqrt(N) c)/dz = -N c dc/dz, and every dc/dz is 1/N.
      for (int row = 0; row < 3 * n_atoms_; ++row)
        out[row] = static_cast<Scalar>(scale_ * (static_cast<double>(gradient[row]) - total[row % 3]) -
                                       log_det_gradient[sample] * centre[row % 3]);
    }
  });
}

void CartesianCoordinates::to_cartesian_gradient(std::span<const float> z, std::span<const float> positions_gradient,
                                                 std::span<const double> log_det_gradient,
                                                 std::span<float> z_gradient) const {
  gradient_from(z, positions_gradient, log_det_gradient, z_gradient);
}
void CartesianCoordinates::to_cartesian_gradient(std::span<const double> z, std::span<const double> positions_gradient,
                                                 std::span<const double> log_det_gradient,
                                                 std::span<double> z_gradient) const {
  gradient_from(z, positions_gradient, log_det_gradient, z_gradient);
}

std::vector<double> CartesianCoordinates::basis() const {
  const auto d = static_cast<std::size_t>(dimension()), rows = 3 * static_cast<std::size_t>(n_atoms_);
  std::vector<double> matrix(rows * d, 0.0);
  if (centre_ == CentreOfMass::noise) {
    for (std::size_t i = 0; i < rows; ++i) matrix[i * d + i] = 1;
    return matrix;
  }
  for (int k = 1; k < n_atoms_; ++k)
    for (int atom = 0; atom <= k; ++atom)
      for (int axis = 0; axis < 3; ++axis)
        matrix[static_cast<std::size_t>(3 * atom + axis) * d + static_cast<std::size_t>(3 * (k - 1) + axis)] =
            (atom < k ? 1 : -k) / column_norm(k);
  return matrix;
}

double cartesian_scale(std::span<const double> positions, int n_atoms) {
  const std::size_t width = 3 * static_cast<std::size_t>(std::max(n_atoms, 0));
  if (n_atoms < 2 || positions.empty() || positions.size() % width != 0)
    throw InputError(
        fmt::format("scale of Cartesian coordinates: {} numbers are no frames of {} atoms", positions.size(), n_atoms));
  double sum = 0;
  for (std::size_t frame = 0; frame < positions.size(); frame += width) {
    const auto mean = mean_of([&](int row) { return positions[frame + static_cast<std::size_t>(row)]; }, n_atoms);
    for (std::size_t row = 0; row < width; ++row) {
      const double centred = positions[frame + row] - mean[row % 3];
      sum += centred * centred;
    }
  }
  const double scale = std::sqrt(sum / static_cast<double>(positions.size()));
  if (!(scale > smallest_scale) || !std::isfinite(scale))
    throw InputError(fmt::format(
        "scale of Cartesian coordinates: the standard deviation of the positions is {:g} nm; is this a trajectory?",
        scale));
  return scale;
}

}  // namespace boltzflow
