// SPDX-License-Identifier: MIT
#include "boltzflow/app/openmm_comparison.hpp"

#include <fmt/format.h>
#include <stdlib.h>
#include <sys/wait.h>

#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <system_error>
#include <vector>

#include "boltzflow/base/errors.hpp"
#include "boltzflow/molecule/system_file.hpp"

namespace boltzflow {
namespace {

namespace fs = std::filesystem;

/// Reads a system file (docs/systems.md) and prints the energies; ends with 3 where there is no OpenMM.
constexpr const char* script = R"python(
import json, math, sys
try:
    import openmm
except ImportError:
    sys.exit(3)
from openmm.app.internal import customgbforces as born_models

d = json.load(open(sys.argv[1]))
system, forces = openmm.System(), {}
for atom in d["atoms"]:
    system.addParticle(atom[5])

def add(name, force):
    force.setForceGroup(len(forces))
    forces[name] = len(forces)
    system.addForce(force)

bonds, angles, torsions, nonbonded = (openmm.HarmonicBondForce(), openmm.HarmonicAngleForce(),
                                      openmm.PeriodicTorsionForce(), openmm.NonbondedForce())
for row in d.get("harmonic_bonds", []):
    bonds.addBond(*row)
for row in d.get("harmonic_angles", []):
    angles.addAngle(*row)
for row in d.get("periodic_torsions", []):
    torsions.addTorsion(*row)
for row in d.get("nonbonded", []):
    nonbonded.addParticle(*row)
for row in d.get("exceptions", []):
    nonbonded.addException(*row)
if "cutoff" in d:
    nonbonded.setNonbondedMethod(openmm.NonbondedForce.CutoffNonPeriodic)
    nonbonded.setCutoffDistance(d["cutoff"]["distance"])
    nonbonded.setReactionFieldDielectric(d["cutoff"]["reaction_field_dielectric"])
add("bonds", bonds)
add("angles", angles)
add("torsions", torsions)
if d.get("nonbonded"):
    add("nonbonded", nonbonded)

born = d.get("generalized_born")
if born:
    offset = born["offset"]
    rows = [[q, o + offset, s / o] for q, o, s in born["particles"]]
    surface = born["surface_coefficient"]
    cutoff = born.get("cutoff")
    if born["particle_inside_term"]:
        force = openmm.GBSAOBCForce()
        force.setSolventDielectric(born["solvent_dielectric"])
        force.setSoluteDielectric(born["solute_dielectric"])
        force.setSurfaceAreaEnergy(surface / (4 * math.pi))
        for row in rows:
            force.addParticle(*row)
    else:
        if surface and abs(surface - 28.3919551) > 1e-6:
            sys.exit("its surface coefficient is not that of OpenMM's solvent models")
        force = getattr(born_models, "GBSA" + born["model"] + "Force")(
            solventDielectric=born["solvent_dielectric"], soluteDielectric=born["solute_dielectric"],
            SA="ACE" if surface else None, cutoff=cutoff, kappa=0.0)
        for i, row in enumerate(rows):
            force.addParticle(row + (born["coefficients"][i] if born["model"] == "GBn2" else []))
        force.finalize()
    if cutoff:
        force.setNonbondedMethod(force.CutoffNonPeriodic)
        force.setCutoffDistance(cutoff)
    add("solvent", force)

context = openmm.Context(system, openmm.VerletIntegrator(0.001), openmm.Platform.getPlatformByName("Reference"))
context.setPositions(d["positions"])
terms = {name: context.getState(getEnergy=True, groups={group}).getPotentialEnergy()._value
         for name, group in forces.items()}
print(json.dumps({"version": openmm.version.short_version, "terms": terms}))
)python";

std::string environment(const char* name) {
  const char* value = getenv(name);
  return value == nullptr ? "" : value;
}

std::vector<std::string> pythons() {
  std::vector<std::string> candidates;
  const auto add = [&](const fs::path& path) {
    std::error_code ignored;
    if (fs::exists(path, ignored)) candidates.push_back(path.string());
  };
  if (const std::string given = environment("BOLTZFLOW_PYTHON"); !given.empty()) return {given};
  for (const char* name : {"VIRTUAL_ENV", "CONDA_PREFIX"})
    if (const std::string folder = environment(name); !folder.empty()) add(fs::path(folder) / "bin/python");
  add(".environment/bin/python");
  candidates.emplace_back("python3");
  return candidates;
}

std::string quoted(const std::string& word) {
  std::string text = "'";
  for (const char c : word) text += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return text + "'";
}

/// A folder that is removed with everything in it.
class TemporaryFolder {
 public:
  TemporaryFolder() : path_((fs::temp_directory_path() / "boltzflow-XXXXXX").string()) {
    if (mkdtemp(path_.data()) == nullptr)
      throw IoError(path_ + ": cannot make a temporary folder here; set TMPDIR to one that can be written to");
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  fs::path operator/(const char* name) const { return fs::path(path_) / name; }

 private:
  std::string path_;
};

struct Outcome {
  int status;  ///< -1: did not end by itself
  std::string output;
};

Outcome run(const std::string& command) {
  FILE* pipe = popen(command.c_str(), "r");
  if (pipe == nullptr) return {-1, ""};
  Outcome outcome{-1, ""};
  std::array<char, 4096> buffer;
  while (const std::size_t n = fread(buffer.data(), 1, buffer.size(), pipe)) outcome.output.append(buffer.data(), n);
  const int status = pclose(pipe);
  if (WIFEXITED(status)) outcome.status = WEXITSTATUS(status);
  return outcome;
}

}  // namespace

std::optional<OpenMMEnergies> openmm_energies(const MolecularSystem& system, std::string& reason) {
  const TemporaryFolder folder;
  write_system_file(folder / "system.json", system);
  std::ofstream(folder / "energies.py") << script;
  reason = "no Python with OpenMM was found";
  for (const std::string& python : pythons()) {
    const std::string errors = (folder / "errors").string();
    const Outcome outcome = run(fmt::format("{} {} {} 2>{}", quoted(python), quoted((folder / "energies.py").string()),
                                            quoted((folder / "system.json").string()), quoted(errors)));
    if (outcome.status == 3 || outcome.status == 127 || outcome.status == 126) continue;
    const auto document = nlohmann::json::parse(outcome.output, nullptr, false);
    if (outcome.status == 0 && document.is_object() && document.contains("terms") && document.contains("version"))
      return OpenMMEnergies{document["version"].get<std::string>(),
                            document["terms"].get<std::map<std::string, double>>()};
    // The last line of a traceback says what went wrong.
    std::ifstream stream(errors);
    for (std::string line; std::getline(stream, line);)
      if (!line.empty()) reason = "OpenMM cannot compute this system: " + line;
    return std::nullopt;
  }
  return std::nullopt;
}

}  // namespace boltzflow
