#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes the OpenMM System XMLs, with a PDB each, that the energy tests and benchmarks compare with OpenMM.

    .environment/bin/python tests/energy/make_openmm_systems.py FOLDER

The molecules are put together from OpenMM's own residue templates; their structures come from random positions by
minimising bonds and angles first and everything afterwards, so chirality is as chance has it: no energy term minds.
"""
import sys
from pathlib import Path

import numpy as np
import openmm
from openmm import app, unit

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "molecule"))
from peptide_chain import chain_of_templates  # noqa: E402

# name: residues, force field files, and the cutoff in nm where there is one. Short cutoffs, so that much is cut off.
SYSTEMS = {
    "ala_obc1": (["ACE", "ALA", "NME"], ["amber96.xml", "implicit/obc1.xml"], None),
    "ala_vacuum": (["ACE", "ALA", "NME"], ["amber96.xml"], None),
    "ala2_obc2": (["ACE", "ALA", "ALA", "NME"], ["amber99sbildn.xml", "amber99_obc.xml"], None),
    "ala5_obc2": (["ACE"] + 5 * ["ALA"] + ["NME"], ["amber99sbildn.xml", "amber99_obc.xml"], None),
    "ala_hct": (["ACE", "ALA", "NME"], ["amber96.xml", "implicit/hct.xml"], None),
    "ala_gbn": (["ACE", "ALA", "NME"], ["amber99sbildn.xml", "implicit/gbn.xml"], None),
    "cys_gbn2": (["ACE", "CYS", "NME"], ["amber99sbildn.xml", "implicit/gbn2.xml"], None),
    "ala2_vacuum_cutoff": (["ACE", "ALA", "ALA", "NME"], ["amber99sbildn.xml"], 0.6),
    "ala2_obc2_cutoff": (["ACE", "ALA", "ALA", "NME"], ["amber99sbildn.xml", "amber99_obc.xml"], 0.7),
    "ala_gbn2_cutoff": (["ACE", "ALA", "NME"], ["amber14/protein.ff14SB.xml", "implicit/gbn2.xml"], 0.65),
}


def minimised(system, positions):
    context = openmm.Context(system, openmm.VerletIntegrator(0.001), openmm.Platform.getPlatformByName("Reference"))
    context.setPositions(positions)
    openmm.LocalEnergyMinimizer.minimize(context, 1.0)
    state = context.getState(getPositions=True, getEnergy=True)
    return state.getPositions(asNumpy=True).value_in_unit(unit.nanometer), state.getPotentialEnergy()


def structure_of(system, rng):
    """The lowest of a few minima."""
    bonded = openmm.XmlSerializer.clone(system)
    for index in reversed(range(bonded.getNumForces())):
        if not isinstance(bonded.getForce(index), (openmm.HarmonicBondForce, openmm.HarmonicAngleForce)):
            bonded.removeForce(index)
    best = None
    for _ in range(5):
        positions, _ = minimised(bonded, rng.normal(scale=0.5, size=(system.getNumParticles(), 3)))
        positions, energy = minimised(system, positions)
        if best is None or energy < best[1]:
            best = positions, energy
    return best[0]


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for name, (residues, files, cutoff) in SYSTEMS.items():
        force_field = app.ForceField(*files)
        topology = chain_of_templates(force_field, residues)
        method = {"nonbondedMethod": app.NoCutoff} if cutoff is None else {
            "nonbondedMethod": app.CutoffNonPeriodic, "nonbondedCutoff": cutoff * unit.nanometer}
        system = force_field.createSystem(topology, constraints=None, **method)
        positions = structure_of(system, np.random.default_rng(7))
        (folder / f"{name}.xml").write_text(openmm.XmlSerializer.serialize(system))
        with open(folder / f"{name}.pdb", "w") as file:
            app.PDBFile.writeFile(topology, positions * unit.nanometer, file)
