// SPDX-License-Identifier: MIT
#include "boltzflow/app/machine.hpp"

#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>

#include <fstream>

#include "boltzflow/base/instruction_set.hpp"
#include "boltzflow/base/threads.hpp"

namespace boltzflow {

Machine this_machine() {
  Machine machine{"unknown", name_of(instruction_set()), has_amx_bf16(), 1, thread_count(), 0};
  std::ifstream cpuinfo("/proc/cpuinfo");
  for (std::string line; std::getline(cpuinfo, line);) {
    if (!line.starts_with("model name")) continue;
    if (const std::size_t colon = line.find(": "); colon != std::string::npos)
      machine.cpu_model = line.substr(colon + 2);
    break;
  }
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) == 0) machine.n_cores = CPU_COUNT(&set);
  machine.memory_bytes = static_cast<std::int64_t>(sysconf(_SC_PHYS_PAGES)) * sysconf(_SC_PAGE_SIZE);
  return machine;
}

std::int64_t peak_memory_bytes() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<std::int64_t>(usage.ru_maxrss) * 1024;
}

}  // namespace boltzflow
