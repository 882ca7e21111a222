#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""`replay` in QEMU: the recorded traces, and files that are none. Prints TAP.

Usage: replay_test.py --build DIR
"""
import os
import random
import sys
import tempfile

sys.dont_write_bytecode = True
TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
TOP = os.path.dirname(TESTS)
sys.path += [os.path.join(TESTS, "harness"), os.path.join(TOP, "sbi")]

import tree  # noqa: E402
from machine import Machine  # noqa: E402
from tap import expect, run  # noqa: E402

CC1 = os.path.join(TOP, "user", "traces", "cc1.trace")
STATUS_TRACE = 1  # of replay: the trace is at fault


def replayed(name, mem="256M", extra=(), seed=1, board="virt"):
    """(status, lines of output) of `replay NAME`."""
    built = tree.manifest()
    machine = Machine(built, tree.boot_files(built, ["replay", name], list(extra)))
    machine.machine = board
    machine.mem = mem
    machine.seed_opt = seed
    output = []
    outcome = machine.run(output.append)
    expect(outcome.trouble, "")
    return outcome.status, b"".join(output).decode(errors="replace").splitlines()


def expect_replay(name, mem="256M", extra=(), seed=1, board="virt"):
    status, lines = replayed(name, mem, extra, seed, board)
    if status != 0:
        raise AssertionError(f"status {status}: {lines[-3:]}")
    # init says so itself and fails otherwise; here it is part of the promise.
    before, after = lines[-1].split("frames free: ")[1].split(" before, ")
    expect(after, before + " after")
    expect(any(line.startswith("instructions: ") for line in lines), True)


def cc1_replays_and_gives_every_frame_back():
    expect_replay("/traces/cc1.trace")


def sqlite_replays_and_gives_every_frame_back():
    expect_replay("/traces/sqlite.trace")


def python_replays_and_gives_every_frame_back():
    expect_replay("/traces/python.trace")


def python_replays_on_sifive_u():
    expect_replay("/traces/python.trace", board="sifive_u")


def node_replays_and_gives_every_frame_back():
    expect_replay("/traces/node.trace")


def frames_come_back_wherever_things_lie():
    """Seeds move the mapping base, and with it who crosses the border of a page table."""
    first = random.randrange(1, 1 << 32)
    seeds = [12, 13, *range(first, first + 6)]
    print(f"# seeds {seeds}", flush=True)
    for seed in seeds:
        expect_replay("/traces/cc1.trace", seed=seed)


def expect_refused(text, line):
    """A file with this text is refused with the number of the line."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "t")
        with open(path, "w", encoding="utf-8") as target:
            target.write(text)
        status, lines = replayed("t.trace", extra=[(path, "t.trace")])
    expect(status, STATUS_TRACE)
    expect(any(f"t.trace:{line}:" in said for said in lines), True)


def file_given_with_the_command_is_replayed():
    expect_replay("unseen.trace", extra=[(CC1, "unseen.trace")])


def nonsense_and_truncated_traces_are_refused_by_line():
    expect_refused("what is this\n", 1)
    with open(CC1, encoding="utf-8") as source:
        text = source.read()
    # The last event without its end, and without the newline that says that it is whole.
    cut = text.rindex(" ", 0, len(text) // 2)
    expect_refused(text[:cut], text.count("\n", 0, cut) + 1)


if __name__ == "__main__":
    if len(sys.argv) != 3 or sys.argv[1] != "--build":
        sys.exit("replay_test.py: usage: replay_test.py --build DIR")
    os.environ["HOLDFAST_BUILD"] = sys.argv[2]
    sys.exit(run([
        cc1_replays_and_gives_every_frame_back,
        sqlite_replays_and_gives_every_frame_back,
        python_replays_and_gives_every_frame_back,
        python_replays_on_sifive_u,
        node_replays_and_gives_every_frame_back,
        frames_come_back_wherever_things_lie,
        file_given_with_the_command_is_replayed,
        nonsense_and_truncated_traces_are_refused_by_line,
    ]))
