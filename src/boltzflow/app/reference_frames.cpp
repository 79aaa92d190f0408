// SPDX-License-Identifier: MIT
#include "boltzflow/app/reference_frames.hpp"

#include <ATen/ops/from_blob.h>

#include <algorithm>
#include <cmath>

#include "boltzflow/app/weighted_samples.hpp"
#include "boltzflow/evaluation/internal_geometry.hpp"

namespace boltzflow {
namespace {

std::size_t n_pairs(const MolecularSystem& system) { return std::min(system.phi.size(), system.psi.size()); }

void append(std::vector<std::vector<double>>& columns, std::size_t pair, const std::vector<double>& values) {
  if (columns.size() <= pair) columns.resize(pair + 1);
  columns[pair].insert(columns[pair].end(), values.begin(), values.end());
}

}  // namespace

void add_torsions(FrameColumns& columns, const MolecularSystem& system, const std::vector<double>& positions) {
  const std::span<const double> x(positions);
  for (std::size_t pair = 0; pair < n_pairs(system); ++pair) {
    append(columns.phi, pair, torsion_angles<double>(x, system.n_atoms(), system.phi[pair]));
    append(columns.psi, pair, torsion_angles<double>(x, system.n_atoms(), system.psi[pair]));
  }
}

std::vector<std::string> torsion_pair_names(const MolecularSystem& system) {
  std::vector<std::string> names;
  for (std::size_t pair = 0; pair < n_pairs(system); ++pair) {
    const Atom& atom = system.atoms[static_cast<std::size_t>(system.phi[pair][2])];  // CA belongs to the residue
    names.push_back(atom.residue_name.empty() ? std::to_string(pair + 1)
                                              : atom.residue_name + " " + std::to_string(atom.residue_number));
  }
  return names;
}

AtomPairs compared_pairs(int n_atoms, int n_pairs) {
  AtomPairs all, chosen;
  for (int i = 0; i < n_atoms; ++i)
    for (int j = i + 1; j < n_atoms; ++j) all.push_back({i, j});
  const auto n = std::min(all.size(), static_cast<std::size_t>(n_pairs));
  for (std::size_t k = 0; k < n; ++k) chosen.push_back(all[k * all.size() / n]);
  return chosen;
}

void add_distances(FrameColumns& columns, const AtomPairs& pairs, int n_atoms, const std::vector<double>& positions) {
  columns.distances.resize(pairs.size());
  for (std::size_t pair = 0; pair < pairs.size(); ++pair)
    for (const double distance : distances<double>(positions, n_atoms, pairs[pair]))
      columns.distances[pair].push_back(static_cast<float>(distance));
}

ReferenceColumns reference_columns(const Frames& frames, const MolecularSystem& system, const Potential& potential,
                                   double temperature, const BoltzmannGenerator* generator, std::int64_t n_blocks) {
  ReferenceColumns columns;
  columns.reduced_energy = reduced_energies(potential, frames.positions, temperature);
  add_torsions(columns, system, frames.positions);
  columns.n_blocks = static_cast<std::size_t>(std::min(n_blocks, frames.n_frames));
  if (!generator) return columns;
  std::vector<double> positions = frames.positions;
  generator->coordinates().relabel_equivalent_atoms(positions);
  const at::Tensor x = at::from_blob(positions.data(), {frames.n_frames, frames.n_atoms, 3}, at::kDouble);
  // float32: the flow is evaluated against the direction it samples in, where bfloat16 would be off by 1e-3.
  const at::Tensor log_prob = generator->log_prob(x, ConditionerPrecision::float32).cpu().contiguous();
  const double* values = log_prob.const_data_ptr<double>();
  columns.log_prob.assign(values, values + frames.n_frames);
  columns.representable.resize(columns.log_prob.size());
  for (std::size_t n = 0; n < columns.log_prob.size(); ++n) {
    columns.representable[n] = std::isfinite(columns.log_prob[n]);
    if (!columns.representable[n]) columns.log_prob[n] = 0;  // left out by evaluate(), but must be a number
  }
  return columns;
}

}  // namespace boltzflow
