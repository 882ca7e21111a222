#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The epitaph in QEMU: what a kernel panic shows, and how its end is told, or that of sbi/boot.
Prints TAP.

Usage: panic_test.py --build DIR [--card] [--machine MACHINE] [--smp N]
"""
import argparse
import os
import re
import signal
import struct
import subprocess
import sys

sys.dont_write_bytecode = True
TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
TOP = os.path.dirname(TESTS)
sys.path += [os.path.join(TESTS, "harness"), os.path.join(TOP, "sbi")]

import card  # noqa: E402
import tree  # noqa: E402
import where  # noqa: E402
from tap import expect, run  # noqa: E402

STATUS_PANIC = 125
HEAD = struct.Struct("<QIIQQQ")       # struct image_header (abi/boot.h) up to where in the file
                                      # the first segment lies
# lui sp, 1; ld a0, 0x7f0(zero)
LOAD_AT_0x7F0 = (0x00001137).to_bytes(4, "little") + (0x7f003503).to_bytes(4, "little")


def booted(change):
    """(outcome, lines) with the archive's files, a dictionary, as `change` leaves them."""
    built = tree.manifest()
    files = dict(tree.boot_files(built, ["hello"], []))
    change(files)
    machine = where.machine_of(OPTIONS, built, list(files.items()))
    machine.seed_opt = 1
    machine.timeout = 60
    output = []
    outcome = machine.run(output.append)
    return outcome, b"".join(output).decode(errors="replace").splitlines()


def expect_panic(change, words):
    """A panic whose trouble holds `words`, and the lines that it shows."""
    outcome, lines = booted(change)
    expect(outcome.status, STATUS_PANIC)
    if not re.search(words, outcome.trouble):
        raise AssertionError(f"'{outcome.trouble}' does not say '{words}'")
    if any("[holdfast " in line for line in lines):
        raise AssertionError("the end line was shown")
    return lines


def server_missing_from_the_archive_is_a_panic_that_names_it():
    lines = expect_panic(lambda files: files.pop("boot/server"), "boot/server")
    if not re.search(r"(?m)^  at 0x[0-9a-f]+ \w+\+0x[0-9a-f]+ \(kernel/.*:\d+\)", "\n".join(lines)):
        raise AssertionError("no backtrace with names in:\n" + "\n".join(lines))


def init_cut_in_the_middle_is_a_panic_that_names_it():
    def cut(files):
        files["boot/init"] = files["boot/init"][:5000]
    expect_panic(cut, "boot/init")


def fault_of_the_memory_server_is_a_panic_with_an_epitaph():
    def misdirect(files):
        image = bytearray(files["boot/server"])
        _, _, _, entry, start, offset = HEAD.unpack_from(image)
        place = entry - start + offset
        image[place:place + 8] = LOAD_AT_0x7F0
        files["boot/server"] = bytes(image)
    lines = expect_panic(misdirect, "memory server: load page fault")
    text = "\n".join(lines)
    for what, pattern in {
            "address of the fault": r"\b0*7f0\b|0x0*7f0\b",
            "registers": r"\bsp 0x1000\b",
            "place with a name":
                r"(?m)^  at 0x[0-9a-f]+ shell_start\+0x4 \(server/.*:\d+\)"}.items():
        if not re.search(pattern, text):
            raise AssertionError(f"{what} not in:\n{text}")


def a_signal_that_ends_sbi_boot_is_named():
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        with subprocess.Popen([os.path.join(TOP, "sbi", "boot")], stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              preexec_fn=heed_interrupts) as boot:
            boot.stdout.read(1)
            boot.send_signal(number)
            _, said = boot.communicate(timeout=300)
        expect((boot.returncode, said.decode()),
               (128 + number, f"sbi/boot: ended by {signal.Signals(number).name}\n"))


def heed_interrupts():
    """Whoever runs the tests in the background has them ignored."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("--build", required=True)
    where.add_options(parser)
    card.add_option(parser)
    OPTIONS = parser.parse_args()
    os.environ["HOLDFAST_BUILD"] = OPTIONS.build
    if card.skip(OPTIONS):
        sys.exit(0)
    sys.exit(run([
        server_missing_from_the_archive_is_a_panic_that_names_it,
        init_cut_in_the_middle_is_a_panic_that_names_it,
        fault_of_the_memory_server_is_a_panic_with_an_epitaph,
    ] + ([
        a_signal_that_ends_sbi_boot_is_named,
    ] if where.is_plain(OPTIONS) else [])))
