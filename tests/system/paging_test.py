#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Many threads at a partition that is larger than memory, on a disk that answers late. Prints TAP.

What was read and written must be right, and everything that such a run is about must have happened.
With --card the partition is on the SD card that the system has booted from. Where the disk is a
card, there is less of it and of memory.

Usage: paging_test.py --build DIR [--card] [--machine MACHINE] [--smp N] [--seed N] GUEST
"""
import argparse
import os
import re
import secrets
import sys
import tempfile

sys.dont_write_bytecode = True
TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
TOP = os.path.dirname(TESTS)
sys.path += [os.path.join(TESTS, "harness"), os.path.join(TOP, "sbi")]

import card  # noqa: E402
import tree  # noqa: E402
import where  # noqa: E402
from disks import first_byte, partition, to_card  # noqa: E402
from options import disk_file  # noqa: E402
from tap import expect, run  # noqa: E402

SECTOR = 512
PAGE = 4096
FIRST = 64              # sector of the partition
WRITES = 64             # every so many pages one is written
# Pages of the partition, and MiB of memory: as many frames, or fewer.
PAGES, MEM = 8192, 32
CARD_PAGES, CARD_MEM = 1280, 10
# What must have happened; of the depth more than this.
MUST = {"first": 0, "second": 0, "pulls": 0, "joined": 0, "saves": 0, "ahead": 0, "hits": 0,
        "around": 0, "evicted": 0, "depth": 1}


def page_of(number, mark):
    return b"".join((mark | number << 32 | i).to_bytes(8, "little") for i in range(PAGE // 8))


def pages():
    return CARD_PAGES if where.has_card(OPTIONS) else PAGES


def make_disk(path):
    with open(path, "wb") as file:
        file.seek(FIRST * SECTOR)
        for number in range(pages()):
            file.write(page_of(number, 0))
        file.truncate(1 << (file.tell() + (1 << 20)).bit_length())  # as cards are
    partition(path, f"--new=1:{FIRST}:+{pages() * 4}K")
    return to_card(path, OPTIONS)


def boot(path):
    built = tree.manifest()
    own = [(OPTIONS.guest, "bin/guest")]
    words = ["guest", str(OPTIONS.seed), str(pages()), str(card.first_partition(OPTIONS))]
    machine = where.machine_of(OPTIONS, built, tree.boot_files(built, words, own))
    machine.elfs = tree.program_elfs(built, own)
    card.set_memory(machine, OPTIONS, CARD_MEM if where.has_card(OPTIONS) else MEM)
    machine.seed_opt = OPTIONS.seed
    machine.timeout = 500
    machine.disk_opt = disk_file(path)
    shown = bytearray()
    outcome = machine.run(shown.extend)
    text = shown.decode(errors="replace") + outcome.trouble
    if outcome.status != 0:
        raise AssertionError(f"status {outcome.status}: {text}")
    return text


def all_that_paging_is_about_happens_and_nothing_is_lost():
    with tempfile.TemporaryDirectory() as folder:
        path = make_disk(os.path.join(folder, "disk.img"))
        text = boot(path)
        print("# " + text.strip().replace("\n", "\n# "))
        with open(path, "rb") as file:
            file.seek(first_byte(FIRST, OPTIONS))
            for number in range(pages()):
                mark = 1 << 63 if number % WRITES == 0 else 0
                if file.read(PAGE) != page_of(number, mark):
                    raise AssertionError(f"page {number} of the disk holds something else")
    words = re.search(r"^counts: (.*?)\r?$", text, re.M)[1].split()
    seen = {name: int(value) for name, value in zip(words[::2], words[1::2])}
    expect({name: seen[name] for name, least in MUST.items() if seen[name] <= least}, {})
    expect({name: seen[name] for name in ("timeouts", "stale")}, {"timeouts": 0, "stale": 0})


if __name__ == "__main__":
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("--build", required=True)
    where.add_options(parser)
    parser.add_argument("--seed", type=int, default=0, help="0: another each time")
    card.add_option(parser)
    parser.add_argument("guest")
    OPTIONS = parser.parse_args()
    OPTIONS.seed = OPTIONS.seed or 1 + secrets.randbelow(1 << 30)
    os.environ["HOLDFAST_BUILD"] = os.path.abspath(OPTIONS.build)
    if card.skip(OPTIONS):
        sys.exit(0)
    print(f"# seed {OPTIONS.seed}")
    sys.exit(run([all_that_paging_is_about_happens_and_nothing_is_lost]))
