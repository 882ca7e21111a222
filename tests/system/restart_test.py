#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The disk's driver ends while what it pages is mapped, and is started again, or not. Prints TAP.

Usage: restart_test.py --build DIR [--card] [--machine MACHINE] [--smp N] GUEST
"""
import os
import struct
import sys
import tempfile

sys.dont_write_bytecode = True
TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path += [os.path.join(TESTS, "harness"), os.path.join(TESTS, "system")]

import card  # noqa: E402
import disk_test  # noqa: E402
from disk_test import (SECTOR, SIZE, contents, expect_good, killing_manifest, number,  # noqa: E402
                       slowly, split)
from tap import expect, run  # noqa: E402

PAGE = 4096
PARTITION_PAGE = 25


def content(count, round_number=0, first=0):
    """Pages, from the test's first on, as the program expects them, or writes them."""
    first += card.first_sector(disk_test.OPTIONS) * SECTOR // PAGE
    return b"".join(struct.pack("<Q", round_number << 56 | page << 32 | word)
                    for page in range(first, first + count) for word in range(PAGE // 8))


def image(folder):
    return disk_test.image(folder, content(SIZE // PAGE))


def say(text):
    print("# " + text.strip().replace("\n", "\n# "))


def threads_that_use_a_mapped_disk_go_on_with_the_next_driver():
    with tempfile.TemporaryDirectory() as folder:
        path = image(folder)
        say(expect_good(path, "returns", "7", traits=slowly(1000000),
                        files=[killing_manifest(folder, True)]))
        expect(contents(path) == content(SIZE // PAGE, 7), True)


def what_was_written_and_not_saved_outlives_the_driver():
    with tempfile.TemporaryDirectory() as folder:
        path = image(folder)
        expect_good(path, "keeps", "3", files=[killing_manifest(folder, True)])
        after = contents(path)
        expect(after[5 * PAGE:6 * PAGE] == content(1, 3, 5), True)
        expect(after[:5 * PAGE] + after[6 * PAGE:]
               == content(5) + content(SIZE // PAGE - 6, 0, 6), True)


def without_another_driver_what_is_not_there_is_a_bus_error_with_a_reason():
    with tempfile.TemporaryDirectory() as folder:
        path = image(folder)
        expect_good(path, "gone", files=[killing_manifest(folder, False)])
        expect(contents(path) == content(SIZE // PAGE), True)


def a_partition_that_is_not_where_it_was_is_not_touched():
    with tempfile.TemporaryDirectory() as folder:
        path = image(folder)
        start = PARTITION_PAGE * PAGE // SECTOR
        split(path, (start, start + 799))
        text = expect_good(path, "moved", str(number(1)), files=[killing_manifest(folder, True)])
        expect(f"disk: partition {number(1)} is not where it was" in text, True)
        expect(contents(path)[start * SECTOR:(start + 800) * SECTOR]
               == content(100, 0, PARTITION_PAGE), True)


if __name__ == "__main__":
    disk_test.OPTIONS = disk_test.parse_arguments()
    if card.skip(disk_test.OPTIONS):
        sys.exit(0)
    sys.exit(run([test for test in (
        threads_that_use_a_mapped_disk_go_on_with_the_next_driver,
        what_was_written_and_not_saved_outlives_the_driver,
        without_another_driver_what_is_not_there_is_a_bus_error_with_a_reason,
        a_partition_that_is_not_where_it_was_is_not_touched,
    ) if disk_test.OPTIONS.only in test.__name__]))
