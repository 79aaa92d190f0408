// SPDX-License-Identifier: MIT
#include "boltzflow/base/random.hpp"

#include <algorithm>
#include <cmath>

#include "boltzflow/base/units.hpp"

namespace boltzflow {

std::array<std::uint32_t, 4> philox4x32(std::array<std::uint32_t, 4> c, std::array<std::uint32_t, 2> k) noexcept {
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t a = std::uint64_t{0xD2511F53u} * c[0], b = std::uint64_t{0xCD9E8D57u} * c[2];
    c = {static_cast<std::uint32_t>(b >> 32) ^ c[1] ^ k[0], static_cast<std::uint32_t>(b),
         static_cast<std::uint32_t>(a >> 32) ^ c[3] ^ k[1], static_cast<std::uint32_t>(a)};
    k[0] += 0x9E3779B9u;
    k[1] += 0xBB67AE85u;
  }
  return c;
}

namespace {
std::array<std::uint32_t, 4> block_at(std::uint64_t seed, std::uint64_t stream, std::uint64_t block) noexcept {
  return philox4x32({static_cast<std::uint32_t>(block), static_cast<std::uint32_t>(block >> 32),
                     static_cast<std::uint32_t>(stream), static_cast<std::uint32_t>(stream >> 32)},
                    {static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32)});
}
}  // namespace

RandomStream::RandomStream(std::uint64_t seed, std::uint64_t stream, std::uint64_t position) noexcept
    : seed_(seed), stream_(stream), position_(position) {
  if (position_ % 4 != 0) block_ = block_at(seed_, stream_, position_ / 4);
}

RandomStream::result_type RandomStream::operator()() noexcept {
  if (position_ % 4 == 0) block_ = block_at(seed_, stream_, position_ / 4);
  return block_[position_++ % 4];
}

float RandomStream::uniform_float() noexcept {
  // The largest of the 2^24 values, 1 - 2^-25, is no float and would round to 1.
  return std::min((static_cast<float>((*this)() >> 8) + 0.5f) * 0x1p-24f, 1.0f - 0x1p-24f);
}

double RandomStream::uniform() noexcept {
  const std::uint64_t high = (*this)() >> 6, low = (*this)() >> 5;  // 26 + 27 bits
  return (static_cast<double>(high << 27 | low) + 0.5) * 0x1p-53;
}

double RandomStream::normal() noexcept {
  const double radius = std::sqrt(-2.0 * std::log(uniform()));
  return radius * std::cos(2.0 * pi * uniform());
}

std::uint64_t RandomStream::below(std::uint64_t n) noexcept {
  while (true) {
    const std::uint64_t word = std::uint64_t{(*this)()} << 32 | (*this)();
    const unsigned __int128 product = static_cast<unsigned __int128>(word) * n;
    if (const auto low = static_cast<std::uint64_t>(product); low >= (0 - n) % n)
      return static_cast<std::uint64_t>(product >> 64);
  }
}

RandomStream RandomStream::child(std::uint64_t index) const noexcept {
  // Key and stream of the child come out of the bijection itself, so children of different parents do not overlap.
  const auto w = philox4x32({static_cast<std::uint32_t>(index), static_cast<std::uint32_t>(index >> 32),
                             static_cast<std::uint32_t>(stream_), static_cast<std::uint32_t>(stream_ >> 32)},
                            {static_cast<std::uint32_t>(seed_) ^ 0x5bd1e995u, static_cast<std::uint32_t>(seed_ >> 32)});
  return RandomStream(std::uint64_t{w[0]} << 32 | w[1], std::uint64_t{w[2]} << 32 | w[3]);
}

}  // namespace boltzflow
