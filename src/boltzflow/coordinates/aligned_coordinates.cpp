// SPDX-License-Identifier: MIT
#include "boltzflow/coordinates/aligned_coordinates.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <limits>
#include <numeric>

#include "boltzflow/base/diagonalize.hpp"
#include "boltzflow/base/errors.hpp"
#include "boltzflow/base/threads.hpp"
#include "boltzflow/base/units.hpp"
#include "boltzflow/coordinates/rigid_alignment.hpp"

namespace boltzflow {
namespace {

constexpr std::int64_t grain = 16;           // samples
constexpr int n_alignments = 20;             // of frames to their mean; each brings it an order of magnitude closer
constexpr double smallest_extent = 1e-6;     // of the atoms beside a line, relative
constexpr double largest_overlap = 1e-6;     // of columns that are orthogonal, of their lengths
constexpr std::size_t most_frames = 20'000;  // that a whitening looks at
constexpr double smallest_deviation = 1e-4;  // nm

void centre(std::span<double> frame) {
  const std::size_t n_atoms = frame.size() / 3;
  for (std::size_t axis = 0; axis < 3; ++axis) {
    double mean = 0;
    for (std::size_t i = 0; i < n_atoms; ++i) mean += frame[3 * i + axis] / static_cast<double>(n_atoms);
    for (std::size_t i = 0; i < n_atoms; ++i) frame[3 * i + axis] -= mean;
  }
}

void turn(std::span<double> frame, const Rotation& rotation) {
  for (std::size_t i = 0; i < frame.size(); i += 3) {
    const std::array<double, 3> x = {frame[i], frame[i + 1], frame[i + 2]};
    for (std::size_t a = 0; a < 3; ++a)
      frame[i + a] = rotation[a][0] * x[0] + rotation[a][1] * x[1] + rotation[a][2] * x[2];
  }
}

using Matrix = std::array<std::array<double, 3>, 3>;

/// K = tr(H) 1 - H with H = sum_i s_i r_i^T.
Matrix matrix_k(std::span<const double> s, std::span<const double> r) {
  Matrix k{};
  double trace = 0;
  for (std::size_t i = 0; i < s.size(); i += 3)
    for (std::size_t a = 0; a < 3; ++a) {
      trace += s[i + a] * r[i + a];
      for (std::size_t b = 0; b < 3; ++b) k[a][b] -= s[i + a] * r[i + b];
    }
  for (std::size_t a = 0; a < 3; ++a) k[a][a] += trace;
  return k;
}

/// The cofactor of row a and column b; the inverse's element (b, a) times the determinant.
double cofactor(const Matrix& k, std::size_t a, std::size_t b) {
  const std::size_t a1 = (a + 1) % 3, a2 = (a + 2) % 3, b1 = (b + 1) % 3, b2 = (b + 2) % 3;
  return k[a1][b1] * k[a2][b2] - k[a1][b2] * k[a2][b1];
}
double determinant(const Matrix& k) {
  return k[0][0] * cofactor(k, 0, 0) + k[0][1] * cofactor(k, 0, 1) + k[0][2] * cofactor(k, 0, 2);
}
/// Of a symmetric matrix, by its leading minors.
bool is_positive_definite(const Matrix& k) { return k[0][0] > 0 && cofactor(k, 2, 2) > 0 && determinant(k) > 0; }

using Vectors = std::vector<std::vector<double>>;

double dot(std::span<const double> a, std::span<const double> b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

/// Takes out of `v` what lies along orthonormal vectors, twice, so that rounding leaves nothing.
void project_out(std::vector<double>& v, const Vectors& vectors) {
  for (int pass = 0; pass < 2; ++pass)
    for (const std::vector<double>& u : vectors) {
      const double along = dot(u, v);
      for (std::size_t i = 0; i < v.size(); ++i) v[i] -= along * u[i];
    }
}

bool append_normalized(std::vector<double> v, Vectors& vectors, double smallest) {
  project_out(v, vectors);
  const double norm = std::sqrt(dot(v, v));
  if (!(norm > smallest)) return false;
  for (double& x : v) x /= norm;
  vectors.push_back(std::move(v));
  return true;
}

/// Orthonormal directions of the reference's translations and rotations.
Vectors rigid_motions(const std::vector<double>& r) {
  const std::size_t n = r.size();
  Vectors vectors;
  for (std::size_t axis = 0; axis < 3; ++axis) {
    std::vector<double> shift(n, 0.0);
    for (std::size_t i = axis; i < n; i += 3) shift[i] = 1;
    append_normalized(shift, vectors, 0);
  }
  const double extent = std::sqrt(dot(r, r));
  for (std::size_t axis = 0; axis < 3; ++axis) {
    std::vector<double> rotation(n, 0.0);
    const std::size_t b = (axis + 1) % 3, c = (axis + 2) % 3;
    for (std::size_t i = 0; i < n; i += 3) rotation[i + b] = -r[i + c], rotation[i + c] = r[i + b];
    if (!append_normalized(rotation, vectors, smallest_extent * extent))
      throw InputError(
          "aligned coordinates: the atoms of the reference lie on one line, about which no rotation is seen");
  }
  return vectors;
}

/// An orthonormal basis of what is orthogonal to the rigid motions: of unit vectors, the one that has most left of it
/// is taken each time, which keeps every step well conditioned.
std::vector<double> basis_beside_rigid_motions(const std::vector<double>& r) {
  const std::size_t n = r.size();
  Vectors vectors = rigid_motions(r);
  std::vector<double> left(n, 1.0);  // squared norm of every unit vector beside what there is
  for (const auto& u : vectors)
    for (std::size_t i = 0; i < n; ++i) left[i] -= u[i] * u[i];
  while (vectors.size() < n) {
    const auto most = static_cast<std::size_t>(std::max_element(left.begin(), left.end()) - left.begin());
    std::vector<double> unit(n, 0.0);
    unit[most] = 1;
    append_normalized(unit, vectors, 0);
    for (std::size_t i = 0; i < n; ++i) left[i] -= vectors.back()[i] * vectors.back()[i];
    left[most] = -1;
  }
  std::vector<double> basis;
  for (std::size_t k = 6; k < n; ++k) basis.insert(basis.end(), vectors[k].begin(), vectors[k].end());
  return basis;
}

void check_sizes(std::size_t z, std::size_t positions, std::size_t n_samples, int dimension, int size) {
  if (z != n_samples * static_cast<std::size_t>(dimension) || positions != n_samples * static_cast<std::size_t>(size))
    throw InputError(fmt::format("aligned coordinates: {} values of z and {} of positions do not go with {} samples", z,
                                 positions, n_samples));
}

/// The reference about its mean.
std::vector<double> checked(std::vector<double> reference) {
  if (reference.size() < 9 || reference.size() % 3 != 0)
    throw InputError(
        fmt::format("aligned coordinates: a reference of {} numbers is not of 3 atoms or more", reference.size()));
  for (const double x : reference)
    if (!std::isfinite(x)) throw InputError("aligned coordinates: the reference is not finite");
  centre(reference);
  return reference;
}

void check_columns(const std::vector<double>& columns, const std::vector<double>& r) {
  const std::size_t n = r.size();
  if (columns.size() != (n - 6) * n)
    throw InputError(
        fmt::format("aligned coordinates: {} numbers are not the {} columns of {} numbers that {} atoms have",
                    columns.size(), n - 6, n, n / 3));
  const auto fail = [](std::size_t k, const std::string& what) {
    throw InputError(fmt::format("aligned coordinates: column {} {}", k, what));
  };
  Vectors directions = rigid_motions(r);
  for (std::size_t k = 0; k < n - 6; ++k) {
    const std::span<const double> column = std::span(columns).subspan(k * n, n);
    const double length = std::sqrt(dot(column, column));
    if (!(length > 0) || !std::isfinite(length)) fail(k, fmt::format("has the length {:g}", length));
    for (const auto& u : directions)
      if (!(std::abs(dot(u, column)) <= largest_overlap * length))
        fail(k, "is not orthogonal to all others and to the rigid motions of the reference");
    directions.emplace_back(column.begin(), column.end());
    for (double& x : directions.back()) x /= length;
  }
}

}  // namespace

AlignedCoordinates::AlignedCoordinates(std::vector<double> reference)
    : AlignedCoordinates(reference, basis_beside_rigid_motions(checked(reference))) {}

AlignedCoordinates::AlignedCoordinates(std::vector<double> reference, std::vector<double> columns)
    : n_atoms_(static_cast<int>(reference.size() / 3)),
      reference_(checked(std::move(reference))),
      columns_(std::move(columns)) {
  check_columns(columns_, reference_);
  const std::size_t size = reference_.size();
  log_det_constant_ =
      2 * std::log(2 * pi) + 1.5 * std::log(n_atoms_) - 0.5 * std::log(determinant(matrix_k(reference_, reference_)));
  for (std::size_t k = 0; k < columns_.size(); k += size) {
    squares_.push_back(dot(std::span(columns_).subspan(k, size), std::span(columns_).subspan(k, size)));
    log_det_constant_ += 0.5 * std::log(squares_.back());
  }
}

AlignedCoordinates AlignedCoordinates::whitened(std::span<const double> positions, int n_atoms) {
  const std::size_t size = 3 * static_cast<std::size_t>(n_atoms);
  if (size == 0 || positions.size() < 2 * size || positions.size() % size != 0)
    throw InputError(fmt::format("aligned coordinates: {} numbers are not two frames or more of {} atoms",
                                 positions.size(), n_atoms));
  const std::size_t n_frames = positions.size() / size, n = std::min(n_frames, most_frames);
  std::vector<double> used;
  used.reserve(n * size);
  for (std::size_t i = 0; i < n; ++i) {
    const auto frame = positions.subspan(i * n_frames / n * size, size);
    used.insert(used.end(), frame.begin(), frame.end());
  }
  const AlignedCoordinates plain(mean_structure({used}, n_atoms));
  const auto d = static_cast<std::size_t>(plain.dimension());
  std::vector<double> z(d * n), log_det(n), covariance(d * d), axes(d * d);
  std::vector<std::uint8_t> representable(n);
  plain.from_cartesian(used, z, log_det, representable);
  const auto row = [&](std::size_t k) { return std::span(z).subspan(k * n, n); };
  for (std::size_t k = 0; k < d; ++k) {
    const double mean = std::accumulate(row(k).begin(), row(k).end(), 0.0) / static_cast<double>(n);
    for (double& value : row(k)) value -= mean;
    for (std::size_t other = 0; other <= k; ++other)
      covariance[k * d + other] = covariance[other * d + k] = dot(row(k), row(other)) / static_cast<double>(n - 1);
  }
  diagonalize(covariance, axes, d);
  std::vector<std::size_t> order(d);  // from the widest axis on
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(order, std::ranges::greater(), [&](std::size_t k) { return covariance[k * d + k]; });
  std::vector<double> columns(d * size, 0.0);
  for (std::size_t k = 0; k < d; ++k) {
    const std::size_t axis = order[k];
    const double deviation = std::max(std::sqrt(std::max(covariance[axis * d + axis], 0.0)), smallest_deviation);
    for (std::size_t j = 0; j < d; ++j)
      for (std::size_t i = 0; i < size; ++i)
        columns[k * size + i] += deviation * axes[j * d + axis] * plain.columns_[j * size + i];
  }
  return {plain.reference_, std::move(columns)};
}

double AlignedCoordinates::log_det_at(std::span<const double> aligned) const {
  const Matrix k = matrix_k(aligned, reference_);
  return is_positive_definite(k) ? std::log(determinant(k)) + log_det_constant_
                                 : -std::numeric_limits<double>::infinity();
}

void AlignedCoordinates::place(std::span<const double> z, std::size_t sample, std::size_t n_samples,
                               std::span<double> frame) const {
  const std::size_t size = reference_.size();
  std::copy(reference_.begin(), reference_.end(), frame.begin());
  for (std::size_t k = 0; k < size - 6; ++k)
    for (std::size_t i = 0; i < size; ++i) frame[i] += z[k * n_samples + sample] * columns_[k * size + i];
}

void AlignedCoordinates::to_cartesian(std::span<const double> z, std::span<double> positions,
                                      std::span<double> log_det) const {
  const std::size_t n = log_det.size(), size = reference_.size();
  check_sizes(z.size(), positions.size(), n, dimension(), configuration_size());
  parallel_for(static_cast<std::int64_t>(n), grain, [&](std::int64_t begin, std::int64_t end, int) {
    for (auto sample = static_cast<std::size_t>(begin); sample < static_cast<std::size_t>(end); ++sample) {
      const std::span<double> frame = positions.subspan(sample * size, size);
      place(z, sample, n, frame);
      log_det[sample] = log_det_at(frame);
    }
  });
}

void AlignedCoordinates::to_cartesian(std::span<const float> z, std::span<float> positions,
                                      std::span<double> log_det) const {
  const std::vector<double> z64(z.begin(), z.end());
  std::vector<double> positions64(positions.size());
  to_cartesian(std::span<const double>(z64), positions64, log_det);
  std::transform(positions64.begin(), positions64.end(), positions.begin(),
                 [](double x) { return static_cast<float>(x); });
}

void AlignedCoordinates::from_cartesian(std::span<const double> positions, std::span<double> z,
                                        std::span<double> log_det, std::span<std::uint8_t> representable) const {
  const std::size_t n = log_det.size(), size = reference_.size();
  check_sizes(z.size(), positions.size(), n, dimension(), configuration_size());
  if (representable.size() != n) throw InputError("aligned coordinates: representable has another size than log_det");
  parallel_for(static_cast<std::int64_t>(n), grain, [&](std::int64_t begin, std::int64_t end, int) {
    for (auto sample = static_cast<std::size_t>(begin); sample < static_cast<std::size_t>(end); ++sample) {
      std::vector<double> frame(positions.begin() + static_cast<std::ptrdiff_t>(sample * size),
                                positions.begin() + static_cast<std::ptrdiff_t>((sample + 1) * size));
      representable[sample] = std::ranges::all_of(frame, [](double x) { return std::isfinite(x); }) ? 1 : 0;
      if (representable[sample] != 0) {
        centre(frame);
        turn(frame, best_rotation(frame, reference_));
      } else {
        frame = reference_;
      }
      log_det[sample] = log_det_at(frame);
      for (std::size_t k = 0; k < size - 6; ++k) {
        double sum = 0;
        for (std::size_t i = 0; i < size; ++i) sum += columns_[k * size + i] * (frame[i] - reference_[i]);
        z[k * n + sample] = sum / squares_[k];
      }
    }
  });
}

void AlignedCoordinates::to_cartesian_gradient(std::span<const double> z, std::span<const double> positions_gradient,
                                               std::span<const double> log_det_gradient,
                                               std::span<double> z_gradient) const {
  const std::size_t n = log_det_gradient.size(), size = reference_.size();
  check_sizes(z.size(), positions_gradient.size(), n, dimension(), configuration_size());
  check_sizes(z_gradient.size(), positions_gradient.size(), n, dimension(), configuration_size());
  parallel_for(static_cast<std::int64_t>(n), grain, [&](std::int64_t begin, std::int64_t end, int) {
    std::vector<double> frame(size), slope(size);
    for (auto sample = static_cast<std::size_t>(begin); sample < static_cast<std::size_t>(end); ++sample) {
      place(z, sample, n, frame);
      const Matrix k = matrix_k(frame, reference_);
      const double over_determinant = 1 / determinant(k);
      // d log det K = tr(K^-1 dK), dK = tr(dH) 1 - dH; K is symmetric.
      Matrix inverse;
      for (std::size_t a = 0; a < 3; ++a)
        for (std::size_t b = 0; b < 3; ++b) inverse[a][b] = cofactor(k, b, a) * over_determinant;
      const double trace = inverse[0][0] + inverse[1][1] + inverse[2][2];
      for (std::size_t i = 0; i < size; i += 3)
        for (std::size_t a = 0; a < 3; ++a) {
          double of_log_det = trace * reference_[i + a];
          for (std::size_t b = 0; b < 3; ++b) of_log_det -= inverse[b][a] * reference_[i + b];
          slope[i + a] = positions_gradient[sample * size + i + a] + log_det_gradient[sample] * of_log_det;
        }
      for (std::size_t row = 0; row < size - 6; ++row)
        z_gradient[row * n + sample] = dot(std::span(columns_).subspan(row * size, size), slope);
    }
  });
}

void AlignedCoordinates::to_cartesian_gradient(std::span<const float> z, std::span<const float> positions_gradient,
                                               std::span<const double> log_det_gradient,
                                               std::span<float> z_gradient) const {
  const std::vector<double> z64(z.begin(), z.end()), gradient64(positions_gradient.begin(), positions_gradient.end());
  std::vector<double> z_gradient64(z_gradient.size());
  to_cartesian_gradient(z64, gradient64, log_det_gradient, z_gradient64);
  std::transform(z_gradient64.begin(), z_gradient64.end(), z_gradient.begin(),
                 [](double x) { return static_cast<float>(x); });
}

std::vector<double> mean_structure(std::initializer_list<std::span<const double>> sets, int n_atoms) {
  const std::size_t size = 3 * static_cast<std::size_t>(n_atoms);
  for (const std::span<const double> set : sets)
    if (set.empty() || size == 0 || set.size() % size != 0)
      throw InputError(fmt::format("a mean structure of {} atoms cannot be made from {} numbers", n_atoms, set.size()));
  std::vector<double> mean(sets.begin()->begin(), sets.begin()->begin() + static_cast<std::ptrdiff_t>(size));
  centre(mean);
  for (int round = 0; round < n_alignments; ++round) {
    std::vector<double> sum(size, 0.0);
    for (const std::span<const double> set : sets) {
      std::vector<double> aligned(set.begin(), set.end());
      align_frames(aligned, mean);
      const double weight = static_cast<double>(size) / static_cast<double>(set.size() * sets.size());
      for (std::size_t i = 0; i < aligned.size(); ++i) sum[i % size] += weight * aligned[i];
    }
    centre(sum);
    mean = std::move(sum);
  }
  return mean;
}

}  // namespace boltzflow
