// SPDX-License-Identifier: MIT
#include "boltzflow/coordinates/cartesian_data_set.hpp"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>

#include "boltzflow/base/errors.hpp"
#include "boltzflow/base/threads.hpp"
#include "boltzflow/coordinates/reference/internal_coordinates_reference.hpp"
#include "boltzflow/coordinates/rigid_alignment.hpp"
#include "boltzflow/molecule/frames.hpp"
#include "boltzflow/molecule/topology.hpp"
#include "coordinates/coordinates_test_systems.hpp"

namespace boltzflow {
namespace {

using Part = CartesianDataSet::Part;
using testing::HasSubstr;

/// Frames of the dipeptide's minimum, every fourth with phi turned by 144 degrees, moved about, with 0.002 nm of noise.
std::vector<double> frames_of(std::size_t n, std::uint64_t seed = 3) {
  const MolecularSystem& system = alanine_dipeptide();
  const auto [before, nitrogen, carbon, after] = system.phi[0];
  const auto neighbours = bonded_atoms(system.n_atoms(), system.bonds);
  std::vector<int> turned{nitrogen};  // what hangs on the nitrogen, C-alpha aside
  for (std::size_t k = 0; k < turned.size(); ++k)
    for (const int next : neighbours[static_cast<std::size_t>(turned[k])])
      if (next != carbon && std::find(turned.begin(), turned.end(), next) == turned.end()) turned.push_back(next);
  const auto at = [&](int atom, std::size_t axis) {
    return system.positions[3 * static_cast<std::size_t>(atom) + axis];
  };
  const double length = distance_between(system.positions, nitrogen, carbon), half = 0.4 * pi;
  std::array<double, 4> quaternion{std::cos(half)};
  for (std::size_t a = 0; a < 3; ++a) quaternion[a + 1] = std::sin(half) * (at(carbon, a) - at(nitrogen, a)) / length;
  const Rotation rotation = rotation_of_quaternion(quaternion);
  std::vector<double> other = system.positions, frames;
  for (const int atom : turned)
    for (std::size_t a = 0; a < 3; ++a) {
      double& value = other[3 * static_cast<std::size_t>(atom) + a];
      value = at(nitrogen, a);
      for (std::size_t b = 0; b < 3; ++b) value += rotation[a][b] * (at(atom, b) - at(nitrogen, b));
    }
  RandomStream random(seed);
  for (std::size_t frame = 0; frame < n; ++frame) {
    const double shift = 10 * random.normal();
    for (const double value : frame % 4 == 3 ? other : system.positions)
      frames.push_back(value + shift + 0.002 * random.normal());
  }
  return frames;
}

double torsion_of(const CartesianDataSet& data, const at::Tensor& z, std::int64_t row,
                  const std::array<int, 4>& atoms) {
  const auto d = static_cast<std::size_t>(data.dimension());
  std::vector<double> x(66), log_det(1), column(d);
  for (std::size_t k = 0; k < d; ++k) column[k] = z[row][static_cast<std::int64_t>(k)].item<float>();
  data.coordinates().to_cartesian(column, x, log_det);
  return torsion_between(x, atoms[0], atoms[1], atoms[2], atoms[3]);
}

CartesianDataSetOptions with(double training, double validation, const char* centre = "helmert") {
  CartesianDataSetOptions options;
  options.training = training, options.validation = validation, options.centre = centre;
  return options;
}

TEST(CartesianDataSet, SplitsCentresAndScales) {
  const std::vector<double> frames = frames_of(1000);
  const CartesianDataSet data(alanine_dipeptide(), frames, with(700, 0.1), "md.dcd");
  EXPECT_EQ(data.size(Part::training), 700);
  EXPECT_EQ(data.size(Part::validation), 100);
  EXPECT_EQ(data.size(Part::test), 200);
  ASSERT_EQ(data.positions(Part::test).size(), 200u * 66);
  // Parts follow each other in the file, less each frame's mean.
  for (const auto& [part, first] : {std::pair(Part::training, 0u), {Part::validation, 700u}, {Part::test, 800u}})
    for (std::size_t i = 0; i < 66; ++i) {
      double mean = 0;
      for (std::size_t j = i % 3; j < 66; j += 3) mean += frames[66 * first + j] / 22;
      EXPECT_NEAR(data.positions(part)[i], frames[66 * first + i] - mean, 1e-13);
    }
  CartesianDataSetOptions plain = with(700, 0.1);
  plain.rotations = false;
  const CartesianDataSet still(alanine_dipeptide(), frames, plain, "md.dcd");
  RandomStream random(1);
  const at::Tensor z = still.first(Part::training, 700, random);
  // 63 of 66 coordinates hold the whole variance, which is 1 for each of 66.
  EXPECT_NEAR(z.square().mean().item<double>(), 66.0 / 63, 1e-5);
  EXPECT_THAT(data.description(), HasSubstr("md.dcd: 700 + 100 + 200 frames"));
  EXPECT_EQ(data.description(), still.description());
  EXPECT_NE(data.description(),
            CartesianDataSet(alanine_dipeptide(), frames_of(1000, 4), plain, "md.dcd").description());

  const CartesianDataSet usual(alanine_dipeptide(), frames, with(0, 0), "md.dcd");
  EXPECT_EQ(usual.size(Part::training), 700);
  EXPECT_EQ(usual.size(Part::validation), 140);
  CartesianDataSetOptions shuffled = with(700, 100);
  shuffled.order = "shuffled";
  const CartesianDataSet mixed(alanine_dipeptide(), frames, shuffled, "md.dcd");
  EXPECT_GT(largest_difference(mixed.positions(Part::test), data.positions(Part::test)), 0.01);
}

// Rotations leave every distance alone, point everywhere alike, and keep the frame they came from.
TEST(CartesianDataSet, DrawsAreRotatedFrames) {
  for (const char* centre : {"helmert", "noise"}) {
    const CartesianDataSet data(alanine_dipeptide(), frames_of(40), with(30, 5, centre), "md.dcd");
    RandomStream random(7);
    const at::Tensor z = data.first(Part::training, 30, random);
    const auto d = static_cast<std::size_t>(data.dimension());
    EXPECT_EQ(random.position(), 2u);
    for (std::size_t n = 0; n < 30; ++n) {
      std::vector<double> column(d), x(66), log_det(1);
      for (std::size_t k = 0; k < d; ++k)
        column[k] = z[static_cast<std::int64_t>(n)][static_cast<std::int64_t>(k)].item<float>();
      data.coordinates().to_cartesian(column, x, log_det);
      const auto frame = data.positions(Part::training).subspan(66 * n, 66);
      for (int i = 0; i < 22; ++i)
        for (int j = 0; j < i; ++j)
          EXPECT_NEAR(distance_between(x, i, j), distance_between(frame, i, j), 1e-6);  // z is float32
      EXPECT_GT(largest_difference(x, frame), 0.01);
    }
  }
}

TEST(CartesianDataSet, RotationsAreUniform) {
  const CartesianDataSet data(alanine_dipeptide(), frames_of(40), with(30, 5), "md.dcd");
  RandomStream random(8);
  constexpr std::int64_t n = 20000;
  const at::Tensor z = data.draw(n, random);
  // For uniform rotations of any vectors v: E[v] = 0, and the off-diagonal products and differences of squares, too.
  const at::Tensor v = z.narrow(1, 0, 3).to(at::kDouble);
  const at::Tensor unit = v / v.norm(2, 1, true);
  const double limit = 5 / std::sqrt(3.0 * n);  // five standard errors of a mean of components with variance 1/3
  EXPECT_LE(unit.mean(0).abs().max().item<double>(), limit);
  const at::Tensor second = unit.t().matmul(unit) / static_cast<double>(n) - at::eye(3, at::kDouble) / 3;
  EXPECT_LE(second.abs().max().item<double>(), 5 * 0.3 / std::sqrt(static_cast<double>(n)));  // sd of u_z^2 is 0.298
  EXPECT_TRUE(at::isfinite(z).all().item<bool>());
}

TEST(CartesianDataSet, DrawsDependOnTheStreamAlone) {
  const CartesianDataSet data(alanine_dipeptide(), frames_of(100), with(80, 10, "noise"), "md.dcd");
  const int before = thread_count();
  RandomStream a(5), b(5), c(6);
  set_thread_count(1);
  const at::Tensor one = data.draw(300, a);
  set_thread_count(2);
  EXPECT_TRUE(at::equal(one, data.draw(300, b)));
  EXPECT_FALSE(at::equal(one, data.draw(300, c)));
  EXPECT_FALSE(at::equal(one, data.draw(300, a)));
  set_thread_count(before);
  // The centre of mass has variance 1/N in each direction: 22 times its mean square is 1 within 5 of 2 / (3 * 300).
  const at::Tensor centre = one.reshape({300, 22, 3}).mean(1);
  EXPECT_NEAR(22 * centre.square().mean().item<double>(), 1, 5 * std::sqrt(2.0 / 900));
}

TEST(CartesianDataSet, PhiWeightsChooseFrames) {
  CartesianDataSetOptions options = with(400, 40);
  const auto& phi = alanine_dipeptide().phi[0];
  const std::vector<double> frames = frames_of(500);
  const auto phi_of = [&](std::size_t n) {
    return torsion_between(std::span(frames).subspan(66 * n, 66), phi[0], phi[1], phi[2], phi[3]);
  };
  // One frame in four is turned. f at its mean is 1.244 for kappa = 10; chosen: r with w = 4 there, 1 elsewhere.
  ASSERT_GT(std::abs(std::remainder(phi_of(3) - phi_of(0), 2 * pi)), 2.0);
  options.phi_weight_mean = phi_of(3);
  options.phi_weight = 3 / 1.2442;
  const CartesianDataSet data(alanine_dipeptide(), frames, options, "md.dcd");
  RandomStream random(2);
  constexpr std::int64_t n = 3000;
  const at::Tensor z = data.draw(n, random);
  std::int64_t n_turned = 0;
  for (std::int64_t row = 0; row < n; ++row)
    n_turned += std::abs(std::remainder(torsion_of(data, z, row, phi) - phi_of(3), 2 * pi)) < 1;
  // Weights 4 : 3 (one frame in four with weight 4); 5 standard errors of 0.009, and noise on phi lowers w a little.
  EXPECT_NEAR(static_cast<double>(n_turned) / n, 4.0 / 7, 0.05);
  options.phi_weight_residue = 1;
  EXPECT_THROW(CartesianDataSet(alanine_dipeptide(), frames, options, "md.dcd"), InputError);
}

TEST(CartesianDataSet, TurnsPairsTogether) {
  const CartesianDataSet data(alanine_dipeptide(), frames_of(40), with(30, 5), "md.dcd");
  RandomStream random(9);
  at::Tensor x0 = data.draw(20, random), x1 = x0.to(at::kDouble), before = x0.clone();
  data.rotate_together(x0, x1, random);
  EXPECT_LE((x0.to(at::kDouble) - x1).abs().max().item<double>(), 1e-5);
  EXPECT_GT((x0 - before).abs().max().item<double>(), 0.1);
  EXPECT_LE((x0.norm(2, 1) - before.norm(2, 1)).abs().max().item<double>(), 1e-5);
  at::Tensor wrong = x0.narrow(1, 0, 60);
  EXPECT_THROW(data.rotate_together(x0, wrong, random), InputError);
}

std::string refusal(const std::vector<double>& frames, const CartesianDataSetOptions& options) {
  try {
    const CartesianDataSet data(alanine_dipeptide(), frames, options, "md.dcd");
  } catch (const InputError& error) {
    return error.what();
  }
  return "no refusal";
}

TEST(CartesianDataSet, LeavesOutSpoiltFramesAndRefusesWhatCannotBe) {
  std::vector<double> frames = frames_of(100);
  for (std::size_t i = 66 * 10; i < 66 * 11; ++i) frames[i] = -frames[i];
  frames[66 * 20] += 2;
  const CartesianDataSet data(alanine_dipeptide(), frames, with(50, 20), "md.dcd");
  EXPECT_EQ(data.size(Part::test), 28);
  EXPECT_THAT(data.warnings(), testing::Contains(HasSubstr("2 of 100 frames are left out")));
  EXPECT_THAT(data.warnings(), testing::Contains(HasSubstr("D-ALA")));
  EXPECT_THAT(data.warnings(), testing::Contains(HasSubstr("few for 63 dimensions")));
  RandomStream random(1);
  EXPECT_THROW((void)data.first(Part::validation, 21, random), InputError);

  CartesianDataSetOptions options = with(50, 20);
  options.wrong_handed = "keep";
  EXPECT_EQ(CartesianDataSet(alanine_dipeptide(), frames, options, "md.dcd").size(Part::test), 29);
  options.wrong_handed = "refuse";
  EXPECT_THAT(refusal(frames, options), testing::AllOf(HasSubstr("1 of 100"), HasSubstr("frame 10")));
  EXPECT_THAT(refusal(frames, with(90, 20)), HasSubstr("98 frames cannot be split into 90"));
  EXPECT_THAT(refusal(std::vector<double>(frames.begin(), frames.begin() + 66), with(0, 0)),
              HasSubstr("cannot be split"));
  for (double& value : frames) value = -value;
  EXPECT_THAT(refusal(std::vector<double>(frames.begin(), frames.begin() + 66 * 5), with(3, 1)),
              HasSubstr("all 5 frames"));
}

TEST(CartesianDataSet, ReadsAnyTrajectoryFile) {
  const MolecularSystem& system = alanine_dipeptide();
  const std::vector<double> frames = frames_of(50);
  for (const char* name : {"data_set.dcd", "data_set.nc", "data_set.npz", "data_set.pdb"}) {
    CartesianDataSetOptions options = with(30, 10);
    options.trajectory = (std::filesystem::temp_directory_path() / (std::to_string(getpid()) + name)).string();
    auto writer = make_frame_writer(options.trajectory, system);
    writer->append({50, frames});
    writer->finish();
    const CartesianDataSet data = CartesianDataSet::read(system, options);
    EXPECT_EQ(data.size(Part::test), 10);
    EXPECT_NEAR(data.coordinates().scale(), CartesianDataSet(system, frames, options, "md").coordinates().scale(),
                1e-4);
    std::filesystem::remove(options.trajectory);
  }
  EXPECT_THROW((void)CartesianDataSet::read(system, CartesianDataSetOptions{}), InputError);
}

}  // namespace
}  // namespace boltzflow
