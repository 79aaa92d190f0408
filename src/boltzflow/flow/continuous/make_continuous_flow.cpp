// SPDX-License-Identifier: MIT
#include <fmt/format.h>

#include "boltzflow/base/errors.hpp"
#include "boltzflow/flow/continuous/continuous_flow.hpp"
#include "boltzflow/flow/continuous/dit_velocity.hpp"
#include "boltzflow/flow/continuous/egnn_velocity.hpp"
#include "boltzflow/flow/continuous/two_layer_velocity.hpp"

namespace boltzflow {

ContinuousFlow make_continuous_flow(int dimension, const std::vector<int>& atom_types,
                                    const ContinuousFlowOptions& options, std::uint64_t seed, const at::Tensor& basis) {
  if (dimension < 1) throw InputError(fmt::format("a flow needs at least one dimension, not {}", dimension));
  if (options.velocity == "two-layer")
    return {std::make_unique<TwoLayerVelocity>(dimension, options.hidden_width, seed), options};
  const AtomBasis atoms(dimension, static_cast<std::int64_t>(atom_types.size()), basis);
  if (options.velocity == "egnn")
    return {std::make_unique<EgnnVelocity>(atom_types, atoms, dimension, options.hidden_width, options.n_layers, seed),
            options};
  if (options.velocity == "dit")
    return {
        std::make_unique<DitVelocity>(atoms, dimension, options.hidden_width, options.n_layers, options.n_heads, seed),
        options};
  throw ConfigurationError(
      fmt::format("flow.continuous.velocity: \"{}\" is not one of egnn, dit, two-layer", options.velocity));
}

}  // namespace boltzflow
