// SPDX-License-Identifier: MIT
#include "boltzflow/molecule/openmm_system.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "boltzflow/base/atomic_file.hpp"
#include "boltzflow/molecule/backbone_torsions.hpp"
#include "boltzflow/molecule/elements.hpp"
#include "boltzflow/molecule/openmm_generalized_born.hpp"
#include "boltzflow/molecule/pdb.hpp"
#include "boltzflow/molecule/xml_source.hpp"

namespace boltzflow {
namespace {

class SystemReader {
 public:
  explicit SystemReader(const XmlSource& xml) : xml_(xml) {}

  MolecularSystem read() {
    const auto root = xml_.document().child("System");
    if (!root) throw InputError(xml_.origin(), "this is not an OpenMM System (it has no <System> element)");
    for (const auto& particle : root.child("Particles").children("Particle")) {
      if (const auto site = particle.first_child(); site && site.type() == pugi::node_element)
        xml_.fail(particle, fmt::format("virtual sites (<{}>) are not supported", site.name()));
      Atom atom;
      atom.mass = xml_.real(particle, "mass");
      if (atom.mass <= 0) xml_.fail(particle, "mass=\"0\": particles that do not move are not supported");
      system_.atoms.push_back(std::move(atom));
    }
    if (system_.atoms.empty()) throw InputError(xml_.origin(), "the System has no particles");
    for (const auto& c : root.child("Constraints").children("Constraint"))
      system_.constraints.push_back({atom(c, "p1"), atom(c, "p2"), xml_.real(c, "d")});
    for (const auto& force : root.child("Forces").children("Force")) read_force(force);
    bond_graph();
    derive_elements(system_);
    return std::move(system_);
  }

 private:
  int atom(const pugi::xml_node& node, const char* attribute) const {
    return xml_.atom(node, attribute, system_.n_atoms());
  }

  void read_force(const pugi::xml_node& force) {
    const std::string_view type = force.attribute("type").value();
    if (force.attribute("usesPeriodic").as_int(0) != 0)
      xml_.fail(force, fmt::format("this {} uses periodic boundary conditions, which are not supported", type));
    if (type == "CMMotionRemover") return;
    if (type == "HarmonicBondForce") {
      for (const auto& b : force.child("Bonds").children("Bond"))
        system_.harmonic_bonds.push_back({atom(b, "p1"), atom(b, "p2"), xml_.real(b, "d"), xml_.real(b, "k")});
    } else if (type == "HarmonicAngleForce") {
      for (const auto& a : force.child("Angles").children("Angle"))
        system_.harmonic_angles.push_back(
            {atom(a, "p1"), atom(a, "p2"), atom(a, "p3"), xml_.real(a, "a"), xml_.real(a, "k")});
    } else if (type == "PeriodicTorsionForce") {
      for (const auto& t : force.child("Torsions").children("Torsion"))
        system_.periodic_torsions.push_back({atom(t, "p1"), atom(t, "p2"), atom(t, "p3"), atom(t, "p4"),
                                             xml_.integer(t, "periodicity"), xml_.real(t, "phase"), xml_.real(t, "k")});
    } else if (type == "NonbondedForce") {
      nonbonded(force);
    } else if (type == "GBSAOBCForce" || type == "CustomGBForce") {
      const std::optional<double> cutoff = cutoff_of(force);
      if (system_.generalized_born) xml_.fail(force, "there is a second generalised Born force; only one is supported");
      system_.generalized_born =
          type == "GBSAOBCForce" ? read_gbsa_obc_force(xml_, force, cutoff) : read_custom_gb_force(xml_, force, cutoff);
      expect_count(force, system_.generalized_born->particles.size());
    } else {
      xml_.fail(force,
                fmt::format("the force type \"{}\" is not supported; supported are HarmonicBondForce, "
                            "HarmonicAngleForce, PeriodicTorsionForce, NonbondedForce, GBSAOBCForce, CustomGBForce "
                            "(HCT, OBC1, OBC2, GBn and GBn2) and CMMotionRemover (ignored)",
                            type.substr(0, 60)));
    }
  }

