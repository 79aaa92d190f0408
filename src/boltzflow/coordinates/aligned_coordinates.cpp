// SPDX-License-Identifier: MIT
#include "boltzflow/coordinates/aligned_coordinates.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "boltzflow/base/errors.hpp"
#include "boltzflow/base/threads.hpp"
#include "boltzflow/base/units.hpp"
#include "boltzflow/coordinates/rigid_alignment.hpp"

namespace boltzflow {
namespace {

constexpr std::int64_t grain = 16;        // samples
constexpr int n_alignments = 20;          // of frames to their mean; each brings it an order of magnitude closer
constexpr double smallest_extent = 1e-6;  // of the atoms beside a line, relative

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

/// det(tr(H) 1 - H) with H = sum_i s_i r_i^T.
double determinant_of_k(std::span<const double> s, std::span<const double> r) {
  double k[3][3] = {}, trace = 0;
  for (std::size_t i = 0; i < s.size(); i += 3)
    for (std::size_t a = 0; a < 3; ++a) {
      trace += s[i + a] * r[i + a];
      for (std::size_t b = 0; b < 3; ++b) k[a][b] -= s[i + a] * r[i + b];
    }
  for (std::size_t a = 0; a < 3; ++a) k[a][a] += trace;
  return k[0][0] * (k[1][1] * k[2][2] - k[1][2] * k[2][1]) - k[0][1] * (k[1][0] * k[2][2] - k[1][2] * k[2][0]) +
         k[0][2] * (k[1][0] * k[2][1] - k[1][1] * k[2][0]);
}

using Vectors = std::vector<std::vector<double>>;

double dot(const std::vector<double>& a, const std::vector<double>& b) {
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

/// Translations and rotations of the reference, then an orthonormal basis of what is orthogonal to them: of unit
/// vectors, the one that has most left of it is taken each time, which keeps every step well conditioned.
std::vector<double> basis_beside_rigid_motions(const std::vector<double>& r) {
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

}  // namespace

AlignedCoordinates::AlignedCoordinates(std::vector<double> reference)
    : n_atoms_(static_cast<int>(reference.size() / 3)), reference_(std::move(reference)) {
  if (n_atoms_ < 3 || reference_.size() % 3 != 0)
    throw InputError(
        fmt::format("aligned coordinates: a reference of {} numbers is not of 3 atoms or more", reference_.size()));
  for (const double x : reference_)
    if (!std::isfinite(x)) throw InputError("aligned coordinates: the reference is not finite");
  centre(reference_);
  basis_ = basis_beside_rigid_motions(reference_);
  log_det_constant_ =
      2 * std::log(2 * pi) + 1.5 * std::log(n_atoms_) - 0.5 * std::log(determinant_of_k(reference_, reference_));
}

double AlignedCoordinates::log_det_at(std::span<const double> aligned) const {
  return std::log(std::abs(determinant_of_k(aligned, reference_))) + log_det_constant_;
}

void AlignedCoordinates::to_cartesian(std::span<const double> z, std::span<double> positions,
                                      std::span<double> log_det) const {
  const std::size_t n = log_det.size(), size = reference_.size();
  check_sizes(z.size(), positions.size(), n, dimension(), configuration_size());
  parallel_for(static_cast<std::int64_t>(n), grain, [&](std::int64_t begin, std::int64_t end, int) {
    for (auto sample = static_cast<std::size_t>(begin); sample < static_cast<std::size_t>(end); ++sample) {
      const std::span<double> frame = positions.subspan(sample * size, size);
      std::copy(reference_.begin(), reference_.end(), frame.begin());
      for (std::size_t k = 0; k < size - 6; ++k)
        for (std::size_t i = 0; i < size; ++i) frame[i] += z[k * n + sample] * basis_[k * size + i];
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
        for (std::size_t i = 0; i < size; ++i) sum += basis_[k * size + i] * (frame[i] - reference_[i]);
        z[k * n + sample] = sum;
      }
    }
  });
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
