// SPDX-License-Identifier: MIT
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>

#include "boltzflow/app/system_argument.hpp"
#include "boltzflow/app/verbs/verb_definitions.hpp"
#include "boltzflow/base/random.hpp"
#include "boltzflow/coordinates/check_coordinates.hpp"
#include "boltzflow/coordinates/equivalent_branches.hpp"
#include "boltzflow/coordinates/z_matrix_order.hpp"
#include "boltzflow/energy/potential.hpp"
#include "boltzflow/molecule/frames.hpp"

namespace boltzflow {
namespace {

struct Words {
  SystemArgument system;
  std::string frames;
};

double energy_of(const Potential& potential, const std::vector<double>& positions) {
  double energy = 0;
  potential.energy(std::span<const double>(positions), std::span<double>(&energy, 1));
  return energy;
}

/// The reference structure and two with every coordinate moved by 0.003 nm (root mean square), as at 300 K.
std::vector<std::vector<double>> structures_of(const MolecularSystem& system) {
  std::vector<std::vector<double>> structures{system.positions};
  RandomStream random(1);
  for (int k = 0; k < 2; ++k) {
    structures.push_back(system.positions);
    for (double& x : structures.back()) x += 0.003 * random.normal();
  }
  return structures;
}

CheckResult check_finite(const Potential& potential, const std::vector<double>& positions) {
  const double energy = energy_of(potential, positions);
  return {"energy", std::isfinite(energy), fmt::format("{:.4f} kJ/mol at the reference structure", energy)};
}

CheckResult check_gradient(const Potential& potential, const std::vector<std::vector<double>>& structures) {
  double largest_error = 0, squares = 0, count = 0;
  for (std::vector<double> x : structures) {
    std::vector<double> gradient(x.size());
    double energy = 0;
    potential.energy_and_gradient(std::span<const double>(x), std::span<double>(&energy, 1), gradient);
    for (std::size_t i = 0; i < x.size(); ++i) {
      // Fourth order: 1e-4 nm leaves an error of 1e-6 where bonds are stiff, and rounding of 1e-8.
      constexpr double h = 1e-4;
      const double before = x[i];
      const auto at = [&](double shift) {
        x[i] = before + shift;
        return energy_of(potential, x);
      };
      const double difference = (8 * (at(h) - at(-h)) - (at(2 * h) - at(-2 * h))) / (12 * h);
      x[i] = before;
      const double error = std::abs(difference - gradient[i]);
      if (!(error <= largest_error)) largest_error = error;  // NaN sticks
      squares += gradient[i] * gradient[i], ++count;
    }
  }
  const double scale = std::max(1.0, std::sqrt(squares / count)), relative = largest_error / scale;
  return {"gradient", relative <= 1e-5,
          fmt::format("against finite differences at {} structures: {:.1e} of its root mean square (limit 1e-5)",
                      structures.size(), relative)};
}

CheckResult check_precisions(const Potential& fast, const Potential& reference,
                             const std::vector<std::vector<double>>& structures) {
  double largest = 0, largest_single = 0;
  for (const std::vector<double>& x : structures) {
    const double expected = energy_of(reference, x), scale = std::max(1.0, std::abs(expected));
    const std::vector<float> single(x.begin(), x.end());
    double energy = 0;
    fast.energy(std::span<const float>(single), std::span<double>(&energy, 1));
    largest = std::max(largest, std::abs(energy_of(fast, x) - expected) / scale);
    largest_single = std::max(largest_single, std::abs(energy - expected));
  }
  return {"precision", largest <= 1e-9 && largest_single <= 0.25,
          fmt::format("against plain loops: float64 to {:.1e} relative (limit 1e-9), float32 to {:.3f} kJ/mol (limit "
                      "0.25, a tenth of kT)",
                      largest, largest_single)};
}

/// Exchanges the first two branches of a group.
void exchange(std::vector<double>& x, const EquivalentBranches& group) {
  for (std::size_t k = 0; k < group.branches[0].size(); ++k)
    for (std::size_t c = 0; c < 3; ++c)
      std::swap(x[3 * static_cast<std::size_t>(group.branches[0][k]) + c],
                x[3 * static_cast<std::size_t>(group.branches[1][k]) + c]);
}

bool is_representable(const InternalCoordinates& coordinates, const std::vector<double>& x) {
  std::vector<double> z(static_cast<std::size_t>(coordinates.dimension()));
  double log_det = 0;
  std::uint8_t flag = 0;
  coordinates.from_cartesian(std::span<const double>(x), z, std::span(&log_det, 1), std::span(&flag, 1));
  return flag != 0;
}

/// Of names that the coordinates tell apart they hold one; a force field whose impropers name the atoms in some order
/// may give the other a slightly different energy.
CheckResult check_symmetry(const MolecularSystem& system, const InternalCoordinates& coordinates,
                           const Potential& potential, const std::vector<std::vector<double>>& structures) {
  double largest = 0;
  int most = -1;
  for (const EquivalentBranches& group : find_equivalent_branches(system)) {
    auto exchanged = system.positions;
    exchange(exchanged, group);
    if (is_representable(coordinates, exchanged)) continue;  // both are held, as of a carboxylate
    for (std::vector<double> x : structures) {
      const double before = energy_of(potential, x);
      exchange(x, group);
      const double change = std::abs(energy_of(potential, x) - before);
      if (!(change <= largest)) largest = change, most = group.centre;
    }
  }
  const std::string where = most < 0 ? "" : ", at " + describe_atom(system, most);
  return {"symmetry", largest <= 0.25,
          fmt::format("exchanging equivalent atoms changes the energy by {:.1e} kJ/mol at most (limit 0.25){}", largest,
                      where)};
}

/// Constraints hold in the reference structure, as the coordinates and the dynamics take for granted.
CheckResult check_constraints(const MolecularSystem& system) {
  double largest = 0;
  for (const DistanceConstraint& c : system.constraints) {
    double square = 0;
    for (std::size_t k = 0; k < 3; ++k) {
      const double d = system.positions[3 * static_cast<std::size_t>(c.i) + k] -
                       system.positions[3 * static_cast<std::size_t>(c.j) + k];
      square += d * d;
    }
    largest = std::max(largest, std::abs(std::sqrt(square) - c.distance));
  }
  return {"constraints", largest <= 1e-3,
          fmt::format("{} fixed bonds, at most {:.1e} nm off in the reference structure (limit 1e-3)",
                      system.constraints.size(), largest)};
}

ExitStatus check(const Words& words, const Invocation& invocation) {
  invocation.prepare();
  const MolecularSystem system = words.system.load();
  if (system.positions.empty())
    throw InputError(fmt::format("{} has no structure to check; give one with --structure", system.name));
  const auto potential = make_force_field(system), reference = make_reference_force_field(system);
  const auto structures = structures_of(system);
  std::vector<CheckResult> results{check_finite(*potential, system.positions), check_gradient(*potential, structures),
                                   check_precisions(*potential, *reference, structures)};
  if (!system.constraints.empty()) results.push_back(check_constraints(system));
  const InternalCoordinates coordinates(system);
  results.push_back(check_symmetry(system, coordinates, *potential, structures));
  for (CheckResult& result : check_coordinates(system, coordinates)) results.push_back(std::move(result));
  if (!words.frames.empty()) results.push_back(check_frames(coordinates, read_frames(words.frames, &system).positions));

  nlohmann::ordered_json document{
      {"system", system.name}, {"passed", true}, {"checks", nlohmann::ordered_json::array()}};
  std::string text;
  std::ptrdiff_t n_failed = 0;
  for (const CheckResult& result : results) {
    n_failed += result.passed ? 0 : 1;
    document["checks"].push_back({{"name", result.name}, {"passed", result.passed}, {"detail", result.detail}});
    text += fmt::format("{}  {:<20} {}\n", result.passed ? "PASS" : "FAIL", result.name, result.detail);
  }
  document["passed"] = n_failed == 0;
  text += n_failed == 0 ? fmt::format("{}: all {} checks passed\n", system.name, results.size())
                        : fmt::format("{}: {} of {} checks failed\n", system.name, n_failed, results.size());
  invocation.print(text, document);
  return n_failed == 0 ? ExitStatus::success : ExitStatus::failure;
}

}  // namespace

Verb::Action define_system_check(CLI::App& options) {
  auto words = std::make_shared<Words>();
  words->system.define(options);
  options.add_option("--frames", words->frames,
                     "also: can the coordinates represent every conformation of this file (.pdb, .dcd, .npy, .npz)?");
  return [words](Invocation& invocation) { return check(*words, invocation); };
}

}  // namespace boltzflow
