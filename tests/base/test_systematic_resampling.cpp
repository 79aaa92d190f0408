// SPDX-License-Identifier: MIT
#include "boltzflow/base/systematic_resampling.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "boltzflow/base/errors.hpp"

namespace boltzflow {
namespace {

using testing::ElementsAre;

TEST(SystematicResampling, DrawsByWeight) {
  EXPECT_THAT(systematic_resampling(std::vector{1.0, 0.0, 3.0}, 4, 0.5), ElementsAre(0, 2, 2, 2));
  EXPECT_THAT(systematic_resampling(std::vector{0.5, 0.5}, 3, 0.9), ElementsAre(0, 1, 1));
  EXPECT_THAT(systematic_resampling(std::vector{0.0, 1.0, 0.0}, 3, 0.999), ElementsAre(1, 1, 1));
  EXPECT_THROW(systematic_resampling(std::vector{0.0}, 3, 0.5), InputError);
  EXPECT_THROW(systematic_resampling(std::vector{1.0, -1.0}, 3, 0.5), InputError);
  // Averaged over the offset every index is drawn n w_i times: unbiased.
  const std::vector weight{0.1, 0.23, 0.37, 0.3};
  std::vector<double> mean(4);
  constexpr int n_offsets = 1000;
  for (int k = 0; k < n_offsets; ++k)
    for (const auto i : systematic_resampling(weight, 7, (k + 0.5) / n_offsets)) mean[i] += 1.0 / n_offsets;
  for (std::size_t i = 0; i < 4; ++i) EXPECT_NEAR(mean[i], 7 * weight[i], 2.0 / n_offsets);
}

}  // namespace
}  // namespace boltzflow
