#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""SYNC, judged by what could be on the disk after a crash. Prints TAP.

A program SYNCs pages of a partition, and writes for which generation of which page it was answered
(crash_guest.c). QEMU logs all that is written to the disk, and flushes. Images of the disk are made
from the log: at every flush, at every such answer and at random places between, with what was not
flushed there or not, in any order. What was answered for before must be in each of them. Drivers
that flush wrongly, made from changed copies (mutants/), must be found out by the same.

On sifive_u the disk is an SD card, which has no flush: what it has taken is lasting once it is not
busy any more, so an image is what was written up to some place. That a write would be missed there
is shown by logs that lack some. With --card it is the one that the machine has booted from.

Usage: crash_test.py --build DIR [--card] [--machine MACHINE] [--smp N] [--seed N] GUEST
"""
import argparse
import os
import pathlib
import random
import secrets
import sys
import tempfile

sys.dont_write_bytecode = True
HERE = pathlib.Path(__file__).resolve().parent
TESTS = HERE.parent
TOP = TESTS.parent
sys.path += [str(TESTS / "harness"), str(TESTS / "oracle" / "mutants"), str(TOP / "sbi")]

import card  # noqa: E402
import mutated  # noqa: E402
import tree  # noqa: E402
import where  # noqa: E402
from crash_images import Crash, read_log  # noqa: E402
from disks import partition  # noqa: E402
from run import Mutant  # noqa: E402
from tap import expect, run  # noqa: E402

SECTOR = 512
PAGE = 4096
SIZE = 2 << 20
CARD_SIZE = 64 << 20        # of one that is booted from
PAGES = 36
MARKS = (64, 8)             # partition 1: first sector, sectors
DATA = (128, PAGES * 8)     # partition 2
RANDOM_CUTS = 300
IMAGES_A_CUT = 3
DISK = "bin/disk"


class Lost(Exception):
    """An image lacks what SYNC has answered for."""


def page_of(number):
    """A page of generation 0: word i of it is number << 16 | i; byte 4 is the generation."""
    return b"".join((number << 16 | i).to_bytes(8, "little") for i in range(PAGE // 8))


BLANK = [page_of(number) for number in range(PAGES)]


def make_disk(path):
    """A disk with both partitions, and generation 0 on the second. Returns the bytes of both, with
    what stands before them, unless that is what is booted from."""
    start = card.first_sector(OPTIONS)
    with open(path, "wb") as file:
        file.seek((start + DATA[0]) * SECTOR)
        file.write(b"".join(BLANK))
        file.truncate(CARD_SIZE if OPTIONS.card else SIZE)
    number = card.first_partition(OPTIONS)
    parts = [f"--new={number + i}:{start + first}:{start + first + sectors - 1}"
             for i, (first, sectors) in enumerate((MARKS, DATA))]
    partition(path, *card.partitions(OPTIONS), *parts)
    return pathlib.Path(path).read_bytes()[start * SECTOR:start * SECTOR + SIZE]


def has_card():
    return where.has_card(OPTIONS)


def run_guest(folder, seed, driver_opt):
    """Run the program. Returns (the disk before, the log's entries, what the program said)."""
    disk = os.path.join(folder, "disk.img")
    log = os.path.join(folder, "log.img")
    before = make_disk(disk)
    pathlib.Path(log).write_bytes(b"")
    built = tree.manifest()
    own = [(OPTIONS.guest, "bin/guest")]
    words = ["guest", str(seed), str(card.first_partition(OPTIONS))]
    files = tree.boot_files(built, words, own)
    if driver_opt:
        files = [(name, pathlib.Path(driver_opt).read_bytes() if name == DISK else data)
                 for name, data in files]
    machine = where.machine_of(OPTIONS, built, files)
    machine.elfs = tree.program_elfs(built, own)
    machine.mem = "128M"
    machine.seed_opt = 1 + seed
    machine.timeout = 200
    drive = (f"driver=blklogwrites,file.driver=file,file.filename={disk},"
             f"log.driver=file,log.filename={log},log-super-update-interval=1")
    if OPTIONS.card:
        machine.disk_opt = (disk, False)
        machine.drive_opt = "if=sd," + drive
    elif has_card():
        machine.extra = ["-drive", "if=sd," + drive]
    else:
        machine.extra = ["-global", "virtio-mmio.force-legacy=false",
                         "-blockdev", "node-name=disk," + drive,
                         "-device", "virtio-blk-device,drive=disk"]
    shown = bytearray()
    outcome = machine.run(shown.extend)
    text = shown.decode(errors="replace") + outcome.trouble
    if outcome.status != 0:
        raise AssertionError(f"status {outcome.status}: {text}")
    entries = read_log(log)
    for entry in entries:
        entry.is_lasting = entry.is_lasting or has_card()
        entry.offset -= card.first_sector(OPTIONS) * SECTOR
        expect(not entry.data or entry.offset >= 0, True)
    return before, entries, text.strip()


def check_image(image, promised):
    """Raise Lost unless all that was promised is there, and all that is there was written."""
    for number in range(PAGES):
        start = DATA[0] * SECTOR + number * PAGE
        page = bytearray(image[start:start + PAGE])
        generations = page[4::8]
        page[4::8] = bytes(PAGE // 8)
        expect(bytes(page) == BLANK[number], True)
        if min(generations) < promised[number]:
            raise Lost(f"page {number} has words of generation {min(generations)}, "
                       f"and SYNC has answered for {promised[number]}")


def take_mark(entry, promised):
    """Whether the entry says what was promised, which is taken over then."""
    start, end = MARKS[0] * SECTOR, (MARKS[0] + MARKS[1]) * SECTOR
    if not entry.data or not start <= entry.offset < end:
        return False
    expect(entry.data[:8], b"promised")
    promised[:] = map(max, promised, entry.data[8:8 + PAGES])
    return True


def judge(before, entries, seed):
    """Look at images at all flushes, answers and some other places. Raises Lost. Returns counts."""
    draw = random.Random(seed)
    cuts = set(draw.sample(range(len(entries)), min(RANDOM_CUTS, len(entries))))
    crash = Crash(before, entries)
    promised = [0] * PAGES
    counts = dict.fromkeys(("flushes", "answers", "images", "images that lack writes"), 0)
    for position in range(len(entries)):
        # Before a flush there is most that can be missing.
        is_cut = position in cuts or entries[position].is_flush
        if is_cut:
            look(crash, draw, promised, counts, position)
        entry = crash.advance()
        is_mark = take_mark(entry, promised)
        counts["answers"] += is_mark
        counts["flushes"] += entry.is_flush
        if is_mark or entry.is_flush:
            look(crash, draw, promised, counts, position + 1)
    look(crash, draw, promised, counts, len(entries))
    counts["generations promised"] = sum(promised)
    return counts


def look(crash, draw, promised, counts, position):
    for _ in range(IMAGES_A_CUT):
        image = crash.image(draw)
        counts["images"] += 1
        counts["images that lack writes"] += any(
            image[e.offset:e.offset + len(e.data)] != e.data for e in crash.waiting)
        try:
            check_image(image, promised)
        except Lost as lost:
            raise Lost(f"after {position} of {len(crash.entries)} entries: {lost}") from None


def driver_of(folder, mutant):
    """Build the disk's driver with one file changed. Returns its path."""
    driver = mutated.program_of(OPTIONS.build, folder, mutant, "user/disk/disk")
    mutated.run_in(OPTIONS.build,
                   [sys.executable, str(TOP / "sbi" / "slim.py"), driver, driver + ".slim"])
    return driver + ".slim"


def what_sync_has_answered_for_is_in_every_later_image():
    with tempfile.TemporaryDirectory() as folder:
        before, entries, said = run_guest(folder, OPTIONS.seed, None)
        counts = judge(before, entries, OPTIONS.seed)
        print("# " + said.strip().replace("\n", "\n# "))
        print("# " + ", ".join(f"{name}: {count}" for name, count in counts.items()))
        least = {"answers": 36, "generations promised": 60}
        if not has_card():
            least.update({"flushes": 20, "images that lack writes": 50})
        for name, count in least.items():
            if counts[name] < count:
                raise AssertionError(f"{name}: {counts[name]}, too few to show anything")


def a_card_that_lacks_the_writes_to_one_page_is_found_out():
    with tempfile.TemporaryDirectory() as folder:
        before, entries, _ = run_guest(folder, OPTIONS.seed, None)
    for number in random.Random(OPTIONS.seed).sample(range(PAGES), 5):
        start = DATA[0] * SECTOR + number * PAGE
        left = [entry for entry in entries if not start <= entry.offset < start + PAGE]
        expect(len(left) < len(entries), True)
        try:
            counts = judge(before, left, OPTIONS.seed)
        except Lost as lost:
            print(f"# {lost}")
            continue
        raise AssertionError(f"page {number} is not missed: {counts}")


def found_out(name):
    """The test that a changed driver loses what SYNC has answered for."""
    def test():
        with tempfile.TemporaryDirectory() as folder:
            driver = driver_of(folder, Mutant(HERE / "mutants" / (name + ".mutant")))
            before, entries, _ = run_guest(folder, OPTIONS.seed, driver)
            try:
                counts = judge(before, entries, OPTIONS.seed)
            except Lost as lost:
                print(f"# {lost}")
                return
            raise AssertionError(f"nothing is lost: {counts}")
    test.__name__ = "a_driver_is_found_out_of_which_" + name
    return test


def parse_arguments():
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("--build", required=True)
    where.add_options(parser)
    parser.add_argument("--seed", type=int, default=0, help="0: another each time")
    card.add_option(parser)
    parser.add_argument("guest")
    options = parser.parse_args()
    options.build = os.path.abspath(options.build)
    options.seed = options.seed or 1 + secrets.randbelow(1 << 30)
    return options


if __name__ == "__main__":
    OPTIONS = parse_arguments()
    os.environ["HOLDFAST_BUILD"] = OPTIONS.build
    if card.skip(OPTIONS):
        sys.exit(0)
    print(f"# seed {OPTIONS.seed}")
    sys.exit(run([what_sync_has_answered_for_is_in_every_later_image]
                 + ([a_card_that_lacks_the_writes_to_one_page_is_found_out] if has_card() else
                    [found_out(path.stem) for path in sorted(HERE.glob("mutants/*.mutant"))])))
