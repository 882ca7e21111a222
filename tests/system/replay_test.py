#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""`replay` in QEMU: the recorded traces, and files that are none. Prints TAP.

Each trace must leave what the same program leaves on the Linux of this machine: its region list,
what the system says of those regions, and the counts. From an SD card (--card), and on others than
one hart of virt, that alone.

Usage: replay_test.py --build DIR [--card] [--machine MACHINE] [--smp N] --native REPLAY
"""
import argparse
import os
import random
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
TOP = os.path.dirname(TESTS)
sys.path += [os.path.join(TESTS, "harness"), os.path.join(TOP, "sbi")]

import card  # noqa: E402
import tree  # noqa: E402
import where  # noqa: E402
from tap import expect, run  # noqa: E402

CC1 = os.path.join(TOP, "user", "traces", "cc1.trace")
STATUS_TRACE = 1  # of replay: the trace is at fault

# Lines that say something of the system it ran on, not of the trace.
OF_THE_SYSTEM = ("faults:", "instructions:", "system regions:", "calls made in pieces:",
                 "reclaimed:", "init:")


def replayed(name, mem="256M", extra=(), seed=1):
    """(status, lines of output) of `replay NAME`."""
    built = tree.manifest()
    files = tree.boot_files(built, ["replay", name], list(extra))
    machine = where.machine_of(OPTIONS, built, files)
    machine.mem = mem
    machine.seed_opt = seed
    output = []
    outcome = machine.run(output.append)
    expect(outcome.trouble, "")
    return outcome.status, b"".join(output).decode(errors="replace").splitlines()


def expect_replay(name, mem="256M", extra=(), seed=1):
    status, lines = replayed(name, mem, extra, seed)
    if status != 0:
        raise AssertionError(f"status {status}: {lines[-3:]}")
    # init says so itself and fails otherwise; here it is part of the promise.
    before, after = lines[-1].split("frames free: ")[1].split(" before, ")
    expect(after, before + " after")
    expect(any(line.startswith("instructions: ") for line in lines), True)
    return lines


def of_the_trace(lines):
    return [line for line in lines if line and not line.startswith(OF_THE_SYSTEM)]


def expect_as_on_linux(name):
    """The trace replays, and what it leaves is what it leaves on Linux."""
    guest = of_the_trace(expect_replay("/traces/" + name))
    path = os.path.join(TOP, "user", "traces", name)
    done = subprocess.run([OPTIONS.native, path], capture_output=True, text=True,
                          timeout=600, check=True)
    linux = of_the_trace(done.stdout.splitlines())
    for here, there in zip(guest, linux):
        expect(here, there)
    expect(len(guest), len(linux))
    expect(sum(line.startswith("system ") for line in guest) > 10, True)


def cc1_replays_in_16_mib():
    expect_replay("/traces/cc1.trace", mem="16M")


def cc1_leaves_what_it_leaves_on_linux_and_gives_every_frame_back():
    expect_as_on_linux("cc1.trace")


def sqlite_leaves_what_it_leaves_on_linux_and_gives_every_frame_back():
    expect_as_on_linux("sqlite.trace")


def python_leaves_what_it_leaves_on_linux_and_gives_every_frame_back():
    expect_as_on_linux("python.trace")


def node_leaves_what_it_leaves_on_linux_and_gives_every_frame_back():
    expect_as_on_linux("node.trace")


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


AS_ON_LINUX = [
    cc1_leaves_what_it_leaves_on_linux_and_gives_every_frame_back,
    sqlite_leaves_what_it_leaves_on_linux_and_gives_every_frame_back,
    python_leaves_what_it_leaves_on_linux_and_gives_every_frame_back,
    node_leaves_what_it_leaves_on_linux_and_gives_every_frame_back,
]
OTHERS = [
    cc1_replays_in_16_mib,
    frames_come_back_wherever_things_lie,
    file_given_with_the_command_is_replayed,
    nonsense_and_truncated_traces_are_refused_by_line,
]

if __name__ == "__main__":
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("--build", required=True)
    parser.add_argument("--native", required=True)
    where.add_options(parser)
    card.add_option(parser)
    OPTIONS = parser.parse_args()
    os.environ["HOLDFAST_BUILD"] = OPTIONS.build
    if card.skip(OPTIONS):
        sys.exit(0)
    sys.exit(run(AS_ON_LINUX + OTHERS if where.is_plain(OPTIONS) else AS_ON_LINUX))
