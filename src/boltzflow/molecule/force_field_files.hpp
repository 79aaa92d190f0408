// SPDX-License-Identifier: MIT
#pragma once
#include <filesystem>
#include <string>
#include <vector>

namespace boltzflow {

/// This lists the folders in which force-field files are looked for, best first: those given, those of the environment
/// variable BOLTZFLOW_FORCE_FIELD_PATH (colons between them), then the data of every OpenMM that can be found: in
/// .environment of the working folder and those above it, VIRTUAL_ENV, CONDA_PREFIX, beside the python3 of the PATH,
/// and where Debian and pip put it. Folders that do not exist are left out.
std::vector<std::filesystem::path> force_field_folders(const std::vector<std::filesystem::path>& given = {});

/// This finds a force-field file: a path that exists, or a name in one of the folders, with or without ".xml"; "ff14SB"
/// stands for amber14/protein.ff14SB.xml.
/// @throws MissingInputError saying where it was looked for and how to say where OpenMM is.
std::filesystem::path find_force_field_file(const std::string& name, const std::vector<std::filesystem::path>& folders);

}  // namespace boltzflow
