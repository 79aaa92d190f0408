// SPDX-License-Identifier: MIT
#include "boltzflow/energy/kernels/force_field.hpp"

#include "boltzflow/energy/kernels/bonded-inl.hpp"
#include "boltzflow/energy/kernels/pairs-inl.hpp"
#include "boltzflow/energy/kernels/tile-inl.hpp"

namespace boltzflow::energy::BOLTZFLOW_SIMD_TARGET {
namespace {

template <class Scalar, class Switches>
void evaluate_tiles(const ForceFieldTables<Scalar>& tables, const Scalar* positions, int64_t n_samples, double* energy,
                    Scalar* gradient, double* terms, void* workspace) noexcept {
  using L = Lanes<Scalar>;
  using Vector = typename L::Vector;
  const int n_coordinates = 3 * tables.n_atoms;
  Vector* const x = static_cast<Vector*>(workspace);
  Vector* const g = x + n_coordinates;
  Vector* const scratch = g + n_coordinates;
  for (int64_t begin = 0; begin < n_samples; begin += L::count) {
    const int n_lanes = n_samples - begin < L::count ? static_cast<int>(n_samples - begin) : L::count;
    load_tile<Scalar>(positions + begin * n_coordinates, n_coordinates, n_lanes, x);
    if constexpr (Switches::gradient)
      for (int c = 0; c < n_coordinates; ++c) g[c] = L::set(0);
    EnergySums<Scalar, Switches::terms> sums;
    add_bonds<Scalar, Switches>(tables, x, g, sums);
    add_angles<Scalar, Switches>(tables, x, g, sums);
    add_torsions<Scalar, Switches>(tables, x, g, sums);
    if (tables.has_pairs) add_pairs<Scalar, Switches>(tables, x, g, scratch, sums);
    sums.write(energy + begin, terms == nullptr ? nullptr : terms + begin * n_force_field_terms, n_lanes);
    if constexpr (Switches::gradient) store_tile<Scalar>(g, n_coordinates, n_lanes, gradient + begin * n_coordinates);
  }
}

template <class Scalar, bool gradient_wanted, bool terms_wanted>
void choose_born(const ForceFieldTables<Scalar>& tables, const Scalar* positions, int64_t n_samples, double* energy,
                 Scalar* gradient, double* terms, void* workspace) noexcept {
  const auto evaluate = [&]<class Chosen>(Chosen) {
    evaluate_tiles<Scalar, Chosen>(tables, positions, n_samples, energy, gradient, terms, workspace);
  };
  const bool options = tables.pair_options != nullptr;
  if (!tables.has_born && !options)
    evaluate(Switches<false, false, false, gradient_wanted, terms_wanted>{});
  else if (!tables.has_born)
    evaluate(Switches<false, false, true, gradient_wanted, terms_wanted>{});
  else if (options)
    evaluate(Switches<true, false, true, gradient_wanted, terms_wanted>{});
  else if (!tables.particle_inside_term)
    evaluate(Switches<true, false, false, gradient_wanted, terms_wanted>{});
  else
    evaluate(Switches<true, true, false, gradient_wanted, terms_wanted>{});
}

}  // namespace

void evaluate_force_field(const ForceFieldTables<float>& tables, const float* positions, int64_t n_samples,
                          double* energy, float* gradient, double*, void* workspace) noexcept {
  if (gradient != nullptr)
    choose_born<float, true, false>(tables, positions, n_samples, energy, gradient, nullptr, workspace);
  else
    choose_born<float, false, false>(tables, positions, n_samples, energy, nullptr, nullptr, workspace);
}

void evaluate_force_field(const ForceFieldTables<double>& tables, const double* positions, int64_t n_samples,
                          double* energy, double* gradient, double* terms, void* workspace) noexcept {
  if (gradient != nullptr)
    choose_born<double, true, false>(tables, positions, n_samples, energy, gradient, nullptr, workspace);
  else if (terms != nullptr)
    choose_born<double, false, true>(tables, positions, n_samples, energy, nullptr, terms, workspace);
  else
    choose_born<double, false, false>(tables, positions, n_samples, energy, nullptr, nullptr, workspace);
}

}  // namespace boltzflow::energy::BOLTZFLOW_SIMD_TARGET
