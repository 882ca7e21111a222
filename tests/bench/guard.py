#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Fail when an operation has become more than 3 % worse than recorded.tsv says. Prints TAP.

The figures are recorded per compiler, on purpose, with tests/bench/record. For another compiler
there is nothing to compare with, and the test is skipped.

Usage: guard.py --build DIR PROGRAM
"""
import argparse
import os
import sys

sys.dont_write_bytecode = True

import measure  # noqa: E402

WORSE_MAX = 1.03


def main():
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("--build", required=True, help="build directory")
    parser.add_argument("program")
    options = parser.parse_args()
    os.environ["HOLDFAST_BUILD"] = options.build
    compiler = measure.tree.manifest()["compiler"]
    recorded = measure.recorded_read(compiler)
    if not recorded:
        print(f"1..0 # SKIP nothing is recorded for {compiler}")
        return 0
    try:
        figures = measure.figures_take(options.program)
    except measure.MeasureError as error:
        print("\n".join(f"# {line}" for line in str(error).splitlines()))
        print("Bail out! no figures")
        return 1
    failed = 0
    print(f"1..{len(recorded)}")
    for position, (name, before) in enumerate(recorded.items(), start=1):
        now = figures.get(name)
        holds = now is not None and now <= before * WORSE_MAX
        failed += 0 if holds else 1
        text = "not measured any more" if now is None else measure.number(now)
        print(f"{'ok' if holds else 'not ok'} {position} - {name}: {text}, recorded "
              f"{measure.number(before)}")
    for name in sorted(set(figures) - set(recorded)):
        print(f"# {name}: {measure.number(figures[name])}, not recorded yet (tests/bench/record)")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
