#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Makes reference ensembles without a flow: replica exchange by `boltzflow simulate`, then the archives and what they say.

    .environment/bin/python scripts/make_reference.py run alanine-tripeptide --root FOLDER [--minutes 90] [-- --seed 7]
    .environment/bin/python scripts/make_reference.py table --root FOLDER

`run SYSTEM ... --root FOLDER` does everything for each system: samples into FOLDER/SYSTEM, or goes on with what was interrupted
there (Ctrl-C, SIGTERM, a crash), describes the frames in FOLDER/SYSTEM/description.txt and packs some thousands of them
into FOLDER/SYSTEM.npz. Finished simulations are left as they are; --minutes finishes one early. `table` prints one Markdown
table of all that FOLDER holds. The steps are also there one by one:

    ... sample SYSTEM --folder FOLDER [--minutes N] [-- OPTIONS]
    ... describe --folder FOLDER
    ... pack --folder FOLDER --output FILE.npz [--frames 20000]

SYSTEM is a built-in name or a system file. Options after -- are those of `boltzflow simulate` and come on top of the ones in
RUNS when a simulation begins. The folder of a system then holds frames.npz, topology.pdb, summary.json and system.json.

Frames are of the lowest temperature, ladder by ladder (64 independent ones) and in time's order within one, so that
contiguous blocks are independent. The three systems that flows learn from data get 147,200 frames 1 ps apart (64 ladders of
2.3 ns): a data set of 100,000, 20,000 for validation and the rest for tests, as `data.training` and `data.validation` split
it by themselves. How far frames 1 ps apart are from independent `describe` says (autocorrelation times; between two frames of
a rung lie 20 exchanges).

