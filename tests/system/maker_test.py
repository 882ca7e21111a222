#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""More is written to than there is memory, and only the disk's driver can make room. Prints TAP.

It is ended and started again while every frame is dirty, or while pages are in swap. With --card
this is on the SD card that the system has booted from. Where the disk is a card there is less of
it and of memory, since all goes over its wire.

Usage: maker_test.py --build DIR [--card] [--machine MACHINE] [--smp N] GUEST
"""
import array
import os
import re
import sys
import tempfile

sys.dont_write_bytecode = True
TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path += [os.path.join(TESTS, "harness"), os.path.join(TESTS, "system")]

import card  # noqa: E402
import disk_test  # noqa: E402
import tree  # noqa: E402
import where  # noqa: E402
from disk_test import SECTOR, failing_disk, image, killing_manifest, whole  # noqa: E402
from disks import MIB, make_swap_disk, to_card  # noqa: E402
from options import disk_file  # noqa: E402
from tap import expect, run  # noqa: E402

PAGE = 4096
MEM = 32        # MiB
CARD_MEM = 12
# Of a disk by (it was booted from, it is a card): a card of its own has a power of two.
DISK_MIB = {(False, False): 64, (False, True): 8, (True, True): 7}


def page_of(number, round_number):
    first = round_number << 56 | number << 32
    return array.array("Q", range(first, first + PAGE // 8)).tobytes()


def boot(path, folder, *words, extra=()):
    built = tree.manifest()
    own = [(disk_test.OPTIONS.guest, "bin/guest"), killing_manifest(folder, True)]
    place = [f"in={whole()}"] if disk_test.OPTIONS.card else []
    files = tree.boot_files(built, ["guest", *place, *map(str, words)], own)
    machine = where.machine_of(disk_test.OPTIONS, built, files)
    machine.elfs = tree.program_elfs(built, own)
    mem = CARD_MEM if where.has_card(disk_test.OPTIONS) else MEM
    card.set_memory(machine, disk_test.OPTIONS, mem)
    machine.seed_opt = 1
    machine.timeout = 200
    machine.disk_opt = disk_file(path) if path else None
    machine.extra = list(extra)
    shown = bytearray()
    outcome = machine.run(shown.extend)
    text = shown.decode(errors="replace") + outcome.trouble
    print("# " + text.strip().replace("\n", "\n# "))
    if outcome.status != 0:
        raise AssertionError(f"status {outcome.status}: {text}")
    counts = re.findall(r"^counts: (.*?)\r?$", text, re.M)[-1].split()
    return {name: int(value) for name, value in zip(counts[::2], counts[1::2])}


def expect_written(mib, kills):
    with tempfile.TemporaryDirectory() as folder:
        path = image(folder, bytes(mib * MIB))
        seen = boot(path, folder, "disk", 5, kills)
        with open(path, "rb") as file:
            file.seek(card.first_sector(disk_test.OPTIONS) * SECTOR)
            for number in range(mib * MIB // PAGE):
                if file.read(PAGE) != page_of(number, 5):
                    raise AssertionError(f"page {number} of the disk holds something else")
        return seen


def more_than_memory_is_written_to_a_disk_without_swap():
    seen = expect_written(64, 0)
    expect(seen["swapped"], 0)
    expect(seen["waits"] > 0, True)


def the_driver_ends_while_all_memory_is_dirty_and_nothing_is_lost():
    is_card = where.has_card(disk_test.OPTIONS)
    seen = expect_written(DISK_MIB[disk_test.OPTIONS.card, is_card], 4)
    expect(seen["swapped"], 0)
    expect(seen["reserve"] > 0, True)


def pages_in_swap_outlive_the_driver():
    is_card = where.has_card(disk_test.OPTIONS)
    mib = 7 if is_card else 64
    with tempfile.TemporaryDirectory() as folder:
        path = to_card(make_swap_disk(folder, 30 if is_card else 128), disk_test.OPTIONS)
        seen = boot(path, folder, "swap", mib, 4)
        expect(seen["swapped"] * PAGE > mib // 2 * MIB, True)


def a_page_that_cannot_be_written_keeps_no_other_from_being_saved():
    bad = 100
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "disk.img")
        with open(path, "wb") as file:
            file.truncate(MIB)
        boot(None, folder, "bad", bad,
             extra=failing_disk(path, folder, "write_aio", bad * PAGE // SECTOR))
        with open(path, "rb") as file:
            file.seek((bad - 2) * PAGE)
            for number in range(bad - 2, bad + 3):
                expect(file.read(PAGE) == page_of(number, 7), number != bad)


TESTS_OF_CARD = [
    the_driver_ends_while_all_memory_is_dirty_and_nothing_is_lost,
    pages_in_swap_outlive_the_driver,
]
TESTS_ALL = [
    more_than_memory_is_written_to_a_disk_without_swap,
    *TESTS_OF_CARD,
    a_page_that_cannot_be_written_keeps_no_other_from_being_saved,
]

if __name__ == "__main__":
    disk_test.OPTIONS = disk_test.parse_arguments()
    os.environ["HOLDFAST_BUILD"] = os.path.abspath(disk_test.OPTIONS.build)
    if card.skip(disk_test.OPTIONS):
        sys.exit(0)
    HAS_CARD = where.has_card(disk_test.OPTIONS)
    sys.exit(run([test for test in (TESTS_OF_CARD if HAS_CARD else TESTS_ALL)
                  if disk_test.OPTIONS.only in test.__name__]))
