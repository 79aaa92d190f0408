// SPDX-License-Identifier: MIT
#pragma once
#include <span>

#include "boltzflow/molecule/molecular_system.hpp"

namespace boltzflow {

/// This is what molecular dynamics with rigid constraints weighs a conformation with, beside exp(-u):
///
///     1/2 log det H,   H_ab = sum_i (1/m_i) grad_i d_a . grad_i d_b
///
/// over the constrained distances d_a. InternalCoordinates and the flow hold the flat Cartesian density at the
/// constrained lengths, exp(-u) delta(d - d_0), the limit of stiff bonds; SHAKE and its relatives sample exp(-u)
/// sqrt(det H) delta(d - d_0). For bonds to hydrogen H varies little: it depends on angles between constrained bonds
/// that share an atom alone, by (m_H / (m_H + m_C))^2. Subtract this from the log-weight of rigid dynamics' frames to
/// make them those of the flow's target; the difference is what a rigid reference owes to its constraints.
/// @param frame [n_atoms, 3] nm, at which the constraints need not hold exactly.
/// @returns 0 without constraints. @throws InputError if a constrained atom has no mass, or constraints depend on each
///          other at this frame. Cost O(n_constraints^3).
/// @cite Fixman1974; van Gunsteren 1980 for its size in molecules.
double log_constraint_metric(const MolecularSystem& system, std::span<const double> frame);

}  // namespace boltzflow
