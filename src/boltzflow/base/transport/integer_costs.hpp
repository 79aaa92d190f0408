// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <cstdint>

#include "boltzflow/base/aligned_buffer.hpp"

namespace boltzflow::transport {

/// Integer costs, in [0, largest_cost], row-major with rows padded by padding_cost to `stride` columns.
struct IntegerCosts {
  /// Zeros and padding.
  explicit IntegerCosts(std::size_t n);
  std::int32_t* row(std::size_t i) { return values.data() + i * stride; }
  const std::int32_t* row(std::size_t i) const { return values.data() + i * stride; }

  std::size_t n, stride;
  AlignedBuffer<std::int32_t> values;
};

}  // namespace boltzflow::transport
