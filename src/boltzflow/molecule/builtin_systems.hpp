// SPDX-License-Identifier: MIT
#pragma once
#include <span>
#include <string_view>

namespace boltzflow {

/// A system that comes inside the library. Adding one is one file in data/systems (docs/systems.md).
struct BuiltinSystem {
  std::string_view name;         ///< "alanine-dipeptide"
  std::string_view description;  ///< "ACE-ALA-NME, amber96, OBC1 with ACE surface term"
  std::string_view json;         ///< the text of its system file
};

/// This returns all built-in systems, sorted by name.
std::span<const BuiltinSystem> builtin_systems();

}  // namespace boltzflow
