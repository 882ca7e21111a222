#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""In 16 MiB of a board's memory, from an SD card: a trace, and processes. Prints TAP.

Machines that have no more are run elsewhere (replay_test.py, and process_test.c in meson.build).

Usage: little_test.py --build DIR --card PROCESS
"""
import argparse
import os
import sys

sys.dont_write_bytecode = True
TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
TOP = os.path.dirname(TESTS)
sys.path += [os.path.join(TESTS, "harness"), os.path.join(TOP, "sbi")]

import card  # noqa: E402
import tree  # noqa: E402
from tap import expect, run  # noqa: E402
from tap_report import Report  # noqa: E402

MEM = 16


def booted(words, own=()):
    """(outcome, output) of a run of a program with its words."""
    built = tree.manifest()
    machine = card.machine_of(OPTIONS)(built, tree.boot_files(built, words, list(own)))
    machine.elfs = tree.program_elfs(built, list(own))
    card.set_memory(machine, OPTIONS, MEM)
    machine.seed_opt = 1
    output = []
    outcome = machine.run(output.append)
    return outcome, b"".join(output).decode(errors="replace")


def cc1_replays():
    outcome, text = booted(["replay", "/traces/cc1.trace"])
    expect((outcome.status, outcome.trouble), (0, ""))
    before, after = text.splitlines()[-1].split("frames free: ")[1].split(" before, ")
    expect(after, before + " after")
    expect(0 < int(before) * card.PAGE < MEM * card.MIB, True)


def processes_come_and_go():
    name = os.path.basename(OPTIONS.process)
    outcome, text = booted([name], [(OPTIONS.process, "bin/" + name)])
    report = Report()
    print("# " + (report.read(text) + report.finish()).strip().replace("\n", "\n# "))
    expect((report.trouble(outcome), report.failed, report.results > 5), (None, 0, True))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("--build", required=True)
    card.add_option(parser)
    parser.add_argument("process")
    OPTIONS = parser.parse_args()
    os.environ["HOLDFAST_BUILD"] = OPTIONS.build
    if card.skip(OPTIONS):
        sys.exit(0)
    sys.exit(run([cc1_replays, processes_come_and_go]))
