#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Print what Holdfast needs for each operation, beside seL4 and Linux, and whether that is enough.

Usage: table.py --build DIR PROGRAM
"""
import argparse
import os
import sys

sys.dont_write_bytecode = True

import measure  # noqa: E402

HEAD = ("operation", "seL4", "Linux", "Holdfast", "of best", "target", "")


def table(figures):
    """Lines of text: one a row of peers.tsv for which there is a figure."""
    lines = [HEAD]
    for name, operation, *columns in measure.rows_read(os.path.join(measure.BENCH, "peers.tsv")):
        if name not in figures:
            continue
        sel4, linux, target = (None if text == "-" else float(text) for text in columns)
        ours = figures[name]
        peers = [value for value in (sel4, linux) if value is not None]
        lines.append((
            operation,
            measure.number(sel4) if sel4 is not None else "",
            measure.number(linux) if linux is not None else "",
            measure.number(ours),
            f"{ours / min(peers):.2f}" if peers else "",
            measure.number(target),
            "met" if ours <= target else "NOT MET",
        ))
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEAD))]
    return ["  ".join([line[0].ljust(widths[0])]
                      + [line[i].rjust(widths[i]) for i in range(1, 6)] + [line[6]]).rstrip()
            for line in lines]


def main():
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("--build", required=True, help="build directory")
    parser.add_argument("program")
    options = parser.parse_args()
    os.environ["HOLDFAST_BUILD"] = options.build
    try:
        figures = measure.figures_take(options.program)
    except measure.MeasureError as error:
        sys.exit(f"table.py: {error}")
    print(f"Instructions, {measure.tree.manifest()['compiler']}:\n")
    print("\n".join(table(figures)))


if __name__ == "__main__":
    main()
