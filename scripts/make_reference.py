#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Makes a reference ensemble without a flow: replica exchange, then the archive and what it says about the molecule.

    .environment/bin/python scripts/make_reference.py sample --program build/src/boltzflow/sampling/boltzflow_reference \\
        --folder FOLDER -- --ladders 64 --temperatures 8 --seed 20261122 ...
    .environment/bin/python scripts/make_reference.py pack --folder FOLDER --output FILE.npz [--frames 20000]
    .environment/bin/python scripts/make_reference.py describe --folder FOLDER

Archives hold positions [n, atoms, 3] float32 nm, energy [n] kJ/mol and ladder [n], ladder by ladder and in time's order
within one, so that contiguous blocks are independent. With --frames positions are rounded to 2^-19 nm (2e-6 nm, which is
0.006 kJ/mol) so that deflate has something to do.
"""
import argparse
import json
import subprocess
from pathlib import Path

import numpy as np

PROJECT = Path(__file__).resolve().parent.parent


def load(folder):
    """Positions, energies and ladders, sorted by ladder."""
    positions, energy, ladder = (np.load(folder / f"{name}.npy") for name in ("positions", "energy", "ladder"))
    order = np.argsort(ladder, kind="stable")
    return positions[order], energy[order], ladder[order]


def pack(folder, output, n_frames):
    positions, energy, ladder = load(folder)
    if n_frames:
        n_ladders, per_ladder = ladder.max() + 1, len(ladder) // (ladder.max() + 1)
        wanted = np.linspace(0, per_ladder - 1, max(1, n_frames // n_ladders)).round().astype(int)
        chosen = (np.arange(n_ladders)[:, None] * per_ladder + wanted).ravel()
        positions, energy, ladder = np.round(positions[chosen] * 2.0**19) / 2.0**19, energy[chosen], ladder[chosen]
    output.parent.mkdir(parents=True, exist_ok=True)
    save = np.savez_compressed if n_frames else np.savez
    save(output, positions=positions.astype(np.float32), energy=energy, ladder=ladder)
    print(f"{output}: {len(energy)} frames, {output.stat().st_size / 1e6:.1f} MB")


def torsion(positions, i, j, k, l):
    b1, b2, b3 = (positions[:, b] - positions[:, a] for a, b in ((i, j), (j, k), (k, l)))
    m, n = np.cross(b1, b2), np.cross(b2, b3)
    return np.arctan2(np.linalg.norm(b2, axis=1) * (b1 * n).sum(1), (m * n).sum(1))


def with_error(values, ladder):
    """Mean, and its standard error from the means of the independent ladders."""
    means = np.array([values[ladder == l].mean() for l in np.unique(ladder)])
    return means.mean(), means.std(ddof=1) / np.sqrt(len(means))


def describe(folder):
    positions, energy, ladder = load(folder)
    summary = json.loads((folder / "summary.json").read_text())
    system = json.loads((PROJECT / "data" / "systems" / f"{summary['system']}.json").read_text())
    positions = positions.astype(np.float64)
    phi, psi = (np.concatenate([torsion(positions, *atoms)[:, None] for atoms in system[name]], 1)[:, 0] for name in ("phi", "psi"))
    omega_cis = np.abs(torsion(positions, 1, 4, 6, 8)) < np.pi / 2
    chirality = np.einsum("ij,ij->i", np.cross(positions[:, 6] - positions[:, 8], positions[:, 14] - positions[:, 8]),
                          positions[:, 10] - positions[:, 8])
    lines = {
        "phi > 0": with_error(phi > 0, ladder),
        "alpha-L (0 < phi < 120 degrees)": with_error((phi > 0) & (phi < 2 * np.pi / 3), ladder),
        "C5/PII (phi < 0, psi > 60 or psi < -150 degrees)": with_error((phi < 0) & ((psi > np.pi / 3) | (psi < -np.pi / 1.2)), ladder),
        "alpha (phi < 0, -90 < psi < 0 degrees)": with_error((phi < 0) & (psi < 0) & (psi > -np.pi / 2), ladder),
        "cis first peptide bond": with_error(omega_cis, ladder),
        "energy, kJ/mol": with_error(energy, ladder),
    }
    print(json.dumps(summary, indent=2))
    print(f"{len(energy)} frames of {ladder.max() + 1} ladders, {int((phi > 0).sum())} with phi > 0; "
          f"other chirality: {int((np.sign(chirality) != np.sign(np.median(chirality))).sum())}")
    for name, (mean, error) in lines.items():
        print(f"{name:55s} {mean:12.6f} +- {error:.6f}")
    half = np.concatenate([np.arange((ladder == l).sum()) >= (ladder == l).sum() // 2 for l in np.unique(ladder)])
    for name, part in (("first half of the time", ~half), ("second half", half)):
        mean, error = with_error(phi[part] > 0, ladder[part])
        print(f"phi > 0, {name:45s} {mean:12.6f} +- {error:.6f}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    verbs = parser.add_subparsers(dest="verb", required=True)
    for name in ("sample", "pack", "describe"):
        verb = verbs.add_parser(name)
        verb.add_argument("--folder", type=Path, required=True, help="of the arrays")
        if name == "sample":
            verb.add_argument("--program", type=Path, required=True)
            verb.add_argument("options", nargs="*", help="of boltzflow_reference, after --")
        if name == "pack":
            verb.add_argument("--output", type=Path, required=True)
            verb.add_argument("--frames", type=int, default=0, help="about so many, evenly spaced; 0: all")
    arguments = parser.parse_args()
    if arguments.verb == "sample":
        subprocess.run([arguments.program, "-o", arguments.folder, *arguments.options], check=True)
    elif arguments.verb == "pack":
        pack(arguments.folder, arguments.output, arguments.frames)
    else:
        describe(arguments.folder)
