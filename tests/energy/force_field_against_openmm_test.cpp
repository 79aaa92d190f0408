// SPDX-License-Identifier: MIT
// Our energies and forces against OpenMM 8.6's Reference platform, computed here and now from the same System XML.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include "boltzflow/base/instruction_set.hpp"
#include "boltzflow/base/random.hpp"
#include "boltzflow/base/units.hpp"
#include "boltzflow/energy/potential.hpp"
#include "boltzflow/molecule/openmm_system.hpp"
#include "boltzflow/sampling/minimize_energy.hpp"
#include "boltzflow/sampling/replica_exchange.hpp"
#include "energy/openmm_oracle.hpp"

namespace boltzflow {
namespace {

std::vector<InstructionSet> instruction_sets() {
  std::vector<InstructionSet> sets{InstructionSet::baseline};
  for (const auto set : {InstructionSet::avx2, InstructionSet::avx512})
    if (set <= best_instruction_set()) sets.push_back(set);
  return sets;
}

/// Conformations and what OpenMM says about them.
struct Sample {
  std::vector<double> positions, energy, forces;  ///< positions are exact in float32
};
struct Comparison {
  MolecularSystem system;
  Sample thermal, distorted;
};

/// Langevin dynamics at 300, 450 and 600 K, n_frames 0.3 ps apart of 12 walkers each: 36 n_frames conformations.
std::vector<double> thermal_conformations(const MolecularSystem& system, int n_frames) {
  const auto potential = make_force_field(system);
  const auto start = minimize_energy(*potential, system.positions);
  std::vector<double> masses, positions;
  for (const Atom& atom : system.atoms) masses.push_back(atom.mass);
  for (const double temperature : {300.0, 450.0, 600.0}) {
    const ReplicaExchangeOptions options{.n_ladders = 12,
                                         .n_temperatures = 1,
                                         .lowest_temperature = temperature,
                                         .equilibration_steps = 5100,
                                         .steps = n_frames * 300,
                                         .exchange_interval = 300,
                                         .frame_interval = 300,
                                         .seed = 5};
    ReplicaExchangeObserver observer;
    observer.frame = [&](const ReplicaExchangeFrame& f) {
      positions.insert(positions.end(), f.positions.begin(), f.positions.end());
    };
    sample_by_replica_exchange(*potential, masses, start.positions, options, observer);
  }
  return positions;
}

/// Gaussian noise of 0.02 to 0.1 nm on every coordinate: stretched, bent, overlapping, energies up to 1e12 kJ/mol.
std::vector<double> distorted(std::vector<double> positions, std::size_t n_samples) {
  RandomStream random(11);
  const std::size_t n_coordinates = positions.size() / n_samples;
  for (std::size_t c = 0; c < positions.size(); ++c) {
    const double width = 0.02 + 0.08 * static_cast<double>(c / n_coordinates) / static_cast<double>(n_samples);
    positions[c] = static_cast<float>(positions[c] + width * random.normal());
  }
  return positions;
}

Comparison comparison(const std::string& name, int n_frames) {
  const std::string path = std::string(OPENMM_SYSTEMS) + "/" + name;
  Comparison c{read_openmm_system(path + ".xml", path + ".pdb"), {}, {}};
  testing::OpenMMOracle oracle(path + ".xml", "Reference");
  c.thermal.positions = thermal_conformations(c.system, n_frames);
  const std::size_t n_samples = c.thermal.positions.size() / (3 * c.system.atoms.size());
  c.distorted.positions = distorted(c.thermal.positions, n_samples);
  for (Sample* sample : {&c.thermal, &c.distorted}) {
    sample->energy.resize(n_samples);
    sample->forces.resize(sample->positions.size());
    oracle.evaluate(sample->positions, sample->energy, sample->forces);
  }
  return c;
}

struct Errors {
  double relative_energy = 0, absolute_energy = 0, relative_force = 0;  ///< largest; force: |dF|/|F| of a conformation
};

template <class Scalar>
Errors errors_of(const Potential& potential, const Sample& sample) {
  const std::size_t n_samples = sample.energy.size(), n_coordinates = sample.positions.size() / n_samples;
  const std::vector<Scalar> positions(sample.positions.begin(), sample.positions.end());
  std::vector<double> energy(n_samples);
  std::vector<Scalar> gradient(positions.size());
  potential.energy_and_gradient(std::span<const Scalar>(positions), energy, std::span<Scalar>(gradient));
  Errors worst;
  for (std::size_t s = 0; s < n_samples; ++s) {
    double difference = 0, norm = 0;
    for (std::size_t c = s * n_coordinates; c < (s + 1) * n_coordinates; ++c) {
      difference += std::pow(gradient[c] + sample.forces[c], 2);
      norm += std::pow(sample.forces[c], 2);
    }
    const double energy_error = std::abs(energy[s] - sample.energy[s]);
    // std::max would drop a NaN
    const auto keep = [](double& largest, double value) {
      if (!(value <= largest)) largest = value;
    };
    keep(worst.absolute_energy, energy_error);
    // Thermal energies pass through zero, where only the sum of the terms has a size.
    keep(worst.relative_energy, energy_error / std::max(0.1, std::abs(sample.energy[s])));
    keep(worst.relative_force, std::sqrt(difference / norm));
  }
  return worst;
}

struct System {
  const char* name;
  int n_frames;
};
void PrintTo(const System& system, std::ostream* out) { *out << system.name; }

class AgainstOpenMM : public ::testing::TestWithParam<System> {
 protected:
  void TearDown() override { force_instruction_set(best_instruction_set()); }
};

void expect_float64(const Potential& potential, const Comparison& c, const char* what) {
  for (const Sample* sample : {&c.thermal, &c.distorted}) {
    const Errors errors = errors_of<double>(potential, *sample);
    const std::string kind = std::string(what) + (sample == &c.thermal ? "_thermal" : "_distorted");
    EXPECT_LE(errors.relative_energy, 1e-10) << kind;
    EXPECT_LE(errors.relative_force, 1e-9) << kind;
    ::testing::Test::RecordProperty("relative_energy_error_" + kind, fmt::format("{:.1e}", errors.relative_energy));
    ::testing::Test::RecordProperty("relative_force_error_" + kind, fmt::format("{:.1e}", errors.relative_force));
  }
}

void expect_float32(const Potential& potential, const Comparison& c, const char* what) {
  const Errors thermal = errors_of<float>(potential, c.thermal);
  // Measured 2e-4 to 5e-4 for 22 to 32 atoms; the rounding of the pairs grows with their number, 1e-3 for 62 atoms.
  EXPECT_LE(thermal.absolute_energy, c.system.n_atoms() <= 32 ? 1e-3 : 2e-3) << what;
  EXPECT_LE(thermal.relative_force, 1e-4) << what;
  ::testing::Test::RecordProperty(std::string("absolute_energy_error_float32_") + what,
                                  fmt::format("{:.1e}", thermal.absolute_energy));
  const Errors clashes = errors_of<float>(potential, c.distorted);  // NaN and infinity fail these
  EXPECT_LE(clashes.relative_energy, 1e-3) << what;
  EXPECT_LE(clashes.relative_force, 1e-2) << what;
}

// The bounds are the project's promise: 1e-10 and 1e-9 in float64, 1e-3 kJ/mol in float32. One test a system, for
// OpenMM needs seconds for its OBC1.
TEST_P(AgainstOpenMM, OnThermalAndDistortedConformations) {
  const Comparison c = comparison(GetParam().name, GetParam().n_frames);
  // Thermal means less than 3N/2 RT above the minimum on average at 600 K; at most twice that. Distorted means clashes.
  const double minimum = minimize_energy(*make_force_field(c.system), c.system.positions).energy;
  EXPECT_LT(*std::ranges::max_element(c.thermal.energy), minimum + 3 * thermal_energy(600) * c.system.n_atoms());
  EXPECT_GT(*std::ranges::max_element(c.distorted.energy), 1e5);

  expect_float64(*make_reference_force_field(c.system), c, "reference");
  for (const InstructionSet set : instruction_sets()) {
    force_instruction_set(set);
    const auto potential = make_force_field(c.system);
    expect_float64(*potential, c, name_of(set));
    expect_float32(*potential, c, name_of(set));
  }
}

// Fewer conformations of the variants, for OpenMM takes 1 to 2 ms for each.
INSTANTIATE_TEST_SUITE_P(Systems, AgainstOpenMM,
                         ::testing::Values(System{"ala_obc1", 32}, System{"ala_vacuum", 32}, System{"ala2_obc2", 32},
                                           System{"ala5_obc2", 4}, System{"ala_hct", 8}, System{"ala_gbn", 8},
                                           System{"cys_gbn2", 8}, System{"ala2_vacuum_cutoff", 16},
                                           System{"ala2_obc2_cutoff", 16}, System{"ala_gbn2_cutoff", 8}),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace boltzflow
