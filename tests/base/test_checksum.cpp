// SPDX-License-Identifier: MIT
#include "boltzflow/base/checksum.hpp"

#include <gtest/gtest.h>

#include <string>

namespace boltzflow {
namespace {

TEST(Checksum, HasThePublishedValues) {
  const auto of = [](const std::string& text) { return checksum_of_bytes(text.data(), text.size()); };
  EXPECT_EQ(of(""), 0xcbf29ce484222325u);
  EXPECT_EQ(of("a"), 0xaf63dc4c8601ec8cu);
  EXPECT_EQ(of("foobar"), 0x85944171f73967e8u);
}

TEST(Checksum, EveryBitOfEveryByteCounts) {
  std::string bytes = "a flow, and a word that is not full";
  const std::uint64_t words = checksum_of_words(bytes.data(), bytes.size());
  const std::uint64_t single = checksum_of_bytes(bytes.data(), bytes.size());
  for (char& byte : bytes)
    for (int bit = 0; bit < 8; ++bit) {
      byte ^= static_cast<char>(1 << bit);
      EXPECT_NE(checksum_of_words(bytes.data(), bytes.size()), words);
      EXPECT_NE(checksum_of_bytes(bytes.data(), bytes.size()), single);
      byte ^= static_cast<char>(1 << bit);
    }
}

}  // namespace
}  // namespace boltzflow
