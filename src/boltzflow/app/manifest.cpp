// SPDX-License-Identifier: MIT
#include "boltzflow/app/manifest.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <ctime>

#include "boltzflow/app/machine.hpp"
#include "boltzflow/app/version.hpp"
#include "boltzflow/base/atomic_file.hpp"
#include "boltzflow/base/errors.hpp"
#include "boltzflow/base/threads.hpp"

namespace boltzflow {
namespace {

std::string now() { return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::time(nullptr))); }

}  // namespace

Manifest::Manifest(std::filesystem::path path, const std::string& system, std::int64_t seed, const std::string& device)
    : path_(std::move(path)) {
  const Machine machine = this_machine();
  document_ = {{"program", "boltzflow"},
               {"version", version()},
               {"git_revision", git_revision()},
               {"system", system},
               {"seed", seed},
               {"threads", thread_count()},
               {"device", device},
               {"hardware",
                {{"cpu", machine.cpu_model},
                 {"instruction_set", machine.instruction_set},
                 {"amx", machine.amx},
                 {"cores", machine.n_cores},
                 {"memory_bytes", machine.memory_bytes}}},
               {"status", "new"},
               {"sessions", nlohmann::ordered_json::array()}};
}

Manifest::Manifest(std::filesystem::path path) : path_(std::move(path)) {
  try {
    document_ = nlohmann::ordered_json::parse(read_file(path_));
    (void)seed(), (void)n_threads(), (void)device(), (void)status();
    if (!document_.at("sessions").is_array()) throw InputError(path_.string(), "\"sessions\" is no array");
  } catch (const nlohmann::json::exception& error) {
    throw InputError(path_.string(), fmt::format("is no manifest of a run ({})", error.what()));
  }
}

void Manifest::begin_session(const std::vector<std::string>& command_line) {
  document_["status"] = "running";
  document_["sessions"].push_back({{"command_line", command_line},
                                   {"version", version()},
                                   {"git_revision", git_revision()},
                                   {"threads", thread_count()},
                                   {"started", now()},
                                   {"ended", nullptr},
                                   {"status", "running"}});
  write();
}

void Manifest::end_session(const std::string& status) {
  document_["status"] = status;
  document_["sessions"].back()["status"] = status;
  document_["sessions"].back()["ended"] = now();
  write();
}

std::int64_t Manifest::seed() const { return document_.at("seed").get<std::int64_t>(); }
int Manifest::n_threads() const { return document_.at("threads").get<int>(); }
std::string Manifest::device() const { return document_.at("device").get<std::string>(); }
std::string Manifest::status() const { return document_.at("status").get<std::string>(); }

void Manifest::write() const {
  write_file_atomically(path_, document_.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n");
}

}  // namespace boltzflow
