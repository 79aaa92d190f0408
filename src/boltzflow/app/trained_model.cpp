// SPDX-License-Identifier: MIT
#include "boltzflow/app/trained_model.hpp"

#include "boltzflow/app/run_folder.hpp"
#include "boltzflow/base/errors.hpp"
#include "boltzflow/base/instruction_set.hpp"
#include "boltzflow/energy/make_potential.hpp"

namespace boltzflow {

TrainedModel load_trained_model(const std::filesystem::path& run, const std::string& device) {
  std::filesystem::path model = run;
  if (std::filesystem::is_directory(run)) {
    model = run / "model.boltzflow";
    if (!is_run_folder(run) && !std::filesystem::exists(model))
      throw MissingInputError(run.string() +
                              ": is no run folder; name one that `boltzflow train` made, or a model file");
    if (!std::filesystem::exists(model)) {
      throw MissingInputError(run.string() +
                              ": this run has no model.boltzflow yet; finish it with `boltzflow train --resume " +
                              run.string() + "`");
    }
  } else if (!std::filesystem::exists(run)) {
    throw MissingInputError(run.string() + ": there is no such run folder or model file");
  }
  TrainedModel trained{BoltzmannGenerator::load(model), nullptr};
  trained.potential = make_potential(trained.generator.system(), trained.generator.temperature());
  if (device != "cpu") trained.generator.flow().to_device(device);
  return trained;
}

ConditionerPrecision sampling_precision() {
  return has_amx_bf16() ? ConditionerPrecision::split_bfloat16 : ConditionerPrecision::float32;
}

}  // namespace boltzflow
