#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Run the guest of the pins of drivers with a manifest that gives it a device. Prints its TAP.

With --card the machine boots from an SD card, and the device is the card's.

Usage: pin_device_test.py --build DIR [--card] [--machine MACHINE] [--smp N] GUEST
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
sys.path.append(os.path.join(TESTS, "harness"))

import card  # noqa: E402
import where  # noqa: E402

MANIFEST = """\
process shell
boot shell
final

process *
device {device} 64 65
may dma physical look
"""


def main():
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("--build", required=True, help="build directory")
    where.add_options(parser)
    card.add_option(parser)
    parser.add_argument("guest")
    options = parser.parse_args()
    if card.skip(options):
        return 0
    with tempfile.NamedTemporaryFile("w", suffix=".manifest") as file:
        file.write(MANIFEST.format(device="card" if where.has_card(options) else "virtio,mmio"))
        file.flush()
        done = subprocess.run(
            [*where.boot_command(options), "--mem", "64M", "--seed", "1", "--timeout", "200",
             "--file", options.guest + "=bin/guest",
             "--file", file.name + "=boot/manifest", "--", "guest"],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
            env=dict(os.environ, HOLDFAST_BUILD=options.build), check=False)
    print(re.sub("^init: ", "# init: ", done.stdout, flags=re.M), end="")
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
