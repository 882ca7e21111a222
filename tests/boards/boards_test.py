#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Images of sbi/flash boot in QEMU as they would on a board. Prints TAP.

What QEMU does not show: its ROM does not look for SPL on the medium, so SPL is cut out of the image
and given to it; the SPL of the Unmatched does not run in its model of the Unleashed.
"""
import functools
import os
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.append(os.path.join(TESTS, "harness"))

import board  # noqa: E402
from tap import Skip, expect, run  # noqa: E402

HELLO = "Hello from hello card"
TRACES = ("cc1", "sqlite", "python", "node")


@functools.cache
def image(layout, name="unleashed", program="hello card"):
    """An image that runs the program, made once."""
    path = os.path.join(FOLDER, f"{name}-{layout}-{program.replace('/', '_')}.img")
    status, said = board.flash("--board", name, "--layout", layout, "--image", path, "--append",
                               f"nonce={board.NONCE}", "--", *program.split())
    if status != 0 and "cannot fetch" in said and not os.environ.get("CI"):
        raise Skip(said.strip())
    expect((status, said.count("\n")), (0, 1))
    return path


def boot(path, kind, spl_of=None, **settings):
    spl = board.cut_spl(spl_of or path, kind, FOLDER)
    return board.boot(board.command(path, kind, spl), **settings)


def need_sd():
    """QEMU's SD card knows no SEND_CID in SPI mode from version 10 on, and U-Boot asks for it."""
    if board.qemu_major() >= 10:
        raise Skip("the SD card of this QEMU does not work with U-Boot's SPL")


def expect_said(said, *words):
    for word in words:
        if word not in said:
            raise AssertionError(f"no {word!r} in {said[-1500:]!r}")


def a_card_boots_straight_from_spl():
    need_sd()
    said = boot(image("sd-direct"), "sd")
    expect_said(said, "U-Boot SPL", "HiFive Unleashed", "raised to 1000 MHz", HELLO,
                f"[holdfast {board.NONCE} exit 0]")


def flash_memory_boots_straight_from_spl():
    said = boot(image("nor"), "mtd")
    expect_said(said, "U-Boot SPL", "HiFive Unleashed", HELLO, f"[holdfast {board.NONCE} exit 0]")


def a_card_boots_by_u_boot():
    need_sd()
    # QEMU's card fails the first time it is asked, so that U-Boot goes on to other media.
    said = boot(image("sd-uboot"), "sd", typed=[
        ("Hit any key", "\n"), (board.PROMPT, "run bootcmd_mmc0; run bootcmd_mmc0\n")])
    expect_said(said, "Found /extlinux/extlinux.conf", HELLO, f"[holdfast {board.NONCE} exit 0]")
    expect("raised to" in said, False)


def the_same_card_boots_where_u_boot_is_another_one():
    said = board.boot(board.uboot_command(image("sd-uboot")))
    expect_said(said, "Found /extlinux/extlinux.conf", "riscv-virtio", HELLO,
                f"[holdfast {board.NONCE} exit 0]")


def what_is_for_the_unmatched_runs_under_the_other_spl():
    said = boot(image("nor", "unmatched"), "mtd", spl_of=image("nor"))
    expect_said(said, "HiFive Unmatched", HELLO, f"[holdfast {board.NONCE} exit 0]")


def the_traces_replay_from_flash():
    for name in TRACES:
        said = boot(image("nor", program=f"replay /traces/{name}.trace"), "mtd", seconds=120)
        expect_said(said, "written pages verified", f"[holdfast {board.NONCE} exit 0]")


def damage(source, what, distance=0):
    """A copy of the image with one bit changed behind the text `what`."""
    with open(source, "rb") as data:
        changed = bytearray(data.read())
    position = changed.find(what)
    expect(position > 0, True)
    changed[position + distance] ^= 0x10
    path = os.path.join(FOLDER, "damaged.img")
    with open(path, "wb") as target:
        target.write(changed)
    return path


def a_damaged_kernel_is_named_and_not_run():
    said = boot(damage(image("nor"), b"all of the cache enabled"), "mtd")
    expect_said(said, "panic kernel: the kernel's image is damaged")
    expect(HELLO in said, False)


def a_damaged_archive_is_named_and_not_run():
    said = boot(damage(image("nor"), b"Hello from"), "mtd")
    expect_said(said, "panic kernel: the boot archive is damaged")
    expect("Hello" in said, False)


def partition_tables_are_sound_and_of_the_types_that_the_rom_looks_for():
    for layout in ("sd-direct", "sd-uboot", "nor"):
        said = subprocess.run(["sgdisk", "-v", image(layout)], stdout=subprocess.PIPE, text=True,
                              check=False).stdout
        expect_said(said, "No problems found")
        for number, kind in ((1, "5B193300-FC78-40CD-8002-E86C45580B47"),
                             (2, "2E54B353-1271-4842-806F-E436D6AF6985")):
            said = subprocess.run(["sgdisk", "-i", str(number), image(layout)],
                                  stdout=subprocess.PIPE, text=True, check=True).stdout
            expect_said(said, kind)


def wrong_use_is_one_line_and_a_status():
    for arguments, word in (
            (("--board", "x", "--image", "y"), "x"), (("--image", "y"), "--board"),
            (("--board", "unleashed"), "--image"),
            (("--board", "unleashed", "--image", "y", "--device", "z"), "--device"),
            (("--board", "unleashed", "--layout", "tape", "--image", "y"), "tape"),
            (("--board", "unleashed", "--image", "y", "--", "nobody"), "nobody"),
            (("--board", "unleashed", "--image", "y", "--append", "two words"), "two words"),
            (("--board", "unleashed", "--device", "/dev/null"), "/dev/null"),
            (("--board", "unleashed", "--image", "/dev/null/y", "--", "hello"), "/dev/null/y")):
        status, said = board.flash(*arguments)
        expect((status != 0, said.count("\n"), said.startswith("sbi/flash: "), word in said),
               (True, 1, True, True))


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="holdfast-boards-") as FOLDER:
        sys.exit(run([
            a_card_boots_straight_from_spl,
            flash_memory_boots_straight_from_spl,
            a_card_boots_by_u_boot,
            the_same_card_boots_where_u_boot_is_another_one,
            what_is_for_the_unmatched_runs_under_the_other_spl,
            the_traces_replay_from_flash,
            a_damaged_kernel_is_named_and_not_run,
            a_damaged_archive_is_named_and_not_run,
            partition_tables_are_sound_and_of_the_types_that_the_rom_looks_for,
            wrong_use_is_one_line_and_a_status,
        ]))
