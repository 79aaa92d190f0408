// SPDX-License-Identifier: MIT
#include "boltzflow/base/instruction_set.hpp"

#include <gtest/gtest.h>

#include <string>

#include "boltzflow/base/errors.hpp"

namespace boltzflow {
namespace {

int one() { return 1; }
int two() { return 2; }
int three() { return 3; }

TEST(InstructionSet, ForcingChoosesTheFunctionOrIsAnError) {
  const InstructionSet before = instruction_set();
  int expected = 1;
  for (const auto set : {InstructionSet::baseline, InstructionSet::avx2, InstructionSet::avx512}) {
    if (set <= best_instruction_set()) {
      force_instruction_set(set);
      EXPECT_EQ(instruction_set(), set);
      EXPECT_EQ(for_this_cpu(&one, &two, &three)(), expected);
      if (set != InstructionSet::avx512) {
        EXPECT_FALSE(has_amx_bf16());
      }
    } else {
      EXPECT_THROW(force_instruction_set(set), UnavailableError);
    }
    ++expected;
  }
  force_instruction_set(before);
}

TEST(InstructionSet, NamesAreThoseOfTheEnvironmentVariable) {
  EXPECT_STREQ(name_of(InstructionSet::baseline), "baseline");
  EXPECT_STREQ(name_of(InstructionSet::avx2), "avx2");
  EXPECT_STREQ(name_of(InstructionSet::avx512), "avx512");
}

// The variable is read once per process, so each word needs a process of its own.
TEST(InstructionSetDeathTest, TheEnvironmentVariableIsChecked) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const auto ask = [](const char* word) {
    ::setenv("BOLTZFLOW_INSTRUCTION_SET", word, 1);
    try {
      std::exit(instruction_set() == InstructionSet::baseline ? 10 : 11);
    } catch (const InputError&) {
      std::exit(12);
    }
  };
  EXPECT_EXIT(ask("baseline"), testing::ExitedWithCode(10), "");
  EXPECT_EXIT(ask("sse9"), testing::ExitedWithCode(12), "");
}

}  // namespace
}  // namespace boltzflow
