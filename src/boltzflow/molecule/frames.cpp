// SPDX-License-Identifier: MIT
#include "boltzflow/molecule/frames.hpp"

#include <fmt/format.h>

#include <cmath>

#include "boltzflow/base/errors.hpp"
#include "boltzflow/molecule/amber_netcdf.hpp"
#include "boltzflow/molecule/dcd.hpp"
#include "boltzflow/molecule/npy.hpp"
#include "boltzflow/molecule/npz.hpp"
#include "boltzflow/molecule/pdb.hpp"
#include "boltzflow/molecule/xtc.hpp"

namespace boltzflow {
namespace {

constexpr FrameFormat formats[] = {
    {".pdb", "Protein Data Bank, one MODEL a frame, 0.0001 nm", &read_pdb_frames, &make_pdb_writer},
    {".dcd", "CHARMM/NAMD binary trajectory, float32", &read_dcd_frames, &make_dcd_writer},
    {".npy", "NumPy array [frames, atoms, 3] in nm, float64", &read_npy_frames, &make_npy_writer},
    {".npz", "NumPy archive: positions [frames, atoms, 3] in nm and one number a frame under other names, float64",
     &read_npz_frames, &make_npz_writer},
    {".nc", "Amber NetCDF trajectory, float32", &read_amber_netcdf_frames, &make_amber_netcdf_writer},
    {".xtc", "GROMACS compressed trajectory, 1e-6 nm", &read_xtc_frames, &make_xtc_writer},
};

const FrameFormat& format_of(const std::filesystem::path& path) {
  std::string known;
  for (const FrameFormat& format : formats) {
    if (path.extension() == format.extension) return format;
    known += fmt::format("{}{}", known.empty() ? "" : ", ", format.extension);
  }
  throw InputError(path.string(),
                   fmt::format("the kind of trajectory is told by the extension, which must be one of {}", known));
}

[[noreturn]] void not_finite(const std::string& origin, std::int64_t frame, std::int64_t atom, const char* name,
                             double value) {
  throw InputError(origin, fmt::format("frame {}, atom {}{}: a coordinate is {} (frames and atoms counted from 0)",
                                       frame, atom, *name ? fmt::format(" \"{}\"", name) : "", value));
}

}  // namespace

std::span<const FrameFormat> frame_formats() { return formats; }

Frames read_frames(const std::filesystem::path& path, const MolecularSystem* system) {
  Frames frames = format_of(path).read(path);
  if (system && frames.n_atoms != system->n_atoms())
    throw InputError(path.string(), fmt::format("the frames have {} atoms, but {} has {}", frames.n_atoms,
                                                system->name.empty() ? "the system" : system->name, system->n_atoms()));
  for (std::size_t n = 0; n < frames.positions.size(); ++n)
    if (!std::isfinite(frames.positions[n])) {
      const std::int64_t atom = static_cast<std::int64_t>(n) / 3 % frames.n_atoms;
      not_finite(path.string(), static_cast<std::int64_t>(n) / 3 / frames.n_atoms, atom,
                 system ? system->atoms[atom].name.c_str() : "", frames.positions[n]);
    }
  return frames;
}

std::unique_ptr<FrameWriter> make_frame_writer(const std::filesystem::path& path, const MolecularSystem& system) {
  return format_of(path).make_writer(path, system);
}

void check_batch(const FrameBatch& batch, int n_atoms, const std::string& origin) {
  if (batch.n_frames < 0 || batch.positions.size() != static_cast<std::size_t>(batch.n_frames) * n_atoms * 3)
    throw InputError(origin, fmt::format("{} coordinates do not make {} frames of {} atoms", batch.positions.size(),
                                         batch.n_frames, n_atoms));
  for (const auto& [name, values] : batch.arrays)
    if (values.size() != static_cast<std::size_t>(batch.n_frames))
      throw InputError(origin,
                       fmt::format("array {} has {} values for {} frames", name, values.size(), batch.n_frames));
  for (std::size_t n = 0; n < batch.positions.size(); ++n)
    if (!std::isfinite(batch.positions[n]))
      not_finite(origin, static_cast<std::int64_t>(n) / 3 / n_atoms, static_cast<std::int64_t>(n) / 3 % n_atoms, "",
                 batch.positions[n]);
}

}  // namespace boltzflow
