#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Reads the trajectories ours.* in FOLDER with mdtraj, MDAnalysis and NumPy, and writes them again with those and OpenMM."""
import sys
import warnings
from pathlib import Path

import MDAnalysis
import mdtraj
import numpy as np
from openmm import app, unit

warnings.filterwarnings("ignore")
folder = Path(sys.argv[1])
archive = np.load(folder / "ours.npz")
positions = archive["positions"]
assert positions.shape == (5, 22, 3) and positions.dtype == np.float64
assert archive["log_prob"].tolist() == [1, 2, 3, 4, 5] and sorted(archive.files) == ["log_prob", "positions"]
assert np.array_equal(np.load(folder / "ours.npy"), positions)

topology = str(folder / "ours.pdb")
for name, tolerance in (("ours.dcd", 1e-6), ("ours.xtc", 1e-6), ("ours.pdb", 1e-4)):
    trajectory = mdtraj.load(str(folder / name), top=topology)
    assert trajectory.n_frames == 5 and np.abs(trajectory.xyz - positions).max() < tolerance, name
    universe = MDAnalysis.Universe(topology, str(folder / name))
    read = np.array([step.positions.copy() for step in universe.trajectory]) / 10
    assert read.shape == positions.shape and np.abs(read - positions).max() < tolerance, name
assert trajectory.topology.n_bonds == 21, trajectory.topology.n_bonds
assert [atom.element.symbol for atom in trajectory.topology.atoms][:6] == ["H", "C", "H", "H", "C", "O"]
assert [residue.name for residue in trajectory.topology.residues] == ["ACE", "ALA", "NME"]
assert mdtraj.compute_phi(trajectory)[0].tolist() == [[4, 6, 8, 14]]
assert mdtraj.compute_psi(trajectory)[0].tolist() == [[6, 8, 14, 16]]
assert list(universe.atoms.names[:3]) == ["HH31", "CH3", "HH32"] and list(universe.residues.resids) == [1, 2, 3]
pdb = app.PDBFile(topology)
assert pdb.getNumFrames() == 5 and pdb.topology.getNumAtoms() == 22
app.ForceField("amber96.xml").createSystem(pdb.topology)  # names and bonds are what a force field needs

trajectory = mdtraj.Trajectory(positions, mdtraj.load(topology).topology)
trajectory.save_dcd(str(folder / "mdtraj.dcd"))
trajectory.save_xtc(str(folder / "mdtraj.xtc"))
trajectory.save_pdb(str(folder / "mdtraj.pdb"))
universe = MDAnalysis.Universe(topology, str(folder / "ours.dcd"))
for name in ("mdanalysis.dcd", "mdanalysis.xtc", "mdanalysis.pdb"):
    with MDAnalysis.Writer(str(folder / name), 22, multiframe=True) as writer:
        for _ in universe.trajectory:
            writer.write(universe.atoms)
with open(folder / "openmm.dcd", "wb") as file:
    writer = app.DCDFile(file, pdb.topology, 0.001)
    for frame in positions:
        writer.writeModel(frame * unit.nanometer)
np.save(folder / "numpy.npy", positions)
np.save(folder / "numpy_float32.npy", positions.astype(np.float32))
np.savez(folder / "numpy.npz", positions=positions)
np.savez_compressed(folder / "numpy_deflated.npz", positions=positions, log_prob=archive["log_prob"])
