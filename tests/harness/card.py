# SPDX-License-Identifier: MIT
"""The option --card of scripts: their machines boot from an SD card, as a board would."""
import os
import sys

TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
TOP = os.path.dirname(TESTS)
KIB = 1 << 10
MIB = 1 << 20
PAGE = 4096
LOADED_MIB = 16
sys.path += [os.path.join(TESTS, "boards"), os.path.join(TOP, "sbi")]

from archive import pack  # noqa: E402
from machine import UNCOUNTED, Machine  # noqa: E402
from on_medium import CARD_PARTS, CARD_SECTOR, FromCard, files_needed, why_not  # noqa: E402


def add_option(parser):
    parser.add_argument("--card", action="store_true", help="boot from an SD card")


def skip(options):
    """Whether there is nothing to run, since no card can be booted here; says so in TAP."""
    reason = options.card and why_not("sd")
    if reason:
        print(f"1..0 # SKIP {reason}")
    return bool(reason)


def machine_of(options):
    """The class of machines to make."""
    return FromCard if options.card else Machine


def set_memory(machine, options, mib):
    """Have a machine run in so much memory, the boot archive included.

    Loaders need more: from a card, and below LOADED_MIB, there is more, and the kernel is told to
    use no more. The archive, which has to have its files by now, does not lie in what it is told.
    """
    if not options.card and mib >= LOADED_MIB:
        machine.mem = f"{mib}M"
        return
    files = files_needed(machine.files) if options.card else machine.files
    archive = len(pack([*files, UNCOUNTED])) + PAGE - 1 & ~(PAGE - 1)
    machine.appended = [f"mem={(mib * MIB - archive) // KIB}K"]


def boot_command(options):
    """What stands before the options of sbi/boot."""
    return [os.path.join(TESTS, "boards", "boot_card.py") if options.card
            else os.path.join(TOP, "sbi", "boot")]


def partitions(options):
    """sgdisk's options for the partitions of the system, if there are any on the disk."""
    if not options.card:
        return []
    return [f"--new={number}:{part.first}:{part.last}" for number, part in enumerate(CARD_PARTS, 1)]


def first_partition(options):
    """The number of the first partition that a test has on its disk."""
    return len(CARD_PARTS) + 1 if options.card else 1


def first_sector(options):
    """Where what a test has on its disk begins."""
    return CARD_SECTOR if options.card else 0
