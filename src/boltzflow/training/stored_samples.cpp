// SPDX-License-Identifier: MIT
#include "boltzflow/training/stored_samples.hpp"

#include <ATen/ops/empty.h>
#include <fmt/format.h>

namespace boltzflow {

void save_samples(CheckpointWriter& checkpoint, const std::string& name, const SampleBuffer& samples) {
  checkpoint.values[name] = {{"dimension", samples.dimension}, {"n_drawn", samples.n_drawn}};
  checkpoint.add(name + ".z", samples.z);
  checkpoint.add(name + ".log_prob", samples.log_prob);
  checkpoint.add(name + ".log_det", samples.log_det);
  checkpoint.add(name + ".reduced_energy", samples.reduced_energy);
  checkpoint.add(name + ".basins", samples.basins);
  checkpoint.add(name + ".score", samples.score);
}

SampleBuffer load_samples(const CheckpointReader& checkpoint, const std::string& name) {
  SampleBuffer samples;
  const auto values = checkpoint.value<nlohmann::json>(name);
  samples.dimension = values.value("dimension", 0);
  samples.n_drawn = values.value("n_drawn", std::int64_t{0});
  samples.z = checkpoint.array<float>(name + ".z");
  samples.log_prob = checkpoint.array<double>(name + ".log_prob");
  samples.log_det = checkpoint.array<double>(name + ".log_det");
  samples.reduced_energy = checkpoint.array<double>(name + ".reduced_energy");
  samples.basins = checkpoint.array<std::uint32_t>(name + ".basins");
  samples.score = checkpoint.array<float>(name + ".score");
  const std::size_t n = samples.log_prob.size();
  if (samples.log_det.size() != n || samples.reduced_energy.size() != n || samples.basins.size() != n ||
      samples.z.size() != n * static_cast<std::size_t>(samples.dimension) ||
      (!samples.score.empty() && samples.score.size() != samples.z.size()))
    checkpoint.fail("the arrays of " + name + " do not fit together");
  return samples;
}

void save_mixture(CheckpointWriter& checkpoint, const std::string& name, const BufferMixture& mixture) {
  nlohmann::json components = nlohmann::json::array();
  for (std::size_t k = 0; k < mixture.components().size(); ++k) {
    const BufferMixture::Component& component = mixture.components()[k];
    components.push_back({{"number", component.number}, {"permanent", component.permanent}});
    const std::string prefix = fmt::format("{}.{}", name, k);
    save_samples(checkpoint, prefix, component.samples);
    checkpoint.add(prefix + ".parameters", component.parameters);
    for (std::size_t j = 0; j < component.log_prob.size(); ++j)
      checkpoint.add(fmt::format("{}.log_prob_of.{}", prefix, j), component.log_prob[j]);
  }
  checkpoint.values[name] = {{"n_added", mixture.n_added()}, {"components", components}};
}

void load_mixture(const CheckpointReader& checkpoint, const std::string& name, BufferMixture& mixture) {
  const auto values = checkpoint.value<nlohmann::json>(name);
  mixture.components_for_restore().clear();
  mixture.restore_count(values.at("n_added").get<std::int64_t>());
  const nlohmann::json& components = values.at("components");
  for (std::size_t k = 0; k < components.size(); ++k) {
    const std::string prefix = fmt::format("{}.{}", name, k);
    BufferMixture::Component component;
    component.number = components[k].at("number").get<std::int64_t>();
    component.permanent = components[k].at("permanent").get<bool>();
    component.samples = load_samples(checkpoint, prefix);
    const auto n_parameters = static_cast<std::int64_t>(checkpoint.array<float>(prefix + ".parameters").size());
    component.parameters = at::empty({n_parameters}, at::kFloat);
    checkpoint.copy_into(prefix + ".parameters", component.parameters);
    for (std::size_t j = 0; j < components.size(); ++j) {
      component.log_prob.push_back(checkpoint.array<double>(fmt::format("{}.log_prob_of.{}", prefix, j)));
      if (static_cast<std::int64_t>(component.log_prob.back().size()) != component.samples.size())
        checkpoint.fail("the arrays of " + prefix + " do not fit together");
    }
    mixture.components_for_restore().push_back(std::move(component));
  }
}

}  // namespace boltzflow
