// SPDX-License-Identifier: MIT
#pragma once
#include <filesystem>
#include <memory>
#include <vector>

#include "boltzflow/app/weighted_samples.hpp"
#include "boltzflow/molecule/frames.hpp"
#include "boltzflow/molecule/npz.hpp"

namespace boltzflow {

/// This writes samples as three files beside each other, batch by batch: STEM.pdb (topology, one frame), STEM.dcd (all
/// frames, for trajectory tools) and STEM.npz (positions, log_prob, reduced_energy, log_weight in float64).
///
/// The files appear whole with finish(); without it nothing is left behind. Of a system without atoms there is STEM.npz
/// only, its positions [n_samples, dimension].
class SampleFiles {
 public:
  /// @param stem path without extension; one of .pdb, .dcd, .npz at its end is taken off. Missing folders are made.
  /// @throws IoError if a file cannot be created.
  SampleFiles(const std::filesystem::path& stem, const MolecularSystem& system);

  /// @param weighted false: the samples are equally weighted draws, so log_prob, which would invite weighting them
  ///        again, is left out.
  void append(const WeightedSamples& batch, bool weighted = true);
  /// @returns the files, in the order pdb, dcd, npz; those that there are.
  std::vector<std::filesystem::path> finish();

 private:
  void append_plain(const WeightedSamples& batch, bool weighted);

  const MolecularSystem& system_;
  std::filesystem::path pdb_, dcd_, npz_;
  std::unique_ptr<FrameWriter> dcd_writer_, npz_writer_;
  std::unique_ptr<NpzWriter> plain_writer_;  ///< of a system without atoms
  std::vector<double> first_frame_;
};

}  // namespace boltzflow
