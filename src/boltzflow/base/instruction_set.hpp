// SPDX-License-Identifier: MIT
#pragma once

namespace boltzflow {

/// The instruction sets that kernels are compiled for: x86-64-v2, -v3 (AVX2, FMA) and -v4 (AVX-512).
enum class InstructionSet { baseline, avx2, avx512 };

/// The best instruction set of this CPU, or a lower one if the environment variable BOLTZFLOW_INSTRUCTION_SET is
/// "baseline", "avx2" or "avx512" (a set the CPU lacks is an UnavailableError, another word an InputError).
InstructionSet instruction_set();

/// For tests: kernels chosen after this call use `set`, if the CPU has it (else UnavailableError).
void force_instruction_set(InstructionSet set);

/// The best instruction set the CPU has, whatever was forced.
InstructionSet best_instruction_set() noexcept;

const char* name_of(InstructionSet set) noexcept;

/// True if AMX bfloat16 tiles can be used: the CPU has them and the kernel granted this process permission (asked for
/// on the first call). BOLTZFLOW_AMX=0 in the environment makes it false.
bool has_amx_bf16() noexcept;

/// Picks one of three functions compiled for the three instruction sets, by instruction_set().
template <class Function>
Function* for_this_cpu(Function* baseline, Function* avx2, Function* avx512) {
  switch (instruction_set()) {
    case InstructionSet::avx512:
      return avx512;
    case InstructionSet::avx2:
      return avx2;
    default:
      return baseline;
  }
}

}  // namespace boltzflow
