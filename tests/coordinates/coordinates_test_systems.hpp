// SPDX-License-Identifier: MIT
// Molecules and random coordinates for the tests of this floor.
#pragma once
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "boltzflow/base/instruction_set.hpp"
#include "boltzflow/base/random.hpp"
#include "boltzflow/base/units.hpp"
#include "boltzflow/coordinates/internal_coordinates.hpp"
#include "boltzflow/molecule/load_system.hpp"
#include "boltzflow/molecule/molecular_system.hpp"

namespace boltzflow {

/// An atom of a hand-made molecule, placed by lengths in nm and angles in degrees on earlier atoms; the first three
/// rows use as many numbers as they need.
struct SketchedAtom {
  const char* element;
  int bond = -1, angle = -1, torsion = -1;
  double length = 0, bend = 0, twist = 0;
};

inline MolecularSystem sketch(const std::string& name, const std::vector<SketchedAtom>& atoms) {
  MolecularSystem system;
  system.name = name;
  auto& x = system.positions;
  const double degree = pi / 180;
  for (std::size_t i = 0; i < atoms.size(); ++i) {
    const SketchedAtom& a = atoms[i];
    system.atoms.push_back({"", a.element, "", 1, "A", 1.0});
    if (a.bond >= 0) system.bonds.push_back({a.bond, static_cast<int>(i)});
    if (i == 0)
      x.insert(x.end(), {0.3, -0.2, 0.1});
    else if (i == 1)
      x.insert(x.end(), {0.3 + a.length, -0.2, 0.1});
    else {
      using Vector = std::array<double, 3>;
      const auto at = [&](int k) { return Vector{x[3 * k], x[3 * k + 1], x[3 * k + 2]}; };
      const auto minus = [](Vector u, Vector v) { return Vector{u[0] - v[0], u[1] - v[1], u[2] - v[2]}; };
      const auto cross = [](Vector u, Vector v) {
        return Vector{u[1] * v[2] - u[2] * v[1], u[2] * v[0] - u[0] * v[2], u[0] * v[1] - u[1] * v[0]};
      };
      const auto unit = [](Vector u) {
        const double n = std::sqrt(u[0] * u[0] + u[1] * u[1] + u[2] * u[2]);
        return Vector{u[0] / n, u[1] / n, u[2] / n};
      };
      const Vector c = at(a.bond), b = unit(minus(c, at(a.angle)));
      const Vector lever = i == 2 ? Vector{0, 1, 0} : minus(at(a.torsion), at(a.angle));
      const Vector n = unit(cross(b, lever)), m = cross(n, b);
      const double bend = a.bend * degree, twist = a.twist * degree;
      for (int k = 0; k < 3; ++k)
        x.push_back(c[k] + a.length * (-std::cos(bend) * b[k] +
                                       std::sin(bend) * (std::cos(twist) * m[k] + std::sin(twist) * n[k])));
    }
  }
  return system;
}

/// CH3-CH2-NH2 with a pyramidal amine: a methyl group, a CH2 and an NH2.
inline MolecularSystem ethylamine() {
  return sketch("ethylamine", {{"C"},
                               {"C", 0, -1, -1, 0.153},
                               {"N", 1, 0, -1, 0.147, 110},
                               {"H", 0, 1, 2, 0.109, 110, 60},
                               {"H", 0, 1, 3, 0.109, 110, 120},
                               {"H", 0, 1, 3, 0.109, 110, -120},
                               {"H", 1, 0, 2, 0.109, 110, 120},
                               {"H", 1, 0, 2, 0.109, 109, -120},
                               {"H", 2, 1, 0, 0.101, 110, 55},
                               {"H", 2, 1, 8, 0.101, 110, 118}});
}

/// CHFCl-CH=O: a chiral centre.
inline MolecularSystem chiral_aldehyde() {
  return sketch("chiral aldehyde", {{"C"},
                                    {"C", 0, -1, -1, 0.152},
                                    {"O", 1, 0, -1, 0.122, 123},
                                    {"H", 1, 0, 2, 0.110, 115, 180},
                                    {"F", 0, 1, 2, 0.138, 109, 20},
                                    {"Cl", 0, 1, 4, 0.177, 110, 119},
                                    {"H", 0, 1, 4, 0.109, 108, -120}});
}

/// Hydrogen peroxide: four atoms.
inline MolecularSystem hydrogen_peroxide() {
  return sketch("hydrogen peroxide",
                {{"O"}, {"O", 0, -1, -1, 0.147}, {"H", 1, 0, -1, 0.097, 100}, {"H", 0, 1, 2, 0.097, 101, 112}});
}

/// Formamide: a planar NH2 group, whose torsion is folded.
inline MolecularSystem formamide() {
  return sketch("formamide", {{"C"},
                              {"O", 0, -1, -1, 0.123},
                              {"N", 0, 1, -1, 0.135, 124},
                              {"H", 0, 1, 2, 0.110, 123, 180},
                              {"H", 2, 0, 1, 0.101, 119, 8},
                              {"H", 2, 0, 4, 0.101, 121, 173}});
}

/// Acetonitrile: C-C-N on one line, which no chain of bonded references can place.
inline MolecularSystem acetonitrile() {
  return sketch("acetonitrile", {{"C"},
                                 {"H", 0, -1, -1, 0.109},
                                 {"C", 0, 1, -1, 0.146, 110},
                                 {"H", 0, 2, 1, 0.109, 110, 120},
                                 {"H", 0, 2, 1, 0.109, 110, -120},
                                 {"N", 2, 0, 1, 0.116, 179.9, 0}});
}

inline const MolecularSystem& alanine_dipeptide() {
  static const MolecularSystem system = load_system("alanine-dipeptide");
  return system;
}

inline std::vector<InstructionSet> instruction_sets() {
  std::vector<InstructionSet> sets;
  for (const auto set : {InstructionSet::baseline, InstructionSet::avx2, InstructionSet::avx512})
    if (set <= best_instruction_set()) sets.push_back(set);
  return sets;
}

/// Forces an instruction set for a scope.
class WithInstructionSet {
 public:
  explicit WithInstructionSet(InstructionSet set) : before_(instruction_set()) { force_instruction_set(set); }
  ~WithInstructionSet() { force_instruction_set(before_); }
  WithInstructionSet(const WithInstructionSet&) = delete;

