// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "boltzflow/base/options.hpp"
#include "boltzflow/coordinates/coordinate_map.hpp"
#include "boltzflow/flow/continuous/continuous_flow_options.hpp"
#include "boltzflow/flow/density.hpp"
#include "boltzflow/flow/euclidean/euclidean_flow_options.hpp"
#include "boltzflow/flow/spline_flow.hpp"
#include "boltzflow/molecule/molecular_system.hpp"

namespace boltzflow {

/// Which flow a generator has.
struct FlowOptions {
  /// "spline" lives on [0,1]^d; the rows of euclidean_flows() and "continuous" live on R^d, Cartesian or aligned ones.
  std::string architecture = "spline";
  SplineFlowOptions spline;          ///< flow.*
  EuclideanFlowOptions euclidean;    ///< flow.euclidean.*; its architecture is the one above
  ContinuousFlowOptions continuous;  ///< flow.continuous.*
  bool is_euclidean() const { return architecture != "spline"; }
  /// Every setting under its key, "flow.*".
  void describe(OptionTable& table);
};

/// Which configurations a flow's domain stands for: all it takes to make the map anew, beside the system.
struct CoordinateOptions {
  std::string kind = "internal";  ///< "internal", "cartesian", "aligned" or "box"
  // cartesian
  double scale = 1;                        ///< nm
  std::string centre_of_mass = "helmert";  ///< or "noise"
  // aligned: see AlignedCoordinates
  std::vector<double> reference, columns;
  // of a box: an interval, the same in every one of so many dimensions
  double lower = 0, upper = 1;
  std::int64_t dimension = 0;
};

/// "cartesian helmert, 0.1623 nm": equal for equal coordinates of one system, and for those alone.
std::string description_of(const CoordinateOptions& options);

/// @throws InputError if the system cannot have such coordinates.
std::shared_ptr<const CoordinateMap> make_coordinates(const MolecularSystem& system, const CoordinateOptions& options);

/// @throws ConfigurationError if the architecture does not live on these coordinates.
std::unique_ptr<Density> make_flow(const MolecularSystem& system, const CoordinateMap& coordinates,
                                   const FlowOptions& options, std::uint64_t seed);

}  // namespace boltzflow
