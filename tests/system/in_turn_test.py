#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Test programs one after the other in one boot from a medium, their TAP as one. Prints TAP.

A boot by SPL from a card takes longer than most programs. Where SPL can read no card of this QEMU
the medium is the board's flash.

Usage: in_turn_test.py --build DIR [--seed N] [--timeout S] RUNNER PROGRAM...
"""
import argparse
import os
import secrets
import sys

sys.dont_write_bytecode = True
TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path += [os.path.join(TESTS, "harness"), os.path.join(os.path.dirname(TESTS), "sbi"),
             os.path.join(TESTS, "boards")]

import tree  # noqa: E402
from on_medium import OnMedium, choose  # noqa: E402
from slim import slim  # noqa: E402
from tap_merged import Merged  # noqa: E402

def parse_arguments():
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("--build", required=True, help="build directory")
    parser.add_argument("--seed", type=int, default=0, help="0: another one each time, printed")
    parser.add_argument("--timeout", type=float, default=400)
    parser.add_argument("runner")
    parser.add_argument("programs", nargs="+")
    return parser.parse_args()


# What the manifest lets the runner do: say who writes to the log, as only init does else, so that a
# child has a number of its own; and keep all its memory. Its children do neither.
RUNNER = b"    log system\n    may lock\n"
# What huge_test needs, of which most programs know nothing.
HUGE = b"hugepages 2M 8\n"
PROMISES = b"\novercommit never\n"


def launching(files):
    """The boot archive with a manifest for the runner and the programs."""
    return [(name, data.replace(b"\nprocess *\n", b"\nprocess *\n" + RUNNER)
             .replace(PROMISES, PROMISES + HUGE)
             if name == tree.BOOT_MANIFEST else data) for name, data in files]


def make_machine(options, medium):
    names = [os.path.basename(path) for path in options.programs]
    paths = [options.runner, *options.programs]
    built = tree.manifest()
    files = tree.boot_files(built, [os.path.basename(options.runner), *names], [])
    files = launching(files)
    files += [("bin/" + os.path.basename(path), slim(tree.read_file(path))) for path in paths]
    machine = OnMedium(built, files, medium)
    machine.elfs = tree.program_elfs(built, [(path, "bin/" + os.path.basename(path))
                                             for path in paths])
    machine.mem = "128M"
    machine.seed_opt = options.seed or secrets.randbelow(2**31) + 1
    machine.timeout = options.timeout
    return machine, names


def main():
    options = parse_arguments()
    os.environ["HOLDFAST_BUILD"] = options.build
    medium, reason = choose()
    if medium is None:
        print(f"1..0 # SKIP {reason}")
        return 0
    if reason:
        print(f"# from flash: {reason}")
    machine, names = make_machine(options, medium)
    print(f"# --seed {machine.seed_opt}", flush=True)
    merged = Merged(names)

    def show(data):
        sys.stdout.write(merged.read(data.decode(errors="replace")))
        sys.stdout.flush()

    sys.stdout.write(merged.finish(machine.run(show)))
    return 1 if merged.failed else 0


if __name__ == "__main__":
    sys.exit(main())
