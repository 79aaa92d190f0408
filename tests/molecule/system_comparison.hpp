// SPDX-License-Identifier: MIT
#pragma once
#include "boltzflow/molecule/molecular_system.hpp"

namespace boltzflow {

/// Expects the same terms in both systems, bonded terms in any order, numbers to a relative `tolerance`.
void expect_same_parameters(const MolecularSystem& actual, const MolecularSystem& expected, double tolerance);

}  // namespace boltzflow
