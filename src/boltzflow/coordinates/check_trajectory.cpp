// SPDX-License-Identifier: MIT
#include "boltzflow/coordinates/check_trajectory.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstring>
#include <limits>
#include <map>
#include <string_view>
#include <unordered_set>
#include <utility>

#include "boltzflow/base/errors.hpp"
#include "boltzflow/coordinates/chirality.hpp"
#include "boltzflow/coordinates/z_matrix_order.hpp"

namespace boltzflow {
namespace {

// Thermal motion at 1000 K moves a bond by 0.01 nm of 0.1, so these are never met by chance.
constexpr double longest_bond = 1.5, shortest_bond = 0.6;  // of the system's
constexpr double most_broken_bonds = 0.1;                  // of all, in the typical frame
constexpr std::size_t most_frames_looked_at = 1000;        // for medians

struct Bond {
  std::size_t i, j;
  double length;  ///< nm
};

double distance(std::span<const double> frame, std::size_t i, std::size_t j) {
  double sum = 0;
  for (std::size_t axis = 0; axis < 3; ++axis)
    sum += (frame[3 * i + axis] - frame[3 * j + axis]) * (frame[3 * i + axis] - frame[3 * j + axis]);
  return std::sqrt(sum);
}

/// The system's bonds with the lengths it gives them; those of unknown length are left out.
std::vector<Bond> bonds_of(const MolecularSystem& system) {
  std::map<std::pair<int, int>, double> lengths;
  const auto key = [](int i, int j) { return std::pair(std::min(i, j), std::max(i, j)); };
  for (const DistanceConstraint& constraint : system.constraints)
    lengths[key(constraint.i, constraint.j)] = constraint.distance;
  for (const HarmonicBond& bond : system.harmonic_bonds) lengths[key(bond.i, bond.j)] = bond.length;
  std::vector<Bond> bonds;
  for (const auto& [i, j] : system.bonds) {
    const auto a = static_cast<std::size_t>(i), b = static_cast<std::size_t>(j);
    const auto known = lengths.find(key(i, j));
    if (known != lengths.end())
      bonds.push_back({a, b, known->second});
    else if (!system.positions.empty())
      bonds.push_back({a, b, distance(system.positions, a, b)});
  }
  return bonds;
}

double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

bool broken(double ratio) { return !(ratio > shortest_bond && ratio < longest_bond); }

std::string percent(std::int64_t part, std::int64_t whole) {
  return fmt::format("{:.3g} %", 100.0 * static_cast<double>(part) / static_cast<double>(whole));
}

/// The frames of a trajectory, its system and the name under which it is complained of.
struct Trajectory {
  const MolecularSystem& system;
  std::span<const double> positions;
  const std::string& origin;
  std::size_t width, n_frames;

