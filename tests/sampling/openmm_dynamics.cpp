// SPDX-License-Identifier: MIT
#include "sampling/openmm_dynamics.hpp"

#include <OpenMM.h>
#include <openmm/serialization/XmlSerializer.h>

#include <fstream>
#include <stdexcept>

namespace boltzflow::testing {

struct OpenMMDynamics::Implementation {
  std::unique_ptr<OpenMM::System> system;
  std::unique_ptr<OpenMM::LangevinMiddleIntegrator> integrator;
  std::unique_ptr<OpenMM::Context> context;
  double temperature;
};

OpenMMDynamics::OpenMMDynamics(const std::string& xml_path, const OpenMMDynamicsOptions& options)
    : implementation_(std::make_unique<Implementation>()) {
  static const std::vector<std::string> plugins = OpenMM::Platform::loadPluginsFromDirectory(OPENMM_PLUGIN_DIRECTORY);
  std::ifstream file(xml_path);
  if (!file) throw std::runtime_error("cannot open " + xml_path);
  Implementation& me = *implementation_;
  me.system.reset(OpenMM::XmlSerializer::deserialize<OpenMM::System>(file));
  for (int f = me.system->getNumForces() - 1; f >= 0; --f)
    if (dynamic_cast<OpenMM::CMMotionRemover*>(&me.system->getForce(f)) != nullptr) me.system->removeForce(f);
  for (const DistanceConstraint& c : options.constraints) me.system->addConstraint(c.i, c.j, c.distance);
  me.temperature = options.temperature;
  me.integrator =
      std::make_unique<OpenMM::LangevinMiddleIntegrator>(options.temperature, options.friction, options.time_step);
  me.integrator->setRandomNumberSeed(options.seed);
  me.context = std::make_unique<OpenMM::Context>(*me.system, *me.integrator, OpenMM::Platform::getPlatformByName("CPU"),
                                                 std::map<std::string, std::string>{{"Threads", "1"}});
}

OpenMMDynamics::~OpenMMDynamics() = default;

void OpenMMDynamics::start(std::span<const double> positions, int seed) {
  std::vector<OpenMM::Vec3> x;
  for (std::size_t i = 0; i < positions.size(); i += 3)
    x.emplace_back(positions[i], positions[i + 1], positions[i + 2]);
  implementation_->context->setPositions(x);
  implementation_->context->applyConstraints(1e-8);
  implementation_->context->setVelocitiesToTemperature(implementation_->temperature, seed);
}

void OpenMMDynamics::run(int n_steps) { implementation_->integrator->step(n_steps); }

std::vector<double> OpenMMDynamics::positions() const {
  std::vector<double> out;
  for (const OpenMM::Vec3& x : implementation_->context->getState(OpenMM::State::Positions).getPositions())
    out.insert(out.end(), {x[0], x[1], x[2]});
  return out;
}

double OpenMMDynamics::energy() const {
  return implementation_->context->getState(OpenMM::State::Energy).getPotentialEnergy();
}

}  // namespace boltzflow::testing
