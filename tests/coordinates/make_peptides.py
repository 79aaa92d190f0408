#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes the peptides that the coordinate tests read, as PDB files with every bond in CONECT records.

    .environment/bin/python tests/coordinates/make_peptides.py tests/coordinates/peptides

Topologies come from OpenMM's residue templates. A structure starts from atoms strewn along a line; bonds, angles and
torsions are minimised together with torsions that hold every stereocentre in the form of natural amino acids and
peptide bonds in trans, then the whole force field in vacuum.
"""
import sys
from pathlib import Path

import numpy as np
import openmm
from openmm import app, unit

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "molecule"))
from peptide_chain import chain_of_templates  # noqa: E402

TWENTY = "ALA ARG ASN ASP CYS GLN GLU GLY HIE ILE LEU LYS MET PHE PRO SER THR TRP TYR VAL".split()
PEPTIDES = {
    "all-residues": ["ACE"] + TWENTY + ["NME"],
    "tetra": ["ACE", "ALA", "ALA", "ALA", "NME"],
    "elil": ["NGLU", "LEU", "ILE", "CLEU"],
    "proline-first": ["NPRO", "HIP", "CGLY"],
}
FORCE_FIELD = app.ForceField("amber14/protein.ff14SB.xml")
# Improper torsions (a, b, c, d) of L amino acids, degrees.
STEREOCENTRES = {
    "*": [(("C", "N", "CA", "HA"), 120), (("C", "N", "CA", "CB"), -120)],
    "ILE": [(("CA", "CG1", "CB", "CG2"), 120), (("CA", "CG1", "CB", "HB"), -120)],
    "THR": [(("CA", "OG1", "CB", "CG2"), 120), (("CA", "OG1", "CB", "HB"), -120)],
}


def residue_name(template):
    """HIS for its forms, and no N or C before the ends' names."""
    name = template[1:] if len(template) == 4 else template
    return "HIS" if name in ("HIE", "HIP") else name


def stereo_force(topology, trans=True):
    force = openmm.CustomTorsionForce("k*(1-cos(theta-theta0))")
    force.addGlobalParameter("k", 1000.0)
    force.addPerTorsionParameter("theta0")
    previous = None
    for residue in topology.residues():
        atoms = {atom.name: atom.index for atom in residue.atoms()}
        for key in ("*", residue.name):
            for names, degrees in STEREOCENTRES.get(key, []):
                if all(name in atoms for name in names):
                    force.addTorsion(*[atoms[name] for name in names], [np.radians(degrees)])
        if previous and "N" in atoms and "C" in previous:
            before = previous.get("CA", previous.get("CH3"))
            after = atoms.get("CA", atoms.get("C", atoms.get("CH3")))
            force.addTorsion(before, previous["C"], atoms["N"], after, [np.pi])
        previous = atoms
    return force


def minimised(system, positions, tolerance=1.0):
    platform = openmm.Platform.getPlatformByName("CPU")
    context = openmm.Context(system, openmm.VerletIntegrator(0.001), platform, {"Threads": "1"})
    context.setPositions(positions)
    openmm.LocalEnergyMinimizer.minimize(context, tolerance)
    state = context.getState(getPositions=True, getEnergy=True)
    energy = state.getPotentialEnergy().value_in_unit(unit.kilojoule_per_mole)
    return state.getPositions(asNumpy=True).value_in_unit(unit.nanometer), energy


def structure_of(topology, system, rng):
    """The lowest of a few minima."""
    bonded = openmm.XmlSerializer.clone(system)
    for index in reversed(range(bonded.getNumForces())):
        if isinstance(bonded.getForce(index), (openmm.NonbondedForce, openmm.CMMotionRemover)):
            bonded.removeForce(index)
    bonded.addForce(stereo_force(topology))
    held = openmm.XmlSerializer.clone(system)
    held.addForce(stereo_force(topology))
    soft = openmm.XmlSerializer.clone(bonded)
    repulsion = openmm.CustomNonbondedForce("200*max(0, 0.3-r)^2/0.01")
    for _ in range(system.getNumParticles()):
        repulsion.addParticle([])
    repulsion.createExclusionsFromBonds([(b[0].index, b[1].index) for b in topology.bonds()], 3)
    soft.addForce(repulsion)
    best = None
    for _ in range(8):
        line = np.zeros((system.getNumParticles(), 3))
        line[:, 0] = [0.36 * atom.residue.index for atom in topology.atoms()]
        positions = line + rng.normal(scale=0.15, size=line.shape)
        for stage in (bonded, soft, held, system):
            positions, energy = minimised(stage, positions)
        if best is None or energy < best[1]:
            best = positions, energy
    return best


def write_pdb(path, topology, positions):
    with open(path, "w") as file:
        file.write("REMARK made by tests/coordinates/make_peptides.py\n")
        for atom, (x, y, z) in zip(topology.atoms(), 10 * (positions - positions.mean(axis=0))):
            name = atom.name if len(atom.name) == 4 else " " + atom.name
            file.write(
                f"ATOM  {atom.index + 1:5d} {name:<4s} {atom.residue.name:>3s} A{atom.residue.index + 1:4d}    "
                f"{x:8.3f}{y:8.3f}{z:8.3f}  1.00  0.00          {atom.element.symbol:>2s}\n"
            )
        bonded = {atom.index: [] for atom in topology.atoms()}
        for a, b in topology.bonds():
            bonded[a.index].append(b.index)
            bonded[b.index].append(a.index)
        for i, others in bonded.items():
            file.write(f"CONECT{i + 1:5d}" + "".join(f"{j + 1:5d}" for j in sorted(others)) + "\n")
        file.write("END\n")


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for name, residues in PEPTIDES.items():
        topology = chain_of_templates(FORCE_FIELD, residues, residue_name)
        system = FORCE_FIELD.createSystem(topology, nonbondedMethod=app.NoCutoff, constraints=None)
        positions, energy = structure_of(topology, system, np.random.default_rng(7))
        write_pdb(folder / f"{name}.pdb", topology, positions)
        print(f"{name}: {system.getNumParticles()} atoms, {energy:.1f} kJ/mol")
