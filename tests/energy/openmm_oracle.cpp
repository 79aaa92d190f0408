// SPDX-License-Identifier: MIT
#include "energy/openmm_oracle.hpp"

#include <OpenMM.h>
#include <openmm/serialization/XmlSerializer.h>

#include <fstream>
#include <map>
#include <stdexcept>

namespace boltzflow::testing {

struct OpenMMOracle::Implementation {
  std::unique_ptr<OpenMM::System> system;
  OpenMM::VerletIntegrator integrator{0.001};
  std::unique_ptr<OpenMM::Context> context;
  std::vector<OpenMM::Vec3> positions;
};

OpenMMOracle::OpenMMOracle(const std::string& xml_path, const std::string& platform, int n_threads)
    : implementation_(std::make_unique<Implementation>()) {
  static const std::vector<std::string> plugins = OpenMM::Platform::loadPluginsFromDirectory(OPENMM_PLUGIN_DIRECTORY);
  std::ifstream file(xml_path);
  if (!file) throw std::runtime_error("cannot open " + xml_path);
  implementation_->system.reset(OpenMM::XmlSerializer::deserialize<OpenMM::System>(file));
  std::map<std::string, std::string> properties;
  if (platform == "CPU") properties["Threads"] = std::to_string(n_threads);
  implementation_->context = std::make_unique<OpenMM::Context>(
      *implementation_->system, implementation_->integrator, OpenMM::Platform::getPlatformByName(platform), properties);
  implementation_->positions.resize(static_cast<std::size_t>(implementation_->system->getNumParticles()));
}

OpenMMOracle::~OpenMMOracle() = default;

int OpenMMOracle::n_atoms() const { return implementation_->system->getNumParticles(); }

void OpenMMOracle::evaluate(std::span<const double> positions, std::span<double> energy, std::span<double> forces) {
  const auto n = implementation_->positions.size();
  const int types = forces.empty() ? OpenMM::State::Energy : OpenMM::State::Energy | OpenMM::State::Forces;
  for (std::size_t s = 0; s < energy.size(); ++s) {
    const double* const x = positions.data() + 3 * n * s;
    for (std::size_t i = 0; i < n; ++i)
      implementation_->positions[i] = OpenMM::Vec3(x[3 * i], x[3 * i + 1], x[3 * i + 2]);
    implementation_->context->setPositions(implementation_->positions);
    const OpenMM::State state = implementation_->context->getState(types);
    energy[s] = state.getPotentialEnergy();
    if (forces.empty()) continue;
    const auto& f = state.getForces();
    for (std::size_t i = 0; i < n; ++i)
      for (int d = 0; d < 3; ++d) forces[3 * (n * s + i) + static_cast<std::size_t>(d)] = f[i][d];
  }
}

}  // namespace boltzflow::testing
