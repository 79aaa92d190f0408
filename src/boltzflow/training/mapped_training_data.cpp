// SPDX-License-Identifier: MIT
#include "boltzflow/training/mapped_training_data.hpp"

#include <ATen/ATen.h>
#include <fmt/format.h>

#include <algorithm>
#include <span>
#include <utility>

#include "boltzflow/base/errors.hpp"

namespace boltzflow {
namespace {

struct Represented {
  at::Tensor z;  ///< [n, dimension] float32
  std::vector<std::int64_t> frames;
};

Represented represented(const CoordinateMap& coordinates, std::span<const double> frames) {
  const auto n = static_cast<std::int64_t>(frames.size()) / coordinates.configuration_size();
  std::vector<double> positions(frames.begin(), frames.end());
  coordinates.relabel_equivalent_atoms(positions);
  at::Tensor z = at::empty({coordinates.dimension(), n}, at::kDouble);
  std::vector<double> log_det(static_cast<std::size_t>(n));
  std::vector<std::uint8_t> representable(static_cast<std::size_t>(n));
  coordinates.from_cartesian(positions, {z.mutable_data_ptr<double>(), static_cast<std::size_t>(z.numel())}, log_det,
                             representable);
  Represented result;
  for (std::int64_t i = 0; i < n; ++i)
    if (representable[static_cast<std::size_t>(i)] != 0) result.frames.push_back(i);
  result.z = z.t().index_select(0, at::tensor(result.frames, at::kLong)).to(at::kFloat).contiguous();
  return result;
}

}  // namespace

MappedTrainingData::MappedTrainingData(const CartesianDataSet& data, const CoordinateMap& coordinates)
    : description_(data.description()),
      validation_(represented(coordinates, data.positions(CartesianDataSet::Part::validation)).z) {
  Represented training = represented(coordinates, data.positions(CartesianDataSet::Part::training));
  training_ = std::move(training.z);
  if (n_training() == 0)
    throw InputError(description_ + ": the flow's coordinates can represent no frame of it (the wrong hand?)");
  double sum = 0;
  for (const std::int64_t frame : training.frames) cumulative_.push_back(sum += data.training_weight(frame));
}

at::Tensor MappedTrainingData::draw(std::int64_t n, RandomStream& random) const {
  at::Tensor index = at::empty({n}, at::kLong);
  auto* rows = index.mutable_data_ptr<std::int64_t>();
  for (std::int64_t i = 0; i < n; ++i) {
    const auto found = std::upper_bound(cumulative_.begin(), cumulative_.end(), random.uniform() * cumulative_.back());
    rows[i] = std::min<std::int64_t>(found - cumulative_.begin(), n_training() - 1);
  }
  return training_.index_select(0, index);
}

at::Tensor MappedTrainingData::first(std::int64_t n, RandomStream& random) const {
  static_cast<void>(random);
  if (n > n_training())
    throw InputError(fmt::format("{}: {} frames are asked for, it has {}", description_, n, n_training()));
  return training_.narrow(0, 0, n);
}

at::Tensor MappedTrainingData::validation(std::int64_t n) const {
  return validation_.narrow(0, 0, std::min(n, n_validation()));
}

}  // namespace boltzflow
