// SPDX-License-Identifier: MIT
#pragma once
#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "boltzflow/coordinates/coordinate_map.hpp"
#include "boltzflow/flow/euclidean/euclidean_flow.hpp"

namespace boltzflow {

/// Frames of one state as points of coordinates without rigid motions.
struct StatePoints {
  std::vector<double> positions;  ///< [n, configuration_size] nm, equivalent atoms named as the coordinates want it
  at::Tensor z;                   ///< [n, dimension] float64
  std::vector<double> log_det;    ///< [n] log|det dx/dz|
  std::int64_t n_left_out = 0;    ///< frames that the coordinates cannot represent (another hand, a broken bond)

  std::int64_t size() const { return z.size(0); }
};

/// @param positions [n, configuration_size] nm, in any orientation; taken by value, renamed in place.
StatePoints state_points(const CoordinateMap& coordinates, std::vector<double> positions);

/// This is a bijection M from the points of a state A to those of a state B in coordinates z of a molecule,
///
///     M = C_B^-1 o f o C_A,   C_k(z) = (unwrapped_k(z) - mean_k) / deviation_k
///
/// with a flow f on R^d that is the identity at first, and for each state the mean and deviation of every coordinate
/// over its training points. Without f this is the optimal transport between normals of independent coordinates.
///
/// A circle of circumference 1 is cut for each state where the largest gap between its training points is; what f takes
/// beyond a cut is not in M's image: `inside` is 0 there, and the work of such a point is infinite. So M is one-to-one
/// on what is left, to which every identity of targeted perturbation applies (docs/free-energy.md).
/// Passes are in float64, without gradients.
class StateMap {
 public:
  struct Mapped {
    at::Tensor z;                      ///< [n, dimension] float64, circles in [0, 1)
    at::Tensor log_det;                ///< [n] float64, of the direction called
    std::vector<std::uint8_t> inside;  ///< [n]
  };

  /// @param a, b [n, dimension] float64: training points. @param circular [dimension] 1: z is a circle.
  /// @throws InputError if a state has fewer than 2 points or shapes do not fit; as make_euclidean_flow().
  StateMap(const at::Tensor& a, const at::Tensor& b, std::span<const std::uint8_t> circular,
           const EuclideanFlowOptions& flow, std::uint64_t seed);

  Mapped forward(const at::Tensor& a) const { return map(a, false); }
  Mapped inverse(const at::Tensor& b) const { return map(b, true); }
  /// C_A(a) and C_B(b), [n, dimension] float64: what f is trained on.
  at::Tensor standardized_a(const at::Tensor& a) const { return charts_[0].standardized(a); }
  at::Tensor standardized_b(const at::Tensor& b) const { return charts_[1].standardized(b); }
  /// Its parameters are float64 but for the time of fit_state_map().
  EuclideanFlow& flow() noexcept { return *flow_; }
  std::span<const std::uint8_t> circular() const noexcept { return circular_; }

 private:
  struct Chart {
    at::Tensor cut;  ///< [dimension] lower end of the circle's interval; of intervals unused
    at::Tensor mean, deviation, circular;
    at::Tensor unwrapped(const at::Tensor& z) const;
    at::Tensor standardized(const at::Tensor& z) const;
  };
  static Chart make_chart(const at::Tensor& points, std::span<const std::uint8_t> circular);
  Mapped map(const at::Tensor& z, bool inverse) const;

  std::vector<std::uint8_t> circular_;
  Chart charts_[2];
  std::unique_ptr<EuclideanFlow> flow_;
};

/// Reduced energies u of configurations, +inf outside the state: [n, configuration_size] nm -> [n].
using StateEnergy = std::function<std::vector<double>(const std::vector<double>& positions)>;

/// The generalised works of points x of one state through the map into the other,
///
///     u_to(x') - u_from(x) - log|det dx'/dx|,   x' = M(x), or M^-1(x) with `inverse`
///     log|det dx'/dx| = log|det dz'/dz| + log|det dx'/dz'| - log|det dx/dz|
///
/// in float64; +inf where the map leaves the other state, its chart or the coordinates' domain (found by mapping x'
/// back to z'). Two energies per point. @throws InputError if u_from of a point is not finite.
std::vector<double> generalized_works(const StateMap& map, bool inverse, const CoordinateMap& coordinates,
                                      const StatePoints& points, const StateEnergy& u_from, const StateEnergy& u_to);

}  // namespace boltzflow
