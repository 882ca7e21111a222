#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Images of sbi/flash boot in QEMU as they would on a board. Prints TAP.

What QEMU does not show: its ROM does not look for SPL on the medium, so SPL is cut out of the image
and given to it; the SPL of the Unmatched does not run in its model of the Unleashed.
"""
import argparse
import contextlib
import functools
import itertools
import os
import re
import shutil
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path += [os.path.join(TESTS, "harness"), os.path.join(os.path.dirname(TESTS), "sbi")]

import board  # noqa: E402
import device  # noqa: E402
import on_medium  # noqa: E402
import parts  # noqa: E402
import tree  # noqa: E402
from firmware import firmware  # noqa: E402
from image import Contents, make as make_image  # noqa: E402
from tap import Skip, expect, run  # noqa: E402

HELLO = "Hello from hello card"
TRACES = ("cc1", "sqlite", "python", "node")
SHELL = "holdfast> "
# What sbi/README.md has people type at U-Boot's prompt.
REWRITE = ("mmc rescan", "load mmc 0:3 ${kernel_addr_r} flash.img", "sf probe",
           "sf update ${kernel_addr_r} 0 ${filesize}", "reset")
A_TEXT_OF_THE_KERNEL = b"raised to %u MHz"
# Of the header that the kernel begins with (kernel/riscv/entry.S).
IMAGE_MAGIC, IMAGE_MAGIC_AT = b"RISCV\0\0\0RSC\x05", 0x30
UART_LINE_OF_QEMU = "4"
END_OF_INPUT = "\x04"


@functools.cache
def image(layout, name="unleashed", program="hello card"):
    """An image that runs the program, or the shell without one, made once."""
    path = os.path.join(FOLDER, f"{name}-{layout}-{program.replace('/', '_')}.img")
    status, said = board.flash("--board", name, "--layout", layout, "--image", path, "--append",
                               f"nonce={board.NONCE}", *(["--"] if program else []),
                               *program.split())
    if status == board.NOT_FETCHED and not os.environ.get("CI"):
        raise Skip(said.strip())
    expect((status, said.count("\n")), (0, 1))
    return path


def boot(path, kind, spl_of=None, **settings):
    spl = board.cut_spl(spl_of or path, kind, FOLDER)
    return board.boot(board.command(path, kind, spl), **settings)


def need_sd():
    reason = on_medium.why_not("sd")
    if reason:
        raise Skip(reason)


def expect_said(said, *words):
    for word in words:
        if word not in said:
            raise AssertionError(f"no {word!r} in {said[-1500:]!r}")


def a_card_boots_straight_from_spl():
    need_sd()
    said = boot(image("sd-direct"), "sd")
    expect_said(said, "U-Boot SPL", "HiFive Unleashed", "raised to 1000 MHz", HELLO,
                f"[holdfast {board.NONCE} exit 0]")


def a_card_boots_to_the_shell_which_runs_a_program_and_shows_the_card():
    need_sd()
    said = boot(image("sd-direct", program=""), "sd", typed=[
        (SHELL, "hello card\n"), (HELLO, "disks\n"), ("6985  holdfast", END_OF_INPUT)])
    expect("cannot be started" in said, False)
    expect_said(said, HELLO, "an SD card", "64 MiB", "5b193300-fc78-40cd-8002-e86c45580b47  spl",
                "2e54b353-1271-4842-806f-e436d6af6985  holdfast",
                f"[holdfast {board.NONCE} exit 0]")


def flash_memory_boots_to_the_shell_which_runs_a_program():
    said = boot(image("nor", program=""), "mtd", typed=[
        (SHELL, "hello card\n"), (HELLO, "disks\n"), ("there is no disk", END_OF_INPUT)])
    expect("cannot be started" in said, False)
    expect_said(said, HELLO, f"[holdfast {board.NONCE} exit 0]")


def what_is_for_the_unmatched_comes_to_the_shell_under_the_other_spl():
    # What is typed does not arrive: its serial port interrupts by another line than QEMU's.
    said = boot(image("nor", "unmatched", program=""), "mtd", spl_of=image("nor"), until=SHELL,
                seconds=100)
    if re.search(r"\nHol[dfast]{1,5}$", said):  # the 8 characters of its queue, and no more
        raise Skip("the serial port of this QEMU sends on by interrupts, which come by another "
                   "line than the Unmatched's")
    expect_said(said, "HiFive Unmatched", SHELL)


def the_shell_of_the_unmatched_runs_a_program_if_only_the_serial_ports_line_is_qemus():
    flash = image("nor")  # has the firmware fetched
    used = firmware(tree.build_directory(), "unmatched")
    changed, path = os.path.join(FOLDER, "changed.dtb"), os.path.join(FOLDER, "changed.img")
    shutil.copyfile(used.tree, changed)
    used.tree = changed
    subprocess.run(["fdtput", changed, "/soc/serial@10010000", "interrupts", UART_LINE_OF_QEMU],
                   check=True)
    built = tree.manifest()
    make_image(path, "nor", used, Contents(built["kernel"], tree.boot_files(built, [], []),
                                           [f"nonce={board.NONCE}"]))
    said = boot(path, "mtd", spl_of=flash, typed=[
        (SHELL, "hello card\n"), (HELLO, END_OF_INPUT)])
    expect_said(said, "HiFive Unmatched", HELLO, f"[holdfast {board.NONCE} exit 0]")


def the_boards_device_trees_are_read_where_qemu_starts_the_kernel():
    image("nor")  # has the firmware fetched
    folder = os.path.join(tree.build_directory(), "firmware")
    for name, model in (("unleashed", "HiFive Unleashed"), ("unmatched", "HiFive Unmatched")):
        said = board.boot(on_medium.tree_command(os.path.join(folder, name + ".dtb"), FOLDER,
                                                 *HELLO.split()[2:]))
        expect_said(said, model, HELLO, f"[holdfast {board.NONCE} exit 0]")


def memory_above_4_gib_is_used():
    status, said = on_medium.run("nor", OPTIONS.fill, mem="192M")
    expect_said(said, "all of it holds what was written")
    expect(status, 0)
    # Of the two halves of memory the lower one is smaller than what was filled.
    expect(int(re.search(r"filled (\d+) MiB", said)[1]) > 192, True)


def flash_memory_boots_straight_from_spl():
    said = boot(image("nor"), "mtd")
    expect_said(said, "U-Boot SPL", "HiFive Unleashed", "raised to 1000 MHz", HELLO,
                f"[holdfast {board.NONCE} exit 0]")
    expect("cache" in said, False)  # of QEMU's, which says that it has no ways


def a_card_boots_by_u_boot():
    need_sd()
    # QEMU's card fails the first time it is asked, so that U-Boot goes on to other media.
    said = boot(image("sd-uboot"), "sd", typed=[
        ("DRAM:", "\n"), (board.PROMPT, "run bootcmd_mmc0; run bootcmd_mmc0\n")])
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
    # Those from a card are compared with Linux: tests/system/replay_test.py --card.
    for name in TRACES:
        said = boot(image("nor", program=f"replay /traces/{name}.trace"), "mtd")
        expect_said(said, "written pages verified", f"[holdfast {board.NONCE} exit 0]")


def contents(path):
    with open(path, "rb") as data:
        return data.read()


def damage(source, *whats):
    """A copy of the image with one bit changed in each of the texts `whats`."""
    changed = bytearray(contents(source))
    for what in whats:
        position = changed.find(what)
        expect(position > 0, True)
        changed[position] ^= 0x10
    path = os.path.join(FOLDER, "damaged.img")
    with open(path, "wb") as target:
        target.write(changed)
    return path


def a_damaged_kernel_is_named_and_not_run():
    said = boot(damage(image("nor"), A_TEXT_OF_THE_KERNEL), "mtd")
    expect_said(said, "panic kernel: the kernel's image is damaged")
    expect(HELLO in said, False)


def a_damaged_variable_of_the_kernel_is_named_and_the_kernel_not_run():
    built = tree.manifest()
    listing = subprocess.run(["riscv64-unknown-elf-nm", built["kernel"]], stdout=subprocess.PIPE,
                             text=True, check=True).stdout
    offset = parts.symbol(listing, "harts_count") - parts.symbol(listing, "ld_start")
    changed = bytearray(contents(image("nor")))
    changed[changed.index(IMAGE_MAGIC) - IMAGE_MAGIC_AT + offset] ^= 0x10
    path = os.path.join(FOLDER, "damaged.img")
    with open(path, "wb") as target:
        target.write(changed)
    said = boot(path, "mtd")
    expect_said(said, "panic kernel: the kernel's image is damaged")
    expect(HELLO in said, False)


def a_damaged_archive_is_named_and_not_run():
    said = boot(damage(image("nor"), b"Hello from"), "mtd")
    expect_said(said, "panic kernel: the boot archive is damaged")
    expect("Hello" in said, False)


def flash_memory_is_written_anew_from_a_card():
    need_sd()
    # In the table of partitions, in SPL, in the kernel, in the boot archive.
    flash = damage(image("nor"), b"EFI PART", b"U-Boot SPL 20", A_TEXT_OF_THE_KERNEL,
                   b"Hello from")
    card = image("sd-uboot")
    expect(HELLO in boot(flash, "mtd", seconds=10), False)
    machine = board.command(card, "sd", board.cut_spl(card, "sd", FOLDER))
    for line in REWRITE:
        expect_said(contents(os.path.join(TESTS, os.pardir, "sbi", "README.md")).decode(), line)
    said = board.boot(machine + board.drive(flash, "mtd"), typed=[
        ("DRAM:", "\n"), *((board.PROMPT, line + "\n") for line in REWRITE)])
    expect_said(said, "is25wp256", "bytes written")
    expect(contents(flash) == contents(image("nor")), True)
    expect_said(boot(flash, "mtd"), HELLO, f"[holdfast {board.NONCE} exit 0]")


def partition_tables_are_sound_and_of_the_types_that_the_rom_looks_for():
    for name, layout in itertools.product(("unleashed", "unmatched"),
                                          ("sd-direct", "sd-uboot", "nor")):
        path = image(layout, name)
        said = subprocess.run(["sgdisk", "-v", path], stdout=subprocess.PIPE, text=True,
                              check=False).stdout
        expect_said(said, "No problems found")
        for number, kind in ((1, "5B193300-FC78-40CD-8002-E86C45580B47"),
                             (2, "2E54B353-1271-4842-806F-E436D6AF6985")):
            said = subprocess.run(["sgdisk", "-i", str(number), path], stdout=subprocess.PIPE,
                                  text=True, check=True).stdout
            expect_said(said, kind)


def what_is_too_large_is_refused_and_the_image_that_was_there_stays():
    image("nor")  # or there is a reason why none can be made
    large, path = os.path.join(FOLDER, "large"), os.path.join(FOLDER, "was-there.img")
    with open(large, "wb") as file:
        file.truncate(20 << 20)
    for layout in ("sd-uboot", "nor"):
        with open(path, "wb") as file:
            file.write(b"as it was")
        status, said = board.flash("--board", "unleashed", "--layout", layout, "--image", path,
                                   "--file", large)
        expect((status, said.count("\n"), contents(path)), (1, 1, b"as it was"))


def partitions(what, path):
    """Have the host know, or forget, the partitions: its kernel may read no such table itself."""
    subprocess.run(["partx", what, path], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                   check=False)


@contextlib.contextmanager
def loop_device(mib):
    """A block device of the host, which holds a file."""
    path = os.path.join(FOLDER, "loop.img")
    with open(path, "wb") as file:
        file.truncate(mib << 20)
    made = subprocess.run(["losetup", "--find", "--show", path],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if made.returncode != 0:
        raise Skip(f"no loop devices here: {made.stdout.strip()}")
    try:
        yield made.stdout.strip()
    finally:
        partitions("--delete", made.stdout.strip())
        subprocess.run(["losetup", "--detach", made.stdout.strip()], check=True)


def write_device(path, *options, answer="yes\n"):
    return board.flash("--board", "unleashed", "--device", path, "--append",
                       f"nonce={board.NONCE}", *options, "--", "hello", "card", answer=answer)


def a_device_is_written_if_that_is_meant():
    image("sd-direct")  # or there is a reason why none can be made
    with loop_device(128) as path:
        status, said = write_device(path, "--layout", "sd-direct")
        expect((status, "not removable" in said), (1, True))
        status, said = write_device(path, "--layout", "sd-direct", "--force", answer="no\n")
        expect((status, "nothing was written" in said, "0.1 GB" in said, "no partitions" in said),
               (1, True, True, True))
        expect(any(contents(path)), False)
        status, said = write_device(path, "--layout", "sd-direct", "--force")
        expect_said(said, "Type yes", "sd-direct; firmware u-boot-sifive")
        expect(status, 0)
        # Twice as large as the image, whose second table stands in its middle.
        said = subprocess.run(["sgdisk", "-v", path], stdout=subprocess.PIPE, text=True,
                              check=False).stdout
        expect_said(said, "No problems found")
        partitions("--add", path)
        _, said = write_device(path, "--layout", "sd-direct", "--force", answer="\n")
        expect_said(said, f"{path}p1: 1 MB", f"{path}p2: 34 MB")


def a_device_that_was_written_boots():
    need_sd()
    with loop_device(128) as path:
        expect(write_device(path, "--layout", "sd-direct", "--force")[0], 0)
        expect_said(boot(path, "sd"), HELLO)


def expect_busy(path):
    try:
        device.write(path, image("sd-uboot"))
    except device.DeviceError as error:
        expect("busy" in str(error), True)
        return
    raise AssertionError(f"{path} was written")


def a_device_of_which_a_part_is_mounted_or_that_is_too_small_is_not_written():
    image("sd-uboot")
    place = os.path.join(FOLDER, "mounted")
    with loop_device(16) as path:
        status, said = write_device(path, "--force")
        expect((status, "134217728 are needed" in said), (1, True))
        expect(any(contents(path)), False)
    with loop_device(128) as path:
        subprocess.run(["sgdisk", "--new=1:2048:+64M", path], stdout=subprocess.DEVNULL, check=True)
        partitions("--add", path)
        os.makedirs(place, exist_ok=True)
        for command in (["mkfs.ext4", "-q", path + "p1"], ["mount", path + "p1", place]):
            done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                  text=True, check=False)
            if done.returncode != 0:
                raise Skip(f"nothing can be mounted here: {done.stdout.strip().splitlines()[0]}")
        try:
            status, said = write_device(path, "--force")
            expect((status, f"mounted at {place}" in said), (1, True))
            expect_busy(path)  # were it mounted only after it was looked at
        finally:
            subprocess.run(["umount", place], check=True)


def wrong_use_is_one_line_and_a_status():
    for status, word, arguments in (
            (2, "x", ("--board", "x", "--image", "y")), (2, "--board", ("--image", "y")),
            (2, "--image", ("--board", "unleashed")),
            (2, "--device", ("--board", "unleashed", "--image", "y", "--device", "z")),
            (2, "tape", ("--board", "unleashed", "--layout", "tape", "--image", "y")),
            (2, "nobody", ("--board", "unleashed", "--image", "y", "--", "nobody")),
            (2, "two words", ("--board", "unleashed", "--image", "y", "--append", "two words")),
            (2, "no file", ("--board", "unleashed", "--image", "y", "--file", "/nowhere")),
            (1, "/dev/null", ("--board", "unleashed", "--device", "/dev/null")),
            (1, "/dev/null/y", ("--board", "unleashed", "--image", "/dev/null/y"))):
        actual, said = board.flash(*arguments)
        expect((actual, said.count("\n"), said.startswith("sbi/flash: "), word in said),
               (status, 1, True, True))


def parse_arguments():
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("--only", default="", help="tests with this in their names")
    parser.add_argument("fill", help="the program that fills memory")
    return parser.parse_args()


if __name__ == "__main__":
    OPTIONS = parse_arguments()
    with tempfile.TemporaryDirectory(prefix="holdfast-boards-") as FOLDER:
        sys.exit(run([test for test in [
            a_card_boots_straight_from_spl,
            flash_memory_boots_straight_from_spl,
            a_card_boots_by_u_boot,
            the_same_card_boots_where_u_boot_is_another_one,
            what_is_for_the_unmatched_runs_under_the_other_spl,
            a_card_boots_to_the_shell_which_runs_a_program_and_shows_the_card,
            flash_memory_boots_to_the_shell_which_runs_a_program,
            what_is_for_the_unmatched_comes_to_the_shell_under_the_other_spl,
            the_shell_of_the_unmatched_runs_a_program_if_only_the_serial_ports_line_is_qemus,
            the_boards_device_trees_are_read_where_qemu_starts_the_kernel,
            memory_above_4_gib_is_used,
            the_traces_replay_from_flash,
            a_damaged_kernel_is_named_and_not_run,
            a_damaged_variable_of_the_kernel_is_named_and_the_kernel_not_run,
            a_damaged_archive_is_named_and_not_run,
            flash_memory_is_written_anew_from_a_card,
            partition_tables_are_sound_and_of_the_types_that_the_rom_looks_for,
            what_is_too_large_is_refused_and_the_image_that_was_there_stays,
            a_device_is_written_if_that_is_meant,
            a_device_that_was_written_boots,
            a_device_of_which_a_part_is_mounted_or_that_is_too_small_is_not_written,
            wrong_use_is_one_line_and_a_status,
        ] if OPTIONS.only in test.__name__]))
