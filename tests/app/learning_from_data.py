#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Trains the real program on frames: learning_from_data.py PROGRAM SOURCE_FOLDER [NAME ...]. Standard library only."""
import sys, tempfile
from pathlib import Path

from end_to_end import SOURCE, TINY, fails, npz_arrays, run


def check_learning_from_data(folder):
    """Maximum likelihood, flow matching, and regression on both kinds of targets, from frames of alanine dipeptide."""
    frames = SOURCE / "data/reference/alanine-dipeptide.npz"
    (folder / "tiny.toml").write_text(TINY + """
[method.fit]
gradient_steps = 12
report_steps = 6
validation_samples = 64
monitor_samples = 64
[flow.euclidean]
n_layers = 2
hidden_width = 16
n_hidden_layers = 1
[flow.continuous]
velocity = "two-layer"
hidden_width = 16
[method.regflow]
n_pairs = 256
""")

    def train(name, method, architecture, *words, **more):
        return run("train", "alanine-dipeptide", "--config", "tiny.toml", "--run", name, "--threads", 1, "--data", frames,
                   "--set", f"training.method={method}", "--set", f"flow.architecture={architecture}", *words, folder=folder, **more)

    train("likelihood", "maximum-likelihood", "res-nvp", "--reference", frames)
    train("internal", "maximum-likelihood", "spline")
    train("transport", "regflow", "nsf-coupling")
    train("teacher", "flow-matching", "continuous", "--set", "evaluation.samples=1000", "--set", "output.samples=20")
    train("reflow", "regflow", "real-nvp", "--set", "method.regflow.targets=reflow", "--set", "method.regflow.teacher=teacher")
    assert (folder / "reflow/checkpoints/pairs.boltzflow").exists()
    # The same on aligned and whitened frames; a teacher on other coordinates is refused.
    aligned = ["--set", "data.coordinates=aligned"]
    train("aligned-teacher", "flow-matching", "continuous", "--set", "evaluation.samples=1000", *aligned)
    reflow = ["--set", "method.regflow.targets=reflow", "--set", "method.regflow.teacher=aligned-teacher"]
    train("aligned-reflow", "regflow", "nsf-autoregressive", *reflow, *aligned)
    fails(78, "aligned-teacher is a flow of", "train", "alanine-dipeptide", "--config", "tiny.toml", "--data", frames, "--set",
          "training.method=regflow", "--set", "flow.architecture=real-nvp", *reflow, folder=folder)
    for architecture, cause in (("spline", "internal coordinates"), ("real-nvp", "--data")):
        fails(78, cause, "train", "alanine-dipeptide", "--config", "tiny.toml", *aligned, "--set", f"flow.architecture={architecture}",
              folder=folder)
    # Without a reference the test frames of the data are one, as many as samples, for `evaluate` as well.
    assert not (folder / "likelihood/test-frames.npz").exists()
    for name, n_frames in (("transport", 2000), ("teacher", 1000)):
        assert npz_arrays(folder / f"{name}/test-frames.npz")["positions"][0] == (n_frames, 22, 3)
        assert "energy_wasserstein_1" in (folder / f"{name}/evaluation.json").read_text()
    assert "E-W1" in run("evaluate", "transport", "-n", 1000, folder=folder).stdout
    assert "E-W1" not in run("evaluate", "transport", "-n", 1000, "--no-reference", folder=folder).stdout
    for name in ("likelihood", "transport", "reflow", "aligned-reflow"):
        run("sample", name, "-n", 20, "-o", f"{name}-samples", folder=folder)
        assert npz_arrays(folder / f"{name}-samples.npz")["positions"][0] == (20, 22, 3)
    done = run("train", "--resume", "likelihood", "--set", "training.maximum_minutes=1", folder=folder)
    assert "Reverse ESS" in done.stdout
    fails(78, "--data", "train", "alanine-dipeptide", "--config", "tiny.toml", "--set", "training.method=regflow", folder=folder)
    fails(78, "continuous", "train", "alanine-dipeptide", "--config", "tiny.toml", "--data", frames, "--set",
          "training.method=flow-matching", folder=folder)


if __name__ == "__main__":
    checks = {name.removeprefix("check_"): check for name, check in list(globals().items()) if name.startswith("check_")}
    for name in sys.argv[3:] or checks:
        with tempfile.TemporaryDirectory(prefix="boltzflow-") as temporary:
            checks[name](Path(temporary))
        print("passed", name)
