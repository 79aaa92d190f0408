// SPDX-License-Identifier: MIT
#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <cstring>
#include <filesystem>
#include <limits>

#include "boltzflow/base/atomic_file.hpp"
#include "boltzflow/base/errors.hpp"
#include "boltzflow/coordinates/aligned_coordinates.hpp"
#include "boltzflow/coordinates/internal_coordinates.hpp"
#include "boltzflow/flow/boltzmann_generator.hpp"
#include "boltzflow/flow/flow_dimensions.hpp"
#include "boltzflow/molecule/builtin_systems.hpp"
#include "boltzflow/molecule/system_file.hpp"

namespace boltzflow {
namespace {

namespace fs = std::filesystem;
constexpr auto float32 = ConditionerPrecision::float32;

MolecularSystem alanine_dipeptide() {
  for (const auto& system : builtin_systems()) {
    if (system.name == "alanine-dipeptide") return system_from_json(system.json, "alanine-dipeptide");
  }
  throw InputError("alanine-dipeptide is not built in");
}

BoltzmannGenerator generator_of(std::uint64_t seed, double scale) {
  FlowOptions options;
  options.spline.n_couplings = 4;
  options.spline.hidden_width = 24;
  options.spline.n_hidden_layers = 2;
  BoltzmannGenerator generator(alanine_dipeptide(), 300, {}, options, seed);
  RandomStream random(seed);
  at::Tensor flat = generator.flow().flat_parameters();
  float* values = flat.mutable_data_ptr<float>();
  for (std::int64_t i = 0; i < flat.numel(); ++i) values[i] += static_cast<float>(scale * random.normal());
  generator.flow().set_flat_parameters(flat);
  return generator;
}

class ModelFile : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::temp_directory_path() / ("boltzflow-model-" + std::to_string(getpid()));
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }
  std::string message_of(const std::string& contents) const {
    write_file_atomically(folder_ / "broken", contents);
    try {
      BoltzmannGenerator::load(folder_ / "broken");
    } catch (const InputError& error) {
      return error.what();
    }
    return "accepted";
  }
  fs::path folder_;
};

TEST(BoltzmannGenerator, LevelsAreDistancesAlongTheZMatrix) {
  const auto generator = generator_of(1, 0);
  const auto& coordinates = dynamic_cast<const InternalCoordinates&>(generator.coordinates());
  const auto dimensions = flow_dimensions(coordinates);
  ASSERT_EQ(dimensions.size(), coordinates.dimensions().size());
  int n_circular = 0;
  for (std::size_t i = 0; i < dimensions.size(); ++i) {
    n_circular += dimensions[i].circular;
    EXPECT_GE(dimensions[i].level, 1);
    for (const auto& row : coordinates.z_matrix().rows) {
      if (row.atom != coordinates.dimensions()[i].atom) continue;
      for (std::size_t j = 0; j < dimensions.size(); ++j) {
        if (coordinates.dimensions()[j].atom != row.bond) continue;
        EXPECT_EQ(dimensions[i].level, dimensions[j].level + 1);
      }
    }
  }
  EXPECT_EQ(n_circular, 19);
}

TEST(BoltzmannGenerator, SamplesAreConformationsWithTheirLogProb) {
  const auto generator = generator_of(2, 0.05);
  RandomStream random(3);
  const auto sample = generator.sample(400, random, float32);
  EXPECT_EQ(sample.positions.sizes(), (at::IntArrayRef{400, 22, 3}));
  EXPECT_EQ(sample.positions.scalar_type(), at::kDouble);
  const at::Tensor log_q = generator.flow().log_prob_no_grad(sample.z, float32) - sample.log_det;
  EXPECT_LE((log_q - sample.log_prob).abs().median().item<double>(), 1e-4);
  const at::Tensor again = generator.log_prob(sample.positions, float32);
  // Through float64 coordinates and back into float32 z.
  EXPECT_LE((again - sample.log_prob).abs().median().item<double>(), 1e-3);

  // An orthogonal map moves no volume; a reflection turns L-alanine into D-alanine, which z cannot represent.
  const at::Tensor turned =
      at::stack({sample.positions.select(2, 1), -sample.positions.select(2, 0), sample.positions.select(2, 2)}, 2);
  EXPECT_LE((generator.log_prob(turned + 0.7, float32) - again).abs().median().item<double>(), 1e-3);
  const at::Tensor mirrored = generator.log_prob(sample.positions * at::tensor({1.0, 1.0, -1.0}, at::kDouble), float32);
  EXPECT_TRUE(at::isneginf(mirrored).all().item<bool>());
  EXPECT_THROW(generator.log_prob(at::zeros({2, 21, 3}), float32), InputError);
}

TEST(BoltzmannGenerator, RefusesATemperatureThatIsNone) {
  for (const double temperature : {0.0, -1.0, std::nan(""), std::numeric_limits<double>::infinity()}) {
    FlowOptions small;
    small.spline.n_couplings = 2, small.spline.hidden_width = 4;
    EXPECT_THROW(BoltzmannGenerator(alanine_dipeptide(), temperature, {}, small, 1), InputError);
  }
}

