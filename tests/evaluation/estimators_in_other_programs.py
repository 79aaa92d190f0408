# SPDX-License-Identifier: MIT
"""Estimators and transport of boltzflow beside those of pymbar, POT and SciPy on the same numbers.

    estimators_in_other_programs.py PROGRAM CHECK       one of the check_ functions below, for CTest
    estimators_in_other_programs.py PROGRAM benchmark N exact transport of N points in 66 dimensions beside SciPy
"""
import json
import logging
import subprocess
import sys
import time

import numpy as np

program = sys.argv[1]


def boltzflow(name, **values):
    text = json.dumps({key: value.tolist() if isinstance(value, np.ndarray) else value for key, value in values.items()})
    done = subprocess.run([program, name], input=text, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def agree(what, ours, theirs, tolerance):
    assert abs(ours - theirs) <= tolerance, f"{what}: {ours!r} here, {theirs!r} there"


def point_sets(n, dimension, seed):
    """A Gaussian prior and a mixture of eight Gaussians, as flows meet them."""
    random = np.random.default_rng(seed)
    centres = random.normal(scale=0.8, size=(8, dimension))
    scales = 0.3 + 0.7 * np.abs(random.normal(size=dimension))
    x = random.normal(size=(n, dimension))
    y = centres[random.integers(8, size=n)] + scales * random.normal(size=(n, dimension))
    return x.astype(np.float32), y.astype(np.float32)


def check_transport():
    import ot
    from scipy.optimize import linear_sum_assignment
    from scipy.spatial.distance import cdist

    for n, dimension in [(1, 3), (2, 1), (50, 2), (400, 66), (300, 2)]:
        x, y = point_sets(n, dimension, n)
        ours = boltzflow("transport", x=x.ravel(), y=y.ravel(), dimension=dimension)
        cost = cdist(x.astype(float), y.astype(float), "sqeuclidean")
        rows, columns = linear_sum_assignment(cost)
        agree("SciPy", ours["mean_squared_distance"], cost[rows, columns].mean(), 2 * ours["resolution"] + 1e-12)
        assert n == 1 or ours["target_of_source"] == columns.tolist(), "the optimum of random points is unique"
        weights = np.full(n, 1 / n)
        agree("POT", ours["mean_squared_distance"], float(ot.emd2(weights, weights, cost)), 2 * ours["resolution"] + 1e-9)


def check_wasserstein():
    import ot
    from scipy.stats import wasserstein_distance

    random = np.random.default_rng(3)
    a, b = random.normal(size=700), 1 + 2 * random.normal(size=450)
    weight = random.exponential(size=700)
    weight[:5] = 0
    ours = boltzflow("wasserstein", a=a, weight=weight, b=b)
    agree("SciPy, order 1", ours["order_1"], wasserstein_distance(a, b, weight), 1e-12)
    uniform = np.full(450, 1 / 450)
    squared = ot.emd2_1d(a, b, weight / weight.sum(), uniform, metric="sqeuclidean")
    agree("POT, order 2", ours["order_2"], float(np.sqrt(squared)), 1e-12)


def check_torus():
    import ot

    random = np.random.default_rng(4)
    n, angles = 250, 4
    a, b = random.uniform(-np.pi, np.pi, (angles, n)), random.vonmises(1.0, 2.0, (angles, n))
    difference = np.abs(a[:, :, None] - b[:, None, :])
    cost = (np.minimum(difference, 2 * np.pi - difference) ** 2).sum(0)
    uniform = np.full(n, 1 / n)
    theirs = float(np.sqrt(ot.emd2(uniform, uniform, cost)))
    agree("POT", boltzflow("torus", a=a, b=b)["distance"], theirs, 1e-5)  # float32 costs here


def check_bennett():
    from pymbar.other_estimators import bar, bar_overlap, exp

    random = np.random.default_rng(5)
    for n_forward, n_reverse, spread, difference in [(500, 500, 1, 0.3), (2000, 150, 2.5, -17), (40, 900, 3, 120)]:
        forward = difference + spread**2 / 2 + spread * random.normal(size=n_forward)
        reverse = -difference + spread**2 / 2 + spread * random.normal(size=n_reverse)
        ours = boltzflow("bennett", forward=forward, reverse=reverse)
        theirs = bar(forward, reverse, relative_tolerance=1e-14, maximum_iterations=1000)
        agree("BAR", ours["value"], theirs["Delta_f"], 1e-9)
        agree("its error", ours["error"], theirs["dDelta_f"], 1e-7)
        agree("EXP", ours["forward"], exp(forward)["Delta_f"], 1e-10)
        agree("reverse EXP", ours["reverse"], -exp(reverse)["Delta_f"], 1e-10)
        if abs(difference) < 100:  # pymbar's own MBAR start fails beyond
            agree("the overlap", ours["overlap"], bar_overlap(forward, reverse), 1e-6)


def check_multistate():
    from pymbar import MBAR

    random = np.random.default_rng(6)
    for means, scales, counts in [([0, 1, 2], [1, 0.7, 0.4], [300, 200, 400]),
                                  ([0, 1, 2, 3, 1.5], [1, 0.7, 0.4, 2, 0.6], [300, 200, 400, 50, 0])]:
        x = np.concatenate([mean + scale * random.normal(size=n) for mean, scale, n in zip(means, scales, counts)])
        energies = np.array([0.5 * ((x - mean) / scale) ** 2 for mean, scale in zip(means, scales)])
        energies += np.arange(len(means))[:, None] * 30
        ours = boltzflow("multistate", reduced_energy=energies.ravel(), counts=counts)
        theirs = MBAR(energies, np.array(counts), solver_protocol=[{"method": "adaptive", "tol": 1e-13}])
        theirs = theirs.compute_free_energy_differences()
        shape = (len(means), len(means))
        np.testing.assert_allclose(np.reshape(ours["value"], shape), theirs["Delta_f"], atol=1e-9)
        np.testing.assert_allclose(np.reshape(ours["error"], shape), theirs["dDelta_f"], rtol=1e-5, atol=1e-7)


def benchmark(n):
    from scipy.optimize import linear_sum_assignment
    from scipy.spatial.distance import cdist

    x, y = point_sets(n, 66, 7)
    ours = boltzflow("transport", x=x.ravel(), y=y.ravel(), dimension=66)
    start = time.perf_counter()
    cost = cdist(x, y, "sqeuclidean")
    rows, columns = linear_sum_assignment(cost)
    seconds = time.perf_counter() - start
    agree("SciPy", ours["mean_squared_distance"], cost[rows, columns].mean(), 2 * ours["resolution"])
    print(f"{n} points in 66 dimensions: {ours['seconds']:.2f} s here, {seconds:.2f} s with SciPy, "
          f"ratio {seconds / ours['seconds']:.1f}")


if __name__ == "__main__":
    logging.disable(logging.WARNING)  # pymbar advertises
    if sys.argv[2] == "benchmark":
        benchmark(int(sys.argv[3]))
    else:
        globals()["check_" + sys.argv[2]]()
