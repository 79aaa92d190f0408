// SPDX-License-Identifier: MIT
#include "boltzflow/coordinates/internal_coordinates.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>

#include "boltzflow/base/aligned_buffer.hpp"
#include "boltzflow/base/errors.hpp"
#include "boltzflow/base/instruction_set.hpp"
#include "boltzflow/base/threads.hpp"
#include "boltzflow/base/units.hpp"
#include "boltzflow/coordinates/build_z_matrix.hpp"
#include "boltzflow/coordinates/internal_coordinates_tables.hpp"
#include "boltzflow/coordinates/kernels/internal_coordinates_kernels.hpp"
#include "boltzflow/coordinates/reference/internal_coordinates_reference.hpp"
#include "boltzflow/coordinates/torsion_ranges.hpp"
#include "boltzflow/coordinates/z_matrix_order.hpp"

namespace boltzflow {
namespace {

constexpr double bond_width = 0.07, angle_width = 1.8;         // of z, TA-BG's scaler
constexpr double smallest_bond = 1e-6, smallest_angle = 1e-3;  // clamps: nm, rad
constexpr double shortest_reference_bond = 0.04;               // nm; no covalent bond is shorter
constexpr double smallest_reference_sine = 0.02;               // of angles that references make

void check_reference_structure(const MolecularSystem& system) {
  const std::size_t n = system.atoms.size();
  if (n < 3) throw InputError(fmt::format("internal coordinates need at least 3 atoms, {} has {}", system.name, n));
  if (system.positions.size() != 3 * n)
    throw InputError(
        fmt::format("internal coordinates of {} need a reference structure: {} positions for {} atoms were given",
                    system.name, system.positions.size() / 3, n));
  for (std::size_t i = 0; i < 3 * n; ++i)
    if (!std::isfinite(system.positions[i]))
      throw InputError(fmt::format("reference structure of {}: the position of {} is not finite", system.name,
                                   describe_atom(system, static_cast<int>(i / 3))));
  for (const auto& [i, j] : system.bonds)
    if (i < 0 || j < 0 || i >= system.n_atoms() || j >= system.n_atoms())
      throw InputError(fmt::format("bond {}-{} of {}: an atom index is not in [0, {})", i, j, system.name, n));
}

template <class Scalar>
IntervalCoordinate<Scalar> narrowed(const IntervalCoordinate<double>& c) {
  return {c.dimension,
          static_cast<Scalar>(c.reference),
          static_cast<Scalar>(c.width),
          static_cast<Scalar>(c.lower),
          static_cast<Scalar>(c.upper),
          static_cast<Scalar>(c.inverse_width),
          static_cast<Scalar>(c.relative_width)};
}
template <class Scalar>
AngleCoordinate<Scalar> narrowed(const AngleCoordinate<double>& c) {
  return {narrowed<Scalar>(static_cast<const IntervalCoordinate<double>&>(c)), static_cast<Scalar>(c.sine_at_lower),
          static_cast<Scalar>(c.sine_at_upper)};
}

/// Turns MolecularSystem and Z-matrix into the double table.
class TableBuilder {
 public:
  TableBuilder(const MolecularSystem& system, const ZMatrix& z_matrix) : system_(system), z_matrix_(z_matrix) {}

  InternalCoordinatesTable<double> table{};
  std::vector<InternalCoordinatesRow<double>> rows;
  std::vector<CoordinateDimension> dimensions;
  TorsionConfinement confinement;

  void build() {
    const std::vector<int> order = placement_order(z_matrix_, system_);
    const auto n_rows = z_matrix_.rows.size();
    const auto [a, b, c] = z_matrix_.root;
    std::vector<InternalCoordinatesRow<double>> by_row(n_rows);
    table.first_length = bond(b, a);
    table.second_length = bond(c, b);
    for (std::size_t r = 0; r < n_rows; ++r) by_row[r].length = bond(z_matrix_.rows[r].atom, z_matrix_.rows[r].bond);
    table.root_bend = angle(c, b, a);
    for (std::size_t r = 0; r < n_rows; ++r) {
      const ZMatrixRow& row = z_matrix_.rows[r];
      by_row[r].bend = angle(row.atom, row.bond, row.angle);
      if (std::sin(angle_between(system_.positions, row.bond, row.angle, row.torsion)) < smallest_reference_sine)
        throw InputError(fmt::format(
            "Z-matrix row {}: the references of {} lie on one line in the reference structure; choose others", r,
            describe_atom(system_, row.atom)));
    }
    add_torsions(by_row);
    check_constraints();
    table.n_atoms = system_.n_atoms();
    table.dimension = static_cast<int>(dimensions.size());
    table.n_rows = static_cast<int>(n_rows);
    for (std::size_t i = 0; i < 3; ++i) table.root[i] = z_matrix_.root[i];
    table.log_det_constant = log_det_constant_ + (table.n_atoms - 2) * std::log(pi) +
                             (table.n_atoms - 3) * std::log(2 * pi) + 2 * std::log(2 * pi);
    for (const int r : order) rows.push_back(by_row[static_cast<std::size_t>(r)]);
    plan_logarithms();
  }

