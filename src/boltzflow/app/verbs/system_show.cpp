// SPDX-License-Identifier: MIT
#include <fmt/format.h>

#include <CLI/App.hpp>

#include <algorithm>
#include <cmath>
#include <memory>
#include <nlohmann/json.hpp>

#include "boltzflow/app/openmm_comparison.hpp"
#include "boltzflow/app/system_argument.hpp"
#include "boltzflow/app/verbs/verb_definitions.hpp"
#include "boltzflow/coordinates/equivalent_branches.hpp"
#include "boltzflow/coordinates/internal_coordinates.hpp"
#include "boltzflow/coordinates/peptide_z_matrix.hpp"
#include "boltzflow/coordinates/z_matrix_order.hpp"
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

/// "ACE ALA NME": the residues in order.
std::string residues(const MolecularSystem& system) {
  std::string text;
  for (std::size_t i = 0; i < system.atoms.size(); ++i) {
    const Atom &atom = system.atoms[i], &before = system.atoms[i == 0 ? 0 : i - 1];
    const bool begins = i == 0 || atom.residue_number != before.residue_number || atom.chain != before.chain ||
                        atom.residue_name != before.residue_name;
    if (begins && !atom.residue_name.empty()) text += (text.empty() ? "" : " ") + atom.residue_name;
  }
  return text;
}

nlohmann::ordered_json describe_coordinates(const MolecularSystem& system) {
  const InternalCoordinates coordinates(system);
  int n_bonds = 0, n_angles = 0, n_confined = 0, n_folded = 0;
  for (const CoordinateDimension& dimension : coordinates.dimensions()) {
    n_bonds += dimension.kind == CoordinateKind::bond;
    n_angles += dimension.kind == CoordinateKind::angle;
  }
  for (std::size_t r = 0; r < coordinates.torsion_ranges().size(); ++r) {
    n_confined += coordinates.torsion_ranges()[r] != TorsionRange::full;
    n_folded += coordinates.torsion_folds()[r] >= 0;
  }
  std::string root;
  for (const int atom : coordinates.z_matrix().root) root += (root.empty() ? "" : " - ") + describe_atom(system, atom);
  return {{"from", system.z_matrix             ? "the system"
                   : recognise_peptide(system) ? "the tables for peptides"
                                               : "the bond graph"},
          {"root", root},
          {"bonds", n_bonds},
          {"angles", n_angles},
          {"torsions", static_cast<int>(coordinates.torsion_ranges().size())},
          {"confined_torsions", n_confined - n_folded},
          {"folded_torsions", n_folded},
          {"equivalent_groups", find_equivalent_branches(system).size()}};
}

