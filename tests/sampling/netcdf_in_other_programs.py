#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Reads FOLDER/a.nc, which boltzflow wrote, with mdtraj, MDAnalysis and SciPy, and writes it again with those."""
import sys
import warnings
from pathlib import Path

import MDAnalysis
import mdtraj
import numpy as np
from scipy.io import netcdf_file

warnings.filterwarnings("ignore")
folder = Path(sys.argv[1])
positions = np.loadtxt(folder / "a.txt").reshape(5, 22, 3)
ours, topology = str(folder / "a.nc"), str(folder / "a.pdb")

trajectory = mdtraj.load(ours, top=topology)
assert trajectory.xyz.shape == positions.shape and np.abs(trajectory.xyz - positions).max() < 1e-6
assert trajectory.time.tolist() == [10, 20, 30, 40, 50]
universe = MDAnalysis.Universe(topology, ours)
read = np.array([step.positions.copy() for step in universe.trajectory]) / 10
assert read.shape == positions.shape and np.abs(read - positions).max() < 1e-6
assert [step.time for step in universe.trajectory] == [10, 20, 30, 40, 50]
with netcdf_file(ours, mmap=False) as file:
    assert file.Conventions == b"AMBER" and file.ConventionVersion == b"1.0" and file.version_byte == 2
    assert file.variables["coordinates"].units == b"angstrom" and b"".join(file.variables["spatial"]) == b"xyz"

trajectory.save_netcdf(str(folder / "mdtraj.nc"))
with MDAnalysis.Writer(str(folder / "mdanalysis.nc"), 22) as writer:
    for _ in universe.trajectory:
        writer.write(universe.atoms)
for name, version, units, scale in (("scipy_1", 1, b"angstrom", 10), ("scipy_2", 2, b"angstrom", 10), ("nanometer", 1, b"nanometer", 1)):
    with netcdf_file(folder / f"{name}.nc", "w", version=version) as file:
        file.createDimension("frame", None)
        file.createDimension("atom", 22)
        file.createDimension("spatial", 3)
        # Doubles, a scale factor, no time: all of that is allowed.
        variable = file.createVariable("coordinates", "d", ("frame", "atom", "spatial"))
        variable.units = units
        variable.scale_factor = 2.0
        variable[:] = positions * scale / 2
