// SPDX-License-Identifier: MIT
#pragma once
#include <string>

namespace boltzflow {

/// How the conditioners' matrix products are computed. float32 master weights and float32 splines in every case.
enum class ConditionerPrecision {
  float32,         ///< a library's sgemm
  bfloat16,        ///< one product of bfloat16 operands, float32 accumulation: training
  split_bfloat16,  ///< three products of high and low halves, near float32 accuracy: sampling
};
/// "float32", "bfloat16" or "split-bfloat16". @throws InputError naming these for any other word.
ConditionerPrecision parse_conditioner_precision(const std::string& name);
const char* name_of(ConditionerPrecision precision) noexcept;

}  // namespace boltzflow
