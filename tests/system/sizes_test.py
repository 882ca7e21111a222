#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Machines of odd sizes: every one that sbi/boot offers runs a program. Prints TAP.

Usage: sizes_test.py --build DIR
"""
import argparse
import os
import sys

sys.dont_write_bytecode = True
TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
TOP = os.path.dirname(TESTS)
sys.path += [os.path.join(TESTS, "harness"), os.path.join(TOP, "sbi")]

import tree  # noqa: E402
from machine import MACHINES, Machine  # noqa: E402
from tap import expect, run  # noqa: E402

SIZES = ["16M", "17M", "31M", "2G", "4G", "8G"]
FRAME_BYTES = 4096
UNITS = {"M": 1 << 20, "G": 1 << 30}
BIG = 1 << 30


def frames_free(board, mem, smp):
    """Run a program; return how many frames were free before it, which must be as many after."""
    built = tree.manifest()
    machine = Machine(built, tree.boot_files(built, ["hello"], []))
    machine.machine = board
    machine.mem = mem
    machine.smp = smp
    machine.seed_opt = 1
    machine.timeout = 60
    output = []
    outcome = machine.run(output.append)
    expect((outcome.status, outcome.trouble), (0, ""))
    lines = b"".join(output).decode(errors="replace").splitlines()
    expect(lines[0], "Hello from hello")
    before, after = lines[-1].split("frames free: ")[1].split(" before, ")
    expect(after, before + " after")
    return int(before)


def expect_sizes(board):
    """Nearly all memory of a machine is there for programs: no size is lost or rounded away."""
    before = None
    for mem in SIZES:
        size = int(mem[:-1]) * UNITS[mem[-1]]
        free = frames_free(board, mem, MACHINES[board]["harts_max"]) * FRAME_BYTES
        expect(free < size, True)
        expect(size < BIG or free > size * 15 // 16, True)
        if before is not None:
            grown, given = free - before[1], size - before[0]
            expect(given * 15 // 16 < grown <= given, True)
        before = (size, free)


def every_size_of_memory_is_used_on_virt():
    expect_sizes("virt")


def every_size_of_memory_is_used_on_sifive_u():
    expect_sizes("sifive_u")


def every_number_of_harts_runs_a_program():
    for board, traits in MACHINES.items():
        for smp in range(1, traits["harts_max"] + 1):
            frames_free(board, "64M", smp)


def main():
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("--build", required=True)
    os.environ["HOLDFAST_BUILD"] = parser.parse_args().build
    return run([
        every_size_of_memory_is_used_on_virt,
        every_size_of_memory_is_used_on_sifive_u,
        every_number_of_harts_runs_a_program,
    ])


if __name__ == "__main__":
    sys.exit(main())
