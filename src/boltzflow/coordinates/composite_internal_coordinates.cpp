// SPDX-License-Identifier: MIT
#include "boltzflow/coordinates/composite_internal_coordinates.hpp"

#include <fmt/format.h>
#include <torch/types.h>

#include <cmath>
#include <vector>

#include "boltzflow/base/errors.hpp"
#include "boltzflow/base/units.hpp"
#include "boltzflow/coordinates/internal_coordinates_tables.hpp"

namespace boltzflow {
namespace {

using at::Tensor;
using Table = InternalCoordinatesTable<double>;

void check(const Tensor& tensor, at::IntArrayRef expected, const char* what) {
  if (tensor.scalar_type() != at::kFloat && tensor.scalar_type() != at::kDouble)
    throw InputError(fmt::format("{}: internal coordinates need float32 or float64", what));
  if (tensor.dim() != static_cast<std::int64_t>(expected.size()) + 1 || tensor.sizes().slice(1) != expected) {
    std::string shape;
    for (const auto size : tensor.sizes()) shape += fmt::format("{}{}", shape.empty() ? "" : ", ", size);
    std::string wanted = "n_samples";
    for (const auto size : expected) wanted += fmt::format(", {}", size);
    throw InputError(fmt::format("{}: shape [{}] where [{}] is expected", what, shape, wanted));
  }
}

Tensor dot_product(const Tensor& a, const Tensor& b) { return (a * b).sum(-1, true); }
Tensor length(const Tensor& a) { return dot_product(a, a).clamp_min(1e-30).sqrt(); }
Tensor cross_product(const Tensor& a, const Tensor& b) { return at::linalg_cross(a, b, -1); }

/// Value [n, 1] of a bond or angle.
Tensor value_of(const IntervalCoordinate<double>& c, const Tensor& z) {
  if (c.dimension < 0) return at::full({z.size(0), 1}, c.reference, z.options());
  return c.reference + (z.narrow(1, c.dimension, 1).clamp(c.lower, c.upper) - 0.5) * c.width;
}

/// 2 log(d / d_ref), whose constant part is in the table.
Tensor log_square(const IntervalCoordinate<double>& c, const Tensor& d) { return 2 * (d / c.reference).log(); }

/// The angle a-b-c in rad; atan2 is accurate at all angles.
Tensor angle_of(const Tensor& a, const Tensor& b, const Tensor& c) {
  const Tensor u = a - b, v = c - b;
  return at::atan2(length(cross_product(u, v)), dot_product(u, v));
}

}  // namespace

CompositeInternalCoordinates::Cartesian CompositeInternalCoordinates::to_cartesian(const Tensor& z) const {
  const Table& table = coordinates_.table();
  check(z, {table.dimension}, "z");
  std::vector<Tensor> atoms(static_cast<std::size_t>(table.n_atoms));
  const auto atom = [&](int i) -> Tensor& { return atoms[static_cast<std::size_t>(i)]; };
  const Tensor d01 = value_of(table.first_length, z), d12 = value_of(table.second_length, z),
               a012 = value_of(table.root_bend, z);
  const Tensor zero = at::zeros_like(d01);
  atom(table.root[0]) = at::cat({zero, zero, zero}, 1);
  atom(table.root[1]) = at::cat({d01, zero, zero}, 1);
  atom(table.root[2]) = at::cat({d01 - d12 * a012.cos(), d12 * a012.sin(), zero}, 1);
  Tensor log_det = log_square(table.first_length, d01).to(at::kDouble) +
                   log_square(table.second_length, d12).to(at::kDouble) + a012.sin().log().to(at::kDouble);
  const double collinear = z.scalar_type() == at::kFloat ? 1e-12 : 1e-24;
  for (int r = 0; r < table.n_rows; ++r) {
    const auto& row = table.rows[r];
    const Tensor c = atom(row.bond), bond = c - atom(row.angle), lever = atom(row.torsion) - atom(row.angle);
    const Tensor b = bond / length(bond);
    const Tensor normal = cross_product(b, lever);
    const Tensor degenerate = dot_product(normal, normal) <= collinear * dot_product(lever, lever) + 1e-30;
    const Tensor bx = b.narrow(1, 0, 1), by = b.narrow(1, 1, 1), bz = b.narrow(1, 2, 1);
    const Tensor substitute = at::where(bx.abs() < 0.7, at::cat({zero, bz, -by}, 1), at::cat({-bz, zero, bx}, 1));
    const Tensor chosen = at::where(degenerate, substitute, normal);
    const Tensor n = chosen / length(chosen), m = cross_product(n, b);
    const Tensor d = value_of(row.length, z), angle = value_of(row.bend, z);
    const Tensor t = z.narrow(1, row.torsion_dimension, 1);
    const Tensor wrapped = at::where((t < 0).logical_or(t > 1), t - t.floor(), t);
    Tensor turns = row.torsion_offset + row.torsion_scale * wrapped;
    if (row.fold_dimension >= 0) {
      const Tensor other = z.narrow(1, row.fold_dimension, 1);
      turns = turns - 0.5 * (other - (other + 0.5).floor());
    }
    const Tensor torsion = 2 * pi * turns - pi;
    atom(row.atom) = c + d * (angle.sin() * (torsion.cos() * m + torsion.sin() * n) - angle.cos() * b);
    log_det = log_det + log_square(row.length, d).to(at::kDouble) + angle.sin().log().to(at::kDouble);
  }
  return {at::stack(atoms, 1), log_det.squeeze(1) + table.log_det_constant};
}

CompositeInternalCoordinates::Internal CompositeInternalCoordinates::from_cartesian(const Tensor& positions) const {
  const Table& table = coordinates_.table();
  check(positions, {table.n_atoms, 3}, "positions");
  const double tolerance = positions.scalar_type() == at::kFloat ? 2e-5 : table.tolerance;
  const auto atom = [&](int i) { return positions.select(1, i); };
  std::vector<Tensor> z(static_cast<std::size_t>(table.dimension));
  Tensor log_det = at::zeros({positions.size(0), 1}, positions.options().dtype(at::kDouble));
  Tensor representable = at::ones({positions.size(0), 1}, positions.options().dtype(at::kBool));
  const auto keep = [&](int dimension, const Tensor& value, double lower, double upper) {
    representable = representable.logical_and((value >= lower - tolerance).logical_and(value <= upper + tolerance));
    return z[static_cast<std::size_t>(dimension)] = value.clamp(lower, upper);
  };
  const auto add_length = [&](const IntervalCoordinate<double>& c, int i, int j) {
    const Tensor d = length(atom(i) - atom(j));
    if (c.dimension < 0) {
      representable = representable.logical_and((d - c.reference).abs() <= table.constraint_tolerance);
      return;
    }
    const Tensor kept = keep(c.dimension, (d - c.reference) / c.width + 0.5, c.lower, c.upper);
    log_det = log_det + log_square(c, c.reference + (kept - 0.5) * c.width).to(at::kDouble);
  };
  const auto add_angle = [&](const IntervalCoordinate<double>& c, int i, int j, int k) {
    const Tensor value = (angle_of(atom(i), atom(j), atom(k)) - c.reference) / c.width + 0.5;
    const Tensor kept = keep(c.dimension, value, c.lower, c.upper);
    log_det = log_det + (c.reference + (kept - 0.5) * c.width).sin().log().to(at::kDouble);
  };
  add_length(table.first_length, table.root[0], table.root[1]);
  add_length(table.second_length, table.root[1], table.root[2]);
  add_angle(table.root_bend, table.root[0], table.root[1], table.root[2]);
  for (int r = 0; r < table.n_rows; ++r) {
    const auto& row = table.rows[r];
    add_length(row.length, row.atom, row.bond);
    add_angle(row.bend, row.atom, row.bond, row.angle);
    const auto turns_of = [&](int i, int j, int k, int l) {
      const Tensor b1 = atom(j) - atom(i), b2 = atom(k) - atom(j), b3 = atom(l) - atom(k);
      const Tensor normal = cross_product(b2, b3);
      return at::atan2(dot_product(b1, normal) * length(b2), dot_product(cross_product(b1, b2), normal)) / (2 * pi) +
             0.5;
    };
    Tensor turns = turns_of(row.torsion, row.angle, row.bond, row.atom);
    if (row.fold_atom >= 0) {
      const Tensor other = turns_of(row.atom, row.angle, row.bond, row.fold_atom);
      turns = turns + 0.5 * (other - (other + 0.5).floor());
    }
    Tensor value = (turns - row.torsion_offset) / row.torsion_scale;
    value = at::where(value < -0.5, value + 2, value);  // the nearest end of a half circle, across the seam
    value = at::where(value > 1.5, value - 2, value);
    keep(row.torsion_dimension, value, 0, 1);
  }
  return {at::cat(z, 1), log_det.squeeze(1) + table.log_det_constant, representable.squeeze(1)};
}

}  // namespace boltzflow
