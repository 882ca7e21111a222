#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""`replay --files`: the recorded traces with files behind their file regions. Prints TAP.

Each trace must leave what it leaves on the Linux of this machine with files, and see as many pages
of files there as here.

With --disk NAME: that trace alone, in little memory, with its files on a disk that has swap too.
From an SD card (--card), and on others than one hart of virt: the four, with their files in memory,
or that one with its files and swap on the disk.

Usage: replay_files_test.py --build DIR [--card] [--machine MACHINE] [--smp N] --native REPLAY
                            [--disk NAME | --only WORD]
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
sys.path += [os.path.join(TESTS, "harness"), os.path.join(TOP, "sbi")]

import card  # noqa: E402
import tree  # noqa: E402
import where  # noqa: E402
from disks import to_card  # noqa: E402
from options import disk_file  # noqa: E402
from tap import expect, run  # noqa: E402

PAGE = 4096
DISK_MEM, DISK_MEM_CARD = "32M", "10M"  # with a disk, and with one that is the card
STATUS_ANSWER = 3  # of replay: a page is not as it must be
# Lines that say something of the system it ran on, not of the trace.
OF_THE_SYSTEM = ("faults:", "instructions:", "system regions:", "calls made in pieces:",
                 "reclaimed:", "init:")


def trace_file(name):
    return os.path.join(TOP, "user", "traces", name + ".trace")


def native(*words):
    done = subprocess.run([OPTIONS.native, *words], capture_output=True, text=True, timeout=600,
                          check=True)
    return done.stdout.splitlines()


def manifest(folder, overcommit):
    """The tree's manifest with memory promised otherwise; (host path, name)."""
    with open(os.path.join(TOP, "user", "init", "manifest"), encoding="ascii") as file:
        text = file.read()
    expect(text.count("overcommit never"), 1)
    path = os.path.join(folder, "manifest")
    with open(path, "w", encoding="ascii") as file:
        file.write(text.replace("overcommit never", "overcommit " + overcommit))
    return path, "boot/manifest"


def replayed(name, files, mem, extra=(), disk=None):
    """(status, lines of output) of the trace with files in the folder `files` of the machine."""
    built = tree.manifest()
    words = ["replay", "--files", files, f"/traces/{name}.trace"]
    machine = where.machine_of(OPTIONS, built, tree.boot_files(built, words, list(extra)))
    if disk is None:
        machine.mem = mem
    else:
        card.set_memory(machine, OPTIONS, int(mem[:-1]))
    machine.seed_opt = 1
    machine.timeout = 140 if disk is None else 280
    machine.disk_opt = disk_file(disk) if disk is not None else None
    output = []
    outcome = machine.run(output.append)
    expect(outcome.trouble, "")
    return outcome.status, b"".join(output).decode(errors="replace").splitlines()


def of_the_trace(lines):
    return [line for line in lines if line and not line.startswith(OF_THE_SYSTEM)]


def expect_as_on_linux(name, guest):
    """What the replay says in the machine, it says on Linux."""
    status, lines = guest
    if status != 0:
        raise AssertionError(f"status {status}: {lines[-3:]}")
    with tempfile.TemporaryDirectory() as folder:
        linux = of_the_trace(native("--files", os.path.join(folder, "f"), trace_file(name)))
    for here, there in zip(of_the_trace(lines), linux):
        expect(here, there)
    expect(len(of_the_trace(lines)), len(linux))
    verified = re.fullmatch(r"pages of files verified: (\d+)", linux[-1])
    expect(int(verified[1]) > 200, True)


def with_files_in_memory(name):
    """The test of a trace with its files in the file system, in 128 MiB; from a card in more."""
    def test():
        with tempfile.TemporaryDirectory() as folder:
            # What node.trace promises itself alone is all of 128 MiB, and its files as much again.
            extra = [] if OPTIONS.card else [manifest(folder, "heuristic")]
            guest = replayed(name, "/f", "128M", extra)
        expect_as_on_linux(name, guest)
    test.__name__ = name + "_replays_with_files_in_memory"
    return test


