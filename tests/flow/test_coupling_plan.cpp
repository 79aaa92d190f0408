// SPDX-License-Identifier: MIT
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "boltzflow/base/errors.hpp"
#include "boltzflow/flow/coupling_plan.hpp"

namespace boltzflow {
namespace {

/// 21 bonds, 20 angles and 19 torsions of a chain-like tree with 9 levels, as in alanine dipeptide.
std::vector<FlowDimension> molecule_like() {
  std::vector<FlowDimension> dimensions;
  const int sizes[] = {21, 20, 19};
  for (int field = 0; field < 3; ++field) {
    for (int i = 0; i < sizes[field]; ++i) dimensions.push_back({field == 2, field, 1 + (i + field) / 2 % 9});
  }
  return dimensions;
}

class Masking : public testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(Both, Masking, testing::Values("random", "hierarchical"));

TEST_P(Masking, TransformsEveryDimensionOncePerPairByComplementaryHalves) {
  SplineFlowOptions options;
  options.masking = GetParam();
  const auto plan = coupling_plan(molecule_like(), options);
  ASSERT_EQ(plan.size(), 16u);
  for (std::size_t pair = 0; pair < 8; ++pair) {
    const auto& a = plan[2 * pair];
    const auto& b = plan[2 * pair + 1];
    EXPECT_EQ(a.conditioning, b.transformed);
    EXPECT_EQ(a.transformed, b.conditioning);
    std::vector<int> all = a.conditioning;
    all.insert(all.end(), a.transformed.begin(), a.transformed.end());
    std::ranges::sort(all);
    for (int i = 0; i < 60; ++i) EXPECT_EQ(all[static_cast<std::size_t>(i)], i);
    EXPECT_FALSE(a.conditioning.empty() || a.transformed.empty());
    EXPECT_EQ(a.circular_shift, 0);
  }
  const auto again = coupling_plan(molecule_like(), options);
  options.mask_seed = 322;
  const auto other = coupling_plan(molecule_like(), options);
  bool differs = false;
  for (std::size_t l = 0; l < plan.size(); ++l) {
    EXPECT_EQ(plan[l].transformed, again[l].transformed);
    differs = differs || plan[l].transformed != other[l].transformed;
  }
  EXPECT_TRUE(differs);
}

TEST_P(Masking, ShiftsAddUpToWholeTurns) {
  SplineFlowOptions options;
  options.masking = GetParam();
  double sum = 0;
  std::set<double> shifts;
  for (const auto& layer : coupling_plan(molecule_like(), options)) {
    sum += layer.circular_shift;
    shifts.insert(layer.circular_shift);
  }
  EXPECT_NEAR(sum, std::round(sum), 1e-12);
  EXPECT_EQ(shifts.size(), 9u);  // 0 and one for every pair
}

TEST(RandomMasking, SplitsEveryFieldInHalfAndBalancesTheHalves) {
  const auto dimensions = molecule_like();
  std::set<std::vector<int>> different;
  for (const auto& layer : coupling_plan(dimensions, {})) {
    EXPECT_EQ(layer.transformed.size(), 30u);
    int of_field[3] = {};
    for (const int i : layer.transformed) ++of_field[dimensions[static_cast<std::size_t>(i)].field];
    EXPECT_THAT(of_field[0], testing::AnyOf(10, 11));
    EXPECT_EQ(of_field[1], 10);
    EXPECT_THAT(of_field[2], testing::AnyOf(9, 10));
    different.insert(layer.transformed);
  }
  EXPECT_EQ(different.size(), 16u);
}

TEST(HierarchicalMasking, AlternatesLevelsThenCoarserGroupsThenSplitsWithinLevels) {
  const auto dimensions = molecule_like();
  SplineFlowOptions options;
  options.masking = "hierarchical";
  const auto plan = coupling_plan(dimensions, options);
  // 9 levels have ranks 0..8, hence 4 scales, then a pair that splits within levels.
  for (const std::size_t pair : {0u, 1u, 2u, 3u, 5u}) {
    const int scale = static_cast<int>(pair % 5);
    std::set<int> sides;
    for (const int i : plan[2 * pair].transformed)
      sides.insert((dimensions[static_cast<std::size_t>(i)].level - 1) >> scale & 1);
    EXPECT_EQ(sides.size(), 1u) << "pair " << pair;
  }
  std::set<int> levels_a, levels_b;
  for (const int i : plan[8].transformed) levels_a.insert(dimensions[static_cast<std::size_t>(i)].level);
  for (const int i : plan[9].transformed) levels_b.insert(dimensions[static_cast<std::size_t>(i)].level);
  EXPECT_EQ(levels_a.size(), 9u);
  EXPECT_EQ(levels_b.size(), 9u);
}

TEST(CouplingPlan, TwoDimensionsAreEnough) {
  for (const char* masking : {"random", "hierarchical"}) {
    SplineFlowOptions options;
    options.masking = masking;
    for (const auto& dimensions : {std::vector<FlowDimension>{{true, 0, 0}, {false, 1, 0}},
                                   std::vector<FlowDimension>{{false, 0, 0}, {false, 0, 0}},
                                   std::vector<FlowDimension>{{false, 0, 3}, {false, 0, 7}}}) {
      for (const auto& layer : coupling_plan(dimensions, options)) EXPECT_EQ(layer.transformed.size(), 1u) << masking;
    }
  }
}

TEST(CouplingPlan, NamesTheOptionThatIsWrong) {
  const auto message_of = [](auto change, std::vector<FlowDimension> dimensions = molecule_like()) -> std::string {
    SplineFlowOptions options;
    change(options);
    try {
      coupling_plan(dimensions, options);
    } catch (const InputError& error) {
      return error.what();
    }
    return "accepted";
  };
  using testing::HasSubstr;
  EXPECT_THAT(message_of([](auto& o) { o.n_couplings = 3; }), HasSubstr("flow.n_couplings: 3"));
  EXPECT_THAT(message_of([](auto& o) { o.n_couplings = 0; }), HasSubstr("flow.n_couplings: 0"));
  EXPECT_THAT(message_of([](auto& o) { o.n_bins = 1; }), HasSubstr("flow.n_bins: 1"));
  EXPECT_THAT(message_of([](auto& o) { o.n_bins = 65; }), HasSubstr("flow.n_bins: 65"));
  EXPECT_THAT(message_of([](auto& o) { o.hidden_width = 0; }), HasSubstr("flow.hidden_width: 0"));
  EXPECT_THAT(message_of([](auto& o) { o.n_hidden_layers = 0; }), HasSubstr("flow.n_hidden_layers: 0"));
  EXPECT_THAT(message_of([](auto& o) { o.minimum_bin_size = 0.2; }), HasSubstr("flow.minimum_bin_size"));
  EXPECT_THAT(message_of([](auto& o) { o.minimum_slope = std::nan(""); }), HasSubstr("flow.minimum_slope"));
  EXPECT_THAT(message_of([](auto& o) { o.masking = "odd"; }), HasSubstr("\"odd\""));
  EXPECT_THAT(message_of([](auto&) {}, {{true, 0, 0}}), HasSubstr("at least 2 dimensions"));
  EXPECT_EQ(message_of([](auto&) {}), "accepted");
}

}  // namespace
}  // namespace boltzflow
