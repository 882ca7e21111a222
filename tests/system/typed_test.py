#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What stands on the standard input of sbi/boot reaches the program whole, its end too. Prints TAP.

Usage: typed_test.py --build DIR [--card] [--machine MACHINE] [--smp N] PROGRAM
"""
import argparse
import os
import subprocess
import sys

sys.dont_write_bytecode = True
TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.append(os.path.join(TESTS, "harness"))

import card  # noqa: E402
import where  # noqa: E402
from tap import expect, run  # noqa: E402


def copied(**stdin):
    """What the program makes of this standard input."""
    done = subprocess.run([*where.boot_command(OPTIONS), "--timeout", "150", "--file",
                           OPTIONS.program + "=copy", "--", "copy"], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, timeout=900, check=False, **stdin)
    expect(done.stderr.decode(), "")
    expect(done.returncode, 0)
    return done.stdout.decode().partition("init:")[0]


def every_byte_of_a_pipe_arrives():
    expect(copied(input=b"12 words\nand more\n"), "12 words\nand more\n[end]\n")


def a_last_line_without_newline_arrives():
    expect(copied(input=b"one\ntwo"), "one\ntwo[end]\n")


def more_than_any_buffer_on_the_way_arrives():
    # A pipe holds 64 KiB, and is the same whatever the machine is; in that no buffer has 8 KiB.
    count = 6800 if where.is_plain(OPTIONS) else 1000
    text = "".join(f"line {number}\n" for number in range(count))
    expect(len(text) > (65536 if where.is_plain(OPTIONS) else 8192), True)
    expect(copied(input=text.encode()), text + "[end]\n")


def nothing_is_the_end_at_once():
    expect(copied(stdin=subprocess.DEVNULL), "[end]\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("--build", required=True)
    where.add_options(parser)
    card.add_option(parser)
    parser.add_argument("program")
    OPTIONS = parser.parse_args()
    os.environ["HOLDFAST_BUILD"] = OPTIONS.build
    if card.skip(OPTIONS):
        sys.exit(0)
    sys.exit(run([
        every_byte_of_a_pipe_arrives,
        a_last_line_without_newline_arrives,
        more_than_any_buffer_on_the_way_arrives,
        nothing_is_the_end_at_once,
    ]))
