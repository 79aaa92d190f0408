// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <cstdint>

namespace boltzflow {

/// FNV-1a, 64 bits: notices damage of files and names data; not for keeping secrets.
/// @cite Fowler, Noll, Vo, Eastlake & Hansen, draft-eastlake-fnv.
std::uint64_t checksum_of_bytes(const void* data, std::size_t n_bytes);

/// The same steps on words of eight bytes, the last one filled with zeros: another value, eight times as fast.
std::uint64_t checksum_of_words(const void* data, std::size_t n_bytes);

}  // namespace boltzflow
