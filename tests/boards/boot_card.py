#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""sbi/boot, but from an SD card, as a board would: SPL, OpenSBI, kernel. All its harts run.

The machine is that of on_medium.py whatever is asked for, but for the memory above 4 GiB (--mem).

Usage: boot_card.py OPTION-OF-SBI/BOOT...
"""
import os
import runpy
import sys

sys.dont_write_bytecode = True
TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
SBI = os.path.join(os.path.dirname(TESTS), "sbi")
sys.path += [os.path.join(TESTS, "boards"), SBI]

import machine  # noqa: E402
from on_medium import FromCard  # noqa: E402

if __name__ == "__main__":
    machine.Machine = FromCard
    runpy.run_path(os.path.join(SBI, "boot"), run_name="__main__")
