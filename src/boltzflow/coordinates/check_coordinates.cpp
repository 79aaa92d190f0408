// SPDX-License-Identifier: MIT
#include "boltzflow/coordinates/check_coordinates.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>

#include "boltzflow/base/random.hpp"
#include "boltzflow/base/units.hpp"
#include "boltzflow/coordinates/equivalent_branches.hpp"
#include "boltzflow/coordinates/peptide_z_matrix.hpp"
#include "boltzflow/coordinates/reference/internal_coordinates_reference.hpp"
#include "boltzflow/coordinates/torsion_ranges.hpp"
#include "boltzflow/coordinates/z_matrix_order.hpp"

namespace boltzflow {
namespace {

constexpr std::size_t n_samples = 64;

/// Distance on an interval, or on a circle of length 1 (half circles wrap at their ends too).
double distance(double a, double b, bool circular) {
  const double difference = std::abs(a - b);
  return circular ? std::min(difference, 1 - difference) : difference;
}

struct Point {
  std::vector<double> z;
  double log_det = 0;
  bool representable = false;
};
Point point_of(const InternalCoordinates& coordinates, std::span<const double> frame) {
  Point point;
  point.z.resize(static_cast<std::size_t>(coordinates.dimension()));
  std::uint8_t flag = 0;
  coordinates.from_cartesian(frame, point.z, std::span(&point.log_det, 1), std::span(&flag, 1));
  point.representable = flag != 0;
  return point;
}

/// [dimension, n_samples] as the flow's base draws them.
std::vector<double> base_samples(const InternalCoordinates& coordinates) {
  RandomStream random(1);
  std::vector<double> z;
  for (const CoordinateDimension& dimension : coordinates.dimensions())
    for (std::size_t s = 0; s < n_samples; ++s)
      z.push_back(dimension.circular() ? random.uniform() : std::clamp(0.5 + 0.1 * random.normal(), 0.05, 0.95));
  return z;
}

CheckResult check_placement(const MolecularSystem& system, const ZMatrix& z_matrix) {
  const auto neighbours = neighbours_of(system);
  std::vector<int> placed(system.atoms.size(), 0);
  for (const int atom : z_matrix.root) ++placed[static_cast<std::size_t>(atom)];
  int n_unbonded = 0;
  for (const ZMatrixRow& row : z_matrix.rows) {
    ++placed[static_cast<std::size_t>(row.atom)];
    const auto& around = neighbours[static_cast<std::size_t>(row.bond)];
    n_unbonded += std::find(around.begin(), around.end(), row.atom) == around.end();
  }
  const auto n_once = std::count(placed.begin(), placed.end(), 1);
  return {"Z-matrix", n_once == system.n_atoms() && n_unbonded == 0,
          fmt::format("{} of {} atoms placed exactly once, {} of them on an atom they are not bonded to", n_once,
                      system.n_atoms(), n_unbonded)};
}

CheckResult check_reference_structure(const MolecularSystem& system, const InternalCoordinates& coordinates) {
  const Point point = point_of(coordinates, system.positions);
  std::vector<double> again(system.positions.size());
  double log_det = 0;
  coordinates.to_cartesian(point.z, again, std::span(&log_det, 1));
  // Rigid motion aside: distances between atoms.
  double largest = 0;
  for (int i = 0; i < system.n_atoms(); ++i)
    for (int j = 0; j < i; ++j)
      largest = std::max(largest, std::abs(distance_between(system.positions, i, j) - distance_between(again, i, j)));
  // A bond under a constraint takes the constraint's length, at most 0.001 nm off, and carries what hangs on it along.
  const double limit = system.constraints.empty() ? 1e-9 : 0.001 * (1.0 + static_cast<double>(system.n_atoms()) / 10);
  return {"reference structure", point.representable && largest <= limit,
          fmt::format("{}; distances come back to {:.1e} nm (limit {:.0e})",
                      point.representable ? "representable" : "not representable", largest, limit)};
}

std::vector<CheckResult> check_round_trip(const MolecularSystem& system, const InternalCoordinates& coordinates) {
  const std::vector<double> z = base_samples(coordinates);
  const std::size_t width = system.positions.size();
  std::vector<double> x(n_samples * width), log_det(n_samples), again(z.size()), log_det_again(n_samples);
  std::vector<std::uint8_t> representable(n_samples);
  coordinates.to_cartesian(z, x, log_det);
  coordinates.from_cartesian(x, again, log_det_again, representable);
  double largest_z = 0, largest_log_det = 0, largest_x = 0, largest_reference = 0;
  for (std::size_t k = 0; k < z.size(); ++k)
    largest_z = std::max(largest_z, distance(z[k], again[k], coordinates.dimensions()[k / n_samples].circular()));
  const auto n_representable = std::count(representable.begin(), representable.end(), 1);
  const InternalCoordinatesReference reference(system, coordinates);
  std::vector<double> expected(width), one(static_cast<std::size_t>(coordinates.dimension()));
  for (std::size_t s = 0; s < n_samples; ++s) {
    largest_log_det = std::max(largest_log_det, std::abs(log_det[s] - log_det_again[s]));
    for (std::size_t k = 0; k < one.size(); ++k) one[k] = z[k * n_samples + s];
    largest_reference = std::max(largest_reference, std::abs(reference.to_cartesian(one, expected) - log_det[s]));
    for (std::size_t i = 0; i < width; ++i) largest_x = std::max(largest_x, std::abs(expected[i] - x[s * width + i]));
  }
  return {{"round trip",
           largest_z <= 1e-7 && largest_log_det <= 1e-6 && n_representable == static_cast<std::ptrdiff_t>(n_samples),
           fmt::format("{} samples: z to {:.1e} (limit 1e-7), log-determinant to {:.1e} (limit 1e-6), {} representable",
                       n_samples, largest_z, largest_log_det, n_representable)},
          {"kernels", largest_x <= 1e-8 && largest_reference <= 1e-9,
           fmt::format("against the plain equations: positions to {:.1e} nm (limit 1e-8), log-determinant to {:.1e} "
                       "(limit 1e-9)",
                       largest_x, largest_reference)}};
}

CheckResult check_log_det(const MolecularSystem& system, const InternalCoordinates& coordinates) {
  const std::vector<double> z = base_samples(coordinates);
  std::vector<double> one(static_cast<std::size_t>(coordinates.dimension())), x(system.positions.size());
  double largest = 0;
  constexpr std::size_t n_jacobians = 2;
  for (std::size_t s = 0; s < n_jacobians; ++s) {
    for (std::size_t k = 0; k < one.size(); ++k) one[k] = z[k * n_samples + s];
    double log_det = 0;
    coordinates.to_cartesian(one, x, std::span(&log_det, 1));
    largest = std::max(largest, std::abs(log_det - dense_log_det(system, coordinates, one)));
  }
  return {"log-determinant", largest <= 1e-4,
          fmt::format("against the dense Jacobian at {} points: {:.1e} (limit 1e-4)", n_jacobians, largest)};
}

/// A carbon with a hydrogen and three branches of which no two are equivalent, or with four such.
std::vector<int> stereocentres_of(const MolecularSystem& system) {
  const auto neighbours = neighbours_of(system);
  const auto equivalent = find_equivalent_branches(system);
  std::vector<int> centres;
  for (int atom = 0; atom < system.n_atoms(); ++atom) {
    const bool has_twins =
        std::any_of(equivalent.begin(), equivalent.end(), [&](const auto& group) { return group.centre == atom; });
    if (system.atoms[static_cast<std::size_t>(atom)].element == "C" &&
        neighbours[static_cast<std::size_t>(atom)].size() == 4 && !has_twins)
      centres.push_back(atom);
  }
  return centres;
}

CheckResult check_stereocentres(const MolecularSystem& system, const InternalCoordinates& coordinates) {
  const auto centres = stereocentres_of(system);
  std::string loose;
  for (const int centre : centres) {
    bool held = false;
    for (std::size_t r = 0; r < coordinates.z_matrix().rows.size(); ++r)
      held = held || (coordinates.z_matrix().rows[r].bond == centre &&
                      coordinates.torsion_ranges()[r] != TorsionRange::full && coordinates.torsion_folds()[r] < 0);
    if (!held) loose += (loose.empty() ? "" : ", ") + describe_atom(system, centre);
  }
  if (centres.empty()) return {"stereocentres", true, "none"};
  auto mirrored = system.positions;
  for (std::size_t i = 0; i < mirrored.size(); i += 3) mirrored[i] = -mirrored[i];
  coordinates.relabel_equivalent_atoms(mirrored);
  const bool refused = !point_of(coordinates, mirrored).representable;
  return {"stereocentres", loose.empty() && refused,
          fmt::format("{}{}; the mirror image is {}", centres.size(),
                      loose.empty() ? " held in the form of the reference structure" : ", not held: " + loose,
                      refused ? "refused" : "accepted")};
}

/// CA of L amino acids: seen from the hydrogen, CO, R, N go clockwise.
CheckResult check_amino_acids(const MolecularSystem& system, const Peptide& peptide) {
  int n_left = 0, n_right = 0;
  std::string right;
  for (const PeptideResidue& residue : peptide.residues) {
    if (residue.beta < 0) continue;
    // The torsion of CB about N-CA against C: -120 degrees in L amino acids, where that of HA is +120.
    const double torsion =
        torsion_between(system.positions, residue.carbonyl, residue.nitrogen, residue.alpha, residue.beta);
    if (torsion < 0) {
      ++n_left;
      continue;
    }
    ++n_right;
    right += (right.empty() ? ": " : ", ") + describe_atom(system, residue.alpha);
  }
  return {"amino acids", n_right == 0, fmt::format("{} L, {} D{}", n_left, n_right, right)};
}

CheckResult check_equivalent_atoms(const MolecularSystem& system, const InternalCoordinates& coordinates) {
  int n_groups = 0, n_wrong = 0;
  for (const EquivalentBranches& group : find_equivalent_branches(system)) {
    auto frame = system.positions;
    for (std::size_t k = 0; k < group.branches[0].size(); ++k)
      for (std::size_t c = 0; c < 3; ++c)
        std::swap(frame[3 * static_cast<std::size_t>(group.branches[0][k]) + c],
                  frame[3 * static_cast<std::size_t>(group.branches[1][k]) + c]);
    coordinates.relabel_equivalent_atoms(frame);
    ++n_groups;
    n_wrong += !point_of(coordinates, frame).representable;
  }
  return {"equivalent atoms", n_wrong == 0,
          fmt::format("{} groups; exchanged names are brought back in {}", n_groups, n_groups - n_wrong)};
}

}  // namespace

double dense_log_det(const MolecularSystem& system, const InternalCoordinates& coordinates, std::span<const double> z) {
  const auto n = system.positions.size(), d = z.size();
  const InternalCoordinatesReference reference(system, coordinates);
  // A constrained bond has no z: its column is that of a system whose constraint is longer by h, and shorter.
  std::vector<double> x(n), plus(n), minus(n), a(n * n, 0.0), point(z.begin(), z.end());
  reference.to_cartesian(point, x);
  constexpr double h = 1e-5;
  const auto set_column = [&](std::size_t column, double step) {
    for (std::size_t i = 0; i < n; ++i) a[i * n + column] = (plus[i] - minus[i]) / (2 * step);
  };
  for (std::size_t k = 0; k < d; ++k) {
    point[k] = z[k] + h, reference.to_cartesian(point, plus);
    point[k] = z[k] - h, reference.to_cartesian(point, minus);
    point[k] = z[k];
    set_column(k, h);
  }
  for (std::size_t k = 0; k < system.constraints.size(); ++k) {
    MolecularSystem stretched = system;
    constexpr double step = 1e-6;  // nm
    stretched.constraints[k].distance += step;
    InternalCoordinatesReference(stretched, coordinates).to_cartesian(point, plus);
    stretched.constraints[k].distance -= 2 * step;
    InternalCoordinatesReference(stretched, coordinates).to_cartesian(point, minus);
    set_column(d + k, step);
  }
  const std::size_t c = n - 6;
  for (std::size_t i = 0; i < n; i += 3) {
    for (std::size_t k = 0; k < 3; ++k) a[(i + k) * n + c + k] = 1;
    a[(i + 1) * n + c + 3] = -x[i + 2], a[(i + 2) * n + c + 3] = x[i + 1];
    a[i * n + c + 4] = x[i + 2], a[(i + 2) * n + c + 4] = -x[i];
    a[i * n + c + 5] = -x[i + 1], a[(i + 1) * n + c + 5] = x[i];
  }
  double sum = 2 * std::log(2 * pi);
  for (std::size_t k = 0; k < n; ++k) {  // elimination with partial pivoting
    std::size_t pivot = k;
    for (std::size_t r = k; r < n; ++r)
      if (std::abs(a[r * n + k]) > std::abs(a[pivot * n + k])) pivot = r;
    if (pivot != k)
      for (std::size_t i = k; i < n; ++i) std::swap(a[k * n + i], a[pivot * n + i]);
    sum += std::log(std::abs(a[k * n + k]));
    for (std::size_t r = k + 1; r < n; ++r) {
      const double factor = a[r * n + k] / a[k * n + k];
      if (factor == 0) continue;
      for (std::size_t i = k; i < n; ++i) a[r * n + i] -= factor * a[k * n + i];
    }
  }
  return sum;
}

std::vector<CheckResult> check_coordinates(const MolecularSystem& system, const InternalCoordinates& coordinates,
                                           int largest_dense_jacobian) {
  std::vector<CheckResult> results{check_placement(system, coordinates.z_matrix()),
                                   check_reference_structure(system, coordinates)};
  for (CheckResult& result : check_round_trip(system, coordinates)) results.push_back(std::move(result));
  if (system.n_atoms() <= largest_dense_jacobian) results.push_back(check_log_det(system, coordinates));
  results.push_back(check_stereocentres(system, coordinates));
  if (const auto peptide = recognise_peptide(system)) results.push_back(check_amino_acids(system, *peptide));
  results.push_back(check_equivalent_atoms(system, coordinates));
  return results;
}

CheckResult check_frames(const InternalCoordinates& coordinates, std::span<const double> frames) {
  std::vector<double> x(frames.begin(), frames.end());
  coordinates.relabel_equivalent_atoms(x);
  const std::size_t n = x.size() / (3 * static_cast<std::size_t>(coordinates.n_atoms()));
  std::vector<double> z(n * static_cast<std::size_t>(coordinates.dimension())), log_det(n);
  std::vector<std::uint8_t> representable(n);
  coordinates.from_cartesian(x, z, log_det, representable);
  const auto n_good = static_cast<std::size_t>(std::count(representable.begin(), representable.end(), 1));
  return {"frames", n_good == n, fmt::format("{} of {} representable after relabelling", n_good, n)};
}

}  // namespace boltzflow
