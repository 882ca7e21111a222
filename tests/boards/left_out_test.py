#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The kernel's option mem=: memory that is left out is nobody's. Prints TAP.

The device tree says that there is more memory than QEMU has: who touches any of that is noticed.

Usage: left_out_test.py --build DIR FILL
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
from archive import pack  # noqa: E402
from machine import MACHINES, STATUS_PANIC, UNCOUNTED, Machine  # noqa: E402
from tap import expect, run  # noqa: E402

MIB = 1 << 20
PAGE = 4096
RAM = 0x80000000
TOLD_MIB = 1024         # memory, as the tree has it
THERE_MIB = 64          # and as QEMU has it, with the boot archive in the middle
MEM_MIB = 24            # the option
DEVICE_IN_RAM = RAM + 512 * MIB
DEVICE_ELSEWHERE = 0x70000000
SERIAL = {"virt": "/soc/serial@10000000", "sifive_u": "/soc/serial@10010000"}
MANIFEST = ("process guest\nboot program\ndevice abacus 64 65\n"
            "process shell\nboot shell\nfinal\nprocess *\n")


def tool(*words):
    done = subprocess.run(words, check=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True)
    return done.stdout.strip()


def set_numbers(path, node, name, *numbers):
    cells = [f"{cell:x}" for number in numbers for cell in (number >> 32, number & 0xffffffff)]
    tool("fdtput", "-t", "x", path, node, name, *cells)


def make_tree(folder, board, told_mib, device):
    """The machine's own device tree, but with as much memory as is told, and perhaps an abacus."""
    path = os.path.join(folder, board + ".dtb")
    harts = 1 + MACHINES[board]["other_harts"]
    tool("qemu-system-riscv64", "-M", f"{board},dumpdtb={path}", "-smp", str(harts), "-m",
         f"{THERE_MIB}M", "-bios", "none", "-display", "none", "-serial", "none")
    set_numbers(path, f"/memory@{RAM:x}", "reg", RAM, told_mib * MIB)
    if device is not None:
        node = f"/soc/abacus@{device:x}"
        tool("fdtput", "-p", "-t", "s", path, node, "compatible", "abacus")
        set_numbers(path, node, "reg", device, PAGE)
        tool("fdtput", "-t", "u", path, node, "interrupts", "40")
        tool("fdtput", "-t", "u", path, node, "interrupt-parent",
             tool("fdtget", "-t", "u", path, SERIAL[board], "interrupt-parent"))
    return path


class Far(Machine):
    """A machine whose loader puts the boot archive far up."""

    def command(self, archive, nonce):
        self.mem = "2G"
        command = super().command(archive, nonce)
        at = command.index("-initrd")
        start = RAM + 1536 * MIB
        tree_file = command[command.index("-dtb") + 1]
        set_numbers(tree_file, "/chosen", "linux,initrd-start", start)
        set_numbers(tree_file, "/chosen", "linux,initrd-end", start + os.path.getsize(archive))
        command[at:at + 2] = ["-device", f"loader,file={archive},addr={start:#x},force-raw=on"]
        return command


def booted(board, words, program, told_mib=TOLD_MIB, device=None, kind=Machine):
    """(outcome, output, bytes of the boot archive) of a run with the kernel's options `words`."""
    own = [(OPTIONS.fill, "bin/fill_guest"), (OPTIONS.fill, "bin/guest")]
    with tempfile.TemporaryDirectory(prefix="holdfast-") as folder:
        if device is not None:
            own.append((os.path.join(folder, "manifest"), "boot/manifest"))
            with open(own[-1][0], "w", encoding="ascii") as file:
                file.write(MANIFEST)
        built = tree.manifest()
        machine = kind(built, tree.boot_files(built, [program], own))
        machine.machine = board
        machine.mem = f"{THERE_MIB}M"
        machine.seed_opt = 1
        machine.quiet = False
        machine.appended = words
        machine.extra = ["-dtb", make_tree(folder, board, told_mib, device)]
        output = []
        outcome = machine.run(output.append)
    return (outcome, b"".join(output).decode(errors="replace"),
            len(pack([*machine.files, UNCOUNTED])))


