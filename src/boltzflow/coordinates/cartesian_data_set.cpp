// SPDX-License-Identifier: MIT
#include "boltzflow/coordinates/cartesian_data_set.hpp"

#include <ATen/ATen.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <utility>

#include "boltzflow/base/checksum.hpp"
#include "boltzflow/base/errors.hpp"
#include "boltzflow/base/threads.hpp"
#include "boltzflow/base/units.hpp"
#include "boltzflow/coordinates/check_trajectory.hpp"
#include "boltzflow/coordinates/reference/internal_coordinates_reference.hpp"
#include "boltzflow/coordinates/rigid_alignment.hpp"
#include "boltzflow/molecule/frames.hpp"

namespace boltzflow {
namespace {

constexpr std::int64_t grain = 64;  // samples
constexpr double largest_count = 1e12;
constexpr double usual_training = 100'000, usual_validation = 20'000;  // of the literature
constexpr double largest_training_share = 0.7, largest_validation_share = 0.14;
constexpr std::int64_t fewest_frames_per_dimension = 10;

/// Uniform over SO(3): a normalised normal 4-vector is a uniform unit quaternion.
Rotation random_rotation(RandomStream& random) {
  std::array<double, 4> quaternion{};
  double square = 0;
  for (double& value : quaternion) value = random.normal(), square += value * value;
  for (double& value : quaternion) value /= std::sqrt(square);
  return rotation_of_quaternion(quaternion);
}

/// Turns a row of z: its coordinates are three by three those of vectors in space, for either kind of centre.
template <class Scalar>
void rotate_row(Scalar* row, int dimension, const Rotation& rotation) {
  for (int i = 0; i < dimension; i += 3) {
    const double v[3] = {static_cast<double>(row[i]), static_cast<double>(row[i + 1]), static_cast<double>(row[i + 2])};
    for (int a = 0; a < 3; ++a)
      row[i + a] = static_cast<Scalar>(rotation[static_cast<std::size_t>(a)][0] * v[0] +
                                       rotation[static_cast<std::size_t>(a)][1] * v[1] +
                                       rotation[static_cast<std::size_t>(a)][2] * v[2]);
  }
}

std::uint64_t next_key(RandomStream& random) {
  const std::uint64_t high = random();
  return high << 32 | random();
}

/// Frames asked for: a number, a fraction of all, or 0 for what is usual.
std::int64_t frames_asked_for(double asked, std::int64_t n_frames, double usual, double largest_share) {
  if (asked == 0) return static_cast<std::int64_t>(std::min(usual, largest_share * static_cast<double>(n_frames)));
  return static_cast<std::int64_t>(asked < 1 ? asked * static_cast<double>(n_frames) : asked);
}

void centre_frames(std::vector<double>& positions, std::size_t width) {
  for (std::size_t frame = 0; frame < positions.size(); frame += width) {
    std::array<double, 3> mean{};
    for (std::size_t i = 0; i < width; ++i) mean[i % 3] += 3 * positions[frame + i] / static_cast<double>(width);
    for (std::size_t i = 0; i < width; ++i) positions[frame + i] -= mean[i % 3];
  }
}

/// Puts the frames in a random order, by transpositions (Fisher and Yates).
void shuffle_frames(std::vector<double>& positions, std::size_t width, std::int64_t seed) {
  RandomStream random(static_cast<std::uint64_t>(seed));
  for (std::size_t n = positions.size() / width; n > 1; --n) {
    const auto other = static_cast<std::ptrdiff_t>(random.below(n) * width);
    const auto last = static_cast<std::ptrdiff_t>((n - 1) * width);
    if (other == last) continue;
    std::swap_ranges(positions.begin() + other, positions.begin() + other + static_cast<std::ptrdiff_t>(width),
                     positions.begin() + last);
  }
}

}  // namespace

void describe(CartesianDataSetOptions& options, OptionTable& table) {
  table.add("data.trajectory", options.trajectory, {}, "the frames to train on: .dcd, .nc, .xtc, .npz, .npy or .pdb");
  table.add("data.training", options.training, 0, largest_count,
            "frames to train on, a number or (below 1) a fraction; 0: 100,000, at most 70 % of all");
  table.add("data.validation", options.validation, 0, largest_count,
            "frames after them to validate with, likewise; 0: 20,000, at most 14 %; what is left is for tests");
  table.add("data.order", options.order, {"file", "shuffled"}, "of the frames before they are split");
  table.add("data.seed", options.seed, 0, 9e15, "of the shuffling");
  table.add("data.coordinates", options.coordinates, {"cartesian", "aligned"},
            "of flows on R^d: scaled Cartesian ones, or frames aligned to their mean and whitened, without rotations");
  table.add("data.centre", options.centre, {"helmert", "noise"},
            "the molecule's centre: left out of the coordinates, or kept with normal noise");
  table.add("data.rotations", options.rotations, "turn every drawn frame at random");
  table.add("data.wrong_handed", options.wrong_handed, {"drop", "keep", "refuse"},
            "what becomes of frames with a stereocentre of the wrong hand");
  table.add("data.phi_weight", options.phi_weight, 0, 1e6,
            "r of the weight r f(phi) + 1 that training frames are drawn with; 0: all alike");
  table.add("data.phi_weight_mean", options.phi_weight_mean, -2 * pi, 2 * pi, "centre of the von Mises density f, rad");
  table.add("data.phi_weight_concentration", options.phi_weight_concentration, 0, 500, "kappa of f");
  table.add("data.phi_weight_residue", options.phi_weight_residue, 0, 1e6, "whose phi, counted from 0");
}

CartesianDataSet::CartesianDataSet(const MolecularSystem& system, std::vector<double> positions,
                                   const CartesianDataSetOptions& options, const std::string& origin)
    : coordinates_(std::max(system.n_atoms(), 2), 1.0, centre_of_mass(options.centre)), rotations_(options.rotations) {
  const auto width = 3 * static_cast<std::size_t>(system.n_atoms());
  drop_frames(system, positions, options, origin);
  const auto n_frames = static_cast<std::int64_t>(positions.size() / width);
  split(n_frames, options, origin);
  centre_frames(positions, width);
  if (options.order == "shuffled") shuffle_frames(positions, width, options.seed);
  positions_ = std::move(positions);
  coordinates_ = CartesianCoordinates(
      system.n_atoms(), cartesian_scale(this->positions(Part::training), system.n_atoms()), coordinates_.centre());
  const auto d = static_cast<std::size_t>(dimension());
  z_.resize(static_cast<std::size_t>(n_frames) * d);
  parallel_for(n_frames, grain, [&](std::int64_t begin, std::int64_t end, int) {
    std::vector<double> z(d), log_det(1);
    std::vector<std::uint8_t> representable(1);
    for (auto n = static_cast<std::size_t>(begin); n < static_cast<std::size_t>(end); ++n) {
      coordinates_.from_cartesian(std::span(positions_).subspan(n * width, width), z, log_det, representable);
      std::transform(z.begin(), z.end(), z_.begin() + static_cast<std::ptrdiff_t>(n * d),
                     [](double value) { return static_cast<float>(value); });
    }
  });
  weigh(system, options, origin);
  if (n_training_ < fewest_frames_per_dimension * dimension())
    warnings_.push_back(
        fmt::format("{}: {} frames to train on are few for {} dimensions; a flow will learn them by heart", origin,
                    n_training_, dimension()));
  description_ = fmt::format("{}: {} + {} + {} frames, {}, scale {:.6g} nm, checksum {:016x}", origin, n_training_,
                             n_validation_, n_test_, options.centre, coordinates_.scale(),
                             checksum_of_bytes(z_.data(), z_.size() * sizeof(float)));
  if (!cumulative_.empty())
    description_ += fmt::format(", phi weight {:g} at {:g} rad ({:g})", options.phi_weight, options.phi_weight_mean,
                                options.phi_weight_concentration);
}

CartesianDataSet CartesianDataSet::read(const MolecularSystem& system, const CartesianDataSetOptions& options) {
  if (options.trajectory.empty())
    throw InputError("data.trajectory: no file is named; training on data needs a trajectory of the system");
  Frames frames = read_frames(options.trajectory, &system);
  return {system, std::move(frames.positions), options, options.trajectory};
}

void CartesianDataSet::drop_frames(const MolecularSystem& system, std::vector<double>& positions,
                                   const CartesianDataSetOptions& options, const std::string& origin) {
  TrajectoryCheck check = check_trajectory(system, positions, origin);
  warnings_ = std::move(check.warnings);
  std::vector<std::int64_t> unwanted = check.broken;
  if (!check.wrong_handed.empty() && options.wrong_handed == "refuse")
    throw InputError(origin, fmt::format("{} of {} frames have a stereocentre of the wrong hand, first frame {}; "
                                         "data.wrong_handed = \"drop\" leaves them out",
                                         check.wrong_handed.size(), check.n_frames, check.wrong_handed.front()));
  if (options.wrong_handed == "drop")
    unwanted.insert(unwanted.end(), check.wrong_handed.begin(), check.wrong_handed.end());
  std::sort(unwanted.begin(), unwanted.end());
  unwanted.erase(std::unique(unwanted.begin(), unwanted.end()), unwanted.end());
  if (unwanted.empty()) return;
  if (static_cast<std::int64_t>(unwanted.size()) == check.n_frames)
    throw InputError(origin,
                     fmt::format("all {} frames have a broken bond or a stereocentre of the wrong hand; is this "
                                 "a trajectory of {}?",
                                 check.n_frames, system.name));
  const auto width = 3 * static_cast<std::size_t>(system.n_atoms());
  auto to = positions.begin();
  auto next = unwanted.begin();
  for (std::int64_t n = 0; n < check.n_frames; ++n) {
    if (next != unwanted.end() && *next == n) {
      ++next;
      continue;
    }
    const auto from = positions.begin() + static_cast<std::ptrdiff_t>(static_cast<std::size_t>(n) * width);
    to = to == from ? from + static_cast<std::ptrdiff_t>(width)
                    : std::copy(from, from + static_cast<std::ptrdiff_t>(width), to);
  }
  positions.erase(to, positions.end());
  warnings_.push_back(fmt::format("{}: {} of {} frames are left out", origin, unwanted.size(), check.n_frames));
}

void CartesianDataSet::split(std::int64_t n_frames, const CartesianDataSetOptions& options, const std::string& origin) {
  n_training_ = frames_asked_for(options.training, n_frames, usual_training, largest_training_share);
  n_validation_ = frames_asked_for(options.validation, n_frames, usual_validation, largest_validation_share);
  if (n_training_ < 1 || n_validation_ < 1 || n_training_ + n_validation_ > n_frames)
    throw InputError(origin, fmt::format("{} frames cannot be split into {} for training and {} for validation; both "
                                         "need one at least (data.training, data.validation)",
                                         n_frames, n_training_, n_validation_));
  n_test_ = n_frames - n_training_ - n_validation_;
}

void CartesianDataSet::weigh(const MolecularSystem& system, const CartesianDataSetOptions& options,
                             const std::string& origin) {
  if (options.phi_weight == 0) return;
  if (options.phi_weight_residue >= static_cast<std::int64_t>(system.phi.size()))
    throw InputError(origin, fmt::format("data.phi_weight_residue: {} is not in [0, {}), {} has so many phi torsions",
                                         options.phi_weight_residue, system.phi.size(), system.name));
  const auto& atoms = system.phi[static_cast<std::size_t>(options.phi_weight_residue)];
  const double kappa = options.phi_weight_concentration;
  const double normalisation = 2 * pi * std::cyl_bessel_i(0.0, kappa) * std::exp(-kappa);
  const auto width = static_cast<std::size_t>(coordinates_.configuration_size());
  double sum = 0;
  for (std::size_t n = 0; n < static_cast<std::size_t>(n_training_); ++n) {
    const double phi =
        torsion_between(std::span(positions_).subspan(n * width, width), atoms[0], atoms[1], atoms[2], atoms[3]);
    const double density = std::exp(kappa * (std::cos(phi - options.phi_weight_mean) - 1)) / normalisation;
    cumulative_.push_back(sum += options.phi_weight * density + 1);
  }
}

double CartesianDataSet::training_weight(std::int64_t n) const {
  if (cumulative_.empty()) return 1;
  const auto i = static_cast<std::size_t>(n);
  return cumulative_.at(i) - (i == 0 ? 0 : cumulative_[i - 1]);
}

std::int64_t CartesianDataSet::size(Part part) const noexcept {
  return part == Part::training ? n_training_ : part == Part::validation ? n_validation_ : n_test_;
}

std::span<const double> CartesianDataSet::positions(Part part) const noexcept {
  const std::int64_t begin = part == Part::training     ? 0
                             : part == Part::validation ? n_training_
                                                        : n_training_ + n_validation_;
  const auto width = static_cast<std::size_t>(coordinates_.configuration_size());
  return std::span(positions_)
      .subspan(static_cast<std::size_t>(begin) * width, static_cast<std::size_t>(size(part)) * width);
}

template <class Choose>
at::Tensor CartesianDataSet::augmented(std::int64_t n, RandomStream& random, Choose choose) const {
  const std::uint64_t key = next_key(random);
  const int d = dimension();
  const bool noise = coordinates_.centre() == CentreOfMass::noise;
  const double deviation = 1 / std::sqrt(static_cast<double>(coordinates_.n_atoms()));
  at::Tensor z = at::empty({n, d}, at::kFloat);
  float* values = z.mutable_data_ptr<float>();
  parallel_for(n, grain, [&](std::int64_t begin, std::int64_t end, int) {
    for (std::int64_t i = begin; i < end; ++i) {
      RandomStream own(key, static_cast<std::uint64_t>(i));
      const std::int64_t frame = choose(i, own);
      float* row = values + i * d;
      std::copy_n(z_.begin() + static_cast<std::ptrdiff_t>(frame * d), d, row);
      if (rotations_) rotate_row(row, d, random_rotation(own));
      if (!noise) continue;
      std::array<double, 3> centre{};
      for (double& value : centre) value = deviation * own.normal();
      for (int k = 0; k < d; ++k) row[k] += static_cast<float>(centre[static_cast<std::size_t>(k % 3)]);
    }
  });
  return z;
}

at::Tensor CartesianDataSet::draw(std::int64_t n, RandomStream& random) const {
  if (n < 0) throw InputError(fmt::format("cannot draw {} frames", n));
  return augmented(n, random, [&](std::int64_t, RandomStream& own) -> std::int64_t {
    if (cumulative_.empty()) return static_cast<std::int64_t>(own.below(static_cast<std::uint64_t>(n_training_)));
    const double mark = own.uniform() * cumulative_.back();
    const auto found = std::upper_bound(cumulative_.begin(), cumulative_.end(), mark);
    return std::min<std::int64_t>(found - cumulative_.begin(), n_training_ - 1);
  });
}

at::Tensor CartesianDataSet::first(Part part, std::int64_t n, RandomStream& random) const {
  if (n < 0 || n > size(part))
    throw InputError(fmt::format("{} frames are asked for where there are {} ({})", n, size(part), description_));
  const std::int64_t offset = part == Part::training     ? 0
                              : part == Part::validation ? n_training_
                                                         : n_training_ + n_validation_;
  return augmented(n, random, [&](std::int64_t i, RandomStream&) { return offset + i; });
}

void CartesianDataSet::rotate_together(at::Tensor& x0, at::Tensor& x1, RandomStream& random) const {
  const auto fits = [&](const at::Tensor& x) {
    return x.dim() == 2 && x.size(1) == dimension() && x.is_contiguous() && x.device().is_cpu() &&
           (x.scalar_type() == at::kFloat || x.scalar_type() == at::kDouble);
  };
  if (!fits(x0) || !fits(x1) || x0.size(0) != x1.size(0))
    throw InputError(
        fmt::format("rotation of pairs: two contiguous tensors [n, {}] of floating-point numbers on the "
                    "processor are expected",
                    dimension()));
  const std::uint64_t key = next_key(random);
  const int d = dimension();
  parallel_for(x0.size(0), grain, [&](std::int64_t begin, std::int64_t end, int) {
    for (std::int64_t i = begin; i < end; ++i) {
      RandomStream own(key, static_cast<std::uint64_t>(i));
      const Rotation rotation = random_rotation(own);
      for (at::Tensor* x : {&x0, &x1}) {
        if (x->scalar_type() == at::kFloat)
          rotate_row(x->mutable_data_ptr<float>() + i * d, d, rotation);
        else
          rotate_row(x->mutable_data_ptr<double>() + i * d, d, rotation);
      }
    }
  });
}

}  // namespace boltzflow
