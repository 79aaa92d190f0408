// SPDX-License-Identifier: MIT
#pragma once
#include <optional>
#include <vector>

#include "boltzflow/molecule/force_field_definition.hpp"
#include "boltzflow/molecule/topology.hpp"

namespace boltzflow {

/// This matches a residue to a template by its bond graph alone: elements, bonds within the residue, and the number of
/// bonds to other residues; names play no part.
///
/// Among symmetric matches (the two halves of a ring, the hydrogens of a methyl) it finds the one OpenMM finds, whose
/// order of atoms decides that of some improper torsions: atoms with the fewest candidates first, then what is bonded
/// to those already matched, candidates in the order of the template's bonds.
///
/// @param bonded bonded_atoms() of the topology.
/// @return for every atom of the residue the template's atom, or nothing.
std::optional<std::vector<int>> match_residue(const Topology& topology, const std::vector<std::vector<int>>& bonded,
                                              const TopologyResidue& residue, const ResidueTemplate& candidate,
                                              const std::vector<AtomTypeDefinition>& types);

/// Which template each residue is, and which of its atoms each atom.
struct TemplateAssignment {
  std::vector<int> residue_template;  ///< [n_residues] index into ForceFieldDefinition::templates
  std::vector<int> template_atom;     ///< [n_atoms]
};

/// This finds a template for every residue. Several may match if they give the same parameters; the first is taken.
/// @throws InputError beginning with the residue's `where`, saying what keeps the nearest template of its name from
///         matching (missing or surplus atoms by name, hydrogens by the atom they are on), or that templates conflict.
TemplateAssignment assign_templates(const Topology& topology, const ForceFieldDefinition& force_field);

}  // namespace boltzflow
