// SPDX-License-Identifier: MIT
// One libFuzzer program for each format, which it defines as fuzz_format: whatever the bytes, a reader ends in a result
// or in one of our errors. Files go through memory (memfd), since readers take paths.
#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <string_view>

#include "boltzflow/base/errors.hpp"
#include "boltzflow/molecule/amber.hpp"
#include "boltzflow/molecule/apply_force_field.hpp"
#include "boltzflow/molecule/frames.hpp"
#include "boltzflow/molecule/gro.hpp"
#include "boltzflow/molecule/gromacs_topology.hpp"
#include "boltzflow/molecule/openmm_force_field.hpp"
#include "boltzflow/molecule/openmm_system.hpp"
#include "boltzflow/molecule/pdb_topology.hpp"
#include "boltzflow/molecule/peptide_sequence.hpp"
#include "boltzflow/molecule/start_structure.hpp"
#include "boltzflow/molecule/system_file.hpp"

extern const char* const fuzz_format;

namespace boltzflow {
namespace {

/// Bytes as a file that has a path.
class MemoryFile {
 public:
  MemoryFile(const std::uint8_t* data, std::size_t size) : descriptor_(memfd_create("fuzz", 0)) {
    if (descriptor_ < 0 || write(descriptor_, data, size) != static_cast<ssize_t>(size)) std::abort();
  }
  ~MemoryFile() { close(descriptor_); }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;
  std::filesystem::path path() const { return "/proc/self/fd/" + std::to_string(descriptor_); }

 private:
  int descriptor_;
};

const ForceFieldDefinition& small_force_field() {
  static const ForceFieldDefinition force_field = [] {
    const std::filesystem::path file = std::filesystem::path(BOLTZFLOW_FUZZ_CORPUS) / "force-field/alanine.xml";
    return read_openmm_force_field(std::span(&file, 1));
  }();
  return force_field;
}

void read(std::string_view format, const MemoryFile& file, std::string_view text) {
  const std::filesystem::path path = file.path();
  if (format == "system-json") {
    system_from_json(text, "fuzz.json");
  } else if (format == "system-xml") {
    openmm_system_from_xml(text, "fuzz.xml");
  } else if (format == "force-field") {
    const ForceFieldDefinition force_field = read_openmm_force_field(std::span(&path, 1));
    start_structure(apply_force_field(force_field, peptide_topology("ACE-ALA-NME", force_field)));
  } else if (format == "pdb") {
    apply_force_field(small_force_field(), pdb_topology(path, small_force_field()));
  } else if (format == "sequence") {
    peptide_topology(std::string(text), small_force_field());
  } else if (format == "prmtop") {
    read_amber(path, std::nullopt, AmberSolvent::obc1);
    read_amber(path, std::nullopt, AmberSolvent::gbn2);
  } else if (format == "top") {
    read_gromacs(path, std::nullopt, "GBn2");
  } else if (format == "gro") {
    read_gro_positions(path);
  } else if (format == "inpcrd") {
    read_amber_coordinates(path);
  } else {
    for (const FrameFormat& frames : frame_formats())
      if (frames.extension.substr(1) == format) frames.read(path);
  }
}

}  // namespace
}  // namespace boltzflow

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const boltzflow::MemoryFile file(data, size);
  try {
    boltzflow::read(fuzz_format, file, {reinterpret_cast<const char*>(data), size});
  } catch (const boltzflow::Error&) {
  }
  return 0;
}
