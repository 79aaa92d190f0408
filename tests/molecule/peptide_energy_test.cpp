// SPDX-License-Identifier: MIT
// Energies and forces of built peptides against OpenMM's, term by term, for the Systems that OpenMM's Python layer made
// from the same force fields.
#include <OpenMM.h>
#include <gtest/gtest.h>
#include <openmm/serialization/XmlSerializer.h>

#include <cmath>
#include <fstream>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "boltzflow/base/random.hpp"
#include "boltzflow/energy/potential.hpp"
#include "molecule/peptides.hpp"

namespace boltzflow {
namespace {

/// OpenMM's Reference platform, the forces of one kind apart from the others.
class TermOracle {
 public:
  explicit TermOracle(const std::string& xml) {
    std::ifstream file(xml);
    system_.reset(OpenMM::XmlSerializer::deserialize<OpenMM::System>(file));
    for (int n = 0; n < system_->getNumForces(); ++n) {
      OpenMM::Force& force = system_->getForce(n);
      force.setForceGroup(dynamic_cast<OpenMM::HarmonicBondForce*>(&force)      ? 0
                          : dynamic_cast<OpenMM::HarmonicAngleForce*>(&force)   ? 1
                          : dynamic_cast<OpenMM::PeriodicTorsionForce*>(&force) ? 2
                          : dynamic_cast<OpenMM::NonbondedForce*>(&force)       ? 3
                                                                                : 4);
    }
    context_ =
        std::make_unique<OpenMM::Context>(*system_, integrator_, OpenMM::Platform::getPlatformByName("Reference"));
  }

  void set_positions(const std::vector<double>& x) {
    std::vector<OpenMM::Vec3> positions;
    for (std::size_t i = 0; i < x.size(); i += 3) positions.emplace_back(x[i], x[i + 1], x[i + 2]);
    context_->setPositions(positions);
  }
  double energy(int group) { return context_->getState(OpenMM::State::Energy, false, 1 << group).getPotentialEnergy(); }
  std::vector<double> forces() {
    const OpenMM::State state = context_->getState(OpenMM::State::Forces);
    std::vector<double> out;
    for (const auto& f : state.getForces()) out.insert(out.end(), {f[0], f[1], f[2]});
    return out;
  }

 private:
  std::unique_ptr<OpenMM::System> system_;
  OpenMM::VerletIntegrator integrator_{0.001};
  std::unique_ptr<OpenMM::Context> context_;
};

class PeptideEnergies : public testing::TestWithParam<std::string> {};

TEST_P(PeptideEnergies, AgreeWithOpenMMTermByTerm) {
  RandomStream random(3);
  int n_compared = 0;
  for (const Peptide& peptide : peptides()) {
    if (peptide.force_field != GetParam()) continue;
    SCOPED_TRACE(peptide.sequence + " " + peptide.force_field + " " + peptide.solvent);
    const MolecularSystem system = build_system_from_sequence(peptide.sequence, peptide.options());
    std::vector<double> x = system.positions;
    for (double& coordinate : x) coordinate += 0.01 * random.normal();  // away from equilibrium bonds and symmetry

    const auto potential = make_force_field(system);
    const std::vector<std::string> names = potential->term_names();
    std::vector<double> terms(names.size()), total(1), gradient(x.size());
    potential->energy_terms(x, terms);
    potential->energy_and_gradient(std::span<const double>(x), total, std::span<double>(gradient));
    std::map<std::string, double> term;
    for (std::size_t n = 0; n < names.size(); ++n) term[names[n]] = terms[n];

    TermOracle oracle(peptide.xml);
    oracle.set_positions(x);
    const double ours[] = {term["bonds"], term["angles"], term["torsions"], term["lennard-jones"] + term["coulomb"],
                           term["born"] + term["surface"]};
    for (int group = 0; group < 5; ++group) {
      const double theirs = oracle.energy(group);
      EXPECT_NEAR(ours[group], theirs, 1e-8 * std::max(1.0, std::abs(theirs))) << "group " << group;
    }
    const std::vector<double> forces = oracle.forces();
    double difference = 0, norm = 0;
    for (std::size_t c = 0; c < x.size(); ++c) {
      difference += std::pow(gradient[c] + forces[c], 2);
      norm += std::pow(forces[c], 2);
    }
    // Measured below 3e-12 for energies and 1e-13 for forces.
    EXPECT_LE(std::sqrt(difference / norm), 1e-7);
    ++n_compared;
  }
  EXPECT_GE(n_compared, 42);
}
INSTANTIATE_TEST_SUITE_P(ForceFields, PeptideEnergies,
                         testing::Values("amber96", "amber99sbildn", "amber14/protein.ff14SB"),
                         [](const auto& info) { return info.param.substr(0, info.param.find('/')); });

}  // namespace
}  // namespace boltzflow
