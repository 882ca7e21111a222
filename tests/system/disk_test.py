#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The disk: what a program writes is in the host's file, and the other way round. Prints TAP.

Usage: disk_test.py --build DIR [--smp N] GUEST
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

import tree  # noqa: E402
from machine import Machine  # noqa: E402
from options import disk_file  # noqa: E402
from tap import expect, run  # noqa: E402

SECTOR = 512
SIZE = 2 << 20


def pattern(start, count, round_number=0):
    """The bytes that the guest expects, or writes, from `start` of the disk on."""
    return bytes((at * 7 + at // SECTOR * 13 + at // 65536 * 5 + round_number * 101) & 0xff
                 for at in range(start, start + count))


def image(folder, contents):
    path = os.path.join(folder, "disk,1.img")     # QEMU splits at commas
    with open(path, "wb") as file:
        file.write(contents)
    return path


def partitioned(folder):
    path = image(folder, bytes(SIZE))
    environment = dict(os.environ, PATH=os.environ["PATH"] + ":/usr/sbin:/sbin")
    subprocess.run(["sgdisk", "--clear", "-a", "1", "--new=1:100:1099", "--change-name=1:first",
                    "--new=2:2000:2199", "--typecode=2:8200", path], check=True,
                   stdout=subprocess.DEVNULL, env=environment)
    return path


def boot(path, *words, traits="", extra=(), files=()):
    """(status, output) of the guest's run with the disk; `traits`: more of QEMU's options."""
    os.environ["HOLDFAST_BUILD"] = OPTIONS.build
    built = tree.manifest()
    own = [(OPTIONS.guest, "bin/guest"), *files]
    machine = Machine(built, tree.boot_files(built, ["guest", *words], own))
    machine.elfs = tree.program_elfs(built, own)
    machine.smp = OPTIONS.smp
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


def contents(path):
    with open(path, "rb") as file:
        return file.read()


def what_the_host_wrote_is_read():
    with tempfile.TemporaryDirectory() as folder:
        expect_good(image(folder, pattern(0, SIZE)), "read")


def what_a_program_writes_is_in_the_hosts_file_with_many_requests_at_once():
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


def a_slow_disk_is_waited_for():
    with tempfile.TemporaryDirectory() as folder:
        path = image(folder, bytes(SIZE))
        expect_good(path, "write", "4", traits=",throttling.iops-total=200")
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
        expect(f"sectors {SIZE // SECTOR} block 512 flags 6 partitions 2 left out 0" in text, True)
        expect("partition 1 first 100 sectors 1000 kind 0 name first\n" in text, True)
        expect("partition 2 first 2000 sectors 200 kind 1 name" in text, True)
        with open(path, "r+b") as file:
            file.seek(SECTOR)
            file.write(bytes(SECTOR))
        text = expect_good(path, "show")
        expect("flags 26 partitions 2" in text, True)


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


def errors_of_the_host_are_told():
    with tempfile.TemporaryDirectory() as folder:
        path = image(folder, pattern(0, SIZE))
        rules = os.path.join(folder, "rules")
        with open(rules, "w", encoding="ascii") as file:
            file.write('[inject-error]\nevent = "read_aio"\nerrno = "5"\nsector = "2048"\n')
        # The file behind a layer that fails where the rule says.
        status, text = boot(None, "read", extra=[
            "-global", "virtio-mmio.force-legacy=false", "-blockdev",
            "driver=blkdebug,node-name=bad,image.driver=file,image.filename="
            f"{path.replace(',', ',,')},config={rules}",
            "-blockdev", "driver=raw,node-name=disk,file=bad",
            "-device", "virtio-blk-device,drive=disk"])
        expect((status, "failed: read: input or output error" in text), (1, True))


def a_client_that_dies_leaves_its_pages_to_the_device_until_it_is_done():
    with tempfile.TemporaryDirectory() as folder:
        path = image(folder, pattern(0, SIZE))
        print("# " + expect_good(path, "client-dies", traits=",throttling.bps-total=40000")
              .strip().replace("\n", "\n# "))


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
        print("# " + expect_good(path, "driver-dies", traits=",throttling.bps-total=40000",
                                 files=[killing_manifest(folder, False)])
              .strip().replace("\n", "\n# "))


def a_driver_that_is_started_again_resets_the_device_and_goes_on():
    with tempfile.TemporaryDirectory() as folder:
        path = image(folder, pattern(0, SIZE))
        print("# " + expect_good(path, "driver-returns", traits=",throttling.bps-total=1000000",
                                 files=[killing_manifest(folder, True)])
              .strip().replace("\n", "\n# "))
        expect(contents(path) == pattern(0, SIZE, 6), True)


def without_a_disk_no_driver_is_started():
    text = expect_good(None, "absent")
    expect("disk" in text, False)
    shown = subprocess.run([os.path.join(TOP, "sbi", "boot"), "--mem", "128M", "--timeout", "60"],
                           input="ps\ndisks\n", text=True, capture_output=True, check=False,
                           env=dict(os.environ, HOLDFAST_BUILD=OPTIONS.build)).stdout
    expect((" disk\n" in shown, "there is no disk" in shown), (False, True))


def the_shell_shows_the_disk():
    with tempfile.TemporaryDirectory() as folder:
        path = partitioned(folder)
        shown = subprocess.run([os.path.join(TOP, "sbi", "boot"), "--mem", "128M", "--timeout",
                                "60", "--disk", path], input="disks\n", text=True,
                               capture_output=True, check=False,
                               env=dict(os.environ, HOLDFAST_BUILD=OPTIONS.build)).stdout
        for part in (r"2 MiB +in blocks of 512, to be written, flushed", r"requests: \d+ reads",
                     r"\b1 +100 +500 KiB +[0-9a-f-]{36}  first",
                     r"\b2 +2000 +100 KiB +0657fd6d-a4ab-43c4-84e5-0933c84b4f4f .*\(swap\)"):
            if not re.search(part, shown):
                raise AssertionError(f"{part!r} is not in {shown!r}")


def parse_arguments():
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("--build", required=True)
    parser.add_argument("--smp", type=int, default=1)
    parser.add_argument("--only", default="")
    parser.add_argument("guest")
    return parser.parse_args()


TESTS_ALL = [
    what_the_host_wrote_is_read,
    what_a_program_writes_is_in_the_hosts_file_with_many_requests_at_once,
    the_same_at_a_device_of_virtio_before_1,
    the_same_at_a_device_without_tables_and_with_large_blocks,
    a_slow_disk_is_waited_for,
    answers_that_are_held_for_seeded_times_all_come,
    partitions_are_shown_with_their_kinds,
    what_is_wrong_is_refused_and_does_no_harm,
    a_file_that_may_not_be_written_is_a_disk_that_is_read,
    errors_of_the_host_are_told,
    a_client_that_dies_leaves_its_pages_to_the_device_until_it_is_done,
    a_driver_that_dies_leaves_what_the_device_may_write_in_quarantine,
    a_driver_that_is_started_again_resets_the_device_and_goes_on,
    without_a_disk_no_driver_is_started,
    the_shell_shows_the_disk,
]


if __name__ == "__main__":
    OPTIONS = parse_arguments()
    sys.exit(run([test for test in TESTS_ALL if OPTIONS.only in test.__name__]))
