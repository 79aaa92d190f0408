// SPDX-License-Identifier: MIT
#include <string>
#include <vector>

#include "boltzflow/app/program.hpp"
#include "boltzflow/app/signals.hpp"

int main(int argc, char** argv) {
  boltzflow::install_signal_handlers();
  return static_cast<int>(boltzflow::run_program(std::vector<std::string>(argv + (argc > 0 ? 1 : 0), argv + argc)));
}
