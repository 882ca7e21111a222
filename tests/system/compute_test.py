#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Two threads compute in less than three quarters of the time that they need one after the other.

That needs two processors that QEMU has to itself, so no other test runs meanwhile. Where the
machine does not let two processes of its own do so either, the test is skipped: it judges the
kernel, not who else uses the machine. Prints TAP.

Usage: compute_test.py --build DIR GUEST
"""
import argparse
import os
import re
import statistics
import subprocess
import sys
import time

sys.dont_write_bytecode = True
TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
TOP = os.path.dirname(TESTS)
sys.path += [os.path.join(TESTS, "harness"), os.path.join(TOP, "sbi")]

import tree  # noqa: E402
from machine import Machine  # noqa: E402
from tap import Skip, expect, run  # noqa: E402

LINE = re.compile(r"compute: (\d+) ticks one after the other, (\d+) at once")
MOST = 0.75
ROUNDS = 6
BUSY = "n = 0\nwhile n < 3000000: n += 1"


def guest_ratio(machine_name):
    """What part of the time of two runs both took at once, the middle one of some tries."""
    built = tree.manifest()
    files = tree.boot_files(built, ["compute_guest"], [(OPTIONS.guest, "bin/compute_guest")])
    machine = Machine(built, files)
    machine.machine = machine_name
    machine.smp = 4
    output = bytearray()
    outcome = machine.run(output.extend)
    expect((outcome.status, outcome.trouble), (0, ""))
    times = [(int(serial), int(both)) for serial, both in LINE.findall(output.decode())]
    for serial, both in times:
        print(f"# {machine_name}: {serial} ticks one after the other, {both} at once")
    return statistics.median(both / serial for serial, both in times)


def seconds_of(count):
    """How long so many processes of the host compute at once."""
    start = time.monotonic()
    running = [subprocess.Popen([sys.executable, "-c", BUSY]) for _ in range(count)]
    for process in running:
        process.wait()
    return time.monotonic() - start


def host_ratio():
    """As guest_ratio() for the host itself."""
    return seconds_of(2) / (seconds_of(1) + seconds_of(1))


def two_threads(machine_name):
    """Some rounds, each judged beside what the host can do at that time."""
    chances = 0
    for _ in range(ROUNDS):
        ratio = guest_ratio(machine_name)
        if ratio < MOST:
            return
        host = host_ratio()
        print(f"# two processes of the host took {host:.2f} of the time that they need in turn")
        chances += 1 if host < MOST else 0
    if chances < ROUNDS / 2:
        raise Skip("the machine has no second processor to itself")
    raise AssertionError(f"{ROUNDS} rounds, none below {MOST} of the time")


def two_threads_compute_in_less_than_three_quarters_of_the_time():
    two_threads("virt")


def so_they_do_on_sifive_u():
    two_threads("sifive_u")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("--build", required=True)
    parser.add_argument("guest")
    OPTIONS = parser.parse_args()
    os.environ["HOLDFAST_BUILD"] = OPTIONS.build
    sys.exit(run([
        two_threads_compute_in_less_than_three_quarters_of_the_time,
        so_they_do_on_sifive_u,
    ]))
