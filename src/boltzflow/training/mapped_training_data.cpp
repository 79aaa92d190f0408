// SPDX-License-Identifier: MIT
#include "boltzflow/training/mapped_training_data.hpp"

#include <ATen/ATen.h>
#include <fmt/format.h>

#include <algorithm>
#include <span>
#include <vector>

#include "boltzflow/base/errors.hpp"

namespace boltzflow {
namespace {

at::Tensor represented(const CoordinateMap& coordinates, std::span<const double> frames) {
  const auto n = static_cast<std::int64_t>(frames.size()) / coordinates.configuration_size();
  std::vector<double> positions(frames.begin(), frames.end());
  coordinates.relabel_equivalent_atoms(positions);
  at::Tensor z = at::empty({coordinates.dimension(), n}, at::kDouble);
  std::vector<double> log_det(static_cast<std::size_t>(n));
  std::vector<std::uint8_t> representable(static_cast<std::size_t>(n));
  coordinates.from_cartesian(positions, {z.mutable_data_ptr<double>(), static_cast<std::size_t>(z.numel())}, log_det,
                             representable);
  std::vector<std::int64_t> kept;
  for (std::int64_t i = 0; i < n; ++i)
    if (representable[static_cast<std::size_t>(i)] != 0) kept.push_back(i);
  return z.t().index_select(0, at::tensor(kept, at::kLong)).to(at::kFloat).contiguous();
}

}  // namespace

MappedTrainingData::MappedTrainingData(const CartesianDataSet& data, const CoordinateMap& coordinates)
    : description_(data.description()),
      training_(represented(coordinates, data.positions(CartesianDataSet::Part::training))),
      validation_(represented(coordinates, data.positions(CartesianDataSet::Part::validation))) {
  if (n_training() == 0)
    throw InputError(description_ + ": the flow's coordinates can represent no frame of it (the wrong hand?)");
}

at::Tensor MappedTrainingData::draw(std::int64_t n, RandomStream& random) const {
  at::Tensor index = at::empty({n}, at::kLong);
  auto* rows = index.mutable_data_ptr<std::int64_t>();
  for (std::int64_t i = 0; i < n; ++i)
    rows[i] = static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(n_training())));
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
