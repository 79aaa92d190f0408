// SPDX-License-Identifier: MIT
#include <fmt/format.h>

#include <array>

#include "boltzflow/base/errors.hpp"
#include "boltzflow/training/method.hpp"

namespace boltzflow {

std::unique_ptr<Method> make_cmt(const TrainingOptions& options);

std::span<const MethodEntry> methods() {
  static const std::array table = {
      MethodEntry{"cmt",
                  "constrained mass transport: annealing under trust-region and entropy constraints, then refinement",
                  &make_cmt},
  };
  return table;
}

const MethodEntry& find_method(const std::string& name) {
  std::string known;
  for (const MethodEntry& entry : methods()) {
    if (entry.name == name) return entry;
    known += (known.empty() ? "" : ", ") + entry.name;
  }
  throw ConfigurationError(fmt::format("training.method: \"{}\" is not a method; choose one of: {}", name, known));
}

}  // namespace boltzflow
