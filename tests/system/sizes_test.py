#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Machines of odd sizes: every one that sbi/boot offers runs a program. Prints TAP.

From an SD card (--card) it is the device tree of the medium that says how much memory there is.

Usage: sizes_test.py --build DIR [--card]
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
from machine import MACHINES  # noqa: E402
from tap import expect, run  # noqa: E402

# From a card: what is above 4 GiB; the last is a board's own memory.
CARD_LOW_MIB = 192
CARD_SIZES = ["16M", "31M", "2048M", None]
CARD_OWN_MIB = 8192
SIZES = ["16M", "17M", "31M", "2G", "4G", "8G"]
FRAME_BYTES = 4096
UNITS = {"M": 1 << 20, "G": 1 << 30}
BIG = 1 << 30


def frames_free(board, mem, smp):
    """Run a program; return how many frames were free before it, which must be as many after."""
    built = tree.manifest()
    machine = card.machine_of(OPTIONS)(built, tree.boot_files(built, ["hello"], []))
    machine.machine = board
    machine.mem = mem
    machine.has_own_mem = mem is None
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


def size_of(mem):
    """Bytes that a machine has."""
    if OPTIONS.card:
        return (CARD_LOW_MIB + int(mem[:-1]) if mem else CARD_OWN_MIB) * UNITS["M"]
    return int(mem[:-1]) * UNITS[mem[-1]]


def expect_sizes(board):
    """Nearly all memory of a machine is there for programs: no size is lost or rounded away."""
    before = None
    for mem in CARD_SIZES if OPTIONS.card else SIZES:
        size = size_of(mem)
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


def every_size_of_memory_is_used_from_a_card():
    expect_sizes("sifive_u")


def main():
    os.environ["HOLDFAST_BUILD"] = OPTIONS.build
    if card.skip(OPTIONS):
        return 0
    if OPTIONS.card:
        return run([every_size_of_memory_is_used_from_a_card])
    return run([
        every_size_of_memory_is_used_on_virt,
        every_size_of_memory_is_used_on_sifive_u,
        every_number_of_harts_runs_a_program,
    ])


def parse_arguments():
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("--build", required=True)
    card.add_option(parser)
    return parser.parse_args()


if __name__ == "__main__":
    OPTIONS = parse_arguments()
    sys.exit(main())
