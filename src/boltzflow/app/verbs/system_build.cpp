// SPDX-License-Identifier: MIT
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <array>
#include <charconv>
#include <cmath>
#include <memory>
#include <nlohmann/json.hpp>

#include "boltzflow/app/verbs/verb_definitions.hpp"
#include "boltzflow/energy/potential.hpp"
#include "boltzflow/molecule/build_system.hpp"
#include "boltzflow/molecule/frames.hpp"
#include "boltzflow/molecule/system_file.hpp"
#include "boltzflow/sampling/minimize_structure.hpp"

namespace boltzflow {
namespace {

struct Words {
  std::string sequence, pdb, constraints = "none", output;
  std::vector<std::string> disulphides;
  BuildOptions options;
  double cutoff = 0, temperature = 300;
  bool minimise = true;
};

MolecularSystem built(const Words& words, const BuildOptions& options) {
  return words.pdb.empty() ? build_system_from_sequence(words.sequence, options)
                           : build_system_from_pdb(words.pdb, options);
}

/// Near the nearest minimum: clashes and strained rings are gone. Bonds that will be fixed are flexible here and take
/// their lengths at the end.
MinimizationResult minimised(const Words& words, BuildOptions options) {
  options.fix_hydrogen_bonds = false;
  const MolecularSystem flexible = built(words, options);
  return minimize_structure(flexible, {.max_iterations = 5000, .gradient_tolerance = 0.5});
}

/// "3-8" as two residues.
std::array<int, 2> disulphide(const std::string& word) {
  std::array<int, 2> pair{};
  const char* const end = word.data() + word.size();
  const auto first = std::from_chars(word.data(), end, pair[0]);
  if (first.ec == std::errc() && first.ptr != end && *first.ptr == '-') {
    const auto second = std::from_chars(first.ptr + 1, end, pair[1]);
    if (second.ec == std::errc() && second.ptr == end) return pair;
  }
  throw Error(
      ExitStatus::usage,
      fmt::format("system build: --disulphide \"{}\" is no pair of residues; write 3-8, counting from 1", word));
}

ExitStatus build(const Words& words, const Invocation& invocation) {
  invocation.prepare();
  if (words.sequence.empty() == words.pdb.empty())
    throw Error(ExitStatus::usage, "system build: give either a SEQUENCE such as ACE-ALA-NME or --pdb FILE");
  BuildOptions options = words.options;
  options.fix_hydrogen_bonds = words.constraints == "h-bonds";
  if (words.cutoff > 0) options.cutoff = words.cutoff;
  for (const auto& word : words.disulphides) options.disulphides.push_back(disulphide(word));
  std::filesystem::path output = words.output;
  if (output.extension() == ".json" || output.extension() == ".pdb") output.replace_extension();

  MolecularSystem system = built(words, options);
  system.name = output.filename().string();
  system.temperature = words.temperature;
  std::string minimisation = "not minimised";
  if (words.minimise) {
    const MinimizationResult minimum = minimised(words, options);
    system.positions = minimum.positions;
    fit_to_constraints(system);
    minimisation = fmt::format("minimised in {} steps to a root mean square gradient of {:.2g} kJ/mol/nm",
                               minimum.iterations, minimum.root_mean_square_gradient);
  }
  double energy = 0, charge = 0;
  make_force_field(system)->energy(std::span<const double>(system.positions), std::span<double>(&energy, 1));
  for (const auto& particle : system.nonbonded) charge += particle.charge;
  charge = std::round(charge * 1e4) / 1e4 + 0.0;  // force fields give four to six digits; and no negative zero

  const std::string json = output.string() + ".json", pdb = output.string() + ".pdb";
  write_system_file(json, system);
  const auto writer = make_frame_writer(pdb, system);
  writer->append({1, system.positions});
  writer->finish();

  const nlohmann::ordered_json document{{"name", system.name},
                                        {"description", system.description},
                                        {"n_atoms", system.n_atoms()},
                                        {"charge", charge},
                                        {"constraints", system.constraints.size()},
                                        {"energy", energy},
                                        {"unit", "kJ/mol"},
                                        {"files", {json, pdb}}};
  invocation.print(fmt::format("{}: {}\n{} atoms, charge {:g}, {} fixed bonds; {:.3f} kJ/mol, {}\nwrote {} and {}\n",
                               system.name, system.description, system.n_atoms(), charge, system.constraints.size(),
                               energy, minimisation, json, pdb),
                   document);
  return ExitStatus::success;
}

}  // namespace

Verb::Action define_system_build(CLI::App& options) {
  auto words = std::make_shared<Words>();
  options.add_option(
      "SEQUENCE", words->sequence,
      "residues with hyphens between them, from the N terminus: ACE-ALA-NME with caps, or GLU-LEU-ILE-LEU "
      "with charged ends");
  options
      .add_option("--disulphide", words->disulphides,
                  "residues of a SEQUENCE whose sulphurs are bonded, counted from 1: 3-8, or 3-8,5-12")
      ->delimiter(',');
  options.add_option("--pdb", words->pdb, "a structure with all its hydrogens, in place of a sequence");
  options
      .add_option("--force-field", words->options.force_fields,
                  "OpenMM force fields: amber96, amber99sbildn (default), amber14/protein.ff14SB, or XML files")
      ->delimiter(',');
  options.add_option("--solvent", words->options.solvent,
                     "vacuum, hct, obc1, obc2 (default), gbn, gbn2, or an XML file with a GBSAOBCForce such as "
                     "amber99_obc");
  options
      .add_option("--force-field-path", words->options.force_field_path, "folders to look for force fields in first")
      ->delimiter(',');
  options.add_option("--constraints", words->constraints, "none (default) or h-bonds: bonds to hydrogens are fixed")
      ->check(CLI::IsMember({"none", "h-bonds"}));
  options.add_option("--cutoff", words->cutoff, "of nonbonded pairs, nm (default: none)")->check(CLI::PositiveNumber);
  options.add_option("--temperature", words->temperature, "the system's default, K (default: 300)")
      ->check(CLI::PositiveNumber);
  options.add_flag("!--keep-structure", words->minimise, "do not minimise the energy of the structure");
  options.add_option("-o,--output", words->output, "NAME.json and NAME.pdb are written")->required();
  return [words](Invocation& invocation) { return build(*words, invocation); };
}

}  // namespace boltzflow
