// SPDX-License-Identifier: MIT
#pragma once
#include "boltzflow/app/verb.hpp"

/// What each file of this folder adds to the table in verbs.cpp.
namespace boltzflow {

Verb::Action define_train(CLI::App& options);
Verb::Action define_sample(CLI::App& options);
Verb::Action define_evaluate(CLI::App& options);
Verb::Action define_compare(CLI::App& options);
Verb::Action define_free_energy(CLI::App& options);
Verb::Action define_report(CLI::App& options);
Verb::Action define_simulate(CLI::App& options);
Verb::Action define_system_build(CLI::App& options);
Verb::Action define_system_show(CLI::App& options);
Verb::Action define_system_check(CLI::App& options);
Verb::Action define_system_energy(CLI::App& options);
Verb::Action define_benchmark(CLI::App& options);
Verb::Action define_help(CLI::App& options);
Verb::Action define_version(CLI::App& options);

}  // namespace boltzflow
