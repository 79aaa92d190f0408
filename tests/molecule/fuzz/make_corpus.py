#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Makes the seeds of the fuzzers anew: `.environment/bin/python tests/molecule/fuzz/make_corpus.py`.

They are small, so that mutations find their way: two frames of four atoms, ACE-ALA-NME, and a force field of just that.
"""
import io
import json
import sys
import tempfile
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import mdtraj
import numpy as np
import openmm
from openmm import app

HERE = Path(__file__).resolve().parent
PROJECT = HERE.parents[2]
CORPUS = HERE / "corpus"
sys.path.insert(0, str(HERE.parent))
import make_fixtures  # noqa: E402


def small_force_field():
    """ff14SB's parameters for ACE, ALA and NME, with class names so that both spellings occur."""
    root = ElementTree.parse(Path(app.__file__).parent / "data/amber14/protein.ff14SB.xml").getroot()
    root.remove(root.find("Info"))
    residues = root.find("Residues")
    for residue in list(residues):
        if residue.get("name") not in ("ACE", "ALA", "NME"):
            residues.remove(residue)
    types = {atom.get("type") for atom in residues.iter("Atom")}
    classes = {t.get("name"): t.get("class") for t in root.find("AtomTypes")}
    for section in root:
        for node in list(section):
            named = [value for key, value in node.attrib.items() if key.rstrip("1234") == "type" and value]
            if section.tag == "AtomTypes":
                named = [node.get("name")]
            if not set(named) <= types:
                section.remove(node)
            elif section.tag == "HarmonicAngleForce":
                for n in "123":
                    node.set(f"class{n}", classes[node.attrib.pop(f"type{n}")])
    return ElementTree.tostring(root)


def seeds():
    yield "force-field/alanine.xml", small_force_field()
    with tempfile.TemporaryDirectory() as folder:
        make_fixtures.main(Path(folder))
        for fixture, seed in (("obc1.xml", "system-xml/obc1.xml"), ("gbsa_obc.xml", "system-xml/gbsa_obc.xml"),
                              ("h_bonds.xml", "system-xml/h_bonds.xml"), ("plain_gbn2.xml", "system-xml/gbn2.xml"),
                              ("plain.prmtop", "prmtop/plain.prmtop"),
                              ("plain.inpcrd", "inpcrd/plain.inpcrd"), ("gromacs.top", "top/gromacs.top"),
                              ("gromacs.gro", "gro/gromacs.gro"),
                              ("structure.pdb", "pdb/alanine.pdb")):
            yield seed, Path(folder, fixture).read_bytes()
        record = b"SSBOND   1 ALA A    2    ALA A    2                          1555   1555  2.04\n"
        yield "pdb/record.pdb", record + Path(folder, "structure.pdb").read_bytes()
        trajectory = mdtraj.Trajectory(np.arange(24, dtype=np.float32).reshape(2, 4, 3) / 10, topology=None)
        # XTC compresses more than nine atoms only.
        twelve = mdtraj.Trajectory(np.arange(72, dtype=np.float32).reshape(2, 12, 3) % 7 / 10, topology=None)
        twelve.save_xtc(str(Path(folder, "twelve.xtc")))
        yield "xtc/twelve.xtc", Path(folder, "twelve.xtc").read_bytes()
        for writer, seed in ((mdtraj.Trajectory.save_dcd, "dcd/four.dcd"), (mdtraj.Trajectory.save_netcdf, "nc/four.nc"),
                             (mdtraj.Trajectory.save_xtc, "xtc/four.xtc")):
            path = Path(folder, Path(seed).name)
            writer(trajectory, str(path))
            yield seed, path.read_bytes()
    system = json.loads((PROJECT / "data/systems/alanine-dipeptide.json").read_text())
    system["positions"] = []
    yield "system-json/alanine-dipeptide.json", json.dumps(system, separators=(",", ":")).encode()
    yield "sequence/capped.txt", b"ACE-ALA-NME"
    yield "sequence/ends.txt", b"gly-HIS-HIP-lyn-PRO"
    positions = np.arange(24.0).reshape(2, 4, 3)
    for name, write in (("npy/four.npy", lambda file: np.save(file, positions)),
                        ("npz/stored.npz", lambda file: np.savez(file, positions=positions, log_prob=np.zeros(2))),
                        ("npz/deflated.npz", lambda file: np.savez_compressed(file, positions=positions))):
        buffer = io.BytesIO()
        write(buffer)
        yield name, buffer.getvalue()


for name, contents in seeds():
    (CORPUS / name).parent.mkdir(parents=True, exist_ok=True)
    (CORPUS / name).write_bytes(contents)
