# SPDX-License-Identifier: MIT
"""The options --machine and --smp of scripts, beside that of card.py: where what they start runs.

With --card it is all four harts of sifive_u, whatever else is said.
"""
import card
from machine import MACHINES


def add_options(parser):
    parser.add_argument("--machine", choices=sorted(MACHINES), default="virt")
    parser.add_argument("--smp", type=int, default=1, help="number of harts")
    parser.set_defaults(card=False)


def machine_of(options, built, files):
    """The machine to run."""
    machine = card.machine_of(options)(built, files)
    machine.machine = options.machine
    machine.smp = options.smp
    return machine


def boot_command(options):
    """What stands before the other options of sbi/boot."""
    return [*card.boot_command(options), "-M", options.machine, "--smp", str(options.smp)]


def has_card(options):
    """Whether a disk there is an SD card."""
    return options.card or MACHINES[options.machine]["has_card"]


def is_plain(options):
    """Whether it is one hart of virt: there all is run that a machine has nothing to do with."""
    return not options.card and (options.machine, options.smp) == ("virt", 1)
