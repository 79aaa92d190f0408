// SPDX-License-Identifier: MIT
#include "boltzflow/flow/flow_options.hpp"

#include <ATen/ATen.h>
#include <fmt/format.h>

#include "boltzflow/base/errors.hpp"
#include "boltzflow/coordinates/box_coordinates.hpp"
#include "boltzflow/coordinates/cartesian_coordinates.hpp"
#include "boltzflow/coordinates/internal_coordinates.hpp"
#include "boltzflow/flow/atom_types.hpp"
#include "boltzflow/flow/continuous/continuous_flow.hpp"
#include "boltzflow/flow/euclidean/euclidean_flow.hpp"
#include "boltzflow/flow/flow_dimensions.hpp"

namespace boltzflow {
namespace {

std::vector<FlowDimension> spline_dimensions(const CoordinateMap& coordinates) {
  if (const auto* internal = dynamic_cast<const InternalCoordinates*>(&coordinates)) return flow_dimensions(*internal);
  return std::vector<FlowDimension>(static_cast<std::size_t>(coordinates.dimension()),
                                    {.circular = false, .field = 0, .level = 0});
}

ContinuousFlow continuous_flow(const MolecularSystem& system, const CartesianCoordinates& coordinates,
                               const ContinuousFlowOptions& options, std::uint64_t seed) {
  at::Tensor basis;
  if (coordinates.centre() == CentreOfMass::helmert) {
    std::vector<double> values = coordinates.basis();
    basis = at::tensor(values, at::kDouble)
                .view({coordinates.configuration_size(), coordinates.dimension()})
                .to(at::kFloat);
  }
  return make_continuous_flow(coordinates.dimension(), topological_atom_types(system), options, seed, basis);
}

}  // namespace

void FlowOptions::describe(OptionTable& table) {
  std::vector<std::string> architectures = {"spline"};
  for (const EuclideanFlowEntry& entry : euclidean_flows()) architectures.push_back(entry.name);
  architectures.emplace_back("continuous");
  table.add("flow.architecture", architecture, architectures,
            "of the flow: spline on internal coordinates, the others on Cartesian ones");
  table.add("flow.n_couplings", spline.n_couplings, 2, 1024, "coupling layers, an even number");
  table.add("flow.n_bins", spline.n_bins, 2, 64, "bins of every spline");
  table.add("flow.hidden_width", spline.hidden_width, 1, 65536, "units of a conditioner's hidden layer");
  table.add("flow.n_hidden_layers", spline.n_hidden_layers, 1, 256, "hidden layers of a conditioner");
  table.add("flow.masking", spline.masking, {"random", "hierarchical"}, "how dimensions are split between couplings");
  table.add("flow.mask_seed", spline.mask_seed, 0, 9e15, "of the random masks");
  table.add("flow.minimum_bin_size", spline.minimum_bin_size, 1e-6, 0.45, "of spline widths and heights, of 1");
  table.add("flow.minimum_slope", spline.minimum_slope, 1e-6, 0.999, "of splines at their knots");
  euclidean.describe(table, "flow.euclidean.");
  continuous.describe(table, "flow.continuous.");
}

std::shared_ptr<const CoordinateMap> make_coordinates(const MolecularSystem& system, const CoordinateOptions& options) {
  if (options.kind == "internal") return std::make_shared<InternalCoordinates>(system);
  if (options.kind == "cartesian")
    return std::make_shared<CartesianCoordinates>(system.n_atoms(), options.scale,
                                                  centre_of_mass(options.centre_of_mass));
  if (options.kind == "box") {
    const auto n = static_cast<std::size_t>(options.dimension);
    return std::make_shared<BoxCoordinates>(std::vector<double>(n, options.lower),
                                            std::vector<double>(n, options.upper));
  }
  throw InputError(fmt::format("coordinates \"{}\" are not known", options.kind));
}

std::string description_of(const CoordinateOptions& options) {
  if (options.kind == "cartesian") return fmt::format("cartesian {}, {} nm", options.centre_of_mass, options.scale);
  if (options.kind == "box")
    return fmt::format("box of {} dimensions from {} to {}", options.dimension, options.lower, options.upper);
  return options.kind;
}

std::unique_ptr<Density> make_flow(const MolecularSystem& system, const CoordinateMap& coordinates,
                                   const FlowOptions& options, std::uint64_t seed) {
  const auto* cartesian = dynamic_cast<const CartesianCoordinates*>(&coordinates);
  if (options.is_euclidean() != (cartesian != nullptr))
    throw ConfigurationError(fmt::format("flow.architecture: \"{}\" does not live on {} coordinates",
                                         options.architecture, cartesian ? "Cartesian" : "bounded"));
  if (!cartesian) return std::make_unique<SplineFlow>(spline_dimensions(coordinates), options.spline, seed);
  if (options.architecture == "continuous")
    return std::make_unique<ContinuousFlow>(continuous_flow(system, *cartesian, options.continuous, seed));
  EuclideanFlowOptions euclidean = options.euclidean;
  euclidean.architecture = options.architecture;
  return make_euclidean_flow(coordinates.dimension(), euclidean, seed);
}

}  // namespace boltzflow
