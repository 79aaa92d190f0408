#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""`boltzflow system show` and `system check` on the built-in systems and on broken ones.

    system_verbs.py PROGRAM SYSTEMS_FOLDER
"""
import json
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

PROGRAM, SYSTEMS = sys.argv[1], Path(sys.argv[2])


def run(*words, expected=0):
    done = subprocess.run([PROGRAM, *map(str, words)], capture_output=True, text=True)
    assert done.returncode == expected, f"{words}: exit {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout


class SystemVerbs(unittest.TestCase):
    def changed(self, name, change):
        """A built-in system with a change, as a file."""
        document = json.loads((SYSTEMS / f"{name}.json").read_text())
        change(document)
        folder = tempfile.mkdtemp()
        path = Path(folder) / "changed.json"
        path.write_text(json.dumps(document))
        return path

    def failures(self, path):
        checks = json.loads(run("system", "check", path, "--json", expected=1))
        self.assertFalse(checks["passed"])
        return {check["name"] for check in checks["checks"] if not check["passed"]}

    def test_every_built_in_system_passes(self):
        for path in sorted(SYSTEMS.glob("*.json")):
            with self.subTest(path.stem):
                text = run("system", "check", path.stem)
                self.assertIn("checks passed", text)
                self.assertNotIn("FAIL", text)

    def test_energies_are_those_of_openmm(self):
        for path in sorted(SYSTEMS.glob("*.json")):
            with self.subTest(path.stem):
                shown = json.loads(run("system", "show", path.stem, "--json"))
                # Sums of a few thousand terms in float64, in another order.
                for ours, theirs in shown["openmm"]["terms"].values():
                    self.assertLess(abs(ours - theirs), 1e-8 * max(1.0, abs(theirs)))
                self.assertEqual(set(shown["openmm"]["terms"]), {"bonds", "angles", "torsions", "nonbonded", "solvent"})
                self.assertEqual(shown["degrees_of_freedom"], 3 * shown["n_atoms"] - 6 - shown["constraints"])

    def test_openmm_is_not_asked_when_unwanted(self):
        self.assertNotIn("openmm", json.loads(run("system", "show", "alanine-dipeptide", "--json", "--no-openmm")))

    def test_d_amino_acids_fail(self):
        def mirror(document):
            document["positions"] = [[-x, y, z] for x, y, z in document["positions"]]

        path = self.changed("alanine-tetrapeptide", mirror)
        self.assertEqual(self.failures(path), {"amino acids"})
        self.assertIn("0 L, 3 D: CA of ALA 2", run("system", "check", path, expected=1))

    def test_constraints_that_the_structure_does_not_keep_fail(self):
        def stretch(document):
            i, j, length, _ = next(bond for bond in document["harmonic_bonds"] if document["atoms"][bond[0]][1] == "H")
            document["constraints"] = [[i, j, length + 0.01]]

        # The reference structure is not representable either, and what hangs on the bond moves with it.
        found = self.failures(self.changed("alanine-tetrapeptide", stretch))
        self.assertIn("constraints", found)
        self.assertIn("reference structure", found)

    def test_fixed_hydrogen_bonds_are_no_degrees_of_freedom(self):
        def fix(document):
            x = document["positions"]
            document["constraints"] = [
                [i, j, sum((a - b) ** 2 for a, b in zip(x[i], x[j])) ** 0.5]
                for i, j, *_ in document["harmonic_bonds"]
                if "H" in (document["atoms"][i][1], document["atoms"][j][1])
            ]

        path = self.changed("alanine-tetrapeptide", fix)
        shown = json.loads(run("system", "show", path, "--json", "--no-openmm"))
        self.assertEqual(shown["degrees_of_freedom"], 98)  # the literature's tetraalanine: 19 + 40 + 39
        self.assertEqual([shown["z_matrix"][key] for key in ("bonds", "angles", "torsions")], [19, 40, 39])
        run("system", "check", path)

    def test_frames_of_another_form_fail(self):
        document = json.loads((SYSTEMS / "alanine-tetrapeptide.json").read_text())
        with tempfile.TemporaryDirectory() as folder:
            for sign, expected in ((1, 0), (-1, 1)):
                path = Path(folder) / "frames.pdb"
                with open(path, "w") as file:
                    for n, (atom, (x, y, z)) in enumerate(zip(document["atoms"], document["positions"])):
                        file.write(f"ATOM  {n + 1:5d} {atom[0]:<4s} {atom[2]:>3s} A{atom[3]:4d}    "
                                   f"{10 * sign * x:8.3f}{10 * y:8.3f}{10 * z:8.3f}  1.00  0.00          {atom[1]:>2s}\n")
                    file.write("END\n")
                run("system", "check", "alanine-tetrapeptide", "--frames", path, expected=expected)

    def test_a_system_that_is_not_there(self):
        run("system", "check", "alanine-dipeptid", expected=66)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
