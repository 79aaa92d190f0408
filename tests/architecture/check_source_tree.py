#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Checks the house rules that no compiler checks: which floor may include which, file length, licence lines, names.

usage: check_source_tree.py SOURCE_ROOT     (the folder that holds src/boltzflow); exit status 1 and a line per breach.
"""
import pathlib
import re
import subprocess
import sys

# What each floor may include, beside itself (docs/architecture.md). sampling and flow do not know each other.
BELOW = {
    "base": set(),
    "molecule": {"base"},
    "energy": {"base", "molecule"},
    "coordinates": {"base", "molecule", "energy"},
    "sampling": {"base", "molecule", "energy", "coordinates"},
    "flow": {"base", "molecule", "energy", "coordinates"},
    "training": {"base", "molecule", "energy", "coordinates", "sampling", "flow"},
    "evaluation": {"base", "molecule", "energy", "coordinates", "sampling", "flow"},
    "app": {"base", "molecule", "energy", "coordinates", "sampling", "flow", "training", "evaluation"},
}
LONGEST_FILE = 800  # lines; aim for a quarter of it
FORBIDDEN_NAMES = {"util", "utils", "common", "helper", "helpers", "manager", "misc"}
CODE = {".cpp", ".hpp", ".h", ".cu", ".cuh"}
LICENSED = CODE | {".py", ".cmake", ".sh", ".in"}
LICENCE = "SPDX-License-Identifier: MIT"
INCLUDE = re.compile(r'^\s*#\s*include\s*[<"](boltzflow/[^">]+|[^">]+)[">]')


def code_files(folder):
    return sorted(p for p in folder.rglob("*") if p.suffix in CODE and p.is_file())


def include_breaches(root):
    """Includes that point up or sideways, to files that are not there, or that are written relative to the file."""
    source = root / "src" / "boltzflow"
    for path in code_files(source):
        parts = path.relative_to(source).parts
        floor = parts[0] if len(parts) > 1 else None
        where = path.relative_to(root)
        if floor not in BELOW:
            yield f"{where}: not on any floor; put it into one of {', '.join(BELOW)}"
            continue
        for number, line in enumerate(path.read_text().splitlines(), 1):
            match = INCLUDE.match(line)
            if not match:
                continue
            name = match.group(1)
            if not name.startswith("boltzflow/"):
                if '"' in line.split("//")[0]:
                    yield f'{where}:{number}: includes "{name}"; write the whole path, boltzflow/...'
                continue
            target = name.split("/")[1]
            if target != floor and target not in BELOW[floor]:
                yield f"{where}:{number}: {floor} includes {name}, but {target} is not below {floor}"


def circles(root):
    """Headers that include themselves by a detour."""
    source = root / "src"
    edges = {}
    for path in code_files(source / "boltzflow"):
        found = (INCLUDE.match(line) for line in path.read_text().splitlines())
        edges[str(path.relative_to(source))] = [m.group(1) for m in found if m and m.group(1).startswith("boltzflow/")]
    state = {}

    def visit(node, trail):
        if state.get(node) == "done":
            return
        if state.get(node) == "open":
            yield "include circle: " + " -> ".join(trail[trail.index(node):] + [node])
            return
        state[node] = "open"
        for target in edges.get(node, []):
            yield from visit(target, trail + [node])
        state[node] = "done"

    for node in sorted(edges):
        yield from visit(node, [])


def tracked_files(root):
    """Files under version control, or, in a tree that came as an archive, those in the source folders."""
    try:
        listed = subprocess.run(["git", "-C", str(root), "ls-files", "-z"], capture_output=True, check=True).stdout
        names = [n for n in listed.decode().split("\0") if n]
    except (OSError, subprocess.CalledProcessError):
        names = []
    if names:
        return [root / name for name in names if (root / name).is_file()]
    folders = ("src", "tests", "benchmarks", "cmake", "scripts")
    return [p for folder in folders if (root / folder).is_dir() for p in sorted((root / folder).rglob("*")) if p.is_file()]


def file_breaches(root):
    for path in tracked_files(root):
        where = path.relative_to(root)
        words = set(re.split(r"[^a-z]+", path.name.lower())) | {part.lower() for part in where.parts[:-1]}
        if path.suffix in LICENSED and words & FORBIDDEN_NAMES:
            yield f"{where}: named {', '.join(sorted(words & FORBIDDEN_NAMES))}; name the file after what is in it"
        licensed = path.suffix in LICENSED or path.name == "CMakeLists.txt"
        if not licensed:
            continue
        lines = path.read_text(errors="replace").splitlines()
        if not any(LICENCE in line for line in lines[:5]):
            yield f"{where}: its first lines do not say {LICENCE}"
        if path.suffix in CODE and len(lines) > LONGEST_FILE:
            yield f"{where}: {len(lines)} lines, more than {LONGEST_FILE}; split it along a seam that has a name"


def breaches(root):
    yield from include_breaches(root)
    yield from circles(root)
    yield from file_breaches(root)


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    root = pathlib.Path(sys.argv[1]).resolve()
    if not (root / "src" / "boltzflow").is_dir():
        sys.exit(f"{root}: has no src/boltzflow")
    found = list(breaches(root))
    for line in found:
        print(line)
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
