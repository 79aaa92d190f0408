// SPDX-License-Identifier: MIT
#include "boltzflow/base/instruction_set.hpp"

#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <string>

#include "boltzflow/base/errors.hpp"

namespace boltzflow {
namespace {

InstructionSet from_environment() {
  const InstructionSet best = best_instruction_set();
  const char* asked = std::getenv("BOLTZFLOW_INSTRUCTION_SET");
  if (asked == nullptr || *asked == '\0') return best;
  for (auto set : {InstructionSet::baseline, InstructionSet::avx2, InstructionSet::avx512}) {
    if (std::string(asked) != name_of(set)) continue;
    if (set > best)
      throw UnavailableError(std::string("BOLTZFLOW_INSTRUCTION_SET=") + asked + ": this CPU has no more than " +
                             name_of(best));
    return set;
  }
  throw InputError(std::string("BOLTZFLOW_INSTRUCTION_SET=") + asked + ": not one of baseline, avx2, avx512");
}

std::atomic<int> chosen{-1};

}  // namespace

InstructionSet best_instruction_set() noexcept {
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512cd") &&
      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl"))
    return InstructionSet::avx512;
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi2"))
    return InstructionSet::avx2;
  return InstructionSet::baseline;
}

InstructionSet instruction_set() {
  int set = chosen.load(std::memory_order_relaxed);
  if (set < 0) chosen.store(set = static_cast<int>(from_environment()));
  return static_cast<InstructionSet>(set);
}

void force_instruction_set(InstructionSet set) {
  if (set > best_instruction_set()) throw UnavailableError(std::string("this CPU has no ") + name_of(set));
  chosen.store(static_cast<int>(set));
}

const char* name_of(InstructionSet set) noexcept {
  return set == InstructionSet::avx512 ? "avx512" : set == InstructionSet::avx2 ? "avx2" : "baseline";
}

bool has_amx_bf16() noexcept {
  static const bool available = [] {
    if (const char* asked = std::getenv("BOLTZFLOW_AMX"); asked != nullptr && std::string(asked) == "0") return false;
    unsigned a = 0, b = 0, c = 0, d = 0;
    if (__get_cpuid_count(7, 0, &a, &b, &c, &d) == 0) return false;
    const bool bf16 = (d >> 22 & 1u) != 0, tile = (d >> 24 & 1u) != 0;
    if (!bf16 || !tile || best_instruction_set() != InstructionSet::avx512) return false;
    unsigned a1 = 0, b1 = 0, c1 = 0, d1 = 0;
    if (__get_cpuid_count(7, 1, &a1, &b1, &c1, &d1) == 0 || (a1 >> 5 & 1u) == 0) return false;  // AVX512_BF16
    constexpr long request_permission = 0x1023, tile_data = 18;  // ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA
    return syscall(SYS_arch_prctl, request_permission, tile_data) == 0;
  }();
  return available && instruction_set() == InstructionSet::avx512;
}

}  // namespace boltzflow
