#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The TAP of several programs as one: what is passed on, and what is noticed. Prints TAP."""
import os
import sys

sys.dont_write_bytecode = True
TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path += [os.path.join(TESTS, "harness"), os.path.join(os.path.dirname(TESTS), "sbi")]

from machine import Outcome  # noqa: E402
from tap import expect, run  # noqa: E402
from tap_merged import Merged  # noqa: E402

GOOD = Outcome(0)


def counts(free=100, names=0, shared=0, changes=5):
    return (f": free {free} user 7 tables 2 server {300 - free} objects 3 names {names} "
            f"shared {shared} changes {changes}\n")


def run_of(name, tap, end="status 0", before=counts(), after=counts()):
    """What the machine prints for a program."""
    return f"in turn: {name} begins{before}{tap}\nin turn: {name} ends: {end}{after}"


def merged(text, programs, outcome=GOOD):
    """(result lines, failures) of a run that printed `text`."""
    whole = Merged(list(programs))
    said = "".join(whole.read(text[at:at + 7]) for at in range(0, len(text), 7))
    lines = (said + whole.finish(outcome)).splitlines()
    expect(lines[-1], f"1..{sum(not line.startswith('#') for line in lines) - 1}")
    return [line for line in lines[:-1] if not line.startswith("#")], whole.failed


def results_are_numbered_through_under_their_programs_names():
    lines, failed = merged(run_of("a", "1..1\nok 1 - is so\n") + run_of(
        "b", "1..2\n# note\nok 1 - x\nnot ok 2 - y\n", "status 1"), "ab")
    expect(lines, ["ok 1 - a: is so", "ok 2 - a: 1 results as planned", "ok 3 - b: x",
                   "not ok 4 - b: y", "ok 5 - b: 2 results as planned",
                   "ok 6 - the machine ends well"])
    expect(failed, 1)


def a_result_that_was_skipped_stays_so():
    lines, _ = merged(run_of("a", "1..1\nok 1 - x # SKIP no such CPU\n"), "a")
    expect(lines[0], "ok 1 - a: x # SKIP no such CPU")


def what_is_no_result_is_a_comment():
    lines, failed = merged("[holdfast]\n" + run_of("a", "1..1\nhello\nok 1 - x\nhalf"), "a")
    expect((lines[:2], failed), (["ok 1 - a: x", "ok 2 - a: 1 results as planned"], 0))


def a_program_that_does_not_keep_its_plan_or_status_has_failed():
    for tap, end in (("", "status 0"), ("1..2\nok 1 - x\n", "status 0"),
                     ("1..1\nok 1 - x\n", "status 1"), ("1..1\nnot ok 1 - x\n", "status 0"),
                     ("1..1\nok 1 - x\n", "SEGV_MAPERR at 0x0 (write), pc 0x10, no region"),
                     ("1..1\nok 1 - x\nBail out! no more\n", "status 0")):
        lines, _ = merged(run_of("a", tap, end), "a")
        expect(("not ok" in lines[-2], "as planned" in lines[-2]), (True, True))


def frames_that_do_not_come_back_are_noticed():
    tap = "1..1\nok 1 - x\n"
    for after, failures in ((counts(free=99), 1), (counts(free=101), 1),
                            (counts(free=99, changes=6), 0),
                            (counts(free=97, names=1, shared=3), 0),
                            (counts(free=96, names=1, shared=3), 1),
                            (counts(free=97, names=0, shared=3), 1)):
        expect(merged(run_of("a", tap, after=after), "a")[1], failures)


def what_does_not_come_to_its_end_has_failed():
    half = run_of("a", "1..1\nok 1 - x\n").split("\nin turn: a ends")[0] + "\n"
    lines, failed = merged(half, "abc", Outcome(124, "time-out: not finished after 9 seconds"))
    expect(lines, ["ok 1 - a: x", "not ok 2 - a: ends", "not ok 3 - b: is run",
                   "not ok 4 - c: is run", "not ok 5 - the machine ends well"])
    expect(failed, 4)


def programs_out_of_their_turn_do_not_count():
    tap = "1..1\nok 1 - x\n"
    expect(merged(run_of("b", tap), "a")[0],
           ["not ok 1 - a: is run", "ok 2 - the machine ends well"])
    expect(merged(run_of("a", tap) * 2, "a")[1], 0)
    expect(len(merged(run_of("a", tap) * 2, "a")[0]), 3)


def a_machine_that_ends_badly_has_failed():
    text = run_of("a", "1..1\nok 1 - x\n")
    for outcome in (Outcome(125, "kernel panic: x"), Outcome(1), Outcome(120)):
        expect(merged(text, "a", outcome)[1], 1)


if __name__ == "__main__":
    sys.exit(run([
        results_are_numbered_through_under_their_programs_names,
        a_result_that_was_skipped_stays_so,
        what_is_no_result_is_a_comment,
        a_program_that_does_not_keep_its_plan_or_status_has_failed,
        frames_that_do_not_come_back_are_noticed,
        what_does_not_come_to_its_end_has_failed,
        programs_out_of_their_turn_do_not_count,
        a_machine_that_ends_badly_has_failed,
    ]))
