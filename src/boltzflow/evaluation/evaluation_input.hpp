// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace boltzflow {

/// What an evaluation sees of a set of conformations, in columns of n_frames values.
struct FrameColumns {
  std::vector<double> log_prob;        ///< log q of the flow
  std::vector<double> reduced_energy;  ///< u = U / RT
  /// [n_pairs][n_frames] rad, any turn; one pair per residue. Both empty where the molecule has none.
  std::vector<std::vector<double>> phi, psi;
  std::vector<std::vector<float>> distances;  ///< [n_pairs][n_frames] nm between atoms; empty: not compared
};

/// Frames of the target distribution from another method (molecular dynamics). log_prob or reduced_energy may be empty
/// if not known; what needs them is then left out.
struct ReferenceColumns : FrameColumns {
  /// [n_frames] 0: the flow's coordinates cannot represent the frame; it is left out of what needs log_prob, and
  /// counted. Empty: all can.
  std::vector<std::uint8_t> representable;
  /// > 0: frames are correlated in time; errors and the finite-sample floor come from this many contiguous blocks.
  std::size_t n_blocks = 0;
};

struct EvaluationInput {
  FrameColumns samples;  ///< independent samples of the flow
  std::optional<ReferenceColumns> reference;
  double temperature = 300;                     ///< K
  std::vector<std::string> torsion_pair_names;  ///< [n_pairs] "ALA 2"; empty: "1", "2", ...
};

struct EvaluationOptions {
  double clip_fraction = 1e-4;    ///< of the weights, see clip_log_weights(); for everything "clipped" or "reweighted"
  double drop_fraction = 0;       ///< of the weights, see drop_largest_log_weights(); before clipping, for "reweighted"
  int n_bins = 100;               ///< per angle of the Ramachandran histograms
  int n_replicates = 100;         ///< of the bootstrap
  int n_splits = 10;              ///< of the reference into halves
  int n_transport_points = 2000;  ///< of the subsets of T-W2 and of pair distances; 0: leave them out
  int n_transport_draws = 4;      ///< subsets per number
  std::uint64_t seed = 1;         ///< of the bootstrap and the splits
};

}  // namespace boltzflow
