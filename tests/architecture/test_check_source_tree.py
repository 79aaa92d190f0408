#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Shows check_source_tree.py small trees that break one rule each, and one that breaks none."""
import pathlib
import tempfile
import unittest

import check_source_tree

LICENCE = "// SPDX-License-Identifier: MIT\n"


class CheckSourceTree(unittest.TestCase):
    def breaches(self, files):
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            for name, text in files.items():
                path = root / "src" / "boltzflow" / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text)
            return list(check_source_tree.breaches(root))

    def test_downward_includes_are_fine(self):
        self.assertEqual(
            self.breaches({
                "base/a.hpp": LICENCE,
                "energy/b.hpp": LICENCE + '#include <vector>\n#include "boltzflow/base/a.hpp"\n',
                "app/c.cpp": LICENCE + '#include "boltzflow/energy/b.hpp"\n',
            }), [])

    def one_breach(self, files, text):
        found = self.breaches(files)
        self.assertEqual(len(found), 1, found)
        self.assertIn(text, found[0])

    def test_upward_include(self):
        self.one_breach({"base/a.hpp": LICENCE + '#include "boltzflow/energy/b.hpp"\n'}, "a.hpp:2: base includes")

    def test_sampling_and_flow_do_not_know_each_other(self):
        self.one_breach({"sampling/a.hpp": LICENCE + '#include "boltzflow/flow/b.hpp"\n'}, "flow is not below sampling")
        self.one_breach({"flow/a.hpp": LICENCE + '#  include <boltzflow/sampling/b.hpp>\n'}, "sampling is not below flow")

    def test_evaluation_does_not_see_training(self):
        self.one_breach({"evaluation/a.cpp": LICENCE + '#include "boltzflow/training/b.hpp"\n'}, "training is not below")

    def test_relative_include(self):
        self.one_breach({"base/a.cpp": LICENCE + '#include "a.hpp"\n'}, "write the whole path")

    def test_circle(self):
        self.one_breach({
            "base/a.hpp": LICENCE + '#include "boltzflow/base/b.hpp"\n',
            "base/b.hpp": LICENCE + '#include "boltzflow/base/a.hpp"\n',
        }, "include circle")

    def test_unknown_floor(self):
        self.one_breach({"attic/a.cpp": LICENCE}, "not on any floor")

    def test_missing_licence(self):
        self.one_breach({"base/a.hpp": "#pragma once\n"}, "do not say")

    def test_long_file(self):
        self.one_breach({"base/a.cpp": LICENCE + "\n" * 800}, "801 lines")

    def test_names(self):
        self.one_breach({"base/string_utils.hpp": LICENCE}, "named utils")
        self.one_breach({"base/helpers/a.hpp": LICENCE}, "named helpers")


if __name__ == "__main__":
    unittest.main()
