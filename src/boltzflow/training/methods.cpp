// SPDX-License-Identifier: MIT
#include <fmt/format.h>

#include <array>

#include "boltzflow/base/errors.hpp"
#include "boltzflow/training/method.hpp"

namespace boltzflow {

std::unique_ptr<Method> make_cmt(const TrainingOptions& options);
std::unique_ptr<Method> make_maximum_likelihood(const TrainingOptions& options);
std::unique_ptr<Method> make_flow_matching(const TrainingOptions& options);
std::unique_ptr<Method> make_regflow(const TrainingOptions& options);

std::span<const MethodEntry> methods() {
  static const std::array table = {
      MethodEntry{"cmt",
                  "constrained mass transport: annealing under trust-region and entropy constraints, then refinement",
                  &make_cmt},
      MethodEntry{"maximum-likelihood", "the likelihood of data, the baseline of learning from data",
                  &make_maximum_likelihood, true},
      MethodEntry{"flow-matching", "the velocity of a continuous flow on straight paths from base points to data",
                  &make_flow_matching, true},
      MethodEntry{"regflow", "regression of a flow on pairs of base points and their images, from data or a teacher",
                  &make_regflow, true},
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