 private:
  std::string short_name(int atom) const {
    const std::string& name = system_.atoms[static_cast<std::size_t>(atom)].name;
    return name.empty() ? std::to_string(atom) : name;
  }
  void add_dimension(CoordinateKind kind, const char* word, const std::vector<int>& atoms) {
    const Atom& placed = system_.atoms[static_cast<std::size_t>(atoms.back())];
    std::string name = word;
    for (std::size_t i = 0; i < atoms.size(); ++i) name += (i == 0 ? " " : "-") + short_name(atoms[i]);
    if (!placed.name.empty()) name += fmt::format(" of {} {}", placed.residue_name, placed.residue_number);
    dimensions.push_back({kind, std::move(name), atoms.back()});
  }
  int next_dimension() const { return static_cast<int>(dimensions.size()); }

  IntervalCoordinate<double> bond(int atom, int reference) {
    const double length = distance_between(system_.positions, atom, reference);
    if (!(length >= shortest_reference_bond))
      throw InputError(fmt::format(
          "reference structure of {}: {} and {} are {:.4f} nm apart, too close for a bond; minimise it first",
          system_.name, describe_atom(system_, atom), describe_atom(system_, reference), length));
    for (const DistanceConstraint& c : system_.constraints)
      if ((c.i == atom && c.j == reference) || (c.j == atom && c.i == reference)) {
        ++n_constraints_used_;
        log_det_constant_ += 2 * std::log(c.distance);
        return {-1, c.distance, 0, 0, 1, 0, 0};
      }
    log_det_constant_ += 2 * std::log(length) + std::log(bond_width);
    const double lower = std::max(0.0, (smallest_bond - length) / bond_width + 0.5);
    const IntervalCoordinate<double> result{next_dimension(),   length, bond_width, lower, 1, 1 / bond_width,
                                            bond_width / length};
    add_dimension(CoordinateKind::bond, "bond", {reference, atom});
    return result;
  }

  AngleCoordinate<double> angle(int atom, int centre, int reference) {
    const double value = angle_between(system_.positions, atom, centre, reference);
    if (std::sin(value) < smallest_reference_sine)
      throw InputError(
          fmt::format("reference structure of {}: {}, {} and {} lie on one line, so no torsion about them is defined; "
                      "give a Z-matrix with other references",
                      system_.name, describe_atom(system_, atom), describe_atom(system_, centre),
                      describe_atom(system_, reference)));
    log_det_constant_ += std::log(angle_width / pi);
    const double lower = std::max(0.0, (smallest_angle - value) / angle_width + 0.5);
    const double upper = std::min(1.0, (pi - smallest_angle - value) / angle_width + 0.5);
    const auto sine = [&](double z) { return std::sin(value + (z - 0.5) * angle_width); };
    const AngleCoordinate<double> result{
        {next_dimension(), value, angle_width, lower, upper, 1 / angle_width, angle_width / value},
        sine(lower),
        sine(upper)};
    add_dimension(CoordinateKind::angle, "angle", {reference, centre, atom});
    return result;
  }