nlohmann::ordered_json describe(const MolecularSystem& system, const Potential& potential) {
  double mass = 0, charge = 0;
  for (const Atom& atom : system.atoms) mass += atom.mass;
  for (const NonbondedParticle& particle : system.nonbonded) charge += particle.charge;
  nlohmann::ordered_json document{{"name", system.name},
                                  {"description", system.description},
                                  {"formula", formula(system)},
                                  {"residues", residues(system)},
                                  {"mass", mass},
                                  {"net_charge", std::abs(charge) < 5e-5 ? 0.0 : charge},  // rounding of the sum
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
    auto& z_matrix = document["z_matrix"] = describe_coordinates(system);
    document["degrees_of_freedom"] =
        z_matrix["bonds"].get<int>() + z_matrix["angles"].get<int>() + z_matrix["torsions"].get<int>();
    double energy = 0;
    potential.energy(std::span<const double>(system.positions), std::span<double>(&energy, 1));
    document["reference_structure_energy"] = energy;
    const std::vector<std::string> names = potential.term_names();
    std::vector<double> terms(names.size());
    potential.energy_terms(system.positions, terms);
    for (std::size_t t = 0; t < names.size(); ++t) document["reference_structure_terms"][names[t]] = terms[t];
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
  if (!d["residues"].get<std::string>().empty()) row("residues", d["residues"].get<std::string>());
  row("net charge", fmt::format("{:.4f} e", d["net_charge"].get<double>()));
  if (d.contains("z_matrix")) {
    const auto& z = d["z_matrix"];
    const auto number = [&](const char* key) { return z[key].get<int>(); };
    row("degrees of freedom",
        fmt::format("{} internal coordinates: {} bonds, {} angles, {} torsions", count("degrees_of_freedom"),
                    number("bonds"), number("angles"), number("torsions")));
    row("Z-matrix", fmt::format("from {}, root {}", z["from"].get<std::string>(), z["root"].get<std::string>()));
    row("stereochemistry",
        fmt::format("{} torsions confined, {} folded; {} groups of equivalent atoms", number("confined_torsions"),
                    number("folded_torsions"), number("equivalent_groups")));
  }
  row("temperature", fmt::format("{:g} K unless another is asked for", d["temperature"].get<double>()));
  row("terms", fmt::format("{} harmonic bonds, {} harmonic angles, {} periodic torsions, {} nonbonded exceptions",
                           count("harmonic_bonds"), count("harmonic_angles"), count("periodic_torsions"),
                           count("nonbonded_exceptions")));
  row("implicit solvent", d["generalized_born"].is_null() ? "none" : d["generalized_born"].get<std::string>());
  row("constraints", std::to_string(count("constraints")));
  row("potential", d["potential"].get<std::string>());
  if (d.contains("reference_structure_energy"))
    row("reference structure", fmt::format("{:.4f} kJ/mol", d["reference_structure_energy"].get<double>()));
  if (d.contains("reference_structure_terms"))
    for (const auto& [name, energy] : d["reference_structure_terms"].items())
      row(("  " + name).c_str(), fmt::format("{:>14.4f}", energy.get<double>()));
  if (d.contains("openmm") && d["openmm"].contains("terms")) {
    const auto& openmm = d["openmm"];
    row("beside OpenMM", fmt::format("{:>14} {:>14} {:>12}", "boltzflow",
                                     "OpenMM " + openmm["version"].get<std::string>(), "difference"));
    for (const auto& [name, energies] : openmm["terms"].items())
      row(("  " + name).c_str(),
          fmt::format("{:>14.4f} {:>14.4f} {:>12.1e}", energies[0].get<double>(), energies[1].get<double>(),
                      energies[0].get<double>() - energies[1].get<double>()));
  } else if (d.contains("openmm")) {
    row("beside OpenMM", d["openmm"]["reason"].get<std::string>());
  }
  return text;
}

/// The sums of our terms that are one force of OpenMM's, each beside OpenMM's.
nlohmann::ordered_json compare_with_openmm(const MolecularSystem& system, const nlohmann::ordered_json& terms) {
  std::string reason;
  const auto openmm = openmm_energies(system, reason);
  if (!openmm) return {{"reason", reason}};
  const std::vector<std::pair<std::string, std::vector<std::string>>> groups{
      {"bonds", {"bonds"}},
      {"angles", {"angles"}},
      {"torsions", {"torsions"}},
      {"nonbonded", {"lennard-jones", "coulomb"}},
      {"solvent", {"born", "surface"}}};
  nlohmann::ordered_json document{{"version", openmm->version}, {"terms", nlohmann::ordered_json::object()}};
  for (const auto& [name, ours] : groups) {
    const auto theirs = openmm->terms.find(name);
    if (theirs == openmm->terms.end()) continue;
    double sum = 0;
    for (const std::string& term : ours) sum += terms.value(term, 0.0);
    document["terms"][name] = {sum, theirs->second};
  }
  return document;
}

}  // namespace

Verb::Action define_system_show(CLI::App& options) {
  auto argument = std::make_shared<SystemArgument>();
  argument->define(options);
  auto without_openmm = std::make_shared<bool>(false);
  options.add_flag(
      "--no-openmm", *without_openmm,
      "do not compare the energies with OpenMM's; else a Python that has it is looked for (BOLTZFLOW_PYTHON)");
  return [argument, without_openmm](Invocation& invocation) {
    invocation.prepare();
    const MolecularSystem system = argument->load();
    nlohmann::ordered_json document = describe(system, *make_force_field(system));
    if (!*without_openmm && document.contains("reference_structure_terms"))
      document["openmm"] = compare_with_openmm(system, document["reference_structure_terms"]);
    invocation.print(to_text(document), document);
    return ExitStatus::success;
  };
}

}  // namespace boltzflow
