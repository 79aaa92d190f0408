// SPDX-License-Identifier: MIT
#include "boltzflow/app/simulation_settings.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "boltzflow/base/atomic_file.hpp"
#include "boltzflow/base/errors.hpp"

namespace boltzflow {
namespace {

/// Calls visit(key, field) for everything that is in the file.
template <class Settings, class Visit>
void for_fields(Settings& s, Visit&& visit) {
  visit("system", s.system);
  visit("n_ladders", s.options.n_ladders);
  visit("n_temperatures", s.options.n_temperatures);
  visit("lowest_temperature", s.options.lowest_temperature);
  visit("highest_temperature", s.options.highest_temperature);
  visit("time_step", s.options.time_step);
  visit("friction", s.options.friction);
  visit("equilibration_steps", s.options.equilibration_steps);
  visit("steps", s.options.steps);
  visit("exchange_interval", s.options.exchange_interval);
  visit("frame_interval", s.options.frame_interval);
  visit("seed", s.options.seed);
  visit("outputs", s.outputs);
  visit("topology", s.topology);
  visit("energy_library", s.energy_library);
  visit("checkpoint_minutes", s.checkpoint_minutes);
}

}  // namespace

void write_simulation_settings(const std::filesystem::path& path, const SimulationSettings& settings) {
  nlohmann::ordered_json document;
  for_fields(settings, [&](const char* key, const auto& field) { document[key] = field; });
  write_file_atomically(path, document.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n");
}

SimulationSettings read_simulation_settings(const std::filesystem::path& path) {
  SimulationSettings settings;
  try {
    const auto document = nlohmann::json::parse(read_file(path));
    for_fields(settings, [&](const char* key, auto& field) { document.at(key).get_to(field); });
  } catch (const nlohmann::json::exception& error) {
    throw InputError(path.string(), fmt::format("does not hold the settings of a simulation ({})", error.what()));
  }
  return settings;
}

}  // namespace boltzflow
