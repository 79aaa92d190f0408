// SPDX-License-Identifier: MIT
#include "boltzflow/flow/flow_options.hpp"

#include <ATen/ATen.h>
#include <fmt/format.h>

#include "boltzflow/base/checksum.hpp"
#include "boltzflow/base/errors.hpp"
#include "boltzflow/coordinates/aligned_coordinates.hpp"
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

ContinuousFlow continuous_flow(const MolecularSystem& system, const CoordinateMap& coordinates,
                               const ContinuousFlowOptions& options, std::uint64_t seed) {
  const auto* cartesian = dynamic_cast<const CartesianCoordinates*>(&coordinates);
  if (!cartesian) {
    if (options.velocity != "two-layer")
      throw ConfigurationError(
          fmt::format("flow.continuous.velocity: \"{}\" sees atoms, which aligned coordinates mix; "
                      "use \"two-layer\", or data.coordinates = \"cartesian\"",
                      options.velocity));
    return make_continuous_flow(coordinates.dimension(), {}, options, seed);
  }
  at::Tensor basis;
  if (cartesian->centre() == CentreOfMass::helmert) {
    std::vector<double> values = cartesian->basis();
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
            "of the flow: spline on internal coordinates, the others on those of data.coordinates");
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
  if (options.kind == "aligned") {
    if (options.reference.size() != 3 * static_cast<std::size_t>(system.n_atoms()))
      throw InputError(fmt::format("aligned coordinates: the reference has {} numbers, {} has {} atoms",
                                   options.reference.size(), system.name, system.n_atoms()));
    return std::make_shared<AlignedCoordinates>(options.reference, options.columns);
  }
  if (options.kind == "box") {
    const auto n = static_cast<std::size_t>(options.dimension);
    return std::make_shared<BoxCoordinates>(std::vector<double>(n, options.lower),
                                            std::vector<double>(n, options.upper));
  }
  throw InputError(fmt::format("coordinates \"{}\" are not known", options.kind));
}

std::string description_of(const CoordinateOptions& options) {
  if (options.kind == "cartesian") return fmt::format("cartesian {}, {} nm", options.centre_of_mass, options.scale);
  if (options.kind == "aligned") {
    std::vector<double> numbers = options.reference;
    numbers.insert(numbers.end(), options.columns.begin(), options.columns.end());
    return fmt::format("aligned and whitened, checksum {:016x}",
                       checksum_of_bytes(numbers.data(), numbers.size() * sizeof(double)));
  }
  if (options.kind == "box")
    return fmt::format("box of {} dimensions from {} to {}", options.dimension, options.lower, options.upper);
  return options.kind;
}

std::unique_ptr<Density> make_flow(const MolecularSystem& system, const CoordinateMap& coordinates,
                                   const FlowOptions& options, std::uint64_t seed) {
  const bool euclidean_space = dynamic_cast<const CartesianCoordinates*>(&coordinates) != nullptr ||
                               dynamic_cast<const AlignedCoordinates*>(&coordinates) != nullptr;
  if (options.is_euclidean() != euclidean_space)
    throw ConfigurationError(fmt::format("flow.architecture: \"{}\" does not live on {} coordinates",
                                         options.architecture, euclidean_space ? "Cartesian" : "bounded"));
  if (!euclidean_space) return std::make_unique<SplineFlow>(spline_dimensions(coordinates), options.spline, seed);
  if (options.architecture == "continuous")
    return std::make_unique<ContinuousFlow>(continuous_flow(system, coordinates, options.continuous, seed));
  EuclideanFlowOptions euclidean = options.euclidean;
  euclidean.architecture = options.architecture;
  return make_euclidean_flow(coordinates.dimension(), euclidean, seed);
}

}  // namespace boltzflow