  std::span<const double> frame(std::size_t n) const { return positions.subspan(n * width, width); }
};

void require_finite(const Trajectory& trajectory) {
  for (std::size_t i = 0; i < trajectory.positions.size(); ++i)
    if (!std::isfinite(trajectory.positions[i]))
      throw InputError(trajectory.origin,
                       fmt::format("frame {}: the position of {} is not finite", i / trajectory.width,
                                   describe_atom(trajectory.system, static_cast<int>(i % trajectory.width / 3))));
}

/// @throws InputError where the median says that lengths are in another unit.
double check_unit(const Trajectory& trajectory, const std::vector<Bond>& bonds) {
  if (bonds.empty()) return std::numeric_limits<double>::quiet_NaN();
  const std::size_t step = trajectory.n_frames / most_frames_looked_at + 1;
  std::vector<double> ratios;
  for (std::size_t n = 0; n < trajectory.n_frames; n += step)
    for (const Bond& bond : bonds) ratios.push_back(distance(trajectory.frame(n), bond.i, bond.j) / bond.length);
  const double ratio = median(std::move(ratios));
  if (ratio > 8 && ratio < 12.5)
    throw InputError(trajectory.origin, fmt::format("bonds are {:.3g} times as long as those of {}: the positions are "
                                                    "in Angstrom, not in nm; divide them by 10",
                                                    ratio, trajectory.system.name));
  if (ratio > 0.08 && ratio < 0.125)
    throw InputError(trajectory.origin,
                     fmt::format("bonds are {:.3g} times as long as those of {}: the positions were divided by 10 once "
                                 "too often (nm are expected); multiply them by 10",
                                 ratio, trajectory.system.name));
  // Bonds that join the wrong atoms come out two or three times as long; check_topology() has more to say of them.
  if (!(ratio > 0.3 && ratio < 5))
    throw InputError(trajectory.origin,
                     fmt::format("bonds are {:.3g} times as long as those of {}; positions in nm are expected (or are "
                                 "they scaled, or of another molecule?)",
                                 ratio, trajectory.system.name));
  return ratio;
}

/// @throws InputError where too many bonds are broken in most of the frames.
void check_topology(const Trajectory& trajectory, const std::vector<Bond>& bonds) {
  if (bonds.empty()) return;
  const std::size_t step = trajectory.n_frames / most_frames_looked_at + 1;
  std::size_t n_broken = 0;
  std::string first;
  for (const Bond& bond : bonds) {
    std::vector<double> lengths;
    for (std::size_t n = 0; n < trajectory.n_frames; n += step)
      lengths.push_back(distance(trajectory.frame(n), bond.i, bond.j));
    const double length = median(std::move(lengths));
    if (!broken(length / bond.length)) continue;
    if (n_broken++ == 0)
      first = fmt::format("{} and {}, {:.3g} nm apart where {:.3g} are expected",
                          describe_atom(trajectory.system, static_cast<int>(bond.i)),
                          describe_atom(trajectory.system, static_cast<int>(bond.j)), length, bond.length);
  }
  if (static_cast<double>(n_broken) > most_broken_bonds * static_cast<double>(bonds.size()))
    throw InputError(trajectory.origin,
                     fmt::format("{} of {} bonds of {} are broken in the typical frame (first: {}): the atoms are in "
                                 "another order, this is another molecule, or a periodic box cuts it",
                                 n_broken, bonds.size(), trajectory.system.name, first));
}

void find_broken_bonds(const Trajectory& trajectory, const std::vector<Bond>& bonds, TrajectoryCheck& check) {
  std::string first;
  for (std::size_t n = 0; n < trajectory.n_frames; ++n)
    for (const Bond& bond : bonds) {
      const double length = distance(trajectory.frame(n), bond.i, bond.j);
      if (!broken(length / bond.length)) continue;
      if (check.broken.empty())
        first = fmt::format("frame {}: {} and {} are {:.3g} nm apart where {:.3g} are expected", n,
                            describe_atom(trajectory.system, static_cast<int>(bond.i)),
                            describe_atom(trajectory.system, static_cast<int>(bond.j)), length, bond.length);
      check.broken.push_back(static_cast<std::int64_t>(n));
      break;
    }
  if (check.broken.empty()) return;
  const auto count = static_cast<std::int64_t>(check.broken.size());
  check.warnings.push_back(fmt::format("{}: {} of {} frames ({}) have a broken bond, first {}", trajectory.origin,
                                       count, check.n_frames, percent(count, check.n_frames), first));
}

void find_wrong_handed(const Trajectory& trajectory, TrajectoryCheck& check) {
  if (trajectory.system.positions.empty()) return;
  const Chirality chirality(trajectory.system);
  const std::size_t n_centres = chirality.centres().size();
  std::vector<std::uint8_t> wrong(trajectory.n_frames * n_centres);
  chirality.wrong_centres(trajectory.positions, wrong);
  std::vector<std::int64_t> count(n_centres, 0), first(n_centres, 0);
  std::int64_t n_mirrored = 0;
  for (std::size_t n = 0; n < trajectory.n_frames; ++n) {
    std::size_t n_wrong = 0;
    for (std::size_t centre = 0; centre < n_centres; ++centre)
      if (wrong[n * n_centres + centre] != 0) {
        ++n_wrong;
        if (count[centre]++ == 0) first[centre] = static_cast<std::int64_t>(n);
      }
    if (n_wrong > 0) check.wrong_handed.push_back(static_cast<std::int64_t>(n));
    n_mirrored += n_wrong > 0 && n_wrong == n_centres;
  }
  for (std::size_t centre = 0; centre < n_centres; ++centre) {
    if (count[centre] == 0) continue;
    const Atom& atom = trajectory.system.atoms[static_cast<std::size_t>(chirality.centres()[centre].centre)];
    const bool amino_acid = atom.name == "CA" && !atom.residue_name.empty();
    check.warnings.push_back(fmt::format("{}: {} has the wrong hand{} in {} of {} frames ({}), first in frame {}",
                                         trajectory.origin, chirality.names()[centre],
                                         amino_acid ? fmt::format(" (D-{})", atom.residue_name) : "", count[centre],
                                         check.n_frames, percent(count[centre], check.n_frames), first[centre]));
  }
  if (n_mirrored == check.n_frames)
    check.warnings.push_back(fmt::format("{}: every frame is a mirror image of {}; was an axis turned over?",
                                         trajectory.origin, trajectory.system.name));
}

void find_duplicates(const Trajectory& trajectory, TrajectoryCheck& check) {
  const auto bytes = [&](std::size_t n) {
    return std::string_view(reinterpret_cast<const char*>(trajectory.frame(n).data()),
                            trajectory.width * sizeof(double));
  };
  std::unordered_set<std::string_view> seen;
  seen.reserve(trajectory.n_frames);
  std::size_t first = 0;
  for (std::size_t n = 0; n < trajectory.n_frames; ++n)
    if (!seen.insert(bytes(n)).second && check.n_duplicates++ == 0) first = n;
  if (check.n_duplicates > 0)
    check.warnings.push_back(fmt::format(
        "{}: {} of {} frames ({}) repeat an earlier one exactly, first frame {}; training, validation and "
        "test frames may then be the same",
        trajectory.origin, check.n_duplicates, check.n_frames, percent(check.n_duplicates, check.n_frames), first));
}

}  // namespace

TrajectoryCheck check_trajectory(const MolecularSystem& system, std::span<const double> positions,
                                 const std::string& origin) {
  const std::size_t width = 3 * system.atoms.size();
  if (positions.empty()) throw InputError(origin, "there are no frames");
  if (width == 0 || positions.size() % width != 0)
    throw InputError(origin, fmt::format("{} coordinates are no frames of {}, which has {} atoms", positions.size(),
                                         system.name, system.n_atoms()));
  const Trajectory trajectory{system, positions, origin, width, positions.size() / width};
  TrajectoryCheck check;
  check.n_frames = static_cast<std::int64_t>(trajectory.n_frames);
  require_finite(trajectory);
  const std::vector<Bond> bonds = bonds_of(system);
  check.bond_length_ratio = check_unit(trajectory, bonds);
  check_topology(trajectory, bonds);
  find_broken_bonds(trajectory, bonds, check);
  find_wrong_handed(trajectory, check);
  find_duplicates(trajectory, check);
  return check;
}

}  // namespace boltzflow
