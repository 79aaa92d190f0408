// SPDX-License-Identifier: MIT
#pragma once
#include <filesystem>
#include <memory>

#include "boltzflow/energy/potential.hpp"

namespace boltzflow {

/// This makes a Potential of a shared library that exports boltzflow_energy_v1 (energy/energy_plugin.h), for the atoms
/// of a system: their elements, and the sum of the nonbonded charges rounded to whole charges. The library stays loaded
/// as long as the Potential lives; its code runs in this process with all the rights of it. float32 positions are
/// widened, for the function knows float64 only.
/// @throws MissingInputError if there is no such file; InputError naming the file if it cannot be loaded or does not
///         export the function; from evaluations, Error (ExitStatus::failure) with the library's own message.
std::unique_ptr<Potential> load_energy_plugin(const std::filesystem::path& library, const MolecularSystem& system);

}  // namespace boltzflow
