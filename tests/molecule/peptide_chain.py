# SPDX-License-Identifier: MIT
"""Chains of residues as OpenMM topologies, for the scripts that make the tests' molecules."""
from openmm import app


def peptide_chain(residues):
    """A topology of residues (name, atoms, bonds) with C of each bonded to N of the next; atoms are (name, Element), bonds
    pairs of their indices."""
    topology = app.Topology()
    chain = topology.addChain("A")
    carbon = None
    for name, template_atoms, bonds in residues:
        residue = topology.addResidue(name, chain)
        atoms = [topology.addAtom(atom, element, residue) for atom, element in template_atoms]
        for i, j in bonds:
            topology.addBond(atoms[i], atoms[j])
        by_name = {atom.name: atom for atom in atoms}
        if carbon is not None:
            topology.addBond(carbon, by_name["N"])
        carbon = by_name.get("C")
    return topology


def chain_of_templates(force_field, names, residue_name=lambda name: name):
    """The chain of a ForceField's templates of these names."""
    templates = [force_field._templates[name] for name in names]
    return peptide_chain((residue_name(name), [(atom.name, atom.element) for atom in template.atoms], template.bonds)
                         for name, template in zip(names, templates))
