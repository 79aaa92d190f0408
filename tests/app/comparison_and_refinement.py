#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs `compare` and `sample --refine` of the real program: comparison_and_refinement.py PROGRAM SOURCE_FOLDER [NAME ...].

Standard library only; every check_* function gets a folder of its own. Flows are tiny, so that refinement has all to do.
"""
import csv, json, math, statistics, struct, sys, tempfile, zipfile
from pathlib import Path

from end_to_end import SOURCE, TINY, fails, npz_arrays, run, train_tiny

FRAMES = SOURCE / "data/reference/alanine-dipeptide.npz"
# Mean reduced energy of the reference, whose standard deviation is about sqrt(d / 2) = 5.5 RT. Flows that are hardly trained
# start above 1e6 RT, and wrong gradients or weights leave the samples thousands of RT too high.
MEAN_ENERGY, TOLERANCE = -39.4, 8
# The few samples that 200 of a Cartesian flow descend from may all have a cis peptide bond or a wrong hand, for good.
CARTESIAN_TOLERANCE = 40


def small_reference(folder, stride=20):
    """Every so many frames, so that metrics with a bootstrap take a second each."""
    with zipfile.ZipFile(FRAMES) as archive:
        data = archive.read("positions.npy")
    (length,) = struct.unpack_from("<H", data, 8)
    header = eval(data[10:10 + length].decode())  # a literal dict, by the format's definition
    n_frames, n_atoms, _ = header["shape"]
    size = (len(data) - 10 - length) // n_frames
    rows = [data[10 + length + n * size:10 + length + (n + 1) * size] for n in range(0, n_frames, stride)]
    header["shape"] = (len(rows), n_atoms, 3)
    text = repr(header).encode()
    text += b" " * (-(10 + len(text) + 1) % 64) + b"\n"
    path = folder / "reference.npy"
    path.write_bytes(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text + b"".join(rows))
    return path


def weighted_mean(values, log_weight):
    largest = max(log_weight)
    weight = [math.exp(w - largest) for w in log_weight]
    return sum(w * v for w, v in zip(weight, values) if w > 0) / sum(weight)


def refine(folder, name, n, *words):
    result = json.loads(run("sample", name, "-n", n, "-o", f"{name}-refined", "--refine", "smc", "--seed", 3, "--threads", 1, "--json",
                            *words, folder=folder).stdout)
    arrays = npz_arrays(folder / f"{name}-refined.npz")
    assert set(arrays) == {"positions", "reduced_energy", "log_weight"}, set(arrays)  # their own density is not known
    refinement, weights = result["refinement"], arrays["log_weight"][1]
    assert len(weights) == n and refinement["temperatures"][-1]["beta"] == 1
    log_mean = max(weights) + math.log(sum(math.exp(w - max(weights)) for w in weights) / n)
    assert abs(log_mean - refinement["log_partition_function"]) < 1e-9 * abs(log_mean), (log_mean, refinement)
    assert 1 <= refinement["n_ancestors"] <= n and result["effective_sample_size"] <= n
    return result, arrays


def check_refinement_of_a_box(folder):
    """A mixture in the plane: log Z of refined samples is that of the plain ones, and the weights get better."""
    (folder / "tiny.toml").write_text(TINY)
    run("train", "gaussian-mixture", "--config", "tiny.toml", "--run", "mixture", "--threads", 1, folder=folder)
    plain = json.loads(run("evaluate", "mixture", "-n", 50000, "--json", folder=folder).stdout)["metrics"]
    log_z = plain["log_partition_function_reverse"]
    result, arrays = refine(folder, "mixture", 4000, "--set", "smc.resample_below=0")
    refinement = result["refinement"]
    assert result["effective_sample_size"] > refinement["effective_sample_size_before"], result
    # Without resampling weights are independent: the error of log Z is sqrt((1 / ESS - 1) / n). Four deviations of both.
    error = math.sqrt((4000 / result["effective_sample_size"] - 1) / 4000)
    assert abs(refinement["log_partition_function"] - log_z["value"]) < 4 * math.hypot(error, log_z["error"]), (refinement, log_z)
    assert all(-56 <= x <= 56 for x in arrays["positions"][1])
    # The same seed gives the same samples; another sampler gives the same log Z.
    again, _ = refine(folder, "mixture", 4000, "--set", "smc.resample_below=0")
    assert again["effective_sample_size"] == result["effective_sample_size"]
    ula, _ = refine(folder, "mixture", 4000, "--set", "smc.resample_below=0", "--set", "smc.kernel=ula")
    error = math.hypot(error, math.sqrt((4000 / ula["effective_sample_size"] - 1) / 4000))
    assert abs(ula["refinement"]["log_partition_function"] - log_z["value"]) < 4 * math.hypot(error, log_z["error"]), ula


def check_refinement_of_internal_coordinates(folder):
    """Circles and intervals: samples of a flow that is not trained to speak of come down to the energies of dynamics."""
    train_tiny(folder)
    _, arrays = refine(folder, "run", 200, "--set", "smc.kernel_steps=4")
    mean = weighted_mean(arrays["reduced_energy"][1], arrays["log_weight"][1])
    assert abs(mean - MEAN_ENERGY) < TOLERANCE, mean
    stored = json.loads(run("evaluate", "run-refined.npz", "--system", "alanine-dipeptide", "--json", folder=folder).stdout)
    assert abs(stored["metrics"]["mean_reduced_energy"]["value"] - mean) < 1e-6, (stored, mean)
    energies = json.loads(run("system", "energy", "alanine-dipeptide", "run-refined.npz", "--json", folder=folder).stdout)["energy"]
    for u, total in zip(arrays["reduced_energy"][1], energies):
        assert abs(u * 0.00831446261815324 * 300 - total) < 1e-6 * (1 + abs(total)), (u, total)
    result = json.loads(run("sample", "run", "-n", 100, "--resample", 20, "-o", "drawn", "--refine", "smc", "--json",
                            "--set", "smc.kernel_steps=0", folder=folder).stdout)
    assert result["n_written"] == 20 and npz_arrays(folder / "drawn.npz")["positions"][0] == (20, 22, 3)

    fails(64, "--refine", "sample", "run", "-o", "x", "--set", "smc.kernel_steps=3", folder=folder)
    fails(64, "float32", "sample", "run", "-o", "x", "--refine", "smc", "--precision", "bfloat16", folder=folder)
    fails(78, "kernel_steps", "sample", "run", "-o", "x", "--refine", "smc", "--set", "smc.kernel_step=3", folder=folder)
    fails(65, "max_temperatures", "sample", "run", "-n", 50, "-o", "x", "--refine", "smc", "--set", "smc.max_temperatures=2", folder=folder)
    assert not list(folder.glob("x.*"))


LEARNING = """
[method.fit]
gradient_steps = 40
report_steps = 20
validation_samples = 64
monitor_samples = 0
[flow.euclidean]
n_layers = 4
hidden_width = 32
n_hidden_layers = 1
[flow.continuous]
velocity = "two-layer"
hidden_width = 16
"""


def learn(folder, name, method, architecture, *words):
    (folder / "learn.toml").write_text(TINY + LEARNING)
    run("train", "alanine-dipeptide", "--config", "learn.toml", "--run", name, "--threads", 1, "--data", FRAMES, "--set",
        f"training.method={method}", "--set", f"flow.architecture={architecture}", *words, folder=folder)


def check_refinement_of_cartesian_coordinates(folder):
    learn(folder, "spline", "maximum-likelihood", "nsf-coupling")
    learn(folder, "noise", "maximum-likelihood", "real-nvp", "--set", "data.centre=noise")
    for name in ("spline", "noise"):
        result, arrays = refine(folder, name, 200, "--set", "smc.kernel_steps=4")
        mean = weighted_mean(arrays["reduced_energy"][1], arrays["log_weight"][1])
        assert abs(mean - MEAN_ENERGY) < CARTESIAN_TOLERANCE, (name, mean)
        assert result["effective_sample_size"] > 10 * result["refinement"]["effective_sample_size_before"], result
    learn(folder, "teacher", "flow-matching", "continuous", "--set", "evaluation.samples=1000", "--set", "output.samples=0")
    fails(78, "continuous flow", "sample", "teacher", "-n", 10, "-o", "x", "--refine", "smc", folder=folder)


def check_compare(folder):
    reference = small_reference(folder)
    for seed in (1, 2, 3):
        learn(folder, f"a{seed}", "maximum-likelihood", "real-nvp", "--seed", seed, "--reference", reference)
    learn(folder, "b", "maximum-likelihood", "real-nvp", "--set", "flow.euclidean.n_layers=2", "--reference", reference)
    learn(folder, "c", "regflow", "nsf-coupling", "--set", "method.regflow.n_pairs=256")
    run("report", "c", "--no-reference", "-n", 1000, folder=folder)  # as runs are that have no test frames
    runs = ["a1", "b", "a2", "c", "a3"]
    before = {path: path.read_bytes() for name in runs for path in (folder / name).iterdir() if path.is_file() and path.name != "lock"}
    document = json.loads(run("compare", *runs, "-o", "table.csv", "--json", folder=folder).stdout)
    rows = document["rows"]
    assert [row["runs"] for row in rows] == [["a1", "a2", "a3"], ["b"], ["c"]], rows
    assert rows[0]["seeds"] == [1, 2, 3] and rows[0]["error_over"] == "seeds" and rows[1]["error_over"] == "samples"
    assert rows[0]["settings"]["flow.euclidean.n_layers"] == "4" and rows[1]["settings"]["flow.euclidean.n_layers"] == "2"
    assert not any(key.startswith("method.regflow") for key in rows[0]["settings"]), rows[0]
    metrics = [json.loads((folder / name / "evaluation.json").read_text())["metrics"] for name in ("a1", "a2", "a3", "b")]
    for name in ("effective_sample_size_clipped", "energy_wasserstein_1_capped", "torus_wasserstein", "distance_wasserstein"):
        values = [m[name]["value"] for m in metrics[:3]]
        mean, error = statistics.mean(values), statistics.stdev(values) / math.sqrt(3)
        value = rows[0]["values"][name]
        assert math.isclose(value["value"], mean, rel_tol=1e-12) and math.isclose(value["error"], error, rel_tol=1e-9, abs_tol=1e-15), (name, value)
        assert rows[1]["values"][name]["value"] == metrics[3][name]["value"] and rows[1]["values"][name]["error"] == metrics[3][name]["error"]
    assert rows[0]["values"]["torus_wasserstein"]["floor"] > 0 and rows[0]["values"]["gradient_steps"]["value"] == 40
    assert rows[0]["values"]["n_parameters"]["value"] > rows[1]["values"]["n_parameters"]["value"]
    assert "energy_wasserstein_1" not in rows[2]["values"] and any("c was evaluated without a reference" in w for w in document["warnings"])
    with open(folder / "table.csv") as file:
        table = list(csv.DictReader(file))
    assert [row["n_runs"] for row in table] == ["3", "1", "1"] and table[2]["energy_wasserstein_1"] == ""
    assert float(table[0]["torus_wasserstein_floor"]) == rows[0]["values"]["torus_wasserstein"]["floor"]

    text = run("compare", *runs, "-o", "table.md", folder=folder).stdout
    assert (folder / "table.md").read_text() == text and "n_layers = 2" in text and "E-W1, capped" in text and "(floor " in text, text
    # What an evaluation lacks is filled in on request, in the table alone.
    document = json.loads(run("compare", "b", "c", "--reference", reference, "-n", 1000, "--transport-points", 200, "--time", "--threads", 1,
                              "--json", folder=folder).stdout)
    for row in document["rows"]:
        assert row["values"]["energy_wasserstein_1"]["value"] > 0 and row["values"]["seconds_for_200000_samples"]["value"] > 0, row
    assert document["timing"]["threads"] == 1 and len(document["timing"]["runs"]) == 2
    assert {path: path.read_bytes() for path in before} == before, "compare wrote into a run folder"
    # An evaluation of an older version: said, and filled in with --evaluate.
    old = json.loads((folder / "b/evaluation.json").read_text())
    del old["metrics"]["energy_wasserstein_1_capped"]
    (folder / "b/evaluation.json").write_text(json.dumps(old))
    assert "older version" in run("compare", "b", folder=folder).stdout
    filled = json.loads(run("compare", "b", "--evaluate", "--json", folder=folder).stdout)
    assert filled["rows"][0]["values"]["energy_wasserstein_1_capped"]["value"] > 0 and not filled["warnings"], filled

    fails(64, r"\.md or \.csv", "compare", "b", "-o", "table.txt", folder=folder)
    fails(66, "no run folder", "compare", "b", "nowhere", folder=folder)
    (folder / "b/evaluation.json").write_text("{")
    fails(65, "evaluation.json", "compare", "b", folder=folder)


def check_evaluation_of_flows(folder):
    """The round trip, distances, capped energies and the options of T-W2 and of dropped weights."""
    learn(folder, "run", "maximum-likelihood", "real-nvp", "--reference", small_reference(folder))
    document = json.loads((folder / "run/evaluation.json").read_text())
    trip = document["round_trip"]
    # Two layers of affine maps: rounding of the number types, times the slopes of maps close to the identity.
    assert 0 < trip["float32"]["base"]["largest"] < 1e-3 and trip["float64"]["base"]["largest"] < 1e-11, trip
    assert trip["float32"]["log_det"]["largest"] < 1e-3 and trip["float64"]["log_det"]["largest"] < 1e-11, trip
    metrics = document["metrics"]
    assert metrics["distance_wasserstein"]["value"] > metrics["distance_wasserstein"]["floor"]["value"]
    # 100 RT and the reference's whole range of energies bound what a capped distance can be; the plain one has no bound.
    assert metrics["energy_wasserstein_1_capped"]["value"] <= metrics["energy_wasserstein_1"]["value"]
    assert metrics["energy_wasserstein_1_capped"]["value"] < 200 and 0 < metrics["energy_above_cap"]["value"] <= 1
    assert metrics["median_log_weight"]["value"] > metrics["evidence_lower_bound"]["value"]
    assert metrics["torus_wasserstein"]["n_points"] > 300
    fewer = json.loads(run("evaluate", "run", "--transport-points", 300, "--drop-fraction", 0.01, "-n", 2000, "--json", folder=folder).stdout)
    assert fewer["metrics"]["torus_wasserstein"]["n_points"] == 300 and fewer["drop_fraction"] == 0.01
    none = json.loads(run("evaluate", "run", "--transport-points", 0, "-n", 2000, "--json", folder=folder).stdout)
    assert "torus_wasserstein" not in none["metrics"] and "distance_wasserstein" not in none["metrics"]
    assert "Inverse error, median, float64" in run("evaluate", "run", "-n", 1000, "--no-reference", folder=folder).stdout
    fails(64, "drop-fraction", "evaluate", "run", "--drop-fraction", 0.9, folder=folder)


if __name__ == "__main__":
    checks = {name.removeprefix("check_"): check for name, check in list(globals().items()) if name.startswith("check_")}
    for name in sys.argv[3:] or checks:
        with tempfile.TemporaryDirectory(prefix="boltzflow-") as temporary:
            checks[name](Path(temporary))
        print("passed", name)