  /// In nm, where there is one.
  std::optional<double> cutoff_of(const pugi::xml_node& force) const {
    static constexpr const char* methods[] = {"NoCutoff", "CutoffNonPeriodic", "CutoffPeriodic", "Ewald", "PME",
                                              "LJPME"};
    const int method = xml_.integer(force, "method");
    if (method == 0) return std::nullopt;
    if (method == 1) {
      const double cutoff = xml_.real(force, "cutoff");
      if (cutoff <= 0) xml_.fail(force, fmt::format("the cutoff is {} nm, but must be positive", cutoff));
      return cutoff;
    }
    xml_.fail(
        force,
        fmt::format("{} has the nonbonded method {} ({}); only NoCutoff and CutoffNonPeriodic are supported",
                    force.attribute("type").value(), method, method > 0 && method < 6 ? methods[method] : "unknown"));
  }

  void expect_count(const pugi::xml_node& force, std::size_t n_particles) const {
    if (n_particles != system_.atoms.size())
      xml_.fail(force, fmt::format("{} has {} particles, but the System has {}", force.attribute("type").value(),
                                   n_particles, system_.atoms.size()));
  }

  void nonbonded(const pugi::xml_node& force) {
    if (const auto cutoff = cutoff_of(force)) {
      if (force.attribute("useSwitchingFunction").as_int(0) != 0)
        xml_.fail(force, "switching functions of a NonbondedForce are not supported");
      system_.cutoff = {*cutoff, xml_.real(force, "rfDielectric")};
    }
    if (!system_.nonbonded.empty()) xml_.fail(force, "there is a second NonbondedForce; only one is supported");
    for (const char* list : {"GlobalParameters", "ParticleOffsets", "ExceptionOffsets"})
      if (const auto entry = force.child(list).first_child())
        xml_.fail(entry, fmt::format("{} of a NonbondedForce are not supported", list));
    for (const auto& p : force.child("Particles").children("Particle"))
      system_.nonbonded.push_back({xml_.real(p, "q"), xml_.real(p, "sig"), xml_.real(p, "eps")});
    expect_count(force, system_.nonbonded.size());
    for (const auto& e : force.child("Exceptions").children("Exception"))
      system_.exceptions.push_back(
          {atom(e, "p1"), atom(e, "p2"), xml_.real(e, "q"), xml_.real(e, "sig"), xml_.real(e, "eps")});
  }

  /// Harmonic bonds, and the constraints that took the place of one. Constraints also fix angles at hydrogens (H-H, H-X
  /// two bonds apart), and those are longer than any X-H bond.
  void bond_graph() {
    constexpr double longest_hydrogen_bond = 0.155;  // nm; H-S is 0.134, H-Si 0.148, H...X across an angle above 0.19
    std::set<std::pair<int, int>> seen;
    const auto add = [&](int i, int j) {
      if (i != j && seen.insert({std::min(i, j), std::max(i, j)}).second)
        system_.bonds.push_back({std::min(i, j), std::max(i, j)});
    };
    for (const auto& b : system_.harmonic_bonds) add(b.i, b.j);
    for (const auto& c : system_.constraints) {
      const bool light_i = system_.atoms[c.i].mass < 4.5, light_j = system_.atoms[c.j].mass < 4.5;
      if (light_i && light_j) continue;
      if ((light_i || light_j) && c.distance > longest_hydrogen_bond) continue;
      add(c.i, c.j);
    }
    std::sort(system_.bonds.begin(), system_.bonds.end());
  }

  const XmlSource& xml_;
  MolecularSystem system_;
};

}  // namespace

MolecularSystem openmm_system_from_xml(std::string_view text, const std::string& origin) {
  const XmlSource xml(text, origin);
  MolecularSystem system = SystemReader(xml).read();
  system.name = std::filesystem::path(origin).stem().string();
  system.description = fmt::format("OpenMM System of {} atoms", system.n_atoms());
  validate(system, origin);
  return system;
}

MolecularSystem read_openmm_system(const std::filesystem::path& xml, const std::optional<std::filesystem::path>& pdb) {
  MolecularSystem system = openmm_system_from_xml(read_file(xml), xml.string());
  if (pdb) {
    name_atoms_from_pdb(system, *pdb);
    find_backbone_torsions(system);
    validate(system, xml.string());
  }
  return system;
}

}  // namespace boltzflow
