// SPDX-License-Identifier: MIT
#pragma once
#include <filesystem>
#include <string>
#include <string_view>

#include "boltzflow/molecule/molecular_system.hpp"

namespace boltzflow {

/// The project's own system file: JSON with one table row a line; docs/systems.md lists its keys and columns.
/// Everything of a MolecularSystem is in it, and numbers are written so that reading gives the same bits back.
inline constexpr int system_file_version = 1;

/// This returns the text of a system file. @throws InputError if the system is not valid.
std::string to_json(const MolecularSystem& system);

/// This reads the text of a system file; `origin` (a file name, a built-in's name) begins every error.
/// @throws InputError naming the line or the key, for text that is not JSON, another version, unknown or missing keys,
///         rows with the wrong number of columns, and everything validate() rejects.
MolecularSystem system_from_json(std::string_view text, const std::string& origin);

/// Reads a system file. @throws MissingInputError, IoError, and InputError as system_from_json.
MolecularSystem read_system_file(const std::filesystem::path& path);

/// Writes a system file atomically. @throws IoError, InputError if the system is not valid.
void write_system_file(const std::filesystem::path& path, const MolecularSystem& system);

}  // namespace boltzflow