def archived(folder, name):
    """The files of a trace, made in a folder, as additions to the boot archive."""
    native("--make", folder, trace_file(name))
    return [(os.path.join(folder, file), "f/" + file) for file in sorted(os.listdir(folder))]


def sqlite_replays_with_files_of_the_boot_archive():
    with tempfile.TemporaryDirectory() as folder:
        guest = replayed("sqlite", "/f", "64M", extra=archived(folder, "sqlite"))
    expect_as_on_linux("sqlite", guest)


def a_file_that_holds_something_else_is_found_out():
    with tempfile.TemporaryDirectory() as folder:
        files = archived(folder, "sqlite")
        # Each page is the one behind it: what a pager gives that is off by one.
        with open(os.path.join(folder, "sqlite3"), "r+b") as file:
            contents = file.read()
            file.seek(0)
            file.write(contents[PAGE:])
        status, lines = replayed("sqlite", "/f", "64M", extra=files)
    expect(status, STATUS_ANSWER)
    expect(any("a page of a file is not as it is in the file" in line for line in lines), True)


def a_file_without_room_is_refused_by_its_name():
    status, lines = replayed("node", "/f", "128M")
    expect(status, STATUS_ANSWER)
    expect(lines[0], "replay: /f/node: No space left on device")


def make_disk(folder, name):
    """The disk for a trace, as a user makes it. Its path."""
    files = os.path.join(folder, "files")
    disk = os.path.join(folder, "disk.img")
    native("--make", files, trace_file(name))
    subprocess.run([os.path.join(TOP, "sbi", "disk"), "--swap", "256M", "--files", files, disk],
                   check=True)
    return to_card(disk, OPTIONS)


def reclaimed(lines):
    """(pages written to swap, pages of files whose frames were taken) of a replay's output."""
    match = re.search(r"^reclaimed: (\d+) pages to swap, (\d+) of files$", "\n".join(lines), re.M)
    return int(match[1]), int(match[2])


def the_trace_replays_in_little_memory_with_its_files_and_swap_on_a_disk():
    name = OPTIONS.disk
    with tempfile.TemporaryDirectory() as folder:
        guest = replayed(name, "/disk", DISK_MEM_CARD if OPTIONS.card else DISK_MEM,
                         disk=make_disk(folder, name))
    expect_as_on_linux(name, guest)
    swapped, of_files = reclaimed(guest[1])
    print(f"# {swapped} pages to swap, {of_files} of files")
    # What is touched of the two larger ones at once is two and a half times the memory. From a card
    # there is less of it, and swapping is what each is about.
    expect((swapped > 1000, of_files > 100) == (True, True)
           or not OPTIONS.card and name not in ("python", "node"), True)


IN_MEMORY = [with_files_in_memory(name) for name in ("cc1", "sqlite", "python", "node")]
OTHERS = [
    sqlite_replays_with_files_of_the_boot_archive,
    a_file_that_holds_something_else_is_found_out,
    a_file_without_room_is_refused_by_its_name,
]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("--build", required=True)
    parser.add_argument("--native", required=True)
    parser.add_argument("--disk")
    parser.add_argument("--only", default="")
    where.add_options(parser)
    card.add_option(parser)
    OPTIONS = parser.parse_args()
    os.environ["HOLDFAST_BUILD"] = OPTIONS.build
    if card.skip(OPTIONS):
        sys.exit(0)
    if OPTIONS.disk is not None:
        sys.exit(run([the_trace_replays_in_little_memory_with_its_files_and_swap_on_a_disk]))
    sys.exit(run([test for test in (IN_MEMORY + OTHERS if where.is_plain(OPTIONS) else IN_MEMORY)
                  if OPTIONS.only in test.__name__]))
