// SPDX-License-Identifier: MIT
#include "boltzflow/base/checksum.hpp"

#include <algorithm>
#include <cstring>

namespace boltzflow {
namespace {

constexpr std::uint64_t offset_basis = 0xcbf29ce484222325u, prime = 0x100000001b3u;

}  // namespace

std::uint64_t checksum_of_bytes(const void* data, std::size_t n_bytes) {
  std::uint64_t hash = offset_basis;
  const auto* bytes = static_cast<const unsigned char*>(data);
  for (std::size_t i = 0; i < n_bytes; ++i) hash = (hash ^ bytes[i]) * prime;
  return hash;
}

std::uint64_t checksum_of_words(const void* data, std::size_t n_bytes) {
  std::uint64_t hash = offset_basis;
  const auto* bytes = static_cast<const unsigned char*>(data);
  for (std::size_t i = 0; i < n_bytes; i += sizeof hash) {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes + i, std::min(sizeof word, n_bytes - i));
    hash = (hash ^ word) * prime;
  }
  return hash;
}

}  // namespace boltzflow