Archives hold positions [n, atoms, 3] float32 nm, energy [n] kJ/mol and ladder [n]. With --frames positions are rounded to
2^-19 nm (2e-6 nm, which is 0.006 kJ/mol) so that deflate has something to do.
"""
import argparse
import contextlib
import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np

PROJECT = Path(__file__).resolve().parent.parent
COMMON = "--replicas 64 --equilibration 0.1 --time-step 1 --exchange-interval 50 --frame-interval 200 --seed 20261122".split()
# More atoms need rungs that are closer together: about half of the exchanges are accepted on all of these. Times are of every
# ladder: 64 times as much at the lowest temperature.
DATA_SET = "--time 2.3 --frame-interval 1000"
# Hours on one core of a Xeon with AVX-512 that others used as well: alanine-dipeptide-ff99 0.5, alanine-tripeptide 1.2,
# alanine-tetrapeptide 3, alanine-hexapeptide 7, elil 10.
RUNS = {
    "alanine-dipeptide": "--temperatures 300:1000:8 --time 1",
    "alanine-dipeptide-ff99": f"--temperatures 300:1000:8 {DATA_SET}",
    "alanine-tripeptide": f"--temperatures 310:1000:10 {DATA_SET}",
    "alanine-tetrapeptide": f"--temperatures 300:1000:12 {DATA_SET}",
    "alanine-hexapeptide": "--temperatures 300:1000:14 --time 2 --frame-interval 1000",
    "elil": "--temperatures 300:1000:16 --time 2 --frame-interval 1000",
}


def sample(system, folder, program, minutes, options):
    folder.mkdir(parents=True, exist_ok=True)
    if (folder / "frames.simulation").exists():
        words = ["--resume", folder / "frames.simulation"]
    elif (folder / "frames.npz").exists() and (folder / "summary.json").exists():
        print(f"{folder}: already sampled; remove the folder to begin anew")
        return
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


def split_r_hat(values, ladder):
    """Potential scale reduction of the halves of every ladder (Gelman et al., Bayesian Data Analysis, 3rd ed., 11.4); 1 is ideal."""
    halves = [half for l in np.unique(ladder) for half in np.array_split(values[ladder == l], 2)]
    length = min(map(len, halves))
    if length < 2:
        return np.nan
    halves = np.array([half[:length] for half in halves], dtype=float)
    within, between = halves.var(axis=1, ddof=1).mean(), length * halves.mean(axis=1).var(ddof=1)
    return np.sqrt((length - 1) / length + between / (length * within)) if within > 0 else np.nan


def autocorrelation_time(values, ladder):
    """Integrated over both signs of the lag, in frames; 1 for independent ones. The window ends after 5 times itself (Sokal)."""
    chains = [values[ladder == l] - values.mean() for l in np.unique(ladder)]
    length = min(map(len, chains))
    padded = np.fft.rfft([chain[:length] for chain in chains], n=2 * length, axis=1)
    covariance = np.fft.irfft((np.abs(padded) ** 2).mean(axis=0))[:length] / np.arange(length, 0, -1)
    if covariance[0] <= 0:
        return np.nan
    times = 2 * np.cumsum(covariance / covariance[0]) - 1
    window = np.nonzero(np.arange(length) >= 5 * times)[0]
    return times[window[0]] if len(window) else times[-1]


def observations(system, positions):
    """Populations by name, [n] of 0 and 1, and continuous quantities that mixing is judged by."""
    degree = np.pi / 180
    populations, quantities = {}, {}
    for phi_atoms, psi_atoms in zip(system["phi"], system["psi"]):
        residue = " ".join(str(part) for part in system["atoms"][phi_atoms[2]][2:4])
        phi, psi = torsion(positions, phi_atoms), torsion(positions, psi_atoms)
        populations |= {
            f"{residue}: phi > 0": phi > 0,
            f"{residue}: alpha-L (0 < phi < 120 degrees)": (phi > 0) & (phi < 120 * degree),
            f"{residue}: C5/PII (phi < 0, psi > 60 or psi < -150)": (phi < 0) & ((psi > 60 * degree) | (psi < -150 * degree)),
            f"{residue}: alpha (phi < 0, -90 < psi < 0)": (phi < 0) & (psi < 0) & (psi > -90 * degree),
        }
        quantities |= {f"{residue}: sin phi": np.sin(phi), f"{residue}: cos psi": np.cos(psi), f"{residue}: sin psi": np.sin(psi)}
    peptide_bonds, centres = backbone(system)
    start = np.array(system["positions"]).reshape(1, -1, 3)
    for name, atoms in peptide_bonds:
        populations[f"cis peptide bond {name}"] = np.abs(torsion(positions, atoms)) < np.pi / 2
    for name, n, c, cb, ca in centres:
        volumes = [np.einsum("ij,ij->i", np.cross(x[:, n] - x[:, ca], x[:, c] - x[:, ca]), x[:, cb] - x[:, ca])
                   for x in (positions, start)]
        populations[f"{name}: other chirality than the start"] = np.sign(volumes[0]) != np.sign(volumes[1])
    return populations, quantities


def describe(folder):
    positions, energy, ladder = load(folder)
    summary = json.loads((folder / "summary.json").read_text())
    system = json.loads((folder / "system.json").read_text())
    populations, quantities = observations(system, positions)
    print(json.dumps(summary, indent=2))
    per_ladder = np.bincount(ladder)
    spacing = summary["time_step"] * summary["frame_interval"]
    lowest = len(per_ladder) * summary["nanoseconds"]
    print(f"{len(energy)} frames of {len(per_ladder)} ladders, {spacing:g} ps apart; {lowest:.4g} ns at the lowest of "
          f"{len(summary['temperatures'])} temperatures, {lowest * len(summary['temperatures']):.4g} ns in all")
    half = np.concatenate([np.arange(n) >= n // 2 for n in per_ladder])
    for name, values in ({"energy, kJ/mol": energy} | populations).items():
        mean, error = with_error(values, ladder)
        print(f"{name:60s} {mean:12.6f} +- {error:.6f}")
    for name, part in (("first half of the time", ~half), ("second half", half)):
        if part.any():
            mean, error = with_error(energy[part], ladder[part])
            print(f"{'energy, ' + name:60s} {mean:12.6f} +- {error:.6f}")
    for name, values in ({"energy": energy} | quantities).items():
        print(f"{name:60s} split R-hat {split_r_hat(values, ladder):.4f}   "
              f"autocorrelation time {spacing * autocorrelation_time(values, ladder):.3g} ps")


def table(root):
    """One row for every folder with a finished or interrupted simulation."""
    print("| system | T, K | ladders x time, ns | frames | ps apart | mean energy, kJ/mol | phi > 0 (each residue) | cis bonds "
          "| largest R-hat | longest autocorrelation, ps |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    for folder in sorted(path.parent for path in root.glob("*/summary.json")):
        positions, energy, ladder = load(folder)
        summary = json.loads((folder / "summary.json").read_text())
        populations, quantities = observations(json.loads((folder / "system.json").read_text()), positions)
        quantities["energy"] = energy
        spacing = summary["time_step"] * summary["frame_interval"]
        mean, error = with_error(energy, ladder)
        phi = ["{:.4f} ± {:.4f}".format(*with_error(values, ladder)) for name, values in populations.items() if "phi > 0" in name]
        cis = [values for name, values in populations.items() if name.startswith("cis")]
        any_cis = "{:.5f} ± {:.5f}".format(*with_error(np.any(cis, axis=0), ladder)) if cis else ""
        print(f"| {folder.name} | {summary['temperatures'][0]:g} | {ladder.max() + 1} x {summary['nanoseconds']:g} | {len(energy)} "
              f"| {spacing:g} | {mean:.2f} ± {error:.2f} | {', '.join(phi)} | {any_cis} "
              f"| {max(split_r_hat(values, ladder) for values in quantities.values()):.3f} "
              f"| {spacing * max(autocorrelation_time(values, ladder) for values in quantities.values()):.3g} |")


def run(systems, root, program, minutes, n_frames, options):
    for system in systems:
        folder = root / Path(system).stem
        sample(system, folder, program, minutes, options)
        pack(folder, root / f"{folder.name}.npz", n_frames)
        with open(folder / "description.txt", "w") as file, contextlib.redirect_stdout(file):
            describe(folder)
        print(folder / "description.txt")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    verbs = parser.add_subparsers(dest="verb", required=True)
    for name in ("run", "table", "sample", "pack", "describe"):
        verb = verbs.add_parser(name)
        if name == "run":
            verb.add_argument("systems", nargs="+", metavar="SYSTEM", help="built-in names or system files (.json)")
        if name == "sample":
            verb.add_argument("system", help="a built-in name or a system file (.json)")
        if name in ("run", "sample"):
            verb.add_argument("--program", type=Path, default=PROJECT / "build" / "bin" / "boltzflow")
            verb.add_argument("--minutes", type=float, default=0, help="end after so long with what there is; 0: never")
        if name in ("run", "table"):
            verb.add_argument("--root", type=Path, required=True)
        else:
            verb.add_argument("--folder", type=Path, required=True)
        if name == "pack":
            verb.add_argument("--output", type=Path, required=True)
        if name in ("run", "pack"):
            verb.add_argument("--frames", type=int, default=5000 if name == "run" else 0,
                              help="about so many, evenly spaced (%(default)s); 0: all")
    words = sys.argv[1:]
    end = words.index("--") if "--" in words else len(words)
    arguments, options = parser.parse_args(words[:end]), words[end + 1:]
    if arguments.verb == "run":
        run(arguments.systems, arguments.root, arguments.program, arguments.minutes, arguments.frames, options)
    elif arguments.verb == "table":
        table(arguments.root)
    elif arguments.verb == "sample":
        sample(arguments.system, arguments.folder, arguments.program, arguments.minutes, options)
    elif arguments.verb == "pack":
        pack(arguments.folder, arguments.output, arguments.frames)
    else:
        describe(arguments.folder)
