// SPDX-License-Identifier: MIT
#include "boltzflow/app/invocation.hpp"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <nlohmann/json.hpp>

#include "boltzflow/app/device.hpp"
#include "boltzflow/base/errors.hpp"

namespace boltzflow {

void write_output(const std::string& text) {
  if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size() || std::fflush(stdout) != 0)
    throw IoError(std::string("standard output: cannot write: ") + std::strerror(errno));
}

void Invocation::print(const std::string& text, const nlohmann::ordered_json& document) const {
  write_output(json ? document.dump(2) + "\n" : text);
}

void Invocation::prepare(int default_threads, const std::string& default_device) const {
  prepare_threads(threads.value_or(default_threads));
  check_device(device.value_or(default_device));
}

}  // namespace boltzflow
