#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""`boltzflow free-energy` by the program itself: free_energy.py PROGRAM SOURCE_FOLDER; standard library only."""
import csv, json, math, signal, subprocess, sys, tempfile, time
from pathlib import Path

PROGRAM, SOURCE = Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve()
FRAMES = SOURCE / "data/reference/alanine-dipeptide.npz"
PSI = ["--torsion", "psi", "--window-a=-1.5:0.5", "--window-b=1.5:3.3"]
SMALL = ["--threads", 1, "--set", "method.fit.gradient_steps=20", "--set", "flow.euclidean.hidden_width=16", "--set",
         "flow.euclidean.n_layers=2", "--set", "method.regflow.n_pairs=2000", "--set", "training.batch_size=128"]


def run(*words, status=0, **more):
    done = subprocess.run([PROGRAM, "free-energy", *map(str, words)], capture_output=True, text=True, timeout=300, **more)
    assert done.returncode == status, f"{words}: exit status {done.returncode}, expected {status}\n{done.stdout}\n{done.stderr}"
    return done


def fails(status, text, *words):
    done = run(*words, status=status)
    assert text in done.stderr and done.stdout == "", f"{text!r} is not in: {done.stderr}"


def check_free_energy_by_a_map(folder):
    """Well populated windows of psi: the map's estimate beside counting."""
    words = ["alanine-dipeptide", "--data", FRAMES, *PSI, *SMALL, "--seed", 3]
    d = json.loads(run(*words, "--json", "-o", folder / "works.csv").stdout)
    counted, estimate = d["counted"], d["difference"]
    error = math.hypot(counted["error_kT"], estimate["error_kT"])
    # Four combined errors, one false alarm in 16,000 for independent sets (these share half of their frames).
    assert abs(estimate["value_kT"] - counted["value_kT"]) < 4 * error, d
    assert error < 0.2 and counted["value_kT"] < -1.5, d  # neither blurred nor empty
    chosen = d[d["map"]]
    assert chosen["overlap"] > 0.3 and abs(chosen["mbar_kT"] - chosen["bar"]["value_kT"]) < 1e-6, chosen
    assert d["n_training_a"] + d["n_estimation_a"] < d["n_frames"] == 19968
    # Two energies a held-out frame and map, there and back.
    assert d["n_energies"] == 4 * (d["n_estimation_a"] + d["n_estimation_b"]), d
    rows = list(csv.DictReader((folder / "works.csv").open()))
    assert len(rows) == d["n_energies"] / 2
    forward = [float(r["work_kT"]) for r in rows if r["map"] == "moments" and r["direction"] == "forward"]
    inside = sum(map(math.isfinite, forward)) / len(forward)
    assert inside == d["moments"]["forward_inside"] and 0.5 < inside < 1
    average = -math.log(sum(math.exp(-w) for w in forward) / len(forward))
    assert abs(average - d["moments"]["exponential_forward_uncorrected"]["value_kT"]) < 1e-5
    again = json.loads(run(*words, "--json").stdout)
    for key in ("moments", "trained", "counted"):
        assert again[key] == d[key], "the same seed gave other numbers"
    text = run(*words).stdout
    assert "F_B - F_A" in text and "counted" in text and "cost:" in text


def check_free_energy_in_aligned_coordinates(folder):
    d = json.loads(run("alanine-dipeptide", "--data", FRAMES, *PSI, *SMALL, "--coordinates", "aligned", "--json").stdout)
    # A rigid shift of atoms breaks bonds: hardly any overlap, which must be seen and said, not hidden.
    assert d["coordinates"] == "aligned" and d[d["map"]]["overlap"] < 0.06
    assert "too little to trust" in run("alanine-dipeptide", "--data", FRAMES, *PSI, *SMALL, "--coordinates", "aligned").stdout


def check_free_energy_of_a_model(folder):
    tiny = ["flow.n_couplings=2", "flow.hidden_width=16", "flow.n_hidden_layers=1", "training.batch_size=64",
            "method.cmt.annealing_steps=3", "method.cmt.samples_per_step=512", "method.cmt.gradient_steps=5",
            "method.cmt.refinement_rounds=1", "method.cmt.refinement_samples=512", "method.cmt.refinement_gradient_steps=5",
            "evaluation.samples=1000", "output.samples=0", "training.precision=float32"]
    subprocess.run([PROGRAM, "train", "alanine-dipeptide", "--run", folder / "run", "--threads", "1", "--quiet",
                    *[w for s in tiny for w in ("--set", s)]], check=True, capture_output=True)
    words = [folder / "run", "-n", 4000, "--threads", 1, "--reference", FRAMES, "--bins", 12]
    d = json.loads(run(*words, "--json", "-o", folder / "profile.csv").stdout)
    assert d["n_samples"] == d["n_energies"] == 4000 and 1 <= d["effective_samples"] <= 4000
    assert {(p["torsion"], p["source"]) for p in d["profiles"]} == {(t, s) for t in ("phi", "psi") for s in ("model", "reference")}
    counted = d["difference_reference"]
    assert abs(counted["value_kJ_mol"] / counted["value_kT"] - 0.00831446261815324 * 300) < 1e-9
    # 46 of 19,968 frames have phi in (0, 2.2): -log(19,922 / 46).
    assert abs(counted["value_kT"] + math.log(19922 / 46)) < 1e-9, counted
    rows = list(csv.DictReader((folder / "profile.csv").open()))
    assert len(rows) == 4 * 12
    profile = [float(r["free_energy_kT"]) for r in rows if r["torsion"] == "psi" and r["source"] == "reference" and r["free_energy_kT"]]
    assert min(profile) == 0 and max(profile) > 1
    assert "effective" in run(*words).stdout
    fails(64, "--coordinates", folder / "run", "--coordinates", "aligned")


def check_free_energy_errors(folder):
    system = ["alanine-dipeptide", "--data", FRAMES]
    fails(66, "--data", "alanine-dipeptide")
    fails(64, "--samples", *system, "-n", "5000")
    fails(64, "BEGIN:END", *system, "--window-a", "1.2")
    fails(64, "overlap", *system, "--window-a=0:1", "--window-b=0.5:2")
    fails(64, "whole circle", *system, "--window-a=1:1")
    fails(64, "psi has no usual windows", *system, "--torsion", "psi")
    fails(64, "ALA 2", *system, "--residue", "7")
    fails(65, "needs 20 of each", *system, "--window-a=1.9:2.0")
    fails(78, "flow.architecture", *system, "--set", "flow.architecture=spline")
    fails(78, "method.regflow.targets", *system, "--set", "method.regflow.targets=reflow")
    fails(66, "nowhere", "alanine-dipeptide", "--data", "nowhere.npz")


def check_free_energy_stops_when_asked(folder):
    for number, status in ((signal.SIGTERM, 143), (signal.SIGINT, 130)):
        process = subprocess.Popen([PROGRAM, "free-energy", "alanine-dipeptide", "--data", FRAMES, *PSI, "--threads", "1",
                                    "--set", "method.fit.gradient_steps=1000000", "-o", folder / "works.csv"],
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        time.sleep(3)
        process.send_signal(number)
        out, err = process.communicate(timeout=120)
        assert process.returncode == status and out == "" and "no free energy" in err, (process.returncode, out, err)
        assert not (folder / "works.csv").exists()


for name, check in list(globals().items()):
    if name.startswith("check_") and (len(sys.argv) < 4 or name[6:] in sys.argv[3:]):
        with tempfile.TemporaryDirectory(prefix="boltzflow-") as temporary:
            check(Path(temporary))
        print("passed", name[6:], flush=True)
