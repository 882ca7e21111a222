#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The disk: what a program writes is in the host's file, and the other way round. Prints TAP.

On sifive_u the disk is an SD card. With --card it is the one that the machine has booted from: what
is the whole disk else is a partition of it then.

Usage: disk_test.py --build DIR [--card] [--machine MACHINE] [--smp N] GUEST
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
from disks import partition  # noqa: E402
from options import disk_file  # noqa: E402
from tap import expect, run  # noqa: E402

LOOKS = 20  # times that are looked for what is there for a moment
SECTOR = 512
SIZE = 2 << 20
CARD_SIZE = 64 << 20    # of one that is booted from


def pattern(start, count, round_number=0):
    """The bytes that the guest expects, or writes, from `start` of the disk on."""
    return bytes((at * 7 + at // SECTOR * 13 + at // 65536 * 5 + round_number * 101) & 0xff
                 for at in range(start, start + count))


def number(partition_number):
    """Of the partition that is the test's first, or second, on a disk of its own."""
    return card.first_partition(OPTIONS) + partition_number - 1


def whole():
    """The number of what the test has of the disk: all of it, or a partition."""
    return number(1) if OPTIONS.card else 0


def split(path, *parts):
    """Partitions of the test's: (first sector, last sector, more of sgdisk's options without the
    number of the partition)."""
    words = []
    for index, (first, last, *traits) in enumerate(parts, start=1):
        words.append(f"--new={number(index)}:{card.first_sector(OPTIONS) + first}:"
                     f"{card.first_sector(OPTIONS) + last}")
        words += [f"--{trait}={number(index)}:{value}" for trait, value in traits]
    partition(path, *card.partitions(OPTIONS), *words)


def image(folder, data):
    path = os.path.join(folder, "disk,1.img")     # QEMU splits at commas
    with open(path, "wb") as file:
        file.seek(card.first_sector(OPTIONS) * SECTOR)
        file.write(data)
        if OPTIONS.card:
            file.truncate(CARD_SIZE)
    if OPTIONS.card and data:
        split(path, (0, len(data) // SECTOR - 1))
    return path


def partitioned(folder):
    path = image(folder, bytes(SIZE))
    split(path, (100, 1099, ("change-name", "first")), (2000, 2199, ("typecode", "8200")))
    return path


def boot(path, *words, traits="", extra=(), files=()):
    """(status, output) of the guest's run with the disk; `traits`: more of QEMU's options."""
    os.environ["HOLDFAST_BUILD"] = OPTIONS.build
    built = tree.manifest()
    own = [(OPTIONS.guest, "bin/guest"), *files]
    words = [*([f"in={whole()}"] if OPTIONS.card else []), *words]
    machine = where.machine_of(OPTIONS, built, tree.boot_files(built, ["guest", *words], own))
    machine.elfs = tree.program_elfs(built, own)
    machine.mem = "128M"
    machine.seed_opt = 1
    machine.timeout = 120
    machine.disk_opt = disk_file(path) if path else None
    machine.disk_traits = traits
    machine.extra = list(extra)
    shown = bytearray()
    outcome = machine.run(shown.extend)
    text = shown.decode(errors="replace") + outcome.trouble
    return outcome.status, text


def expect_good(path, *words, **more):
    status, text = boot(path, *words, **more)
    if status != 0:
        raise AssertionError(f"status {status}: {text}")
    return text


def has_card():
    return where.has_card(OPTIONS)


def shell(*arguments, typed):
    """What sbi/boot shows on the machine that is tested."""
    done = subprocess.run([*card.boot_command(OPTIONS), "-M", OPTIONS.machine, "--mem", "128M",
                           "--timeout", "60", *arguments], input=typed, text=True, check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          env=dict(os.environ, HOLDFAST_BUILD=OPTIONS.build))
    return done.stdout


def contents(path):
    """What the test has of the disk, or more."""
    with open(path, "rb") as file:
        file.seek(card.first_sector(OPTIONS) * SECTOR)
        return file.read(SIZE)


def what_the_host_wrote_is_read():
    with tempfile.TemporaryDirectory() as folder:
        expect_good(image(folder, pattern(0, SIZE)), "read")


def what_a_program_writes_is_in_the_hosts_file():
    with tempfile.TemporaryDirectory() as folder:
        path = image(folder, bytes(SIZE))
        text = expect_good(path, "write", "1")
        print("# " + text.strip().replace("\n", "\n# "))
        expect(contents(path) == pattern(0, SIZE, 1), True)


def the_same_at_a_device_of_virtio_before_1():
    with tempfile.TemporaryDirectory() as folder:
        path = image(folder, bytes(SIZE))
        expect_good(path, "write", "2", extra=["-global", "virtio-mmio.force-legacy=true"])
        expect(contents(path) == pattern(0, SIZE, 2), True)


def the_same_at_a_device_without_tables_and_with_large_blocks():
    with tempfile.TemporaryDirectory() as folder:
        path = image(folder, bytes(SIZE))
        expect_good(path, "write", "2",
                    extra=["-global", "virtio-blk-device.indirect_desc=off",
                           "-global", "virtio-blk-device.logical_block_size=4096",
                           "-global", "virtio-blk-device.physical_block_size=4096"])
        expect(contents(path) == pattern(0, SIZE, 2), True)


def a_slow_disk_is_waited_for_and_has_many_requests_at_once():
    with tempfile.TemporaryDirectory() as folder:
        path = image(folder, bytes(SIZE))
        expect_good(path, "write", "4", "slow", traits=",throttling.iops-total=200")
        expect(contents(path) == pattern(0, SIZE, 4), True)


def answers_that_are_held_for_seeded_times_all_come():
    with tempfile.TemporaryDirectory() as folder:
        path = image(folder, bytes(SIZE))
        expect_good(path, "delay", "17")
        expect(contents(path) == pattern(0, SIZE, 3), True)


def partitions_are_shown_with_their_kinds():
    with tempfile.TemporaryDirectory() as folder:
        path = partitioned(folder)
        text = expect_good(path, "show")
        flags = 0x40 if has_card() else 6
        first, sectors = card.first_sector(OPTIONS), os.path.getsize(path) // SECTOR
        expect(f"sectors {sectors} block 512 flags {flags:x} partitions {number(2)} left out 0"
               in text, True)
        for part in (f"partition {number(1)} first {first + 100} sectors 1000 kind 0 name first\n",
                     f"partition {number(2)} first {first + 2000} sectors 200 kind 1 name"):
            expect(part in text, True)
        with open(path, "r+b") as file:
            file.seek(SECTOR)
            file.write(bytes(SECTOR))
        text = expect_good(path, "show")
        expect(f"flags {flags | 0x20:x} partitions {number(2)}" in text, True)


def a_disk_that_is_mapped_written_and_synced_is_in_the_hosts_file():
    with tempfile.TemporaryDirectory() as folder:
        path = image(folder, pattern(0, SIZE))
        expect_good(path, "map", "5", str(whole()), "0")
        expect(contents(path) == pattern(0, SIZE, 5), True)


def the_same_at_a_slow_disk():
    with tempfile.TemporaryDirectory() as folder:
        path = image(folder, pattern(0, SIZE))
        expect_good(path, "map", "6", "0", "0", traits=",throttling.iops-total=300")
        expect(contents(path) == pattern(0, SIZE, 6), True)


def what_nobody_syncs_is_in_the_hosts_file_some_seconds_later():
    with tempfile.TemporaryDirectory() as folder:
        path = image(folder, pattern(0, SIZE))
        text = expect_good(path, "map-leave", "4", "30" if has_card() else "12")
        print("# " + text.strip().replace("\n", "\n# "))
        expect(contents(path) == pattern(0, SIZE, 4), True)


def a_mapped_partition_ends_where_the_table_says():
    with tempfile.TemporaryDirectory() as folder:
        path = image(folder, bytes(SIZE))
        # The second begins where no page does and ends in the middle of one.
        split(path, (100, 1000), (1001, 2013))
        start, end = 1001 * SECTOR, 2014 * SECTOR
        with open(path, "r+b") as file:
            file.seek(card.first_sector(OPTIONS) * SECTOR + start)
            file.write(pattern(start, end - start))
        before = contents(path)
        expect_good(path, "map", "7", str(number(2)), str(start))
        after = contents(path)
        expect(after[start:end] == pattern(start, end - start, 7), True)
        expect((after[:start], after[end:]) == (before[:start], before[end:]), True)


def what_is_wrong_is_refused_and_does_no_harm():
    with tempfile.TemporaryDirectory() as folder:
        path = partitioned(folder)
        before = contents(path)
        expect_good(path, "refuse")
        expect(contents(path)[:2000 * SECTOR] == before[:2000 * SECTOR], True)


def a_file_that_may_not_be_written_is_a_disk_that_is_read():
    with tempfile.TemporaryDirectory() as folder:
        path = image(folder, pattern(0, SIZE))
        os.chmod(path, 0o444)
        expect_good(path, "read-only")
        expect_good(path, "map-read-only")


def failing_disk(path, folder, event, sector):
    """Options for a disk of virtio that fails at what `event` says of a sector."""
    rules = os.path.join(folder, "rules")
    with open(rules, "w", encoding="ascii") as file:
        file.write(f'[inject-error]\nevent = "{event}"\nerrno = "5"\nsector = "{sector}"\n')
    # The file behind a layer that fails where the rule says.
    return ["-global", "virtio-mmio.force-legacy=false", "-blockdev",
            "driver=blkdebug,node-name=bad,image.driver=file,image.filename="
            f"{path.replace(',', ',,')},config={rules}",
            "-blockdev", "driver=raw,node-name=disk,file=bad",
            "-device", "virtio-blk-device,drive=disk"]


def errors_of_the_host_are_told():
    with tempfile.TemporaryDirectory() as folder:
        path = image(folder, pattern(0, SIZE))
        extra = failing_disk(path, folder, "read_aio", 2048)
        status, text = boot(None, "read", extra=extra)
        expect((status, "failed: read: input or output error" in text), (1, True))
        expect_good(None, "map-bad", str(2048 * SECTOR // 4096), extra=extra)


def a_client_that_dies_leaves_its_pages_to_the_device_until_it_is_done():
    with tempfile.TemporaryDirectory() as folder:
        path = image(folder, pattern(0, SIZE))
        print("# " + expect_good(path, "client-dies", traits=slowly(100000))
              .strip().replace("\n", "\n# "))


def slowly(bytes_a_second):
    """Options for a disk that is slow; a card is slow enough, and would stop its whole machine."""
    return "" if has_card() else f",throttling.bps-total={bytes_a_second}"


def killing_manifest(folder, restarts):
    """The tree's manifest, by which the program may end the driver; (host path, name)."""
    with open(os.path.join(TOP, "user", "init", "manifest"), encoding="ascii") as file:
        text = file.read()
    process = re.search(r"process disk\n(    .*\n)+", text)[0]
    kept = process if restarts else process.replace("    restarts 4\n", "")
    path = os.path.join(folder, "manifest")
    with open(path, "w", encoding="ascii") as file:
        file.write(text.replace(process, kept) + "    may look kill\n")
    return path, "boot/manifest"


def a_driver_that_dies_leaves_what_the_device_may_write_in_quarantine():
    with tempfile.TemporaryDirectory() as folder:
        path = image(folder, pattern(0, SIZE))
        print("# " + expect_good(path, "driver-dies", traits=",throttling.bps-total=100000",
                                 files=[killing_manifest(folder, False)])
              .strip().replace("\n", "\n# "))


def a_driver_that_is_started_again_resets_the_device_and_goes_on():
    with tempfile.TemporaryDirectory() as folder:
        path = image(folder, pattern(0, SIZE))
        print("# " + expect_good(path, "driver-returns", traits=slowly(1000000),
                                 files=[killing_manifest(folder, True)])
              .strip().replace("\n", "\n# "))
        expect(contents(path) == pattern(0, SIZE, 6), True)


def without_a_disk_no_driver_is_started():
    text = expect_good(None, "absent")
    expect("disk" in text, False)
    shown = shell(typed="ps\ndisks\n")
    expect((" disk\n" in shown, "there is no disk" in shown), (False, True))


def the_shell_shows_the_disk():
    with tempfile.TemporaryDirectory() as folder:
        path = partitioned(folder)
        shown = shell("--disk", path, typed="disks\n")
        kind = ", an SD card" if has_card() else ", flushed"
        first, mib = card.first_sector(OPTIONS), os.path.getsize(path) >> 20
        for part in (rf"{mib} MiB +in blocks of 512, to be written" + kind, r"requests: \d+ reads",
                     rf"\b{number(1)} +{first + 100} +500 KiB +[0-9a-f-]{{36}}  first",
                     rf"\b{number(2)} +{first + 2000} +100 KiB "
                     r"+0657fd6d-a4ab-43c4-84e5-0933c84b4f4f .*\(swap\)"):
            if not re.search(part, shown):
                raise AssertionError(f"{part!r} is not in {shown!r}")


def mem_shows_reserve_quarantine_and_swap():
    with tempfile.TemporaryDirectory() as folder:
        shown = shell("--disk", partitioned(folder), typed="mem\n")
        rows = dict(re.findall(r"^(\S.*?) {2,}(\d+) frames", shown, re.M))
        slots = int(rows["swap free"]) + int(rows["swap in use"])
        # 100 KiB, but for what the area itself keeps.
        expect((0 < slots <= 25, int(rows["swap in use"])), (True, 0))
        expect(int(rows["in quarantine for devices"]), 0)
        kept = re.search(r"^reserve of memory makers +(\d+) frames, (\d+) there", shown, re.M)
        expect(0 < int(kept[2]) <= int(kept[1]), True)
        expect("reserve of swap" in rows, True)


def started_driver(*options):
    """The number of the disk's driver on a machine that is booted with these options."""
    return re.search(r"^ *(\d+) .* disk$", shell(*options, typed="ps\n"), re.M)[1]


def mem_shows_what_a_driver_that_was_ended_leaves_in_quarantine():
    """What it has pinned of its own all the time: nobody resets the device afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        manifest = "=".join(killing_manifest(folder, False))
        options = ["--disk", image(folder, bytes(SIZE)), "--file", manifest]
        driver = started_driver(*options)
        shown = shell(*options, typed=f"mem\nmaps -p {driver}\nkill {driver}\nmem\n")
        own = re.findall(rf"^ *\d+ +{driver} +{driver} +[0-9a-f]+ +(\d+) wld .* disk (\w+)$",
                         shown, re.M)
        pages = sum(int(count) for count, _ in own)
        expect({purpose for _, purpose in own}, {"queue", "table"})
        for row in ("in quarantine for devices", "of programs, kept by pins alone"):
            rows = re.findall(rf"^{row} +(\d+) frames +(\d+) KiB$", shown, re.M)
            expect(rows, [("0", "0"), (str(pages), str(pages * 4))])


def pinned_for(shown, driver):
    """The purposes for which the driver had pages of the guest pinned when they were looked at."""
    client = re.search(r"^ *(\d+) .* guest$", shown, re.M)[1]
    # Its own tables, always.
    tables = rf"^ *\d+ +{driver} +{driver} +[0-9a-f]+ +\d+ wld .* disk queue$"
    expect(bool(re.search(tables, shown, re.M)), True)
    return {purpose for use, purpose in (("w-d", "disk read"), ("r-d", "disk write"))
            if re.search(rf"^ *\d+ +{driver} +{client} +[0-9a-f]+ +\d+ {use} +\d+\.\d+ +- +"
                         rf"{purpose}$", shown, re.M)}


def maps_shows_what_the_driver_pins_while_it_transfers():
    """The answers are held for some milliseconds, so that some of many looks find requests."""
    seen = set()
    with tempfile.TemporaryDirectory() as folder:
        options = ["--disk", image(folder, bytes(SIZE)), "--file", OPTIONS.guest + "=bin/guest"]
        driver = started_driver(*options)
        looks = f"maps -p {driver}\n" * 30
        for _ in range(LOOKS):
            seen |= pinned_for(shell(*options, typed=f"guest delay 17 &\nps\n{looks}ps\n"), driver)
            if len(seen) == 2:
                return
    raise AssertionError(f"only {seen} was seen")


def a_large_card_is_addressed_by_sectors():
    with tempfile.TemporaryDirectory() as folder:
        path = image(folder, b"")
        os.truncate(path, 4 << 30)
        split(path, (8000000, 8000099, ("change-name", "far")))
        # The backup, which stands at the end, is what is read.
        with open(path, "r+b") as file:
            file.seek(SECTOR)
            file.write(bytes(SECTOR))
        text = expect_good(path, "show")
        expect(f"sectors {(4 << 30) // SECTOR} block 512 flags 60 partitions "
               f"{number(1)}" in text, True)
        expect(f"partition {number(1)} first {card.first_sector(OPTIONS) + 8000000} sectors 100 "
               "kind 0 name far" in text, True)


def parse_arguments():
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("--build", required=True)
    where.add_options(parser)
    parser.add_argument("--only", default="")
    card.add_option(parser)
    parser.add_argument("guest")
    return parser.parse_args()


TESTS_ALL = [
    what_the_host_wrote_is_read,
    what_a_program_writes_is_in_the_hosts_file,
    the_same_at_a_device_of_virtio_before_1,
    the_same_at_a_device_without_tables_and_with_large_blocks,
    a_slow_disk_is_waited_for_and_has_many_requests_at_once,
    answers_that_are_held_for_seeded_times_all_come,
    partitions_are_shown_with_their_kinds,
    a_disk_that_is_mapped_written_and_synced_is_in_the_hosts_file,
    the_same_at_a_slow_disk,
    what_nobody_syncs_is_in_the_hosts_file_some_seconds_later,
    a_mapped_partition_ends_where_the_table_says,
    what_is_wrong_is_refused_and_does_no_harm,
    a_file_that_may_not_be_written_is_a_disk_that_is_read,
    errors_of_the_host_are_told,
    a_client_that_dies_leaves_its_pages_to_the_device_until_it_is_done,
    a_driver_that_dies_leaves_what_the_device_may_write_in_quarantine,
    a_driver_that_is_started_again_resets_the_device_and_goes_on,
    without_a_disk_no_driver_is_started,
    the_shell_shows_the_disk,
    mem_shows_reserve_quarantine_and_swap,
    mem_shows_what_a_driver_that_was_ended_leaves_in_quarantine,
    maps_shows_what_the_driver_pins_while_it_transfers,
]

# The others are about virtio, or about what QEMU can do to its requests only.
TESTS_CARD = [
    what_the_host_wrote_is_read,
    what_a_program_writes_is_in_the_hosts_file,
    answers_that_are_held_for_seeded_times_all_come,
    partitions_are_shown_with_their_kinds,
    a_disk_that_is_mapped_written_and_synced_is_in_the_hosts_file,
    what_nobody_syncs_is_in_the_hosts_file_some_seconds_later,
    a_mapped_partition_ends_where_the_table_says,
    what_is_wrong_is_refused_and_does_no_harm,
    a_client_that_dies_leaves_its_pages_to_the_device_until_it_is_done,
    a_driver_that_is_started_again_resets_the_device_and_goes_on,
    without_a_disk_no_driver_is_started,
    the_shell_shows_the_disk,
    a_large_card_is_addressed_by_sectors,
]

# What is another matter where the whole disk is not the driver's alone; each takes its time there.
TESTS_BOOTED = [
    what_a_program_writes_is_in_the_hosts_file,
    partitions_are_shown_with_their_kinds,
    a_disk_that_is_mapped_written_and_synced_is_in_the_hosts_file,
    what_is_wrong_is_refused_and_does_no_harm,
    a_client_that_dies_leaves_its_pages_to_the_device_until_it_is_done,
    the_shell_shows_the_disk,
]


def tests():
    """Those for the machine, and for how it is booted."""
    if OPTIONS.card:
        return TESTS_BOOTED
    return TESTS_CARD if has_card() else TESTS_ALL


if __name__ == "__main__":
    OPTIONS = parse_arguments()
    if card.skip(OPTIONS):
        sys.exit(0)
    sys.exit(run([test for test in tests() if OPTIONS.only in test.__name__]))
