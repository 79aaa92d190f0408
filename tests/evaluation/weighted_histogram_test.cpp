// SPDX-License-Identifier: MIT
#include "boltzflow/evaluation/weighted_histogram.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>
#include <vector>

#include "boltzflow/base/errors.hpp"
#include "boltzflow/evaluation/bootstrap.hpp"

namespace boltzflow {
namespace {

TEST(WeightedHistogram, SharesOfHandMadeValues) {
  const std::vector value{-1.0, 0.0, 0.4, 0.5, 0.99, 1.0}, weight{1.0, 1.0, 2.0, 3.0, 1.0, 2.0};
  const auto histogram = weighted_histogram(value, weight, 0, 1, 2);
  EXPECT_DOUBLE_EQ(histogram.probability[0], 0.3);
  EXPECT_DOUBLE_EQ(histogram.probability[1], 0.4);
  EXPECT_DOUBLE_EQ(histogram.outside, 0.3);
  EXPECT_DOUBLE_EQ(histogram.center(1), 0.75);
}

TEST(WeightedHistogram, EqualWeightsGiveBinomialErrors) {
  std::vector<double> value(1000, 0.2);
  std::fill(value.begin(), value.begin() + 300, 0.7);
  const auto histogram = weighted_histogram(value, {}, 0, 1, 2);
  EXPECT_NEAR(histogram.error[0], std::sqrt(0.3 * 0.7 / 1000), 1e-12);
  EXPECT_NEAR(histogram.error[1], std::sqrt(0.3 * 0.7 / 1000), 1e-12);
}

TEST(WeightedHistogram, ErrorsAreThoseOfTheBootstrap) {
  RandomStream random(1);
  std::vector<double> value(20'000), weight(20'000);
  double x = 0;
  for (std::size_t n = 0; n < value.size(); ++n) {
    x = 0.9 * x + 0.2 * random.normal();
    value[n] = x;
    weight[n] = std::exp(0.5 * random.normal());
  }
  for (const std::size_t n_blocks : {std::size_t{0}, std::size_t{200}}) {
    const auto histogram = weighted_histogram(value, weight, -1, 1, 5, n_blocks);
    const auto bootstrap = bootstrap_errors(400, RandomStream(2), [&](const RandomStream& stream) {
      const auto indices = bootstrap_indices(value.size(), n_blocks, stream);
      return weighted_histogram(gathered(value, indices), gathered(weight, indices), -1, 1, 5).probability;
    });
    // The bootstrap's own scatter is 1/sqrt(800) = 3.5 %; five of them, false alarm 6e-7 each; blocks add a bias of 1
    // %.
    for (std::size_t bin = 0; bin < 5; ++bin)
      EXPECT_NEAR(histogram.error[bin], bootstrap[bin], 0.19 * bootstrap[bin]) << n_blocks;
  }
}

TEST(WeightedHistogram, RefusesDegenerateInput) {
  const std::vector one{0.5};
  EXPECT_THROW(weighted_histogram({}, {}, 0, 1, 5), InputError);
  EXPECT_THROW(weighted_histogram(one, std::vector{1.0, 1.0}, 0, 1, 5), InputError);
  EXPECT_THROW(weighted_histogram(one, std::vector{0.0}, 0, 1, 5), InputError);
  EXPECT_THROW(weighted_histogram(one, std::vector{-1.0}, 0, 1, 5), InputError);
  EXPECT_THROW(weighted_histogram(std::vector{std::nan("")}, {}, 0, 1, 5), InputError);
  EXPECT_THROW(weighted_histogram(one, {}, 1, 1, 5), InputError);
  EXPECT_THROW(weighted_histogram(one, {}, 0, 1, 0), InputError);
  EXPECT_THROW(weighted_histogram(one, {}, 0, 1, 5, 2), InputError);
  EXPECT_EQ(weighted_histogram(std::vector{double{INFINITY}}, {}, 0, 1, 5).outside, 1);
}

}  // namespace
}  // namespace boltzflow
