#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Makes the built-in systems again in FOLDER and compares them with data/systems: `check_system_files.py FOLDER`."""
import json
import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]


def same(a, b, where):
    if isinstance(a, dict):
        assert a.keys() == b.keys(), where
        return all(same(a[key], b[key], f"{where}.{key}") for key in a)
    if isinstance(a, list):
        assert len(a) == len(b), where
        return all(same(x, y, f"{where}[{i}]") for i, (x, y) in enumerate(zip(a, b)))
    if isinstance(a, float):
        # Minimised positions depend on the machine's arithmetic to about 1e-7 nm; everything else is copied.
        tolerance = 1e-5 if ".positions" in where else 1e-12
        assert abs(a - b) <= tolerance, f"{where}: {a} is not {b}"
        return True
    assert a == b, f"{where}: {a} is not {b}"
    return True


folder = Path(sys.argv[1])
subprocess.run([sys.executable, PROJECT / "scripts" / "make_systems.py", "--output", folder], check=True)
committed = sorted((PROJECT / "data" / "systems").glob("*.json"))
assert [path.name for path in committed] == sorted(path.name for path in folder.glob("*.json")), "other files"
for path in committed:
    same(json.loads(path.read_text()), json.loads((folder / path.name).read_text()), path.name)
