// SPDX-License-Identifier: MIT
#include "boltzflow/molecule/molecular_system.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "boltzflow/base/errors.hpp"
#include "boltzflow/molecule/load_system.hpp"

namespace boltzflow {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

constexpr double nan = std::numeric_limits<double>::quiet_NaN();
constexpr double infinity = std::numeric_limits<double>::infinity();

struct Fault {
  const char* description;
  void (*apply)(MolecularSystem&);
  const char* message;
};
void PrintTo(const Fault& item, std::ostream* out) { *out << item.description; }

class InvalidSystem : public testing::TestWithParam<Fault> {};

TEST_P(InvalidSystem, IsRejectedWithItsReason) {
  MolecularSystem system = load_system("alanine-dipeptide");
  ASSERT_NO_THROW(validate(system, "here"));
  GetParam().apply(system);
  EXPECT_THAT([&] { validate(system, "here"); },
              ThrowsMessage<InputError>(AllOf(HasSubstr("here: "), HasSubstr(GetParam().message))));
}

INSTANTIATE_TEST_SUITE_P(
    MolecularSystem, InvalidSystem,
    testing::Values(
        Fault{"empty", [](MolecularSystem& s) { s = {}; }, "no atoms"},
        Fault{"mass_zero", [](MolecularSystem& s) { s.atoms[4].mass = 0; }, "mass of atom 4 is 0"},
        Fault{"mass_nan", [](MolecularSystem& s) { s.atoms[4].mass = nan; }, "mass of atom 4 is nan"},
        Fault{"temperature", [](MolecularSystem& s) { s.temperature = -1; }, "temperature is -1"},
        Fault{"bond_length", [](MolecularSystem& s) { s.harmonic_bonds[2].length = nan; }, "length of harmonic bond 2"},
        Fault{"bond_negative", [](MolecularSystem& s) { s.harmonic_bonds[2].force_constant = -1; },
              "force constant of"},
        Fault{"bond_index", [](MolecularSystem& s) { s.harmonic_bonds[2].i = 22; }, "names atom 22"},
        Fault{"angle_index", [](MolecularSystem& s) { s.harmonic_angles[2].k = -1; }, "harmonic angle 2 names atom -1"},
        Fault{"angle_large", [](MolecularSystem& s) { s.harmonic_angles[2].angle = 4; }, "angle of harmonic angle 2"},
        Fault{"angle_twice", [](MolecularSystem& s) { s.harmonic_angles[2].k = s.harmonic_angles[2].i; }, "twice"},
        Fault{"periodicity", [](MolecularSystem& s) { s.periodic_torsions[1].periodicity = 0; }, "periodicity of"},
        Fault{"phase", [](MolecularSystem& s) { s.periodic_torsions[1].phase = infinity; },
              "phase of torsion 1 is inf"},
        Fault{"charge", [](MolecularSystem& s) { s.nonbonded[3].charge = nan; }, "charge of atom 3"},
        Fault{"sigma", [](MolecularSystem& s) { s.nonbonded[3].sigma = -0.1; }, "sigma of atom 3"},
        Fault{"count", [](MolecularSystem& s) { s.nonbonded.pop_back(); }, "21 nonbonded particles for 22 atoms"},
        Fault{"no_particles", [](MolecularSystem& s) { s.nonbonded.clear(); }, "exceptions but no nonbonded particles"},
        Fault{"exception_twice",
              [](MolecularSystem& s) {
                auto e = s.exceptions[0];
                std::swap(e.i, e.j);
                s.exceptions.push_back(e);
              },
              "more than one nonbonded exception"},
        Fault{"born_radius", [](MolecularSystem& s) { s.generalized_born->particles[5].offset_radius = 0; },
              "offset radius of atom 5"},
        Fault{"dielectric", [](MolecularSystem& s) { s.generalized_born->solvent_dielectric = 0; }, "dielectric is 0"},
        Fault{"constraint",
              [](MolecularSystem& s) {
                s.constraints = {{0, 1, 0}};
              },
              "distance of constraint 0 is 0"},
        Fault{"positions", [](MolecularSystem& s) { s.positions[7] = nan; }, "position of atom 2"},
        Fault{"disconnected", [](MolecularSystem& s) { s.bonds.pop_back(); }, "boltzflow handles one molecule"},
        Fault{"z_matrix", [](MolecularSystem& s) { s.z_matrix->rows.pop_back(); }, "places atom 10 0 times"},
        Fault{"root", [](MolecularSystem& s) { s.z_matrix->root[1] = 14; }, "root 0 names atom 14 twice"},
        Fault{"phi", [](MolecularSystem& s) { s.phi[0][0] = 99; }, "phi 0 names atom 99"}),
    [](const auto& info) { return info.param.description; });

}  // namespace
}  // namespace boltzflow
