#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Harts with nothing to do sleep, those too that the kernel cannot run on. Prints TAP.

A hart of QEMU that does not sleep takes one of the host's processors, for nothing. From an SD card
(--card) other firmware has the harts that the kernel cannot run on.

Usage: rest_test.py --build DIR [--card]
"""
import argparse
import os
import re
import sys
import tempfile
import threading
import time

sys.dont_write_bytecode = True
TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path += [os.path.join(TESTS, "harness"), os.path.join(os.path.dirname(TESTS), "sbi")]

import card  # noqa: E402
import tree  # noqa: E402
from machine import MACHINES  # noqa: E402
from monitor import Monitor  # noqa: E402
from tap import expect, run  # noqa: E402

LOOKS = 200
LOOK_SECONDS = 0.05


def awake(registers):
    """Harts that do not wait, or for which an interrupt is pending that ends every wait at once."""
    harts = re.split(r"CPU#", registers)[1:]
    values = [dict(re.findall(r"^ *(\w+) +([0-9a-f]{16})", hart, re.M)) for hart in harts]
    return len(harts), [hart for hart, value in enumerate(values)
                        if int(value["mip"], 16) & int(value["mie"], 16)]


def looked_at(options, machine, smp):
    """Whether there is a look at which all harts sleep, while the shell waits for a key."""
    built = tree.manifest()
    run_of = card.machine_of(options)(built, tree.boot_files(built, [], []))
    run_of.machine = machine
    run_of.smp = smp
    run_of.timeout = 300
    is_up = threading.Event()
    seen = []

    def look(path):
        is_up.wait(run_of.timeout)
        monitor = Monitor(path)
        for _ in range(LOOKS):
            seen.append(awake(monitor.say("info registers -a")))
            if not seen[-1][1]:
                break
            time.sleep(LOOK_SECONDS)
        monitor.ask("quit")

    with tempfile.TemporaryDirectory(prefix="holdfast-") as folder:
        path = os.path.join(folder, "qmp")
        run_of.extra = ["-qmp", f"unix:{path},server=on,wait=off"]
        thread = threading.Thread(target=look, args=[path], daemon=True)
        thread.start()
        run_of.run(lambda data: is_up.set() if b">" in data else None)
        thread.join()
    return seen[-1]


def main():
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("--build", required=True)
    card.add_option(parser)
    options = parser.parse_args()
    os.environ["HOLDFAST_BUILD"] = options.build
    if card.skip(options):
        return 0
    keys, _ = os.pipe()  # nobody types, and the input does not end
    os.dup2(keys, 0)

    def all_harts_of_virt_sleep_while_there_is_nothing_to_do():
        expect(looked_at(options, "virt", 4), (4, []))

    def all_harts_of_sifive_u_sleep_while_there_is_nothing_to_do():
        expect(looked_at(options, "sifive_u", 2), (2 + MACHINES["sifive_u"]["other_harts"], []))

    def all_harts_sleep_that_spl_has_started():
        expect(looked_at(options, "sifive_u", 4), (4 + MACHINES["sifive_u"]["other_harts"], []))

    if options.card:
        return run([all_harts_sleep_that_spl_has_started])
    return run([
        all_harts_of_virt_sleep_while_there_is_nothing_to_do,
        all_harts_of_sifive_u_sleep_while_there_is_nothing_to_do,
    ])


if __name__ == "__main__":
    sys.exit(main())
