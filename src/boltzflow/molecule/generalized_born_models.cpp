// SPDX-License-Identifier: MIT
#include "boltzflow/molecule/generalized_born_models.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "boltzflow/base/errors.hpp"
#include "boltzflow/molecule/born_neck_tables.hpp"

namespace boltzflow {
namespace {

struct Model {
  std::string_view name;
  double alpha, beta, gamma, offset;
};
constexpr Model models[] = {
    {"HCT", 0, 0, 0, 0.009},       {"OBC1", 0.8, 0, 2.909125, 0.009},
    {"OBC2", 1, 0.8, 4.85, 0.009}, {"GBn", 1.09511284, 1.907992938, 2.50798245, 0.009},
    {"GBn2", 0, 0, 0, 0.0195141},
};

struct ElementCoefficients {
  std::string_view element;
  GeneralizedBorn::Coefficients coefficients;
};
constexpr ElementCoefficients gbn2_elements[] = {
    {"H", {0.788440, 0.798699, 0.437334}}, {"C", {0.733756, 0.506378, 0.205844}}, {"N", {0.503364, 0.316828, 0.192915}},
    {"O", {0.867814, 0.876635, 0.387882}}, {"S", {0.867814, 0.876635, 0.387882}},
};

/// A radius between two rows of the tables.
struct TablePosition {
  int below, above;
  double weight_below, weight_above;
};

TablePosition table_position(double radius) {
  const double row = (radius - 0.1) * 200;
  if (row <= 0) return {0, 0, 1, 0};
  if (row >= n_neck_radii - 1) return {n_neck_radii - 1, 0, 1, 0};
  const int below = static_cast<int>(std::floor(row));
  return {below, below + 1, below + 1 - row, 1 - (below + 1 - row)};
}

double interpolated(const double* table, const TablePosition& i, const TablePosition& j) {
  return i.weight_below * j.weight_below * table[i.below * n_neck_radii + j.below] +
         i.weight_below * j.weight_above * table[i.below * n_neck_radii + j.above] +
         i.weight_above * j.weight_below * table[i.above * n_neck_radii + j.below] +
         i.weight_above * j.weight_above * table[i.above * n_neck_radii + j.above];
}

}  // namespace

GeneralizedBorn generalized_born_model(std::string_view name) {
  const auto* const model = std::ranges::find(models, name, &Model::name);
  if (model == std::end(models))
    throw InputError(
        fmt::format("the generalised Born model is \"{}\", but only HCT, OBC1, OBC2, GBn and GBn2 are known", name));
  return {.model = std::string(name),
          .alpha = model->alpha,
          .beta = model->beta,
          .gamma = model->gamma,
          .offset = model->offset,
          .particle_inside_term = false,
          .coulomb_constant = 138.935485,
          .surface_coefficient = 28.3919551,
          .particles = {}};
}

GeneralizedBorn::Coefficients gbn2_coefficients(std::string_view element) {
  const auto* const found = std::ranges::find(gbn2_elements, element, &ElementCoefficients::element);
  return found == std::end(gbn2_elements) ? GeneralizedBorn::Coefficients{1, 0.8, 4.851} : found->coefficients;
}

BornNeck born_neck(std::span<const double> radii, double scale) {
  // Rounding of o_i + offset may leave a radius of exactly 0.1 or 0.2 a little outside.
  constexpr double tolerance = 1e-9, nm_per_angstrom = 0.1;
  for (std::size_t i = 0; i < radii.size(); ++i)
    if (!(radii[i] >= 0.1 - tolerance && radii[i] <= 0.2 + tolerance))
      throw InputError(fmt::format(
          "atom {} has a Born radius of {} nm, but the necks of GBn and GBn2 are tabulated from 0.1 to 0.2 nm only", i,
          radii[i]));
  std::vector<double> unique(radii.begin(), radii.end());
  std::ranges::sort(unique);
  unique.erase(std::unique(unique.begin(), unique.end()), unique.end());
  BornNeck neck{
      .scale = scale, .n_radii = static_cast<int>(unique.size()), .height = {}, .distance = {}, .radius_index = {}};
  for (const double a : unique) {
    for (const double b : unique) {
      // The published rows are the neighbour's radii.
      const TablePosition i = table_position(b), j = table_position(a);
      neck.distance.push_back(interpolated(neck_distances, i, j) * nm_per_angstrom);
      neck.height.push_back(interpolated(neck_heights, i, j) / nm_per_angstrom);
    }
  }
  for (const double radius : radii)
    neck.radius_index.push_back(static_cast<int>(std::ranges::lower_bound(unique, radius) - unique.begin()));
  return neck;
}

}  // namespace boltzflow
