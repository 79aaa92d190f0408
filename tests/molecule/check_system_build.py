#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Builds systems with the program and reads them with OpenMM: `check_system_build.py PROGRAM FOLDER`.

The PDB file must be a topology that OpenMM understands, and its own System for it must have the same energy at the
structure in the system file. A PDB file goes back in as --pdb. Bad calls end in their documented exit status.
"""
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import openmm
from openmm import app, unit

PROJECT = Path(__file__).resolve().parents[2]
program, folder = sys.argv[1], Path(sys.argv[2])
folder.mkdir(parents=True, exist_ok=True)


def run(*words):
    return subprocess.run([program, "system", "build", *words], cwd=PROJECT, capture_output=True, text=True)


def energy_by_openmm(name, files, constraints):
    system = app.ForceField(*files).createSystem(app.PDBFile(str(folder / f"{name}.pdb")).topology,
                                                 constraints=constraints)
    context = openmm.Context(system, openmm.VerletIntegrator(0.001), openmm.Platform.getPlatformByName("Reference"))
    context.setPositions(np.array(json.loads((folder / f"{name}.json").read_text())["positions"]))
    return context.getState(getEnergy=True).getPotentialEnergy().value_in_unit(unit.kilojoule_per_mole)


cases = (
    ("capped", ["ACE-HIS-PRO-NME"], "amber99sbildn", "gbn2", ["amber99sbildn.xml", "implicit/gbn2.xml"], None),
    ("ends", ["GLU-ILE"], "amber14/protein.ff14SB", "obc1", ["amber14/protein.ff14SB.xml", "implicit/obc1.xml"], None),
    ("fixed", ["ACE-ALA-NME", "--constraints", "h-bonds"], "amber96", "amber96_obc", ["amber96.xml", "amber96_obc.xml"],
     app.HBonds),
    ("bridged", ["CYS-TYR-ILE-GLN-ASN-CYS-PRO-LEU-GLY", "--disulphide", "1-6"], "amber99sbildn", "obc2",
     ["amber99sbildn.xml", "implicit/obc2.xml"], None),
    ("again", ["--pdb", str(folder / "capped.pdb"), "--keep-structure"], "amber99sbildn", "vacuum",
     ["amber99sbildn.xml"], None),
)
for name, words, force_field, solvent, files, constraints in cases:
    done = run(*words, "--force-field", force_field, "--solvent", solvent, "-o", str(folder / name), "--json")
    assert done.returncode == 0, done.stderr
    ours, theirs = json.loads(done.stdout)["energy"], energy_by_openmm(name, files, constraints)
    assert abs(ours - theirs) <= 1e-8 * abs(theirs), f"{name}: {ours} is not OpenMM's {theirs}"

for words, status, message in (
        (["ACE-ALX-NME"], 65, 'residue 2 is "ALX"'),
        ([], 64, "SEQUENCE"),
        (["ACE-ALA-NME", "--force-field", "nothing"], 66, "no such force field"),
        (["ACE-CYS-CYS-NME", "--disulphide", "2"], 64, "no pair of residues"),
        (["ACE-CYS-CYS-NME", "--disulphide", "2-4"], 65, "residue 4 is NME, not CYS"),
        (["ACE-ALA-NME", "--solvent", "water"], 65, 'the solvent "water" is not known')):
    done = run(*words, "-o", str(folder / "none"))
    assert done.returncode == status and message in done.stderr, f"{words}: {done.returncode} {done.stderr}"
    assert not (folder / "none.json").exists()
