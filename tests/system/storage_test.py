#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The same program on files of Linux and of Holdfast: its lines are to be the same. Prints TAP.

On Linux it runs as a user who is not root, who would be allowed everything.

Usage: storage_test.py --build DIR [--card] [--machine MACHINE] [--smp N] GUEST NATIVE
"""
import argparse
import difflib
import os
import re
import shutil
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path += [os.path.join(TESTS, "harness"), os.path.join(os.path.dirname(TESTS), "sbi")]

import card  # noqa: E402
import tree  # noqa: E402
import where  # noqa: E402
from tap import expect, run  # noqa: E402

NOBODY = 65534


def leave_root():
    if os.getuid() == 0:
        os.setgid(NOBODY)
        os.setuid(NOBODY)


def on_linux():
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        program = os.path.join(folder, "native")
        shutil.copy(OPTIONS.native, program)
        place = os.path.join(folder, "place")
        os.mkdir(place)
        os.chmod(place, 0o777)
        done = subprocess.run([program, place], stdin=subprocess.DEVNULL, text=True, cwd=place,
                              stdout=subprocess.PIPE, check=False, timeout=300,
                              preexec_fn=leave_root)
    expect(done.returncode, 0)
    return done.stdout.splitlines()


def on_holdfast(place):
    built = tree.manifest()
    words = ["storage_guest", place]
    files = tree.boot_files(built, words, [(OPTIONS.guest, "bin/storage_guest")])
    machine = where.machine_of(OPTIONS, built, files)
    machine.seed_opt = 1
    output = []
    outcome = machine.run(output.append)
    expect(outcome.trouble, "")
    expect(outcome.status, 0)
    lines = b"".join(output).decode(errors="replace").splitlines()
    # Linux says nothing of a child's fault.
    return [line for line in lines if not re.match(r"init:|\[\d+\] ", line)]


def files_do_what_those_of_linux_do():
    # In a folder that has nothing else: the entries of the root are others.
    expected = on_linux()
    lines = on_holdfast("/place")
    differing = list(difflib.unified_diff(expected, lines, "Linux", "Holdfast", lineterm="", n=1))
    if differing:
        raise AssertionError("\n".join(differing))
    expect(len(lines) > 300, True)


def parse_arguments():
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("--build", required=True)
    where.add_options(parser)
    card.add_option(parser)
    parser.add_argument("guest")
    parser.add_argument("native")
    return parser.parse_args()


if __name__ == "__main__":
    OPTIONS = parse_arguments()
    os.environ["HOLDFAST_BUILD"] = OPTIONS.build
    if card.skip(OPTIONS):
        sys.exit(0)
    sys.exit(run([files_do_what_those_of_linux_do]))
