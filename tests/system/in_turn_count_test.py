#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What the runner of programs one after the other counts is the programs' own. Prints TAP.

It looks for each program in the boot archive, by the page that has its name, before it counts; to
start it, it reads the next page. Where these lie to both sides of a border of 2 MiB the second
needed page tables of the runner's own, and 2 frames were missing after a program that had lost
none: about once in five hundred programs, since the archive lies at a random place.

Usage: in_turn_count_test.py --build DIR [--machine MACHINE] [--smp N] RUNNER
"""
import argparse
import os
import re
import sys

sys.dont_write_bytecode = True
TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
TOP = os.path.dirname(TESTS)
sys.path += [os.path.join(TESTS, "harness"), os.path.join(TESTS, "system"),
             os.path.join(TOP, "sbi")]

import tree  # noqa: E402
import where  # noqa: E402
from archive import pack  # noqa: E402
from in_turn_test import launching  # noqa: E402
from machine import UNCOUNTED  # noqa: E402
from tap import expect, run  # noqa: E402
from tap_merged import BEGIN, END, Counts  # noqa: E402

PAGE = 4096
BLOCK = 2 << 20     # that a page table maps
PROGRAM = "at_border"
ARCHIVE = re.compile(r"in turn: archive from (0x[0-9a-f]+) to (0x[0-9a-f]+)")


def archive_files(pages_behind):
    """The boot archive with a program as the last but for so many pages."""
    built = tree.manifest()
    extra = [(OPTIONS.runner, "bin/in_turn")]
    files = launching(tree.boot_files(built, ["in_turn", PROGRAM], extra))
    hello = dict(files)["bin/hello"]
    return [*files, ("bin/" + PROGRAM, hello), ("behind", bytes(pages_behind * PAGE))]


def run_in_turn(pages_behind):
    """(where the page with the program's name is mapped, frames missing after it, what grew)."""
    files = archive_files(pages_behind)
    machine = where.machine_of(OPTIONS, tree.manifest(), files)
    machine.seed_opt = 1
    output = bytearray()
    outcome = machine.run(output.extend)
    text = output.decode(errors="replace").replace("\r", "")
    expect((outcome.status, outcome.trouble), (0, ""))
    begin, end = (Counts(match.groups()[-8:]) for match in (BEGIN.search(text), END.search(text)))
    start = int(ARCHIVE.search(text)[1], 16)
    name = pack([*files, UNCOUNTED]).index(f"bin/{PROGRAM}\0".encode())
    return (start + name) // PAGE * PAGE, begin.lost(end), begin.grown(end)


def a_program_whose_name_and_first_page_lie_in_two_blocks_loses_nothing():
    # With one seed the archive ends at one address: what stands behind the program moves it.
    at, lost, grown = run_in_turn(0)
    expect((lost, grown), (0, ""))
    at, lost, grown = run_in_turn((at - (BLOCK - PAGE)) % BLOCK // PAGE)
    expect(at % BLOCK, BLOCK - PAGE)
    expect((lost, grown), (0, ""))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("--build", required=True)
    where.add_options(parser)
    parser.add_argument("runner")
    OPTIONS = parser.parse_args()
    os.environ["HOLDFAST_BUILD"] = OPTIONS.build
    sys.exit(run([a_program_whose_name_and_first_page_lie_in_two_blocks_loses_nothing]))