  void add_torsions(std::vector<InternalCoordinatesRow<double>>& by_row) {
    std::vector<double> torsions;
    for (const ZMatrixRow& row : z_matrix_.rows)
      torsions.push_back(torsion_between(system_.positions, row.torsion, row.angle, row.bond, row.atom));
    confinement = confine_torsions(system_, z_matrix_, torsions);
    const auto& ranges = confinement.ranges;
    for (std::size_t r = 0; r < by_row.size(); ++r) {
      const ZMatrixRow& row = z_matrix_.rows[r];
      auto& out = by_row[r];
      out.atom = row.atom, out.bond = row.bond, out.angle = row.angle, out.torsion = row.torsion;
      out.torsion_dimension = next_dimension();
      out.torsion_scale = ranges[r] == TorsionRange::full ? 1 : 0.5;
      out.torsion_offset = ranges[r] == TorsionRange::upper_half   ? 0.5
                           : ranges[r] == TorsionRange::front_half ? 0.25
                           : ranges[r] == TorsionRange::back_half  ? 0.75
                                                                   : 0;
      out.fold_dimension = out.fold_atom = -1;
      if (ranges[r] != TorsionRange::full) log_det_constant_ -= std::log(2.0);
      add_dimension(CoordinateKind::torsion, "torsion", {row.torsion, row.angle, row.bond, row.atom});
    }
    for (std::size_t r = 0; r < by_row.size(); ++r)
      if (const int other = confinement.folds[r]; other >= 0) {
        by_row[r].fold_dimension = by_row[static_cast<std::size_t>(other)].torsion_dimension;
        by_row[r].fold_atom = by_row[static_cast<std::size_t>(other)].atom;
      }
  }

  void check_constraints() const {
    if (n_constraints_used_ == static_cast<int>(system_.constraints.size())) return;
    for (const DistanceConstraint& c : system_.constraints) {
      const auto joins = [&](int i, int j) { return (c.i == i && c.j == j) || (c.i == j && c.j == i); };
      bool used = joins(z_matrix_.root[0], z_matrix_.root[1]) || joins(z_matrix_.root[1], z_matrix_.root[2]);
      for (const ZMatrixRow& row : z_matrix_.rows) used = used || joins(row.atom, row.bond);
      if (!used)
        throw InputError(
            fmt::format("the constraint between {} and {} is no bond of the Z-matrix, so internal coordinates cannot "
                        "keep it; remove it or add such a row",
                        describe_atom(system_, c.i), describe_atom(system_, c.j)));
    }
    throw InputError(fmt::format("{}: two constraints hold the same pair of atoms; remove one", system_.name));
  }

  /// Marks the rows after which the running product of (d/d_ref)^2 sin a could leave [1e-30, 1e30] if one more came.
  void plan_logarithms() {
    double smallest = 0, largest = 0;  // logarithms
    const auto extend = [&](const IntervalCoordinate<double>& length, const AngleCoordinate<double>* bend) {
      smallest += 2 * std::log(1 + (length.lower - 0.5) * length.relative_width);
      largest += 2 * std::log(1 + (length.upper - 0.5) * length.relative_width);
      if (bend != nullptr) smallest += std::log(std::min(bend->sine_at_lower, bend->sine_at_upper));
    };
    extend(table.first_length, nullptr);
    extend(table.second_length, &table.root_bend);
    const double limit = 30 * std::log(10.0);
    for (std::size_t k = 0; k < rows.size(); ++k) {
      extend(rows[k].length, &rows[k].bend);
      const double before_smallest = smallest, before_largest = largest;
      bool take = k + 1 == rows.size();
      if (!take) {
        extend(rows[k + 1].length, &rows[k + 1].bend);
        take = smallest < -limit || largest > limit;
        smallest = take ? 0 : before_smallest;
        largest = take ? 0 : before_largest;
      }
      rows[k].take_logarithm = take ? 1 : 0;
    }
  }

  const MolecularSystem& system_;
  const ZMatrix& z_matrix_;
  double log_det_constant_ = 0;
  int n_constraints_used_ = 0;
};

}  // namespace

struct InternalCoordinates::Tables {
  explicit Tables(TableBuilder&& builder)
      : rows64(std::move(builder.rows)), table64(builder.table), confinement(std::move(builder.confinement)) {
    for (const auto& r : rows64)
      rows32.push_back({r.atom, r.bond, r.angle, r.torsion, narrowed<float>(r.length), narrowed<float>(r.bend),
                        r.torsion_dimension, static_cast<float>(r.torsion_scale), static_cast<float>(r.torsion_offset),
                        r.fold_dimension, r.fold_atom, r.take_logarithm});
    // Rounding of positions of some tenths of nm, seen through the widths of z.
    table64.tolerance = 1e-9, table64.constraint_tolerance = 1e-3;
    table64.rows = rows64.data();
    const auto& t = table64;
    table32 = {t.n_atoms,
               t.dimension,
               t.n_rows,
               {t.root[0], t.root[1], t.root[2]},
               narrowed<float>(t.first_length),
               narrowed<float>(t.second_length),
               narrowed<float>(t.root_bend),
               rows32.data(),
               t.log_det_constant,
               2e-5f,
               1e-3f};
  }
  Tables(const Tables&) = delete;