 private:
  InstructionSet before_;
};

/// z [dimension, n_samples] of the flow's base: bonds and angles normal (0.5, 0.1) cut to [0,1], torsions uniform.
inline std::vector<double> base_samples(const InternalCoordinates& coordinates, std::int64_t n_samples,
                                        std::uint64_t seed) {
  RandomStream random(seed);
  std::vector<double> z;
  z.reserve(static_cast<std::size_t>(coordinates.dimension() * n_samples));
  for (const auto& dimension : coordinates.dimensions())
    for (std::int64_t i = 0; i < n_samples; ++i) {
      double value = random.uniform();
      if (!dimension.circular()) do
          value = 0.5 + 0.1 * random.normal();
        while (value < 0 || value > 1);
      z.push_back(value);
    }
  return z;
}

/// One configuration in internal coordinates.
struct Point {
  std::vector<double> z, log_det = std::vector<double>(1);
  bool representable = false;
};
inline Point from_cartesian(const InternalCoordinates& coordinates, std::span<const double> frame) {
  Point point{std::vector<double>(static_cast<std::size_t>(coordinates.dimension()))};
  std::vector<std::uint8_t> flag(1);
  coordinates.from_cartesian(frame, point.z, point.log_det, flag);
  point.representable = flag[0] != 0;
  return point;
}

/// Column n of [dimension, n_samples].
inline std::vector<double> column(std::span<const double> z, std::size_t n_samples, std::size_t n) {
  std::vector<double> out;
  for (std::size_t k = n; k < z.size(); k += n_samples) out.push_back(z[k]);
  return out;
}

inline std::vector<float> to_float(const std::vector<double>& v) { return {v.begin(), v.end()}; }

inline double largest_difference(std::span<const double> a, std::span<const double> b) {
  double largest = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const double difference = std::abs(a[i] - b[i]);
    if (!(difference <= largest)) largest = difference;  // NaN sticks
  }
  return largest;
}

}  // namespace boltzflow
