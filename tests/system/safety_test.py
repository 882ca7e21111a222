#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What protects a program that cross/cc has made, and the line that every end by a fault leaves:
program, address, pc by name, region. Prints TAP. All of it on one hart of virt, elsewhere one of
each kind.

Usage: safety_test.py --build DIR [--card] [--machine MACHINE] [--smp N] SOURCE
"""
import argparse
import os
import re
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
TOP = os.path.dirname(TESTS)
sys.path.append(os.path.join(TESTS, "harness"))

import card  # noqa: E402
import where  # noqa: E402
from tap import expect, run  # noqa: E402

STATUS_FAULT = 126
STATUS_ABORT = 134
PLACE = r"at 0x[0-9a-f]+ \({access}\), pc 0x[0-9a-f]+ {function}\+0x[0-9a-f]+ " \
        r"\(\S*safety_guest\.c:\d+\)"


def boot(what, *options):
    """(exit status, output) of the guest doing something."""
    done = subprocess.run([*where.boot_command(OPTIONS), "--mem", "128M",
                           "--timeout", "60", "--file", PROGRAM + "=bin/safe", *options,
                           "--", "safe", what], stdin=subprocess.DEVNULL, text=True, check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=ENVIRONMENT)
    return done.returncode, done.stdout


def expect_line(what, cause, region, access="write", function="write_to"):
    """The guest ends by a fault, and one line says how, before that about frames."""
    status, output = boot(what)
    expect(status, STATUS_FAULT)
    place = PLACE.format(access=access, function=function)
    pattern = f"init: safe: {cause} {place}, {region}"
    *lines, frames = [line for line in output.splitlines() if line.startswith("init: ")]
    before, after = re.fullmatch(r"init: safe: frames free: (\d+) before, (\d+) after",
                                 frames).groups()
    expect(after, before)
    if len(lines) != 1 or not re.fullmatch(pattern, lines[0]):
        raise AssertionError(f"{lines!r} is not one line like {pattern!r}")


def an_address_where_nothing_is_has_no_region():
    expect_line("null", "SEGV_MAPERR", "no region")
    if where.is_plain(OPTIONS):
        expect_line("freed", "SEGV_MAPERR", "no region")


def a_stack_that_has_no_room_left_is_named():
    for what, cause, below in (("recurse", "SEGV_MAPERR", "below "),
                               ("recurse in a thread", "SEGV_ACCERR", "")):
        status, output = boot(what)
        expect(status, STATUS_FAULT)
        line = rf"^init: safe: {cause} at 0x[0-9a-f]+ \(write\), pc 0x[0-9a-f]+ recurse\+.*, " \
               rf"{below}region 0x[0-9a-f]+-0x[0-9a-f]+ [r-][w-]-p \[stack\]: stack overflow$"
        if not re.search(line, output, re.M):
            raise AssertionError(f"no {line!r} in {output!r}")


def text_and_constants_cannot_be_written():
    # Both are pages of the boot archive.
    expect_line("text", "SEGV_ACCERR", "region 0x[0-9a-f]+-0x[0-9a-f]+ r-xp object")
    if where.is_plain(OPTIONS):
        expect_line("constant", "SEGV_ACCERR", "region 0x10000-0x[0-9a-f]+ r--p object")


def data_and_stack_cannot_be_executed():
    for what, region in (("data", "rw-p"), ("stack", r"rw-p \[stack\]")):
        status, output = boot(what)
        expect(status, STATUS_FAULT)
        line = r"init: safe: SEGV_ACCERR at (0x[0-9a-f]+) \(execute\), pc \1.*, region " \
               rf"0x[0-9a-f]+-0x[0-9a-f]+ {region}\n"
        if not re.search(line, output):
            raise AssertionError(f"no {line!r} in {output!r}")


def an_illegal_instruction_is_named_too():
    status, output = boot("illegal")
    expect(status, STATUS_FAULT)
    if not re.search(r"^init: safe: illegal instruction, pc 0x[0-9a-f]+ main\+0x", output, re.M):
        raise AssertionError(repr(output))


def a_child_that_faults_leaves_a_line_too():
    status, output = boot("child")
    expect(status, 0)
    place = PLACE.format(access="write", function="write_to")
    lines = re.findall(rf"^\[\d+\] safe: SEGV_MAPERR {place}, no region$", output, re.M)
    if len(lines) != 1:
        raise AssertionError(f"{len(lines)} lines about the child in {output!r}")


def a_smashed_stack_ends_the_program_with_a_line():
    status, output = boot("smash")
    expect(status, STATUS_ABORT)
    if not re.search(r"^\[\d+\] safe: stack smashed, pc 0x[0-9a-f]+ smash\+0x[0-9a-f]+ \(\S*"
                     r"safety_guest\.c:\d+\)$", output, re.M):
        raise AssertionError(repr(output))


def places(*options):
    status, output = boot("places", *options)
    expect(status, 0)
    return re.findall(r"^(?:stack|mapping|guard) (\S+)$", output, re.M)


def boots_without_a_seed_differ_and_those_with_the_same_seed_do_not():
    first, second = places(), places()
    expect((len(first), len(second)), (3, 3))
    for i, what in enumerate(("stack", "mapping", "guard")):
        if first[i] == second[i]:
            raise AssertionError(f"{what} is at {first[i]} in two boots")
    expect(first[2].endswith("00"), True)
    expect(places("--seed", "7"), places("--seed", "7"))
    if set(places("--seed", "7")) & set(places("--seed", "8")):
        raise AssertionError("seeds 7 and 8 give the same place")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("--build", required=True)
    where.add_options(parser)
    card.add_option(parser)
    parser.add_argument("source")
    OPTIONS = parser.parse_args()
    os.environ["HOLDFAST_BUILD"] = OPTIONS.build
    if card.skip(OPTIONS):
        sys.exit(0)
    ENVIRONMENT = dict(os.environ, HOLDFAST_BUILD=os.path.abspath(OPTIONS.build))
    with tempfile.TemporaryDirectory() as folder:
        PROGRAM = os.path.join(folder, "safe")
        subprocess.run([os.path.join(TOP, "cross", "cc"), "-g", "-O1", "-o", PROGRAM,
                        OPTIONS.source], check=True, env=ENVIRONMENT)
        tests = [
            an_address_where_nothing_is_has_no_region,
            text_and_constants_cannot_be_written,
            data_and_stack_cannot_be_executed,
            an_illegal_instruction_is_named_too,
            boots_without_a_seed_differ_and_those_with_the_same_seed_do_not,
        ]
        if where.is_plain(OPTIONS):
            tests += [
                a_stack_that_has_no_room_left_is_named,
                a_child_that_faults_leaves_a_line_too,
                a_smashed_stack_ends_the_program_with_a_line,
            ]
        sys.exit(run(tests))
