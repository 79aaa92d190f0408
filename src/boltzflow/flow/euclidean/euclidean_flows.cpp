// SPDX-License-Identifier: MIT
#include <fmt/format.h>

#include <array>

#include "boltzflow/base/errors.hpp"
#include "boltzflow/flow/euclidean/architectures.hpp"

namespace boltzflow {

std::span<const EuclideanFlowEntry> euclidean_flows() {
  static const std::array table = {
      EuclideanFlowEntry{"real-nvp", "affine couplings; their networks are multilayer perceptrons", 12, 256, 3, 1,
                         &make_real_nvp},
      EuclideanFlowEntry{"res-nvp", "affine couplings; their networks are residual", 12, 256, 2, 1, &make_res_nvp},
      EuclideanFlowEntry{"nsf-coupling", "couplings of rational-quadratic splines; their networks are residual", 8, 192,
                         2, 1, &make_nsf_coupling},
      EuclideanFlowEntry{"nsf-autoregressive", "autoregressive rational-quadratic splines; masked residual networks", 5,
                         192, 2, 1, &make_nsf_autoregressive},
      EuclideanFlowEntry{"jet", "affine couplings; their networks are transformers over atoms", 12, 64, 2, 2,
                         &make_jet},
      EuclideanFlowEntry{"tarflow", "autoregressive transformer over atoms", 8, 64, 3, 2, &make_tarflow},
  };
  return table;
}

namespace {

const EuclideanFlowEntry* find_entry(const std::string& name) {
  for (const EuclideanFlowEntry& entry : euclidean_flows()) {
    if (entry.name == name) return &entry;
  }
  return nullptr;
}

/// Fills in the architecture's defaults and checks everything that OptionTable's ranges cannot.
EuclideanFlowOptions resolved(int dimension, EuclideanFlowOptions options) {
  std::string errors, known;
  const auto require = [&](bool good, const std::string& message) {
    if (!good) errors += (errors.empty() ? "" : "\n") + message;
  };
  for (const EuclideanFlowEntry& entry : euclidean_flows()) known += (known.empty() ? "" : ", ") + entry.name;
  const EuclideanFlowEntry* entry = find_entry(options.architecture);
  if (entry == nullptr)
    throw ConfigurationError(
        fmt::format("flow.architecture: \"{}\" is not known; choose one of: {}", options.architecture, known));
  const auto fill = [&](std::int64_t& value, std::int64_t by_default) {
    if (value == 0) value = by_default;
  };
  fill(options.n_layers, entry->n_layers), fill(options.hidden_width, entry->hidden_width);
  fill(options.n_hidden_layers, entry->n_hidden_layers), fill(options.n_heads, entry->n_heads);

  const auto in_range = [&](const char* key, auto value, auto least, auto most) {
    require(value >= least && value <= most,
            fmt::format("flow.euclidean.{}: {} is not in [{}, {}]", key, value, least, most));
  };
  in_range("n_layers", options.n_layers, 1, 1024);
  in_range("hidden_width", options.hidden_width, 1, 65536);
  in_range("n_hidden_layers", options.n_hidden_layers, 1, 256);
  in_range("n_heads", options.n_heads, 1, 256);
  in_range("maximum_log_scale", options.maximum_log_scale, 1e-3, 20.0);
  in_range("n_bins", options.n_bins, 2, 64);
  in_range("tail_bound", options.tail_bound, 1e-3, 1e6);
  in_range("minimum_bin_size", options.minimum_bin_size, 1e-6, 0.9 / static_cast<double>(options.n_bins));
  in_range("minimum_slope", options.minimum_slope, 1e-6, 0.999);
  require(options.token_size == 1 || options.token_size == 3,
          fmt::format("flow.euclidean.token_size: {} is neither 3, an atom, nor 1, a coordinate", options.token_size));
  require(options.masking == "alternating" || options.masking == "random",
          fmt::format("flow.euclidean.masking: \"{}\" is neither \"alternating\" nor \"random\"", options.masking));
  require(options.fast_direction == "forward" || options.fast_direction == "inverse",
          fmt::format("flow.euclidean.fast_direction: \"{}\" is neither \"forward\" nor \"inverse\"",
                      options.fast_direction));
  if (options.architecture == "jet" || options.architecture == "tarflow") {
    require(options.hidden_width % options.n_heads == 0,
            fmt::format("flow.euclidean.n_heads: {} heads do not divide flow.euclidean.hidden_width, {}",
                        options.n_heads, options.hidden_width));
    require(
        dimension % options.token_size == 0,
        fmt::format(
            "flow.euclidean.token_size: {} coordinates are not whole tokens of {}; use flow.euclidean.token_size = 1",
            dimension, options.token_size));
  }
  if (!errors.empty()) throw ConfigurationError(errors);
  return options;
}

}  // namespace

std::unique_ptr<EuclideanFlow> make_euclidean_flow(int dimension, const EuclideanFlowOptions& options_given,
                                                   std::uint64_t initialization_seed) {
  if (dimension < 2) throw InputError(fmt::format("a flow needs at least 2 dimensions, not {}", dimension));
  const EuclideanFlowOptions options = resolved(dimension, options_given);
  FlowTensors tensors(initialization_seed);
  EuclideanTransforms transforms = find_entry(options.architecture)->make(dimension, options, tensors);
  return std::make_unique<EuclideanFlow>(dimension, options, std::move(transforms), std::move(tensors));
}

}  // namespace boltzflow
