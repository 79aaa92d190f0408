// SPDX-License-Identifier: MIT
// Saving and loading a BoltzmannGenerator. The file, little-endian (docs/flow.md):
//     "boltzflow model\n"   16 bytes
//     uint64                format version
//     uint64, uint64        H, N: bytes of the header, number of parameters
//     H bytes               header, JSON: options of the flow, temperature, and the system file's text
//     N float32             parameters in the order of SplineFlow::flat_parameters
//     uint64                FNV-1a checksum of all bytes before
#include <ATen/ATen.h>
#include <fmt/format.h>

#include <bit>
#include <cstring>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "boltzflow/base/atomic_file.hpp"
#include "boltzflow/base/errors.hpp"
#include "boltzflow/flow/boltzmann_generator.hpp"
#include "boltzflow/flow/coupling_plan.hpp"
#include "boltzflow/flow/flow_dimensions.hpp"
#include "boltzflow/molecule/system_file.hpp"

namespace boltzflow {
namespace {

static_assert(std::endian::native == std::endian::little, "the model file is written as it lies in memory");

constexpr std::string_view magic = "boltzflow model\n";
constexpr std::uint64_t format_version = 1;
constexpr std::size_t fixed_size = magic.size() + 3 * sizeof(std::uint64_t);

std::uint64_t checksum(std::string_view bytes) {
  std::uint64_t hash = 0xcbf29ce484222325u;
  for (const char byte : bytes) hash = (hash ^ static_cast<unsigned char>(byte)) * 0x100000001b3u;
  return hash;
}

void append(std::string& file, std::uint64_t number) {
  file.append(reinterpret_cast<const char*>(&number), sizeof number);
}
std::uint64_t number_at(std::string_view file, std::size_t offset) {
  std::uint64_t number;
  std::memcpy(&number, file.data() + offset, sizeof number);
  return number;
}

nlohmann::json to_json(const SplineFlowOptions& options) {
  return {{"n_couplings", options.n_couplings},
          {"n_bins", options.n_bins},
          {"hidden_width", options.hidden_width},
          {"n_hidden_layers", options.n_hidden_layers},
          {"masking", options.masking},
          {"mask_seed", options.mask_seed},
          {"minimum_bin_size", options.minimum_bin_size},
          {"minimum_slope", options.minimum_slope}};
}
SplineFlowOptions options_from_json(const nlohmann::json& json) {
  SplineFlowOptions options;
  json.at("n_couplings").get_to(options.n_couplings);
  json.at("n_bins").get_to(options.n_bins);
  json.at("hidden_width").get_to(options.hidden_width);
  json.at("n_hidden_layers").get_to(options.n_hidden_layers);
  json.at("masking").get_to(options.masking);
  json.at("mask_seed").get_to(options.mask_seed);
  json.at("minimum_bin_size").get_to(options.minimum_bin_size);
  json.at("minimum_slope").get_to(options.minimum_slope);
  return options;
}

/// Checked before anything is allocated by the numbers in the header.
std::uint64_t expected_parameters(const MolecularSystem& system, const SplineFlowOptions& options) {
  std::uint64_t count = 0;
  for (const auto& layer : coupling_plan(flow_dimensions(InternalCoordinates(system)), options)) {
    const auto& output = conditioner_layout(layer.conditioner_shape()).back();
    count += static_cast<std::uint64_t>(output.bias_offset + output.n_outputs);
  }
  return count;
}

}  // namespace

void BoltzmannGenerator::save(const std::filesystem::path& path) const {
  const nlohmann::json header = {
      {"flow", to_json(flow_.options())}, {"temperature", temperature_}, {"system", boltzflow::to_json(system_)}};
  const std::string text = header.dump();
  const at::Tensor parameters = flow_.flat_parameters().contiguous();
  std::string file(magic);
  append(file, format_version);
  append(file, text.size());
  append(file, static_cast<std::uint64_t>(parameters.numel()));
  file += text;
  file.append(reinterpret_cast<const char*>(parameters.const_data_ptr<float>()),
              static_cast<std::size_t>(parameters.numel()) * sizeof(float));
  append(file, checksum(file));
  write_file_atomically(path, file);
}

BoltzmannGenerator BoltzmannGenerator::load(const std::filesystem::path& path) {
  const std::string contents = read_file(path);
  const std::string_view file = contents;
  const auto fail = [&](const std::string& message) { return InputError(path.string(), message); };
  if (!file.starts_with(magic)) {
    throw fail("this is not a boltzflow model file (it does not begin with \"boltzflow model\")");
  }
  if (file.size() < fixed_size) throw fail("the model file is truncated; copy it again or use an earlier checkpoint");
  const std::uint64_t version = number_at(file, magic.size());
  if (version != format_version) {
    throw fail(fmt::format(
        "the model file has format version {}, this boltzflow reads version {}; use the version that wrote it", version,
        format_version));
  }
  const std::uint64_t header_size = number_at(file, magic.size() + 8),
                      n_parameters = number_at(file, magic.size() + 16);
  const std::uint64_t rest = file.size() - fixed_size;
  if (header_size > rest || n_parameters > rest / sizeof(float) ||
      header_size + n_parameters * sizeof(float) + sizeof(std::uint64_t) != rest) {
    throw fail("the model file is truncated or damaged: its size is not the one it states");
  }
  if (checksum(file.substr(0, file.size() - sizeof(std::uint64_t))) !=
      number_at(file, file.size() - sizeof(std::uint64_t))) {
    throw fail("the model file is damaged: its checksum is wrong");
  }
  try {
    const auto header = nlohmann::json::parse(file.substr(fixed_size, header_size));
    const SplineFlowOptions options = options_from_json(header.at("flow"));
    MolecularSystem system = system_from_json(header.at("system").get<std::string>(), path.string());
    if (const auto expected = expected_parameters(system, options); expected != n_parameters) {
      throw fail(fmt::format("the model file holds {} parameters, its flow has {}", n_parameters, expected));
    }
    BoltzmannGenerator generator(std::move(system), header.at("temperature").get<double>(), options, 0);
    at::Tensor parameters = at::empty({static_cast<std::int64_t>(n_parameters)}, at::kFloat);
    std::memcpy(parameters.mutable_data_ptr<float>(), file.data() + fixed_size + header_size,
                n_parameters * sizeof(float));
    generator.flow_.set_flat_parameters(parameters);
    return generator;
  } catch (const nlohmann::json::exception& error) {
    throw fail(fmt::format("the model file's header cannot be read: {}", error.what()));
  }
}

}  // namespace boltzflow
