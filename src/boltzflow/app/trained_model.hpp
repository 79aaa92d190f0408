// SPDX-License-Identifier: MIT
#pragma once
#include <filesystem>
#include <memory>
#include <string>

#include "boltzflow/energy/potential.hpp"
#include "boltzflow/flow/boltzmann_generator.hpp"

namespace boltzflow {

/// A model file with the potential that weights its samples.
struct TrainedModel {
  BoltzmannGenerator generator;
  std::unique_ptr<Potential> potential;
};

/// Loads RUN, a run folder with a model.boltzflow in it or a model file itself, and puts the flow on `device`.
/// @throws MissingInputError saying what a run folder without a model needs, InputError if the file is damaged.
TrainedModel load_trained_model(const std::filesystem::path& run, const std::string& device);

/// Near float32 accuracy on AMX tiles where the CPU has them, else float32: for passes whose log q is kept.
ConditionerPrecision sampling_precision();

}  // namespace boltzflow
