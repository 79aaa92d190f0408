// SPDX-License-Identifier: MIT
#include "boltzflow/app/free_energy_windows.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cmath>

#include "boltzflow/app/reference_frames.hpp"
#include "boltzflow/base/errors.hpp"
#include "boltzflow/base/units.hpp"
#include "boltzflow/evaluation/internal_geometry.hpp"

namespace boltzflow {
namespace {

constexpr TorsionWindow left_handed = {0, 2.2};  // of phi, rad

/// The angle from `begin` upwards, in [0, 2 pi).
double turn_from(double begin, double angle) {
  const double turns = (angle - begin) / (2 * pi);
  return 2 * pi * (turns - std::floor(turns));
}

TorsionWindow rest_of(TorsionWindow window) { return {window.end, window.begin}; }

[[noreturn]] void fail(const std::string& message) {
  throw Error(ExitStatus::usage, "boltzflow free-energy: " + message);
}

TorsionWindow parse(const std::string& word, const char* option) {
  const auto malformed = [&] {
    fail(fmt::format("{} {}: a window is BEGIN:END in rad, each in [-2 pi, 2 pi], as in 0:2.2", option, word));
  };
  TorsionWindow window{};
  const std::size_t colon = word.find(':');
  if (colon == std::string::npos) malformed();
  try {
    std::size_t used = 0;
    window.begin = std::stod(word.substr(0, colon), &used);
    if (used != colon) malformed();
    window.end = std::stod(word.substr(colon + 1), &used);
    if (used != word.size() - colon - 1) malformed();
  } catch (const std::logic_error&) {  // std::stod found no number, or one too large
    malformed();
  }
  if (!(std::abs(window.begin) <= 2 * pi + 1e-9) || !(std::abs(window.end) <= 2 * pi + 1e-9)) malformed();
  if (turn_from(window.begin, window.end) == 0)
    fail(fmt::format("{} {}: this window is empty or the whole circle, which is no state", option, word));
  return window;
}

bool overlap(TorsionWindow a, TorsionWindow b) {
  const auto holds = [](TorsionWindow window, double begin) {
    return turn_from(window.begin, begin) < turn_from(window.begin, window.end);
  };
  return holds(a, b.begin) || holds(b, a.begin);
}

}  // namespace

bool is_inside(TorsionWindow window, double angle) {
  return turn_from(window.begin, angle) < turn_from(window.begin, window.end);
}

std::vector<double> TorsionStates::angles(const std::vector<double>& positions) const {
  return torsion_angles<double>(std::span<const double>(positions), n_atoms, atoms);
}

std::string TorsionStates::text(TorsionWindow window) const {
  return fmt::format("{} of {} in ({:g}, {:g}) rad", torsion, residue, window.begin, window.end);
}

void TorsionStateWords::define(CLI::App& options) {
  options.add_option("--torsion", torsion, "phi (default) or psi: the backbone torsion that tells A from B")
      ->check(CLI::IsMember({"phi", "psi"}));
  options
      .add_option("--residue", residue, "the residue's number in the topology (default: the first with both torsions)")
      ->type_name("N");
  options.add_option("--window-a", window_a, "state A, rad; 2.2:0 goes over the seam (default for phi: 0:2.2)")
      ->type_name("BEGIN:END");
  options.add_option("--window-b", window_b, "state B (default: what A leaves)")->type_name("BEGIN:END");
}

TorsionStates TorsionStateWords::states(const MolecularSystem& system) const {
  const std::vector<std::string> names = torsion_pair_names(system);
  if (names.empty()) fail(system.name + " has no residue with both backbone torsions, phi and psi");
  TorsionStates states{torsion, names.front(), {}, 0, {}, {}, system.n_atoms()};
  if (residue) {
    std::string known;
    bool found = false;
    for (std::size_t pair = 0; pair < names.size(); ++pair) {
      const int number = system.atoms[static_cast<std::size_t>(system.phi[pair][2])].residue_number;
      known += (pair == 0 ? "" : ", ") + names[pair];
      if (number != *residue || found) continue;
      found = true;
      states.pair = pair;
      states.residue = names[pair];
    }
    if (!found) fail(fmt::format("--residue {}: {} has phi and psi at {}", *residue, system.name, known));
  }
  states.atoms = (torsion == "phi" ? system.phi : system.psi)[states.pair];
  if (window_a.empty() && window_b.empty()) {
    if (torsion != "phi") fail("psi has no usual windows; name --window-a BEGIN:END");
    states.a = left_handed;
    states.b = rest_of(left_handed);
    return states;
  }
  if (!window_a.empty()) states.a = parse(window_a, "--window-a");
  if (!window_b.empty()) states.b = parse(window_b, "--window-b");
  if (window_a.empty()) states.a = rest_of(states.b);
  if (window_b.empty()) states.b = rest_of(states.a);
  if (overlap(states.a, states.b))
    fail(fmt::format("--window-a {:g}:{:g} and --window-b {:g}:{:g} overlap; the states must exclude each other",
                     states.a.begin, states.a.end, states.b.begin, states.b.end));
  return states;
}

}  // namespace boltzflow
