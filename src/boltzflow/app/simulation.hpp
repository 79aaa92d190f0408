// SPDX-License-Identifier: MIT
#pragma once
#include <filesystem>

#include "boltzflow/app/invocation.hpp"
#include "boltzflow/app/simulation_settings.hpp"
#include "boltzflow/base/errors.hpp"
#include "boltzflow/molecule/molecular_system.hpp"

namespace boltzflow {

/// The folder beside FILE in which its simulation is kept while it is not finished: FILE.dcd -> FILE.simulation.
std::filesystem::path simulation_folder(const std::filesystem::path& output);

/// Minimises, simulates, writes the trajectories and prints what they say. While it runs, its folder holds
///     simulation.json, system.json, manifest.json     what it is
///     checkpoints/state.npz, checkpoints/frames       how far it has come
/// and is removed at the end.
/// @param maximum_minutes of this session; then what there is counts as the whole. 0: no limit.
/// @throws Error with the status of a clean stop after SIGINT or SIGTERM, naming the command to go on with.
ExitStatus begin_simulation(SimulationSettings settings, MolecularSystem system, double maximum_minutes,
                            const Invocation& invocation);
/// Goes on with an interrupted one; the bits are those of a run without the interruption.
ExitStatus resume_simulation(const std::filesystem::path& folder, double maximum_minutes, const Invocation& invocation);

}  // namespace boltzflow
