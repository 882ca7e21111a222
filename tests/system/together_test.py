#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""`together`: the recorded traces side by side, and short memory. Prints TAP.

From an SD card (--card) the first of that, and two traces in little of its memory, with swap.

Usage: together_test.py --build DIR [--card] [--machine MACHINE] [--smp N]
"""
import argparse
import os
import re
import sys
import tempfile

sys.dont_write_bytecode = True
TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
TOP = os.path.dirname(TESTS)
sys.path += [os.path.join(TESTS, "harness"), os.path.join(TOP, "sbi")]

import card  # noqa: E402
import tree  # noqa: E402
import where  # noqa: E402
from disks import make_swap_disk, to_card  # noqa: E402
from options import disk_file  # noqa: E402
from tap import expect, run  # noqa: E402

ENDED = re.compile(r"together: (.*): status (\d+)")
SWAPPED = re.compile(r"reclaimed: (\d+) pages to swap")
LINE_BYTES = 256
MISUSE = 2
NOT_STARTED = 126
REPLAY_REFUSED = 3  # of replay: the system refused what the trace does


def outcome_of(mem_mib_opt, *words, disk=None):
    """(status, lines) of `together WORDS`, in the memory that a card leaves or as much as is said.

    Every frame must be back that nothing is swapped for.
    """
    built = tree.manifest()
    machine = where.machine_of(OPTIONS, built, tree.boot_files(built, ["together", *words], []))
    if mem_mib_opt is not None:
        card.set_memory(machine, OPTIONS, mem_mib_opt)
    machine.seed_opt = 1
    machine.timeout = 120 if disk is None else 500
    if disk is not None:
        machine.disk_opt = disk_file(disk)
    output = []
    outcome = machine.run(output.append)
    expect(outcome.trouble, "")
    lines = b"".join(output).decode(errors="replace").splitlines()
    before, after = lines[-1].split("frames free: ")[1].split(" before, ")
    if disk is None:
        expect(after, before + " after")
    return outcome.status, lines


def replays(*names):
    words = []
    for name in names:
        words += ["+", "replay", f"/traces/{name}.trace"]
    return words[1:]


def statuses(lines):
    return sorted(int(match[2]) for match in map(ENDED.fullmatch, lines) if match)


def the_four_traces_replay_side_by_side():
    # From a card there is more, most of it above 4 GiB.
    mib_opt = None if OPTIONS.card else 256
    status, lines = outcome_of(mib_opt, *replays("cc1", "sqlite", "python", "node"))
    expect((status, statuses(lines)), (0, [0, 0, 0, 0]))


def three_traces_replay_side_by_side_in_128_mib():
    status, lines = outcome_of(128, *replays("cc1", "sqlite", "python"))
    expect((status, statuses(lines)), (0, [0, 0, 0]))


def the_four_traces_replay_side_by_side_in_128_mib_with_swap():
    # What node.trace promises itself counts against memory and swap.
    with tempfile.TemporaryDirectory() as folder:
        status, lines = outcome_of(128, *replays("cc1", "sqlite", "python", "node"),
                                   disk=make_swap_disk(folder, 256))
    expect((status, statuses(lines)), (0, [0, 0, 0, 0]))


def two_traces_replay_side_by_side_in_14_mib_with_swap_on_the_card():
    with tempfile.TemporaryDirectory() as folder:
        status, lines = outcome_of(14, *replays("cc1", "sqlite"),
                                   disk=to_card(make_swap_disk(folder, 94), OPTIONS))
    expect((status, statuses(lines)), (0, [0, 0]))
    swapped = [int(match[1]) for match in map(SWAPPED.match, lines) if match]
    print(f"# pages to swap: {swapped}")
    expect(max(swapped) > 1000, True)


def what_the_memory_cannot_hold_is_refused_and_disturbs_nobody():
    # node.trace alone promises itself more than this machine has.
    status, lines = outcome_of(128, *replays("cc1", "node", "sqlite"))
    expect((status, statuses(lines)), (1, [0, 0, REPLAY_REFUSED]))


def a_program_that_fails_is_named_with_its_words_and_the_others_end():
    status, lines = outcome_of(64, "hello", "+", "replay", "/traces/none.trace", "+", "hello",
                               "a b", "c")
    expect((status, statuses(lines)), (1, [0, 0, 1]))
    ends = sorted(line for line in lines if line.startswith("together: "))
    expect(ends, ["together: hello a b c: status 0", "together: hello: status 0",
                  "together: replay /traces/none.trace: status 1"])


def words_that_are_too_many_are_cut():
    status, lines = outcome_of(64, "hello", "x" * 300, "+", "hello", "y" * 100, "z" * 200)
    expect(status, 0)
    ends = sorted(line for line in lines if line.startswith("together: "))
    expect([len(line) for line in ends], [len("together: : status 0") + LINE_BYTES - 1] * 2)
    expect([line[-12:] for line in ends], ["...: status 0"[1:]] * 2)


def wrong_use_starts_nothing():
    for words in ([], ["+"], ["hello", "+"], ["hello", "+", "+", "hello"], ["hello", "+"] * 17):
        status, lines = outcome_of(64, *words)
        expect((status, len(lines)), (MISUSE, 2))
        expect("usage: together" in lines[0], True)
    status, lines = outcome_of(64, "hello", "+", "nobody")
    expect((status, lines[0]), (NOT_STARTED, "together: nobody: not in the boot archive"))


def main():
    os.environ["HOLDFAST_BUILD"] = OPTIONS.build
    if card.skip(OPTIONS):
        return 0
    if OPTIONS.card:
        return run([the_four_traces_replay_side_by_side,
                    two_traces_replay_side_by_side_in_14_mib_with_swap_on_the_card,
                    what_the_memory_cannot_hold_is_refused_and_disturbs_nobody])
    # A card is too slow for what is swapped of four.
    with_swap = [] if where.has_card(OPTIONS) else [
        the_four_traces_replay_side_by_side_in_128_mib_with_swap]
    without_swap = [
        the_four_traces_replay_side_by_side,
        three_traces_replay_side_by_side_in_128_mib,
        what_the_memory_cannot_hold_is_refused_and_disturbs_nobody,
    ]
    if not where.is_plain(OPTIONS):
        return run(without_swap + with_swap)
    return run(without_swap + with_swap + [
        a_program_that_fails_is_named_with_its_words_and_the_others_end,
        words_that_are_too_many_are_cut,
        wrong_use_starts_nothing,
    ])


def parse_arguments():
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("--build", required=True)
    where.add_options(parser)
    card.add_option(parser)
    return parser.parse_args()


if __name__ == "__main__":
    OPTIONS = parse_arguments()
    sys.exit(main())