  template <class Scalar>
  const InternalCoordinatesTable<Scalar>& table() const {
    if constexpr (sizeof(Scalar) == 4)
      return table32;
    else
      return table64;
  }

  std::vector<InternalCoordinatesRow<double>> rows64;
  std::vector<InternalCoordinatesRow<float>> rows32;
  InternalCoordinatesTable<double> table64;
  InternalCoordinatesTable<float> table32;
  TorsionConfinement confinement;
};

InternalCoordinates::InternalCoordinates(const MolecularSystem& system) : n_atoms_(system.n_atoms()) {
  check_reference_structure(system);
  z_matrix_ = system.z_matrix ? *system.z_matrix : build_z_matrix(system);
  TableBuilder builder(system, z_matrix_);
  builder.build();
  dimensions_ = std::move(builder.dimensions);
  tables_ = std::make_shared<const Tables>(std::move(builder));
}

const std::vector<TorsionRange>& InternalCoordinates::torsion_ranges() const noexcept {
  return tables_->confinement.ranges;
}
const std::vector<int>& InternalCoordinates::torsion_folds() const noexcept { return tables_->confinement.folds; }

const InternalCoordinatesTable<double>& InternalCoordinates::table() const noexcept { return tables_->table64; }

namespace {

namespace kernels = coordinate_kernels;
constexpr std::int64_t grain = 16;  // samples; the widest tile

void check_size(const char* what, std::size_t size, std::size_t n_samples, int per_sample) {
  if (size != n_samples * static_cast<std::size_t>(per_sample))
    throw InputError(fmt::format("internal coordinates: {} holds {} values where {} samples of {} are expected", what,
                                 size, n_samples, per_sample));
}

template <class Arguments>
void run(void (*kernel)(const Arguments&, std::int64_t, std::int64_t, void*), const Arguments& arguments) {
  const std::int64_t bytes = kernels::scratch_bytes(*arguments.table);
  parallel_for(arguments.n_samples, grain, [&](std::int64_t begin, std::int64_t end, int) {
    AlignedBuffer<unsigned char> scratch(static_cast<std::size_t>(bytes));
    kernel(arguments, begin, end, scratch.data());
  });
}

#define BOLTZFLOW_KERNEL(name, Arguments) \
  static_cast<void (*)(const Arguments&, std::int64_t, std::int64_t, void*)>(&kernels::name)

template <class Scalar>
void run_to_cartesian(const InternalCoordinatesTable<Scalar>& table, std::span<const Scalar> z,
                      std::span<Scalar> positions, std::span<double> log_det) {
  using Arguments = kernels::ToCartesianArguments<Scalar>;
  check_size("z", z.size(), log_det.size(), table.dimension);
  check_size("positions", positions.size(), log_det.size(), 3 * table.n_atoms);
  run(for_this_cpu(BOLTZFLOW_KERNEL(baseline::to_cartesian, Arguments), BOLTZFLOW_KERNEL(avx2::to_cartesian, Arguments),
                   BOLTZFLOW_KERNEL(avx512::to_cartesian, Arguments)),
      Arguments{&table, static_cast<std::int64_t>(log_det.size()), z.data(), positions.data(), log_det.data()});
}

template <class Scalar>
void run_to_cartesian_gradient(const InternalCoordinatesTable<Scalar>& table, std::span<const Scalar> z,
                               std::span<const Scalar> positions_gradient, std::span<const double> log_det_gradient,
                               std::span<Scalar> z_gradient) {
  using Arguments = kernels::ToCartesianGradientArguments<Scalar>;
  const std::size_t n = log_det_gradient.size();
  check_size("z", z.size(), n, table.dimension);
  check_size("the positions' gradient", positions_gradient.size(), n, 3 * table.n_atoms);
  check_size("the gradient of z", z_gradient.size(), n, table.dimension);
  run(for_this_cpu(BOLTZFLOW_KERNEL(baseline::to_cartesian_gradient, Arguments),
                   BOLTZFLOW_KERNEL(avx2::to_cartesian_gradient, Arguments),
                   BOLTZFLOW_KERNEL(avx512::to_cartesian_gradient, Arguments)),
      Arguments{&table, static_cast<std::int64_t>(n), z.data(), positions_gradient.data(), log_det_gradient.data(),
                z_gradient.data()});
}

template <class Scalar>
void run_from_cartesian(const InternalCoordinatesTable<Scalar>& table, std::span<const Scalar> positions,
                        std::span<Scalar> z, std::span<double> log_det, std::span<std::uint8_t> representable) {
  using Arguments = kernels::FromCartesianArguments<Scalar>;
  const std::size_t n = log_det.size();
  check_size("positions", positions.size(), n, 3 * table.n_atoms);
  check_size("z", z.size(), n, table.dimension);
  check_size("representable", representable.size(), n, 1);
  run(for_this_cpu(BOLTZFLOW_KERNEL(baseline::from_cartesian, Arguments),
                   BOLTZFLOW_KERNEL(avx2::from_cartesian, Arguments),
                   BOLTZFLOW_KERNEL(avx512::from_cartesian, Arguments)),
      Arguments{&table, static_cast<std::int64_t>(n), positions.data(), z.data(), log_det.data(),
                representable.data()});
}

}  // namespace

void InternalCoordinates::to_cartesian(std::span<const float> z, std::span<float> positions,
                                       std::span<double> log_det) const {
  run_to_cartesian(tables_->table32, z, positions, log_det);
}
void InternalCoordinates::to_cartesian(std::span<const double> z, std::span<double> positions,
                                       std::span<double> log_det) const {
  run_to_cartesian(tables_->table64, z, positions, log_det);
}
void InternalCoordinates::from_cartesian(std::span<const float> positions, std::span<float> z,
                                         std::span<double> log_det, std::span<std::uint8_t> representable) const {
  run_from_cartesian(tables_->table32, positions, z, log_det, representable);
}
void InternalCoordinates::from_cartesian(std::span<const double> positions, std::span<double> z,
                                         std::span<double> log_det, std::span<std::uint8_t> representable) const {
  run_from_cartesian(tables_->table64, positions, z, log_det, representable);
}
void InternalCoordinates::to_cartesian_gradient(std::span<const float> z, std::span<const float> positions_gradient,
                                                std::span<const double> log_det_gradient,
                                                std::span<float> z_gradient) const {
  run_to_cartesian_gradient(tables_->table32, z, positions_gradient, log_det_gradient, z_gradient);
}
void InternalCoordinates::to_cartesian_gradient(std::span<const double> z, std::span<const double> positions_gradient,
                                                std::span<const double> log_det_gradient,
                                                std::span<double> z_gradient) const {
  run_to_cartesian_gradient(tables_->table64, z, positions_gradient, log_det_gradient, z_gradient);
}

void InternalCoordinates::from_cartesian_gradient(std::span<const double> positions, std::span<const double> z_gradient,
                                                  std::span<const double> log_det_gradient,
                                                  std::span<double> positions_gradient) const {
  using Arguments = kernels::FromCartesianGradientArguments<double>;
  const std::size_t n = log_det_gradient.size();
  check_size("positions", positions.size(), n, 3 * n_atoms_);
  check_size("the gradient of z", z_gradient.size(), n, dimension());
  check_size("the positions' gradient", positions_gradient.size(), n, 3 * n_atoms_);
  run(for_this_cpu(BOLTZFLOW_KERNEL(baseline::from_cartesian_gradient, Arguments),
                   BOLTZFLOW_KERNEL(avx2::from_cartesian_gradient, Arguments),
                   BOLTZFLOW_KERNEL(avx512::from_cartesian_gradient, Arguments)),
      Arguments{&tables_->table64, static_cast<std::int64_t>(n), positions.data(), z_gradient.data(),
                log_det_gradient.data(), positions_gradient.data()});
}

void InternalCoordinates::relabel_equivalent_atoms(std::span<double> positions) const {
  const auto width = 3 * static_cast<std::size_t>(n_atoms_);
  if (positions.size() % width != 0)
    check_size("positions", positions.size(), positions.size() / width + 1, 3 * n_atoms_);
  parallel_for(static_cast<std::int64_t>(positions.size() / width), grain,
               [&](std::int64_t begin, std::int64_t end, int) {
                 for (std::int64_t s = begin; s < end; ++s) {
                   const std::span<double> frame = positions.subspan(static_cast<std::size_t>(s) * width, width);
                   for (const LabelledBranches& group : tables_->confinement.groups)
                     relabel_group(z_matrix_, tables_->confinement, group, frame);
                 }
               });
}

}  // namespace boltzflow
