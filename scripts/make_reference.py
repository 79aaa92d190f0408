#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Makes a reference ensemble without a flow: replica exchange by `boltzflow simulate`, then the archive and what it says.

    .environment/bin/python scripts/make_reference.py sample alanine-dipeptide --folder FOLDER [--minutes 20] [-- --seed 7]
    .environment/bin/python scripts/make_reference.py pack --folder FOLDER --output FILE.npz [--frames 20000]
    .environment/bin/python scripts/make_reference.py describe --folder FOLDER

SYSTEM is a built-in name or a system file; a `sample` that was interrupted goes on when it is called again. Options after
-- are those of `boltzflow simulate` and come on top of the ones in RUNS. FOLDER then holds frames.npz, topology.pdb,
summary.json and system.json.

Archives hold positions [n, atoms, 3] float32 nm, energy [n] kJ/mol and ladder [n], ladder by ladder and in time's order
within one, so that contiguous blocks are independent. With --frames positions are rounded to 2^-19 nm (2e-6 nm, which is
0.006 kJ/mol) so that deflate has something to do.
"""
import argparse
import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np

PROJECT = Path(__file__).resolve().parent.parent
COMMON = "--replicas 64 --equilibration 0.1 --time-step 1 --exchange-interval 50 --frame-interval 200 --seed 20261122".split()
# More atoms need rungs that are closer together: about half of the exchanges are accepted on all of these.
RUNS = {
    "alanine-dipeptide": "--temperatures 300:1000:8 --time 1",
    "alanine-dipeptide-ff99": "--temperatures 300:1000:8 --time 1",
    "alanine-tripeptide": "--temperatures 310:1000:10 --time 1",
    "alanine-tetrapeptide": "--temperatures 300:1000:12 --time 1",
    "alanine-hexapeptide": "--temperatures 300:1000:14 --time 2",
    "elil": "--temperatures 300:1000:16 --time 2",
}


def sample(system, folder, program, minutes, options):
    folder.mkdir(parents=True, exist_ok=True)
    if (folder / "frames.simulation").exists():
        words = ["--resume", folder / "frames.simulation"]
    else:
        name = Path(system).stem
        source = Path(system) if Path(system).suffix == ".json" else PROJECT / "data" / "systems" / f"{system}.json"
        shutil.copyfile(source, folder / "system.json")
        words = [folder / "system.json", *COMMON, *RUNS.get(name, "--temperatures 300:1000:16 --time 1").split(), *options,
                 "-o", folder / "frames.npz", "--topology", folder / "topology.pdb"]
        # An option that comes twice: the last one counts.
        for index in range(len(words) - 2, 0, -1):
            if str(words[index]).startswith("--") and words[index] in words[index + 1:]:
                del words[index:index + 2]
    if minutes:
        words += ["--maximum-minutes", minutes]
    done = subprocess.run([program, "simulate", *map(str, words), "--json"], stdout=subprocess.PIPE, text=True)
    if done.returncode != 0:
        raise SystemExit(done.returncode)
    (folder / "summary.json").write_text(done.stdout)


def load(folder):
    """Positions, energies and ladders; the program writes them ladder by ladder."""
    archive = np.load(folder / "frames.npz")
    return archive["positions"], archive["energy"], archive["replica"].astype(np.int32)


def pack(folder, output, n_frames):
    positions, energy, ladder = load(folder)
    if n_frames:
        n_ladders, per_ladder = ladder.max() + 1, len(ladder) // (ladder.max() + 1)
        wanted = np.linspace(0, per_ladder - 1, max(1, min(per_ladder, n_frames // n_ladders))).round().astype(int)
        chosen = (np.arange(n_ladders)[:, None] * per_ladder + wanted).ravel()
        positions, energy, ladder = np.round(positions[chosen] * 2.0**19) / 2.0**19, energy[chosen], ladder[chosen]
    output.parent.mkdir(parents=True, exist_ok=True)
    save = np.savez_compressed if n_frames else np.savez
    save(output, positions=positions.astype(np.float32), energy=energy, ladder=ladder)
    print(f"{output}: {len(energy)} frames, {output.stat().st_size / 1e6:.1f} MB")


def torsion(positions, atoms):
    i, j, k, l = atoms
    b1, b2, b3 = (positions[:, b] - positions[:, a] for a, b in ((i, j), (j, k), (k, l)))
    m, n = np.cross(b1, b2), np.cross(b2, b3)
    return np.arctan2(np.linalg.norm(b2, axis=1) * (b1 * n).sum(1), (m * n).sum(1))


def with_error(values, ladder):
    """Mean, and its standard error from the means of the independent ladders."""
    means = np.array([values[ladder == l].mean() for l in np.unique(ladder)])
    return means.mean(), means.std(ddof=1) / np.sqrt(len(means)) if len(means) > 1 else np.nan


def backbone(system):
    """Peptide bonds (name, the four atoms of omega) and stereocentres (name, N, C, CB, CA), by names and bonds."""
    names = [atom[0] for atom in system["atoms"]]
    residue = [atom[3] for atom in system["atoms"]]
    label = [f"{atom[2]} {atom[3]}" for atom in system["atoms"]]
    neighbours = [[] for _ in names]
    for i, j in system["bonds"]:
        neighbours[i].append(j)
        neighbours[j].append(i)
    peptide_bonds, centres = [], []
    for n, name in enumerate(names):
        if name == "N":
            for c in (c for c in neighbours[n] if names[c] == "C" and residue[c] != residue[n]):
                before = [a for a in neighbours[c] if system["atoms"][a][1] == "C"]
                after = [a for a in neighbours[n] if system["atoms"][a][1] == "C" and a != c]
                if before and after:
                    peptide_bonds.append((f"{label[c]} - {label[n]}", (before[0], c, n, after[0])))
        if name == "CA":
            around = {names[a]: a for a in neighbours[n]}
            if {"N", "C", "CB"} <= around.keys():
                centres.append((label[n], around["N"], around["C"], around["CB"], n))
    return peptide_bonds, centres


def describe(folder):
    positions, energy, ladder = load(folder)
    summary = json.loads((folder / "summary.json").read_text())
    system = json.loads((folder / "system.json").read_text())
    start = np.array(system["positions"]).reshape(1, -1, 3)
    degree = np.pi / 180
    peptide_bonds, centres = backbone(system)
    lines = {"energy, kJ/mol": with_error(energy, ladder)}
    for phi_atoms, psi_atoms in zip(system["phi"], system["psi"]):
        residue = " ".join(str(part) for part in system["atoms"][phi_atoms[2]][2:4])
        phi, psi = torsion(positions, phi_atoms), torsion(positions, psi_atoms)
        lines |= {
            f"{residue}: phi > 0": with_error(phi > 0, ladder),
            f"{residue}: alpha-L (0 < phi < 120 degrees)": with_error((phi > 0) & (phi < 120 * degree), ladder),
            f"{residue}: C5/PII (phi < 0, psi > 60 or psi < -150)":
                with_error((phi < 0) & ((psi > 60 * degree) | (psi < -150 * degree)), ladder),
            f"{residue}: alpha (phi < 0, -90 < psi < 0)": with_error((phi < 0) & (psi < 0) & (psi > -90 * degree), ladder),
        }
    for name, atoms in peptide_bonds:
        lines[f"cis peptide bond {name}"] = with_error(np.abs(torsion(positions, atoms)) < np.pi / 2, ladder)
    for name, n, c, cb, ca in centres:
        volumes = [np.einsum("ij,ij->i", np.cross(x[:, n] - x[:, ca], x[:, c] - x[:, ca]), x[:, cb] - x[:, ca])
                   for x in (positions, start)]
        lines[f"{name}: other chirality than the start"] = with_error(np.sign(volumes[0]) != np.sign(volumes[1]), ladder)
    print(json.dumps(summary, indent=2))
    per_ladder = np.bincount(ladder)
    print(f"{len(energy)} frames of {len(per_ladder)} ladders")
    half = np.concatenate([np.arange(n) >= n // 2 for n in per_ladder])
    for name, (mean, error) in lines.items():
        print(f"{name:60s} {mean:12.6f} +- {error:.6f}")
    for name, part in (("first half of the time", ~half), ("second half", half)):
        mean, error = with_error(energy[part], ladder[part])
        print(f"{'energy, ' + name:60s} {mean:12.6f} +- {error:.6f}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    verbs = parser.add_subparsers(dest="verb", required=True)
    for name in ("sample", "pack", "describe"):
        verb = verbs.add_parser(name)
        if name == "sample":
            verb.add_argument("system", help="a built-in name or a system file (.json)")
            verb.add_argument("--program", type=Path, default=PROJECT / "build" / "bin" / "boltzflow")
            verb.add_argument("--minutes", type=float, default=0, help="end after so long with what there is; 0: never")
        verb.add_argument("--folder", type=Path, required=True)
        if name == "pack":
            verb.add_argument("--output", type=Path, required=True)
            verb.add_argument("--frames", type=int, default=0, help="about so many, evenly spaced; 0: all")
    words = sys.argv[1:]
    end = words.index("--") if "--" in words else len(words)
    arguments, options = parser.parse_args(words[:end]), words[end + 1:]
    if arguments.verb == "sample":
        sample(arguments.system, arguments.folder, arguments.program, arguments.minutes, options)
    elif arguments.verb == "pack":
        pack(arguments.folder, arguments.output, arguments.frames)
    else:
        describe(arguments.folder)
