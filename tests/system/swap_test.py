#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Swap on a partition of a disk: more memory is used than there is. Prints TAP.

On sifive_u the disk is an SD card, of which the driver moves every byte: 1 MiB a second in QEMU.

With --card the system has booted from that card, and uses as little memory as there is else.

Usage: swap_test.py --build DIR [--card] [--machine NAME] [--smp N] GUEST
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
from disks import MIB, SWAP_SECTOR, first_byte, make_swap_disk, to_card  # noqa: E402
from options import disk_file  # noqa: E402
from tap import expect, run  # noqa: E402

HEADER = b"its first page is not ours" * 100


def boot(words, mem, path, timeout):
    built = tree.manifest()
    own = [(OPTIONS.guest, "bin/guest")]
    machine = where.machine_of(OPTIONS, built, tree.boot_files(built, list(words), own))
    machine.elfs = tree.program_elfs(built, own)
    card.set_memory(machine, OPTIONS, mem)
    machine.seed_opt = 1
    machine.timeout = timeout
    machine.disk_opt = disk_file(path)
    shown = bytearray()
    outcome = machine.run(shown.extend)
    return outcome.status, shown.decode(errors="replace") + outcome.trouble


def expect_good(words, mem=32, mib=160, timeout=550):
    with tempfile.TemporaryDirectory() as folder:
        path = to_card(make_swap_disk(folder, mib, HEADER), OPTIONS)
        status, text = boot(words, mem, path, timeout)
        with open(path, "rb") as file:
            file.seek(first_byte(SWAP_SECTOR, OPTIONS))
            expect(file.read(len(HEADER)), HEADER)
    print("# " + text.strip().replace("\n", "\n# "))
    if status != 0:
        raise AssertionError(f"status {status}: {text}")
    return text


def counts(text):
    """What the guest says of swap, at last."""
    last = re.findall(r"^swap: (.*?)\r?$", text, re.M)[-1].split()
    return {name: int(value) for name, value in zip(last[::2], last[1::2])}


def a_working_set_of_96_mib_in_32_holds_what_was_written():
    seen = counts(expect_good(["guest", "96"]))
    expect(seen["swapped"] > 64 * MIB // 4096, True)
    expect(seen["dropped"] > 0 and seen["waits"] > 0, True)
    expect(seen["used"] * 4096 < 16 * MIB, True)    # the guest's pages are needed no longer


def a_working_set_of_10_mib_in_16_with_a_card_holds_what_was_written():
    # The kernel, the boot archive, the servers leave 9 MiB; from a card the archive has no traces.
    # The card's size is a power of two.
    mem = 15 if OPTIONS.card else 16
    seen = counts(expect_good(["guest", "10"], mem=mem, mib=62, timeout=280))
    expect(seen["swapped"] > 4 * MIB // 4096, True)
    expect(seen["dropped"] > 0 and seen["waits"] > 0, True)


def clones_of_what_is_swapped_have_pages_of_their_own():
    seen = counts(expect_good(["guest", "48", "2"]))
    expect(seen["swapped"] > 0, True)


def what_is_paged_out_goes_though_there_is_memory_enough_and_comes_back():
    text = expect_good(["guest", "6", "out"], mem=64)
    seen = counts(text)
    expect(seen["swapped"] >= 6 * MIB // 4096, True)
    expect(seen["waits"], 0)


def shared_memory_that_is_cut_off_within_a_page_that_is_away_shows_zeros_there():
    text = expect_good(["guest", "1", "cut"], mem=64)
    expect("all but what was cut off came back" in text, True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("--build", required=True)
    where.add_options(parser)
    card.add_option(parser)
    parser.add_argument("guest")
    OPTIONS = parser.parse_args()
    os.environ["HOLDFAST_BUILD"] = OPTIONS.build
    if card.skip(OPTIONS):
        sys.exit(0)
    sys.exit(run([
        a_working_set_of_10_mib_in_16_with_a_card_holds_what_was_written,
    ] if where.has_card(OPTIONS) else [
        a_working_set_of_96_mib_in_32_holds_what_was_written,
        clones_of_what_is_swapped_have_pages_of_their_own,
        what_is_paged_out_goes_though_there_is_memory_enough_and_comes_back,
        shared_memory_that_is_cut_off_within_a_page_that_is_away_shows_zeros_there,
    ]))
