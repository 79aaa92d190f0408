// SPDX-License-Identifier: MIT
// Saving and loading a BoltzmannGenerator. The file, little-endian (docs/flow.md):
//     "boltzflow model\n"   16 bytes
//     uint64                format version
//     uint64, uint64        H, N: bytes of the header, number of parameters
//     H bytes               header, JSON: options of flow and coordinates, temperature, and the system file's text
//     N float32             parameters in the order of Density::flat_parameters
//     uint64                FNV-1a checksum of all bytes before
#include <ATen/ATen.h>
#include <fmt/format.h>

#include <bit>
#include <cstring>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <variant>

#include "boltzflow/base/atomic_file.hpp"
#include "boltzflow/base/checksum.hpp"
#include "boltzflow/base/errors.hpp"
#include "boltzflow/flow/boltzmann_generator.hpp"
#include "boltzflow/molecule/system_file.hpp"

namespace boltzflow {
namespace {

static_assert(std::endian::native == std::endian::little, "the model file is written as it lies in memory");

constexpr std::string_view magic = "boltzflow model\n";
constexpr std::uint64_t format_version = 2;
constexpr std::size_t fixed_size = magic.size() + 3 * sizeof(std::uint64_t);

void append(std::string& file, std::uint64_t number) {
  file.append(reinterpret_cast<const char*>(&number), sizeof number);
}
std::uint64_t number_at(std::string_view file, std::size_t offset) {
  std::uint64_t number;
  std::memcpy(&number, file.data() + offset, sizeof number);
  return number;
}

/// The settings of a flow under their keys.
nlohmann::json to_json(FlowOptions options) {
  OptionTable table;
  options.describe(table);
  nlohmann::json json = nlohmann::json::object();
  for (const Option& option : table.options())
    std::visit([&](const auto* field) { json[option.key] = *field; }, option.value);
  return json;
}
FlowOptions flow_options_from_json(const nlohmann::json& json) {
  FlowOptions options;
  OptionTable table;
  options.describe(table);
  for (const Option& option : table.options())
    std::visit([&](auto* field) { json.at(option.key).get_to(*field); }, option.value);
  return options;
}

nlohmann::json to_json(const CoordinateOptions& options) {
  nlohmann::json json = {{"kind", options.kind},   {"scale", options.scale}, {"centre_of_mass", options.centre_of_mass},
                         {"lower", options.lower}, {"upper", options.upper}, {"dimension", options.dimension}};
  if (options.kind == "aligned") json["reference"] = options.reference, json["columns"] = options.columns;
  return json;
}
CoordinateOptions coordinate_options_from_json(const nlohmann::json& json) {
  CoordinateOptions options;
  json.at("kind").get_to(options.kind);
  json.at("scale").get_to(options.scale);
  json.at("centre_of_mass").get_to(options.centre_of_mass);
  json.at("lower").get_to(options.lower);
  json.at("upper").get_to(options.upper);
  json.at("dimension").get_to(options.dimension);
  if (options.kind == "aligned") {
    json.at("reference").get_to(options.reference);
    json.at("columns").get_to(options.columns);
  }
  return options;
}

}  // namespace

void BoltzmannGenerator::save(const std::filesystem::path& path) const {
  const nlohmann::json header = {{"flow", to_json(flow_options_)},
                                 {"coordinates", to_json(coordinate_options_)},
                                 {"temperature", temperature_},
                                 {"system", boltzflow::to_json(system_)}};
  const std::string text = header.dump();
  const at::Tensor parameters = flow_->flat_parameters().contiguous();
  std::string file(magic);
  append(file, format_version);
  append(file, text.size());
  append(file, static_cast<std::uint64_t>(parameters.numel()));
  file += text;
  file.append(reinterpret_cast<const char*>(parameters.const_data_ptr<float>()),
              static_cast<std::size_t>(parameters.numel()) * sizeof(float));
  append(file, checksum_of_bytes(file.data(), file.size()));
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
  if (checksum_of_bytes(file.data(), file.size() - sizeof(std::uint64_t)) !=
      number_at(file, file.size() - sizeof(std::uint64_t))) {
    throw fail("the model file is damaged: its checksum is wrong");
  }
  try {
    const auto header = nlohmann::json::parse(file.substr(fixed_size, header_size));
    BoltzmannGenerator generator(
        system_from_json(header.at("system").get<std::string>(), path.string()), header.at("temperature").get<double>(),
        coordinate_options_from_json(header.at("coordinates")), flow_options_from_json(header.at("flow")), 0);
    if (const auto expected = generator.flow().n_parameters(); static_cast<std::uint64_t>(expected) != n_parameters)
      throw fail(fmt::format("the model file holds {} parameters, its flow has {}", n_parameters, expected));
    at::Tensor parameters = at::empty({static_cast<std::int64_t>(n_parameters)}, at::kFloat);
    std::memcpy(parameters.mutable_data_ptr<float>(), file.data() + fixed_size + header_size,
                n_parameters * sizeof(float));
    generator.flow_->set_flat_parameters(parameters);
    return generator;
  } catch (const nlohmann::json::exception& error) {
    throw fail(fmt::format("the model file's header cannot be read: {}", error.what()));
  }
}

}  // namespace boltzflow
