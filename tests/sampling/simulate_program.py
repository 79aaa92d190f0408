#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs `boltzflow simulate` from end to end: simulate_program.py PROGRAM [NAME ...].

Every check_* function gets a folder of its own. mdtraj and MDAnalysis read what it wrote; a run that is interrupted
must end with the same bytes as one that is not.
"""
import json
import re
import signal
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np

PROGRAM = Path(sys.argv[1]).resolve()
SHORT = ["simulate", "alanine-dipeptide", "--replicas", "6", "--steps", "400", "--equilibration", "0.0002",
         "--frame-interval", "100", "--threads", "1"]


def run(*words, status=0, folder):
    done = subprocess.run([PROGRAM, *map(str, words)], cwd=folder, capture_output=True, text=True, timeout=300)
    assert done.returncode == status, f"{words}: exit status {done.returncode}, not {status}\n{done.stdout}\n{done.stderr}"
    return done


def check_files_are_read_by_other_programs(folder):
    import mdtraj
    import MDAnalysis
    warnings.filterwarnings("ignore")
    names = ["a.dcd", "a.nc", "a.npz", "a.pdb"]
    done = run(*SHORT, *[word for name in names for word in ("-o", name)], "--topology", "top.pdb", "--json", folder=folder)
    report = json.loads(done.stdout)
    assert [Path(file).name for file in report["files"]] == names and report["n_frames"] == 24, report
    archive = np.load(folder / "a.npz")
    positions = archive["positions"]
    assert positions.shape == (24, 22, 3)
    assert archive["replica"].tolist() == [r for r in range(6) for _ in range(4)]
    assert np.allclose(archive["time"], np.tile([0.1, 0.2, 0.3, 0.4], 6))
    for name, tolerance in (("a.dcd", 1e-6), ("a.nc", 1e-6), ("a.pdb", 1e-4)):
        trajectory = mdtraj.load(str(folder / name), top=str(folder / "top.pdb"))
        assert trajectory.n_frames == 24 and np.abs(trajectory.xyz - positions).max() < tolerance, name
        universe = MDAnalysis.Universe(str(folder / "top.pdb"), str(folder / name))
        read = np.array([step.positions.copy() for step in universe.trajectory]) / 10
        assert read.shape == positions.shape and np.abs(read - positions).max() < tolerance, name
    energies = json.loads(run("system", "energy", "alanine-dipeptide", "a.npz", "--json", folder=folder).stdout)["energy"]
    assert np.abs(np.array(energies) - archive["energy"]).max() < 5e-3  # float32 beside float64
    assert sorted(path.name for path in folder.iterdir()) == sorted([*names, "top.pdb"])


def check_hydrogen_bonds_keep_their_length(folder):
    done = run(*SHORT, "--constraints", "h-bonds", "--time-step", "2", "--temperatures", "300:400:2", "-o", "a.npz", "--json",
               folder=folder)
    assert json.loads(done.stdout)["n_constraints"] == 12
    positions = np.load(folder / "a.npz")["positions"]
    for carbon, hydrogen, length in ((8, 9, 0.109), (10, 11, 0.109), (6, 7, 0.101), (18, 19, 0.109)):
        distances = np.linalg.norm(positions[:, carbon] - positions[:, hydrogen], axis=1)
        assert np.abs(distances / length - 1).max() < 2e-6
    free = np.linalg.norm(positions[:, 6] - positions[:, 8], axis=1)
    assert free.std() > 1e-3


def interrupted(words, folder, number):
    """Starts the program, sends the signal once it has written frames, returns the exit status and the message."""
    process = subprocess.Popen([PROGRAM, *words], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    frames = next(iter(folder.glob("*.simulation")), folder / "a.simulation") / "checkpoints" / "state.npz"
    begin, before = time.time(), frames.stat().st_mtime_ns if frames.exists() else 0
    while time.time() < begin + 120 and (not frames.exists() or frames.stat().st_mtime_ns == before):
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)
    process.send_signal(number)
    message = process.communicate(timeout=120)[1]
    return process.returncode, message


def check_interrupted_runs_end_with_the_same_bytes(folder):
    words = ["simulate", "alanine-dipeptide", "--replicas", "4", "--steps", "12000", "--equilibration", "0.001", "--frame-interval",
             "100", "--temperatures", "300:500:3", "--constraints", "h-bonds", "--checkpoint-minutes", "0", "--seed", "5"]
    run(*words, "-o", "whole.npz", "-o", "whole.nc", folder=folder)
    status, message = interrupted([*words, "-o", "a.npz", "-o", "a.nc", "--threads", "1"], folder, signal.SIGTERM)
    assert status == 143 and "boltzflow simulate --resume" in message, (status, message)
    assert not (folder / "a.npz").exists()
    status, message = interrupted(["simulate", "--resume", "a.simulation"], folder, signal.SIGINT)
    assert status == 130, (status, message)
    status, _ = interrupted(["simulate", "--resume", "a.simulation"], folder, signal.SIGKILL)
    assert status == -9
    again = run(*words, "-o", "a.npz", status=64, folder=folder)
    assert "unfinished simulation" in again.stderr, again.stderr
    run("simulate", "--resume", "a.simulation", folder=folder)
    for kind in ("npz", "nc"):
        assert (folder / f"a.{kind}").read_bytes() == (folder / f"whole.{kind}").read_bytes(), kind
    assert not (folder / "a.simulation").exists()


def check_report_and_time_limit(folder):
    text = run(*SHORT, "-o", "a.npz", folder=folder).stdout
    assert re.search(r"R-hat", text) and re.search(r"cos phi ALA 2|sin phi ALA 2", text), text
    report = json.loads(run("simulate", "alanine-dipeptide", "--replicas", "8", "--time", "1000", "--equilibration", "0",
                            "--frame-interval", "10", "--maximum-minutes", "0.02", "-o", "b.npz", "--json", folder=folder).stdout)
    frames = np.load(folder / "b.npz")
    assert 0 < report["steps"] < 1e9 and len(frames["energy"]) == report["n_frames"] == 8 * (report["steps"] // 10)
    energy = next(q for q in report["convergence"] if q["quantity"] == "energy")
    assert np.isclose(energy["mean"], frames["energy"].mean())
    assert report["nanoseconds_per_day"] > 0 and len(report["kinetic_temperature"]) == 1


def check_a_users_energy_takes_the_force_fields_place(folder):
    source = """
    #include "boltzflow/energy/energy_plugin.h"
    extern "C" int boltzflow_energy_v1(const boltzflow_molecule* molecule, int64_t n_samples, const double* x, double* energy,
                                       double* gradient, char*, size_t) {
      const int64_t n = molecule->n_atoms;  // a spring of 1000 kJ/mol/nm^2 from every atom to the centroid
      for (int64_t s = 0; s < n_samples; ++s, x += 3 * n) {
        double centroid[3] = {0, 0, 0};
        for (int64_t c = 0; c < 3 * n; ++c) centroid[c % 3] += x[c] / n;
        energy[s] = 0;
        for (int64_t c = 0; c < 3 * n; ++c) {
          const double d = x[c] - centroid[c % 3];
          energy[s] += 500 * d * d;
          if (gradient) gradient[3 * n * s + c] = 1000 * d;
        }
      }
      return 0;
    }"""
    (folder / "springs.cpp").write_text(source)
    include = Path(__file__).resolve().parent.parent.parent / "src"
    subprocess.run(["c++", "-shared", "-fPIC", f"-I{include}", "springs.cpp", "-o", "springs.so"], cwd=folder, check=True)
    run("simulate", "alanine-dipeptide", "--energy-library", "springs.so", "--replicas", "64", "--steps", "4000", "--equilibration",
        "0.001", "--frame-interval", "500", "--friction", "10", "-o", "a.npz", folder=folder)
    frames = np.load(folder / "a.npz")
    springs = 500 * ((frames["positions"] - frames["positions"].mean(1, keepdims=True))**2).sum((1, 2))
    assert np.allclose(frames["energy"], springs, rtol=1e-5)
    # 66 coordinates but for the centroid's three, RT/2 each
    per_replica = frames["energy"].reshape(64, 8).mean(1)
    assert abs(per_replica.mean() - 63 / 2 * 0.0083144626 * 300) < 5 * per_replica.std(ddof=1) / 8, per_replica.mean()


def check_wrong_words_are_named(folder):
    for status, pattern, words in (
        (64, "name a system", ["-o", "a.npz"]),
        (64, "name a file", ["alanine-dipeptide"]),
        (65, "extension", ["alanine-dipeptide", "-o", "a.xyz"]),
        (64, "LOWEST:HIGHEST:NUMBER", ["alanine-dipeptide", "-o", "a.npz", "--temperatures", "300-400"]),
        (64, "not a multiple", ["alanine-dipeptide", "-o", "a.npz", "--steps", "501"]),
        (64, "not a multiple", ["alanine-dipeptide", "-o", "a.npz", "--temperatures", "300:400:2", "--frame-interval", "75"]),
        (64, "written twice", ["alanine-dipeptide", "-o", "a.npz", "-o", "a.npz"]),
        (66, "nothing.so", ["alanine-dipeptide", "-o", "a.npz", "--energy-library", "nothing.so"]),
        (66, "no folder of an unfinished", ["--resume", "nothing"]),
        (1, "smaller time_step", ["alanine-dipeptide", "-o", "a.npz", "--time-step", "50"]),
    ):
        done = run("simulate", *words, status=status, folder=folder)
        assert re.search(pattern, done.stderr), (pattern, done.stderr)


if __name__ == "__main__":
    checks = {name: function for name, function in globals().items() if name.startswith("check_")}
    for name in sys.argv[2:] or checks:
        with tempfile.TemporaryDirectory() as folder:
            checks[name if name.startswith("check_") else "check_" + name](Path(folder))
        print(name, "passed")
