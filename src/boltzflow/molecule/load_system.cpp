// SPDX-License-Identifier: MIT
#include "boltzflow/molecule/load_system.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <utility>
#include <vector>

#include "boltzflow/base/errors.hpp"
#include "boltzflow/molecule/amber.hpp"
#include "boltzflow/molecule/builtin_systems.hpp"
#include "boltzflow/molecule/gromacs_topology.hpp"
#include "boltzflow/molecule/openmm_system.hpp"
#include "boltzflow/molecule/system_file.hpp"

namespace boltzflow {
namespace {

namespace fs = std::filesystem;

/// The structure file a user named, or else the first one beside `path` with its name and one of these extensions.
std::optional<fs::path> structure_for(const fs::path& path, const LoadOptions& options,
                                      std::initializer_list<const char*> extensions) {
  if (options.structure) return options.structure;
  for (const char* extension : extensions) {
    const fs::path beside = fs::path(path).replace_extension(extension);
    std::error_code ignored;
    if (fs::is_regular_file(beside, ignored)) return beside;
  }
  return std::nullopt;
}

MolecularSystem load_json(const fs::path& path, const LoadOptions&) { return read_system_file(path); }

MolecularSystem load_xml(const fs::path& path, const LoadOptions& options) {
  return read_openmm_system(path, structure_for(path, options, {".pdb"}));
}

MolecularSystem load_prmtop(const fs::path& path, const LoadOptions& options) {
  return read_amber(path, structure_for(path, options, {".inpcrd", ".crd", ".rst7"}),
                    amber_solvent(options.generalized_born));
}

MolecularSystem load_gromacs(const fs::path& path, const LoadOptions& options) {
  return read_gromacs(path, structure_for(path, options, {".gro"}),
                      born_model(amber_solvent(options.generalized_born)));
}

/// The whole list of what load_system reads.
struct SystemFormat {
  std::string_view extension;
  std::string_view description;
  MolecularSystem (*load)(const fs::path&, const LoadOptions&);
};
constexpr SystemFormat formats[] = {
    {".json", "a boltzflow system file", &load_json}, {".xml", "an OpenMM System", &load_xml},
    {".prmtop", "an Amber topology", &load_prmtop},   {".parm7", "an Amber topology", &load_prmtop},
    {".top", "a GROMACS topology", &load_gromacs},
};

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), 0);
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i + 1;
    for (std::size_t j = 0; j < b.size(); ++j)
      diagonal = std::exchange(row[j + 1], std::min({row[j] + 1, row[j + 1] + 1, diagonal + (a[i] != b[j])}));
  }
  return row.back();
}

[[noreturn]] void throw_not_found(const std::string& name) {
  std::string_view nearest;
  std::size_t smallest = 1 + std::max<std::size_t>(2, name.size() / 3);
  std::string all;
  for (const auto& system : builtin_systems()) {
    const std::size_t distance = edit_distance(name, system.name);
    if (distance < smallest) smallest = distance, nearest = system.name;
    all += fmt::format("{}{}", all.empty() ? "" : ", ", system.name);
  }
  throw MissingInputError(
      nearest.empty()
          ? fmt::format("{}: no file and no built-in system of this name (built in: {})", name, all)
          : fmt::format("{}: no file and no built-in system of this name; did you mean {}?", name, nearest));
}

}  // namespace

MolecularSystem load_system(const std::string& name_or_path, const LoadOptions& options) {
  for (const auto& system : builtin_systems())
    if (system.name == name_or_path) return system_from_json(system.json, name_or_path);
  const fs::path path(name_or_path);
  std::error_code ignored;
  if (!fs::exists(path, ignored)) throw_not_found(name_or_path);
  std::string known;
  for (const auto& format : formats) {
    if (path.extension() == format.extension) return format.load(path, options);
    known += fmt::format("{}{} ({})", known.empty() ? "" : ", ", format.extension, format.description);
  }
  throw InputError(name_or_path,
                   fmt::format("this is not a kind of system file that boltzflow reads; it reads {}", known));
}

}  // namespace boltzflow
