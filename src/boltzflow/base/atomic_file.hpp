// SPDX-License-Identifier: MIT
#pragma once
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>

namespace boltzflow {

/// Writes `contents` to `path` so that a reader sees the old file or the new one, whole: a temporary file beside it,
/// fsync, rename, fsync of the folder. The old file survives a full disk or a crash.
/// @throws IoError naming the path and the reason; the temporary file is removed.
void write_file_atomically(const std::filesystem::path& path, std::string_view contents);

/// The same for a writer that wants a path of its own (a library that opens files by name): `write` is called with a
/// temporary path in the same folder, which is then synced and renamed.
void write_file_atomically(const std::filesystem::path& path,
                           const std::function<void(const std::filesystem::path&)>& write);

/// Reads a whole file. @throws MissingInputError if it cannot be opened, IoError if reading fails.
std::string read_file(const std::filesystem::path& path);

}  // namespace boltzflow
