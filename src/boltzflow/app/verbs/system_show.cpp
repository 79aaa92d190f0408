// SPDX-License-Identifier: MIT
#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "boltzflow/app/system_argument.hpp"
#include "boltzflow/app/verbs/verb_definitions.hpp"
#include "boltzflow/coordinates/internal_coordinates.hpp"
#include "boltzflow/energy/potential.hpp"

namespace boltzflow {
namespace {

std::string formula(const MolecularSystem& system) {
  std::vector<std::pair<std::string, int>> counts;
  for (const Atom& atom : system.atoms) {
    auto entry = std::find_if(counts.begin(), counts.end(), [&](const auto& c) { return c.first == atom.element; });
    if (entry == counts.end()) {
      counts.emplace_back(atom.element, 1);
    } else {
      ++entry->second;
    }
  }
  std::sort(counts.begin(), counts.end(), [](const auto& a, const auto& b) {
    const auto rank = [](const std::string& e) { return e == "C" ? "0" : e == "H" ? "1" : "2" + e; };  // Hill order
    return rank(a.first) < rank(b.first);
  });
  std::string text;
  for (const auto& [element, count] : counts) text += element + (count == 1 ? "" : std::to_string(count));
  return text;
}

nlohmann::ordered_json describe(const MolecularSystem& system, const Potential& potential) {
  double mass = 0;
  for (const Atom& atom : system.atoms) mass += atom.mass;
  nlohmann::ordered_json document{{"name", system.name},
                                  {"description", system.description},
                                  {"formula", formula(system)},
                                  {"mass", mass},
                                  {"n_atoms", system.n_atoms()},
                                  {"temperature", system.temperature},
                                  {"bonds", system.bonds.size()},
                                  {"harmonic_bonds", system.harmonic_bonds.size()},
                                  {"harmonic_angles", system.harmonic_angles.size()},
                                  {"periodic_torsions", system.periodic_torsions.size()},
                                  {"nonbonded_exceptions", system.exceptions.size()},
                                  {"constraints", system.constraints.size()},
                                  {"generalized_born", nullptr},
                                  {"potential", potential.description()}};
  if (system.generalized_born) document["generalized_born"] = system.generalized_born->model;
  if (!system.positions.empty()) {
    const InternalCoordinates coordinates(system);
    document["degrees_of_freedom"] = coordinates.dimension();
    double energy = 0;
    potential.energy(std::span<const double>(system.positions), std::span<double>(&energy, 1));
    document["reference_structure_energy"] = energy;
  }
  return document;
}

std::string to_text(const nlohmann::ordered_json& d) {
  std::string text;
  const auto row = [&](const char* label, const std::string& value) {
    text += fmt::format("{:<22}{}\n", label, value);
  };
  const auto count = [&](const char* key) { return d[key].get<std::int64_t>(); };
  row("system", fmt::format("{}: {}", d["name"].get<std::string>(), d["description"].get<std::string>()));
  row("atoms",
      fmt::format("{} ({}, {:.2f} amu)", count("n_atoms"), d["formula"].get<std::string>(), d["mass"].get<double>()));
  if (d.contains("degrees_of_freedom"))
    row("degrees of freedom", fmt::format("{} internal coordinates", count("degrees_of_freedom")));
  row("temperature", fmt::format("{:g} K unless another is asked for", d["temperature"].get<double>()));
  row("terms", fmt::format("{} harmonic bonds, {} harmonic angles, {} periodic torsions, {} nonbonded exceptions",
                           count("harmonic_bonds"), count("harmonic_angles"), count("periodic_torsions"),
                           count("nonbonded_exceptions")));
  row("implicit solvent", d["generalized_born"].is_null() ? "none" : d["generalized_born"].get<std::string>());
  row("constraints", std::to_string(count("constraints")));
  row("potential", d["potential"].get<std::string>());
  if (d.contains("reference_structure_energy"))
    row("reference structure", fmt::format("{:.4f} kJ/mol", d["reference_structure_energy"].get<double>()));
  return text;
}

}  // namespace

Verb::Action define_system_show(CLI::App& options) {
  auto argument = std::make_shared<SystemArgument>();
  argument->define(options);
  return [argument](Invocation& invocation) {
    invocation.prepare();
    const MolecularSystem system = argument->load();
    const nlohmann::ordered_json document = describe(system, *make_force_field(system));
    invocation.print(to_text(document), document);
    return ExitStatus::success;
  };
}

}  // namespace boltzflow