def expect_left_out(board):
    """All memory up to the limit is filled, that of the archive is read, and nothing else."""
    outcome, text, archive = booted(board, [f"mem={MEM_MIB}M"], "fill_guest")
    if outcome.status != 0:
        raise AssertionError(f"{outcome.trouble}: {text}")
    expect("all of it holds what was written" in text, True)
    used = MEM_MIB * MIB + (archive + PAGE - 1) // PAGE * PAGE
    kernel = int(re.search(rf"^  memory    {used // MIB} MiB, (\d+) KiB of it the kernel's\r?$",
                           text, re.M)[1])
    left_out = (TOLD_MIB * MIB - used) // MIB
    expect(f"  left out  {left_out} MiB more of memory, by the option mem=\n" in text, True)
    # The kernel's is firmware, image and frame table, and not what is left out.
    filled = int(re.search(r"^filled (\d+) MiB", text, re.M)[1])
    expect(2 <= kernel >> 10 < 4, True)
    expect(MEM_MIB - (kernel >> 10) - 6 < filled < MEM_MIB - (kernel >> 10), True)


def all_but_what_is_left_out_is_filled_on_virt():
    expect_left_out("virt")


def all_but_what_is_left_out_is_filled_on_sifive_u():
    expect_left_out("sifive_u")


def a_device_where_memory_is_left_out_is_none():
    for place, said in (
            (DEVICE_IN_RAM, "its device (no such thing)"),
            (DEVICE_ELSEWHERE, "the manifest does not let its device master memory")):
        outcome, text, _ = booted("virt", [f"mem={MEM_MIB}M"], "hello", device=place)
        expect((outcome.status, outcome.trouble), (0, ""))
        expect(re.findall(r"^init: guest: cannot be started: ([^\r]*)", text, re.M)[0][:len(said)],
               said)


def more_than_there_is_leaves_nothing_out():
    free = []
    for words in (["mem=2G"], [f"mem={THERE_MIB}M"], ["mem=much"], []):
        outcome, text, _ = booted("virt", words, "hello", THERE_MIB)
        expect((outcome.status, outcome.trouble), (0, ""))
        expect("left out" in text, False)
        free.append(re.search(r"frames free: (\d+) before", text)[1])
    expect(free, free[:1] * 4)


def too_little_for_the_system_is_a_panic_that_says_so():
    for word, said in (
            ("mem=0", "kernel: too little RAM for the kernel"),
            ("mem=2M", "kernel: too little RAM for the kernel"),
            ("mem=2560K", "kernel: too little RAM for the (kernel|memory server and init)")):
        outcome, text, _ = booted("virt", [word], "hello")
        expect((outcome.status, re.search(said + "$", outcome.trouble) is not None),
               (STATUS_PANIC, True))
        expect("Hello" in text, False)


def an_archive_that_is_far_away_needs_memory_for_the_frames_up_to_it():
    too_far = "too little RAM for the frame table up to the boot archive"
    for mem, status, said in ((32, STATUS_PANIC, too_far), (64, 0, "")):
        outcome, text, _ = booted("virt", [f"mem={mem}M"], "hello", 2048, kind=Far)
        expect((outcome.status, said in outcome.trouble), (status, True))
        expect("Hello from hello\n" in text, status == 0)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("--build", required=True)
    parser.add_argument("fill")
    OPTIONS = parser.parse_args()
    os.environ["HOLDFAST_BUILD"] = OPTIONS.build
    sys.exit(run([
        all_but_what_is_left_out_is_filled_on_virt,
        all_but_what_is_left_out_is_filled_on_sifive_u,
        a_device_where_memory_is_left_out_is_none,
        more_than_there_is_leaves_nothing_out,
        too_little_for_the_system_is_a_panic_that_says_so,
        an_archive_that_is_far_away_needs_memory_for_the_frames_up_to_it,
    ]))
