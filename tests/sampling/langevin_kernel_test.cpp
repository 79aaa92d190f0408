// SPDX-License-Identifier: MIT
#include "boltzflow/sampling/kernels/langevin.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "boltzflow/base/aligned_buffer.hpp"
#include "boltzflow/base/instruction_set.hpp"
#include "boltzflow/base/random.hpp"
#include "boltzflow/base/units.hpp"

namespace boltzflow::sampling {
namespace {

class LangevinKernel : public ::testing::TestWithParam<InstructionSet> {
 protected:
  void SetUp() override {
    if (GetParam() > best_instruction_set()) GTEST_SKIP() << "this CPU lacks " << name_of(GetParam());
    force_instruction_set(GetParam());
    draw = for_this_cpu(&baseline::draw_normals, &avx2::draw_normals, &avx512::draw_normals);
    advance = for_this_cpu(&baseline::advance_replicas, &avx2::advance_replicas, &avx512::advance_replicas);
  }
  void TearDown() override { force_instruction_set(best_instruction_set()); }
  decltype(&baseline::draw_normals) draw = nullptr;
  decltype(&baseline::advance_replicas) advance = nullptr;
};

/// The noise of a replica by the definition: Philox words from RandomStream,
/// Box and Muller in float64 (but for the uniforms, whose last bit matters near
/// 1).
std::vector<double> normals_by_definition(const LangevinStep& step, std::uint64_t stream) {
  const std::int64_t n_blocks = langevin_blocks(step.n_coordinates);
  RandomStream random(step.seed, stream, 4 * step.step * static_cast<std::uint64_t>(n_blocks));
  std::vector<double> normals(static_cast<std::size_t>(4 * n_blocks));
  for (std::int64_t b = 0; b < n_blocks; ++b) {
    std::uint32_t words[4];
    for (auto& w : words) w = random();
    for (std::int64_t pair = 0; pair < 2; ++pair) {
      const double u = (static_cast<float>(words[2 * pair] >> 8) + 0.5f) * 0x1p-24,
                   turn = (words[2 * pair + 1] >> 8) * 0x1p-24;
      normals[static_cast<std::size_t>(2 * pair * n_blocks + b)] =
          std::sqrt(-2 * std::log(u)) * std::cos(2 * pi * turn);
      normals[static_cast<std::size_t>((2 * pair + 1) * n_blocks + b)] =
          std::sqrt(-2 * std::log(u)) * std::sin(2 * pi * turn);
    }
  }
  return normals;
}

TEST_P(LangevinKernel, NoiseIsThatOfTheReplicasStream) {
  for (const std::int32_t n : {1, 3, 5, 66, 96}) {
    for (const std::int64_t n_replicas : {1, 7, 16, 37}) {
      const LangevinStep step{
          n, nullptr, nullptr, 0.001f, 0.9f, 0x123456789abcdefULL, 0xffffffffULL};  // carries into the high word
      AlignedBuffer<float> scratch(static_cast<std::size_t>(langevin_scratch(n)));
      std::vector<float> normals(static_cast<std::size_t>(n * n_replicas));
      draw(step, 11, n_replicas, normals.data(), scratch.data());
      for (std::int64_t r = 0; r < n_replicas; ++r) {
        const auto expected = normals_by_definition(step, 11 + static_cast<std::uint64_t>(r));
        for (std::int32_t c = 0; c < n; ++c)
          ASSERT_NEAR(normals[static_cast<std::size_t>(r * n + c)], expected[static_cast<std::size_t>(c)], 3e-6)
              << n << " " << r << " " << c;
      }
    }
  }
}

TEST_P(LangevinKernel, StepIsTheMiddleScheme) {
  constexpr std::int32_t n = 9;
  constexpr std::int64_t n_replicas = 5;
  RandomStream random(4);
  std::vector<float> inverse_mass(n), root(n), x(n * n_replicas), v(x), g(x), scale(n_replicas);
  for (auto* values : {&x, &v, &g})
    for (float& value : *values) value = static_cast<float>(random.normal());
  for (float& s : scale) s = static_cast<float>(random.uniform());
  for (std::size_t c = 0; c < n; ++c) {
    inverse_mass[c] = 1.0f / static_cast<float>(1 + c);
    root[c] = std::sqrt(inverse_mass[c]);
  }
  const LangevinStep step{n, inverse_mass.data(), root.data(), 0.01f, 0.9f, 3, 77};
  AlignedBuffer<float> scratch(static_cast<std::size_t>(langevin_scratch(n)));
  auto new_x = x, new_v = v;
  advance(step, 2, n_replicas, scale.data(), g.data(), new_x.data(), new_v.data(), scratch.data());
  for (std::size_t r = 0; r < n_replicas; ++r) {
    const auto noise = normals_by_definition(step, 2 + r);
    for (std::size_t c = 0; c < n; ++c) {
      const std::size_t k = r * n + c;
      const double kicked = v[k] - 0.01 * inverse_mass[c] * g[k], half = x[k] + 0.005 * kicked;
      const double refreshed = 0.9 * kicked + scale[r] * root[c] * noise[c];
      EXPECT_NEAR(new_v[k], refreshed, 2e-6);
      EXPECT_NEAR(new_x[k], half + 0.005 * refreshed, 1e-6);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(All, LangevinKernel,
                         ::testing::Values(InstructionSet::baseline, InstructionSet::avx2, InstructionSet::avx512),
                         [](const auto& info) { return name_of(info.param); });

}  // namespace
}  // namespace boltzflow::sampling