TEST_F(ModelFile, HoldsEverythingThatSamplingNeeds) {
  const auto generator = generator_of(4, 0.05);
  generator.save(folder_ / "model");
  const auto loaded = BoltzmannGenerator::load(folder_ / "model");
  EXPECT_TRUE(at::equal(loaded.flow().flat_parameters(), generator.flow().flat_parameters()));
  EXPECT_EQ(loaded.temperature(), 300);
  EXPECT_EQ(loaded.flow_options().spline.hidden_width, 24);
  EXPECT_EQ(to_json(loaded.system()), to_json(generator.system()));
  RandomStream a(5), b(5);
  const auto first = generator.sample(50, a, float32), second = loaded.sample(50, b, float32);
  EXPECT_TRUE(at::equal(first.positions, second.positions));
  EXPECT_TRUE(at::equal(first.log_prob, second.log_prob));
}

TEST_F(ModelFile, HoldsAlignedCoordinates) {
  const MolecularSystem system = alanine_dipeptide();
  RandomStream random(7);
  std::vector<double> frames;
  for (int n = 0; n < 200; ++n)
    for (const double value : system.positions) frames.push_back(value + 0.005 * random.normal());
  const AlignedCoordinates map = AlignedCoordinates::whitened(frames, system.n_atoms());
  const CoordinateOptions coordinates{.kind = "aligned",
                                      .reference = {map.reference().begin(), map.reference().end()},
                                      .columns = {map.columns().begin(), map.columns().end()}};
  FlowOptions options;
  options.architecture = "real-nvp";
  options.euclidean.n_layers = 2, options.euclidean.hidden_width = 8;
  const BoltzmannGenerator generator(system, 300, coordinates, options, 8);
  generator.save(folder_ / "model");
  const auto loaded = BoltzmannGenerator::load(folder_ / "model");
  EXPECT_EQ(description_of(loaded.coordinate_options()), description_of(coordinates));
  const at::Tensor x = at::tensor(frames, at::kDouble).view({200, 22, 3});
  EXPECT_TRUE(at::equal(loaded.log_prob(x, float32), generator.log_prob(x, float32)));
  // An untrained flow is the normal distribution of the whitened frames; its samples have the likelihood of frames.
  const auto sample = loaded.sample(200, random, float32);
  EXPECT_LE((loaded.log_prob(sample.positions, float32) - sample.log_prob).abs().median().item<double>(), 1e-3);
  EXPECT_NEAR(sample.log_prob.mean().item<double>(), generator.log_prob(x, float32).mean().item<double>(), 3);

  CoordinateOptions others = coordinates;
  others.columns[0] += 1e-12;
  EXPECT_NE(description_of(others), description_of(coordinates));
  others.reference.pop_back();
  EXPECT_THROW(BoltzmannGenerator(system, 300, others, options, 8), InputError);
  options.architecture = "spline";
  EXPECT_THROW(BoltzmannGenerator(system, 300, coordinates, options, 8), ConfigurationError);
  options.architecture = "continuous";
  options.continuous.velocity = "egnn";  // sees atoms
  EXPECT_THROW(BoltzmannGenerator(system, 300, coordinates, options, 8), ConfigurationError);
}

TEST_F(ModelFile, RefusesMissingForeignTruncatedDamagedAndNewerFiles) {
  generator_of(6, 0.05).save(folder_ / "model");
  const std::string good = read_file(folder_ / "model");
  EXPECT_EQ(message_of(good), "accepted");
  EXPECT_THROW(BoltzmannGenerator::load(folder_ / "nothing"), MissingInputError);
  EXPECT_THAT(message_of(""), testing::HasSubstr("not a boltzflow model"));
  EXPECT_THAT(message_of("PK\x03\x04 something else entirely"), testing::HasSubstr("not a boltzflow model"));
  for (std::size_t length = 16; length < good.size(); length += 1 + good.size() / 60) {
    EXPECT_THAT(message_of(good.substr(0, length)), testing::HasSubstr("truncated")) << length;
  }
  EXPECT_THAT(message_of(good + "x"), testing::HasSubstr("size"));
  for (std::size_t at = 40; at < good.size(); at += 1 + good.size() / 60) {
    std::string damaged = good;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x10);
    EXPECT_THAT(message_of(damaged), testing::HasSubstr("checksum")) << at;
  }
  std::string newer = good;
  newer[16] = 9;
  EXPECT_THAT(message_of(newer), testing::HasSubstr("version 9"));
  // Sizes that would overflow a sum.
  std::string huge = good;
  std::memset(huge.data() + 24, 0xff, 16);
  EXPECT_THAT(message_of(huge), testing::HasSubstr("size"));
}

}  // namespace
}  // namespace boltzflow
