#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs the real program from end to end: end_to_end.py PROGRAM SOURCE_FOLDER [NAME ...]; standard library only.

Every check_* function gets a folder of its own. A tiny flow is trained (2 couplings, width 32, seconds), so the numbers
mean nothing here; that files, messages, exit codes and resuming are right is what is checked.
"""
import json, os, re, resource, shutil, signal, struct, subprocess, sys, tempfile, time, zipfile
from pathlib import Path

PROGRAM, SOURCE = Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve()

TINY = """
[flow]
n_couplings = 2
hidden_width = 32
n_hidden_layers = 2
[training]
batch_size = 64
checkpoint_minutes = 0.0
precision = "float32"
sampling_precision = "float32"
[method.cmt]
annealing_steps = 4
fixed_annealing_steps = false
samples_per_step = 512
gradient_steps = 10
refinement_rounds = 3
refinement_samples = 512
refinement_gradient_steps = 10
[evaluation]
samples = 2000
[output]
samples = 300
"""


def run(*words, status=0, folder=".", **more):
    done = subprocess.run([PROGRAM, *map(str, words)], cwd=folder, capture_output=True, text=True, timeout=300, **more)
    assert done.returncode == status, (
        f"boltzflow {' '.join(map(str, words))}: exit status {done.returncode}, expected {status}\n{done.stdout}\n{done.stderr}")
    return done


def fails(status, pattern, *words, **more):
    """The call ends with this status and a message on standard error that matches; with --json, the same as JSON."""
    done = run(*words, status=status, **more)
    assert re.search(pattern, done.stderr), f"{pattern!r} is not in: {done.stderr}"
    assert done.stdout == "", done.stdout
    document = json.loads(run(*words, "--json", status=status, **more).stdout)
    assert document["error"]["status"] == status and document["error"]["message"], document


def train_tiny(folder, name="run", *words, **more):
    (folder / "tiny.toml").write_text(TINY)
    return run("train", "alanine-dipeptide", "--config", "tiny.toml", "--run", name, "--threads", 1, *words, folder=folder, **more)


def npz_arrays(path):
    """{name: (shape, values)} of float64 arrays."""
    arrays = {}
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        for name in archive.namelist():
            data = archive.read(name)
            (length,) = struct.unpack_from("<H", data, 8)
            header = eval(data[10:10 + length].decode())  # a literal dict, by the format's definition
            assert header["descr"] == "<f8" and not header["fortran_order"], header
            values = struct.unpack(f"<{(len(data) - 10 - length) // 8}d", data[10 + length:])
            arrays[name.removesuffix(".npy")] = (header["shape"], values)
    return arrays


READ_SAMPLES = """
import numpy, mdtraj, MDAnalysis
samples = numpy.load("s.npz")
trajectory = mdtraj.load("s.dcd", top="s.pdb")
universe = MDAnalysis.Universe("s.pdb", "s.dcd")
assert trajectory.xyz.shape == samples["positions"].shape == (20000, 22, 3)
assert numpy.abs(trajectory.xyz - samples["positions"]).max() < 2e-6  # float32 in Angstrom
assert len(universe.trajectory) == 20000 and universe.atoms[8].name == "CA"
assert numpy.abs(universe.trajectory[7].positions / 10 - samples["positions"][7]).max() < 2e-6
assert [r.name for r in trajectory.topology.residues] == ["ACE", "ALA", "NME"]
assert trajectory.topology.n_bonds == 21 == len(universe.bonds)
"""


def with_trajectory_tools(folder):
    """mdtraj and MDAnalysis, from the project's environment, read what `sample` writes."""
    python = SOURCE / ".environment/bin/python"
    assert python.exists(), "run scripts/install-dependencies"
    done = subprocess.run([python, "-W", "ignore", "-c", READ_SAMPLES], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def metrics_without_seconds(path):
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    for row in rows:
        row.pop("seconds", None)
    return rows


def check_help(folder):
    verbs = ["train", "sample", "evaluate", "free-energy", "report", "system show", "system energy", "system build",
             "system check", "simulate", "benchmark", "help", "version"]
    for verb in verbs:
        text = run(*verb.split(), "--help").stdout
        assert "Example:\n  boltzflow " + verb in text, text
        assert verb == "help" or "--json" in text
        assert run("help", *verb.split()).stdout == text
    assert "boltzflow train" in run("--help").stdout
    assert re.match(r"boltzflow \d+\.\d+\.\d+ \(", run("version").stdout)
    assert json.loads(run("version", "--json").stdout)["version"] in run("--version").stdout
    codes = run("help", "exit-codes").stdout
    for number in (0, 1, 64, 65, 66, 69, 70, 74, 75, 78, 130, 143):
        assert re.search(rf"^ *{number} ", codes, re.M), number
    assert "--preset quick" in run("help", "presets").stdout


def check_configuration_document_is_current(folder):
    printed = run("help", "configuration").stdout
    assert printed == (SOURCE / "docs/configuration.md").read_text(), "run: boltzflow help configuration > docs/configuration.md"


def check_usage_errors(folder):
    fails(64, "did you mean train", "trian", "x")
    fails(64, "did you mean energy", "system", "enrgy")
    fails(64, r"unknown option --thread.*did you mean --threads", "train", "alanine-dipeptide", "--thread", "2")
    fails(64, "train", "train")
    fails(64, "RUN", "sample")
    fails(64, "did you mean quick", "train", "alanine-dipeptide", "--preset", "quik")
    fails(64, "not in range", "sample", "x", "-o", "y", "-n", "0")
    run("nothing", status=64)
    run(status=64)
    fails(69, "CUDA|GPU", "system", "show", "alanine-dipeptide", "--device", "cuda") if not os.path.exists("/dev/nvidiactl") else None


def check_configuration_errors(folder):
    (folder / "my.toml").write_text("[training]\nlerning_rate = 1\n\n[flow]\nn_bins = 0\nn_couplings = 'two'\n")
    done = run("train", "alanine-dipeptide", "--config", "my.toml", "--set", "training.ema_decay=2", status=78, folder=folder)
    assert done.stderr.splitlines() == [
        "my.toml:2: training.lerning_rate: unknown key; did you mean training.learning_rate?",
        "my.toml:5: flow.n_bins: 0 is not in [2, 64]",
        "my.toml:6: flow.n_couplings: expected an integer, found the string \"two\"",
        "--set training.ema_decay=2: 2 is not in [0, 0.999999]",
        "4 errors; nothing was started. (exit 78; see `boltzflow help exit-codes`)"], done.stderr
    (folder / "my.toml").write_text("[flow]\nn_bins = 8\nn_bins = 9\n")
    fails(78, r"my.toml:3: .*\n1 error in my.toml; nothing was started", "train", "alanine-dipeptide", "--config", "my.toml", folder=folder)
    fails(78, "flow.n_couplings: 3 is not even", "train", "alanine-dipeptide", "--set", "flow.n_couplings=3", folder=folder)
    fails(66, "none.toml", "train", "alanine-dipeptide", "--config", "none.toml", folder=folder)
    assert not (folder / "runs").exists(), "something was started"


def check_bad_input(folder):
    system = json.loads((SOURCE / "data/systems/alanine-dipeptide.json").read_text())
    fails(66, "alanine-dipeptide", "train", "alanine-dipeptid", folder=folder)
    fails(66, "none.xml", "system", "show", "none.xml", folder=folder)
    (folder / "cut.json").write_text(json.dumps(system)[:5000])
    fails(65, "cut.json", "system", "show", "cut.json", folder=folder)
    (folder / "force.xml").write_text('<?xml version="1.0"?>\n<System type="System" version="1"><Particles><Particle mass="1"/></Particles>'
                                      '<Constraints/><Forces>\n<Force type="StrangeForce" version="1"/></Forces></System>\n')
    fails(65, r"force.xml:?.*StrangeForce", "system", "show", "force.xml", folder=folder)
    frames = struct.pack("<66d", *range(66))

    def npy(name, shape, data):
        header = f"{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}, }}".ljust(117) + "\n"
        (folder / name).write_bytes(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode() + data)

    energy = ("system", "energy", "alanine-dipeptide")
    npy("nan.npy", (1, 22, 3), frames[:-8] + struct.pack("<d", float("nan")))
    fails(65, "nan.npy.*frame 0, atom 21", *energy, "nan.npy", folder=folder)
    npy("short.npy", (2, 22, 3), frames)
    fails(65, "short.npy", *energy, "short.npy", folder=folder)
    npy("atoms.npy", (1, 21, 3), frames[:-24])
    fails(65, "atoms.npy.*21 atoms", *energy, "atoms.npy", folder=folder)
    fails(66, "none.dcd", *energy, "none.dcd", folder=folder)
    (folder / "strange.xyz").write_text("")
    fails(65, "strange.xyz", *energy, "strange.xyz", folder=folder)
    fails(66, "no such run", "sample", "none", "-o", "x", folder=folder)
    (folder / "model.boltzflow").write_bytes(b"nonsense")
    fails(65, "model.boltzflow", "sample", "model.boltzflow", "-o", "x", folder=folder)
    assert not list(folder.glob("x.*"))


def check_energies(folder):
    shown = json.loads(run("system", "show", "alanine-dipeptide", "--json").stdout)
    assert shown["n_atoms"] == 22 and shown["degrees_of_freedom"] == 60, shown
    assert "60 internal coordinates" in run("system", "show", "alanine-dipeptide").stdout
    system = json.loads((SOURCE / "data/systems/alanine-dipeptide.json").read_text())
    x = system["positions"]
    flat = [c for row in x for c in row] if isinstance(x[0], list) else x
    header = "{'descr': '<f8', 'fortran_order': False, 'shape': (2, 22, 3), }".ljust(117) + "\n"
    (folder / "frames.npy").write_bytes(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode() +
                                        struct.pack("<132d", *flat, *flat))
    energies = {}
    for precision in ("float64", "float32", "reference"):
        d = json.loads(run("system", "energy", "alanine-dipeptide", "frames.npy", "--precision", precision, "--json", folder=folder).stdout)
        assert d["n_frames"] == 2 and d["energy"][0] == d["energy"][1]
        total = sum(column[0] for column in d["terms"].values())
        assert abs(total - d["energy"][0]) < (1e-3 if precision == "float32" else 1e-9), d
        energies[precision] = d["energy"][0]
    assert abs(energies["float64"] - shown["reference_structure_energy"]) < 1e-9
    assert abs(energies["float64"] - energies["reference"]) < 1e-9
    assert abs(energies["float64"] - energies["float32"]) < 1e-3


def check_train_sample_evaluate_report(folder):
    done = train_tiny(folder)
    for name in ("config.toml", "manifest.json", "metrics.csv", "metrics.jsonl", "model.boltzflow", "evaluation.json", "report.html",
                 "system.json", "samples/samples.pdb", "samples/samples.dcd", "samples/samples.npz"):
        assert (folder / "run" / name).stat().st_size > 0, name
    assert "run/report.html" in done.stdout and "run/samples/samples.dcd" in done.stdout, done.stdout
    assert "22 atoms, 60 degrees of freedom" in done.stderr and "\r" not in done.stderr, done.stderr
    manifest = json.loads((folder / "run/manifest.json").read_text())
    assert manifest["status"] == "finished" and manifest["threads"] == 1 and manifest["sessions"][0]["ended"], manifest
    assert os.uname().nodename not in json.dumps(manifest["hardware"])
    rows = [json.loads(line) for line in (folder / "run/metrics.jsonl").read_text().splitlines()]
    assert rows and rows[-1]["evaluations"] == sum(512 for _ in rows), "evaluations are not exact"
    assert len((folder / "run/metrics.csv").read_text().splitlines()) == len(rows) + 1
    # The effective configuration is a configuration, and gives itself again.
    shutil.copy(folder / "run/config.toml", folder / "again.toml")
    run("train", "--config", "again.toml", "--run", "again", "--threads", 1, "--quiet", folder=folder)
    assert metrics_without_seconds(folder / "again/metrics.jsonl") == metrics_without_seconds(folder / "run/metrics.jsonl")
    assert (folder / "again/config.toml").read_text() == (folder / "run/config.toml").read_text()

    fails(64, "--resume", "train", "alanine-dipeptide", "--run", "run", folder=folder)
    result = json.loads(run("sample", "run", "-n", 20000, "-o", "s.npz", "--seed", 5, "--json", folder=folder).stdout)
    assert result["n_samples"] == 20000 and 0 < result["effective_sample_size"] <= 20000
    arrays = npz_arrays(folder / "s.npz")
    assert arrays["positions"][0] == (20000, 22, 3)
    log_prob, energy, weight = (arrays[name][1] for name in ("log_prob", "reduced_energy", "log_weight"))
    assert all(abs(w + u + q) < 1e-9 * (1 + abs(u)) for w, u, q in zip(weight, energy, log_prob) if w > float("-inf"))
    assert (folder / "s.dcd").stat().st_size > 20000 * 22 * 12
    assert (folder / "s.pdb").read_text().count("ATOM") + (folder / "s.pdb").read_text().count("HETATM") == 22
    energies = json.loads(run("system", "energy", "alanine-dipeptide", "s.npz", "--json", folder=folder).stdout)["energy"]
    for u, total in list(zip(energy, energies))[:100]:
        assert total is None or abs(u * 0.00831446261815324 * 300 - total) < 1e-6 * (1 + abs(total))
    with_trajectory_tools(folder)
    # A model file alone suffices, and the same seed gives the same bytes.
    (folder / "elsewhere").mkdir()
    shutil.copy(folder / "run/model.boltzflow", folder / "elsewhere/m.boltzflow")
    run("sample", "elsewhere/m.boltzflow", "-n", 20000, "-o", "t", "--seed", 5, folder=folder)
    assert (folder / "t.dcd").read_bytes() == (folder / "s.dcd").read_bytes()
    run("sample", "run", "-n", 2000, "--resample", 100, "-o", "r", folder=folder)
    resampled = npz_arrays(folder / "r.npz")
    assert resampled["positions"][0] == (100, 22, 3) and set(resampled["log_weight"][1]) == {0.0} and "log_prob" not in resampled
    fails(65, "log_prob", "evaluate", "r.npz", folder=folder)

    evaluation = json.loads(run("evaluate", "run", "-n", 2000, "--reference", "s.npz", "--json", folder=folder).stdout)
    assert evaluation["n_samples"] == 2000 and evaluation["n_reference_frames"] == 20000, evaluation
    assert json.loads((folder / "run/evaluation.json").read_text()) == evaluation
    stored = json.loads(run("evaluate", "s.npz", "--system", "alanine-dipeptide", "--json", folder=folder).stdout)
    assert stored["n_samples"] == 20000
    assert abs(20000 * stored["metrics"]["effective_sample_size"]["value"] - result["effective_sample_size"]) < 1e-6 * 20000, stored["metrics"]
    before = (folder / "run/report.html").read_bytes()
    run("report", "run", "-n", 3000, "--reference", "s.npz", folder=folder)
    page = (folder / "run/report.html").read_text()
    assert page.encode() != before and "http" not in re.sub(r"http://www\.w3\.org/\S*", "", page) and "<script" not in page


def check_analytic_targets(folder):
    """A target without atoms is trained on, sampled and reported; what needs atoms says so."""
    (folder / "tiny.toml").write_text(TINY)
    document = json.loads(run("train", "gaussian-mixture", "--config", "tiny.toml", "--run", "mixture", "--threads", 1, "--json", folder=folder).stdout)
    assert [Path(path).name for path in document["samples"]] == ["samples.npz"], document["samples"]
    assert "ess_clipped" in json.dumps(document["evaluation"]) or document["evaluation"]["metrics"], document
    arrays = npz_arrays(folder / "mixture/samples/samples.npz")
    assert arrays["positions"][0] == (300, 2), arrays["positions"][0]
    assert all(-56 <= x <= 56 for x in arrays["positions"][1])
    run("sample", "mixture", "-n", 50, "-o", "more", folder=folder)
    assert npz_arrays(folder / "more.npz")["positions"][0] == (50, 2)
    run("report", "mixture", folder=folder)
    fails(78, "spline", "train", "lennard-jones-13", "--config", "tiny.toml", folder=folder)
    fails(78, "data.trajectory", "train", "gaussian-mixture", "--config", "tiny.toml", "--data", "more.npz", folder=folder)


def check_stop_and_resume_give_the_same_numbers(folder):
    words = ["--set", "method.cmt.samples_per_step=20000", "--set", "method.cmt.refinement_samples=20000", "--set", "output.samples=0"]
    train_tiny(folder, "whole", *words)
    whole = metrics_without_seconds(folder / "whole/metrics.jsonl")
    for number, signal_number, status in ((1, signal.SIGTERM, 143), (2, signal.SIGINT, 130), (3, signal.SIGKILL, -9)):
        name = f"stopped{number}"
        process = subprocess.Popen([PROGRAM, "train", "alanine-dipeptide", "--config", "tiny.toml", "--run", name, "--threads", "1", *words],
                                   cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        rows = folder / name / "metrics.jsonl"
        while process.poll() is None and not (rows.exists() and rows.read_text().count("\n") >= number):
            time.sleep(0.002)
        process.send_signal(signal.SIGSTOP)  # on a busy machine it would be over before we are done
        # While it runs, nobody else may work in its folder.
        if number == 1:
            fails(75, f"process {process.pid}", "train", "--resume", name, folder=folder)
        process.send_signal(signal_number)
        process.send_signal(signal.SIGCONT)
        out, err = process.communicate(timeout=120)
        assert process.returncode == status, (process.returncode, out, err)
        if status > 0:
            assert f"boltzflow train --resume {name}" in err and out == "", err
            assert json.loads((folder / name / "manifest.json").read_text())["status"] == "stopped"
        assert len(metrics_without_seconds(rows)) < len(whole), "it was stopped too late to test anything"
        run("train", "--resume", name, "--set", "training.checkpoint_minutes=1", folder=folder)
        assert metrics_without_seconds(rows) == whole, "resuming changed the numbers"
        assert (folder / name / "metrics.csv").read_text().count("\n") == len(whole) + 1
        models = [(folder / n / "model.boltzflow").read_bytes() for n in ("whole", name)]
        assert models[0] == models[1], "resuming changed the model"
        assert len(json.loads((folder / name / "manifest.json").read_text())["sessions"]) == 2
    fails(64, "leave them out", "train", "alanine-dipeptide", "--resume", "whole", folder=folder)
    fails(65, "checkpoint", "train", "--resume", "whole", "--set", "training.batch_size=32", folder=folder)
    fails(66, "no such run folder", "train", "--resume", "nothing", folder=folder)


def check_full_and_read_only_disks(folder):
    train_tiny(folder, "run", "--set", "output.samples=0")
    before = {path: path.read_bytes() for path in (folder / "run").rglob("*") if path.is_file()}
    # Every write past 64 kB fails, as on a full disk.
    limit = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (65536, 65536))
    done = run("sample", "run", "-n", 20000, "-o", "big", status=74, folder=folder, preexec_fn=limit)
    assert "big" in done.stderr and not list(folder.glob("big*")) and not list(folder.glob(".big*")), done.stderr
    done = run("report", "run", "-n", 2000, status=74, folder=folder, preexec_fn=limit)
    assert "report.html" in done.stderr
    for path, data in before.items():
        if path.name not in ("lock", "evaluation.json"):
            assert path.read_bytes() == data, path
    done = run("train", "alanine-dipeptide", "--config", "tiny.toml", "--run", "full", status=74, folder=folder,
               preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (2048, 2048)))
    if os.geteuid() != 0:  # root may write anywhere
        (folder / "closed").mkdir(mode=0o555)
        fails(74, "closed", "train", "alanine-dipeptide", "--config", "tiny.toml", "--run", "closed/run", folder=folder)
    if os.path.exists("/dev/full"):
        with open("/dev/full", "w") as full:
            done = subprocess.run([PROGRAM, "system", "show", "alanine-dipeptide"], stdout=full, stderr=subprocess.PIPE, text=True)
        assert done.returncode == 74 and "standard output" in done.stderr, (done.returncode, done.stderr)


def check_benchmark(folder):
    d = json.loads(run("benchmark", "--set", "flow.n_couplings=2", "--set", "flow.hidden_width=32", "--set", "flow.n_hidden_layers=2",
                       "--set", "training.batch_size=64", "--json", "--threads", 1).stdout)
    assert all(row["microseconds"] > 0 for row in d["energy"]) and len(d["flow"]["timings"]) == 3 and d["peak_memory_bytes"] > 0


if __name__ == "__main__":
    checks = {name.removeprefix("check_"): check for name, check in list(globals().items()) if name.startswith("check_")}
    for name in sys.argv[3:] or checks:
        with tempfile.TemporaryDirectory(prefix="boltzflow-") as temporary:
            checks[name](Path(temporary))
        print("passed", name)
