// SPDX-License-Identifier: MIT
#include "boltzflow/molecule/build_system.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include "boltzflow/base/errors.hpp"
#include "boltzflow/molecule/apply_force_field.hpp"
#include "boltzflow/molecule/force_field_files.hpp"
#include "boltzflow/molecule/openmm_force_field.hpp"
#include "boltzflow/molecule/pdb_topology.hpp"
#include "boltzflow/molecule/peptide_sequence.hpp"
#include "boltzflow/molecule/start_structure.hpp"

namespace boltzflow {
namespace {

struct NamedSolvent {
  std::string_view name;
  ImplicitSolvent solvent;
};
constexpr NamedSolvent solvents[] = {
    {"vacuum", ImplicitSolvent::vacuum}, {"hct", ImplicitSolvent::hct}, {"obc1", ImplicitSolvent::obc1},
    {"obc2", ImplicitSolvent::obc2},     {"gbn", ImplicitSolvent::gbn}, {"gbn2", ImplicitSolvent::gbn2},
};

struct Chemistry {
  ForceFieldDefinition force_field;
  ForceFieldOptions options;
};

Chemistry chemistry_of(const BuildOptions& options) {
  const auto folders = force_field_folders(options.force_field_path);
  std::vector<std::filesystem::path> files;
  for (const auto& name : options.force_fields) files.push_back(find_force_field_file(name, folders));
  const auto named = std::find_if(std::begin(solvents), std::end(solvents),
                                  [&](const auto& row) { return row.name == options.solvent; });
  const bool of_types = named == std::end(solvents);
  if (of_types) {
    try {
      files.push_back(find_force_field_file(options.solvent, folders));
    } catch (const MissingInputError&) {
      throw InputError(
          fmt::format("the solvent \"{}\" is not known; choose vacuum, hct, obc1, obc2, gbn or gbn2, or a "
                      "force-field file with a GBSAOBCForce such as amber99_obc",
                      options.solvent));
    }
  }
  Chemistry out{read_openmm_force_field(files, folders), {}};
  if (of_types && out.force_field.born.empty())
    throw InputError(
        files.back().string(),
        fmt::format("this file was to give the solvent, but it has no GBSAOBCForce for the atom types of {}",
                    fmt::join(options.force_fields, ", ")));
  out.options = {of_types ? ImplicitSolvent::of_types : named->solvent, options.fix_hydrogen_bonds, options.cutoff};
  return out;
}

MolecularSystem build(const Topology& topology, const Chemistry& chemistry, const std::string& what,
                      const BuildOptions& options) {
  MolecularSystem system = apply_force_field(chemistry.force_field, topology, chemistry.options);
  std::string force_fields;
  for (const auto& name : options.force_fields) force_fields += (force_fields.empty() ? "" : " + ") + name;
  system.description = fmt::format("{}, {}, {}{}{}", what, force_fields, options.solvent,
                                   options.fix_hydrogen_bonds ? ", fixed bonds to hydrogens" : "",
                                   options.cutoff ? fmt::format(", cutoff {} nm", *options.cutoff) : "");
  return system;
}

}  // namespace

MolecularSystem build_system_from_sequence(const std::string& sequence, const BuildOptions& options) {
  const Chemistry chemistry = chemistry_of(options);
  MolecularSystem system =
      build(peptide_topology(sequence, chemistry.force_field, options.disulphides), chemistry, sequence, options);
  system.name = sequence;
  system.positions = start_structure(system);
  return system;
}

MolecularSystem build_system_from_pdb(const std::filesystem::path& pdb, const BuildOptions& options) {
  if (!options.disulphides.empty())
    throw InputError(pdb.string(), "disulphides are for sequences; name those of a PDB file in its SSBOND records");
  const Chemistry chemistry = chemistry_of(options);
  MolecularSystem system = build(pdb_topology(pdb, chemistry.force_field), chemistry, pdb.filename().string(), options);
  system.name = pdb.stem().string();
  return system;
}

void fit_to_constraints(MolecularSystem& system) {
  for (const auto& constraint : system.constraints) {
    const bool hydrogen_first = system.atoms[constraint.i].element == "H";
    if (hydrogen_first == (system.atoms[constraint.j].element == "H")) continue;
    double* hydrogen = &system.positions[3 * (hydrogen_first ? constraint.i : constraint.j)];
    const double* heavy = &system.positions[3 * (hydrogen_first ? constraint.j : constraint.i)];
    const double length = std::hypot(hydrogen[0] - heavy[0], hydrogen[1] - heavy[1], hydrogen[2] - heavy[2]);
    for (int axis = 0; axis < 3; ++axis)
      hydrogen[axis] = heavy[axis] + (hydrogen[axis] - heavy[axis]) * constraint.distance / length;
  }
}

}  // namespace boltzflow
