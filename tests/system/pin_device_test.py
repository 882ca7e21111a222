#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Run the guest of the pins of drivers with a manifest that gives it a device. Prints its TAP.

Usage: pin_device_test.py --build DIR [--smp N] GUEST
"""
import argparse
import os
import re
import subprocess
import sys
import tempfile

TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
TOP = os.path.dirname(TESTS)

MANIFEST = """\
process shell
boot shell
final

process *
device virtio,mmio 64 65
may dma physical look
"""


def main():
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("--build", required=True, help="build directory")
    parser.add_argument("--smp", default="1")
    parser.add_argument("guest")
    options = parser.parse_args()
    with tempfile.NamedTemporaryFile("w", suffix=".manifest") as file:
        file.write(MANIFEST)
        file.flush()
        done = subprocess.run(
            [os.path.join(TOP, "sbi", "boot"), "--mem", "64M", "--smp", options.smp, "--seed", "1",
             "--timeout", "200", "--file", options.guest + "=bin/guest",
             "--file", file.name + "=boot/manifest", "--", "guest"],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
            env=dict(os.environ, HOLDFAST_BUILD=options.build), check=False)
    print(re.sub("^init: ", "# init: ", done.stdout, flags=re.M), end="")
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
