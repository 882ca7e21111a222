#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Run a test program in QEMU and pass its TAP through.

What the program cannot report itself becomes a failure here: no plan, a panic, a time-out, an end
by a fault, a status that does not fit its results. The program is in the boot archive for this run
only, as bin/NAME. Nothing is built: Meson has done that.

Usage: qemu_test.py --build DIR [OPTION]... PROGRAM [ARGUMENT]...
"""
import argparse
import os
import secrets
import subprocess
import sys

sys.dont_write_bytecode = True
TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(os.path.dirname(TESTS), "sbi"))

import tree  # noqa: E402
from machine import MACHINES, Machine  # noqa: E402
from tap_report import Report  # noqa: E402

# One that is not Sv39 only and sets A and D bits itself, one like the boards, one without Sstc.
CPUS = {
    "compat": "rv64",
    "strict": "rv64,sv48=off,sv57=off,svade=on,svadu=off",
    "plain": "rva22s64",
}


def has_cpu(cpu):
    """Whether this QEMU accepts the CPU's options: it refuses unknown ones when it starts."""
    trial = subprocess.run(["qemu-system-riscv64", "-M", "virt", "-cpu", cpu, "-display", "none",
                            "-serial", "none", "-monitor", "stdio", "-S", "-bios", "none"],
                           input=b"quit\n", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                           timeout=300, check=False)
    return trial.returncode == 0


def parse_arguments():
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("--build", required=True, help="build directory")
    parser.add_argument("--machine", choices=sorted(MACHINES), default="virt")
    parser.add_argument("--cpu", choices=sorted(CPUS), default="compat")
    parser.add_argument("--smp", type=int, default=1)
    parser.add_argument("--mem", default="128M")
    parser.add_argument("--icount", action="store_true")
    parser.add_argument("--seed", type=int, default=1, help="0: another one each time, printed")
    parser.add_argument("--timeout", type=float, default=150)
    parser.add_argument("--audited", action="store_true",
                        help="kernel and memory server check whole structures after each change")
    parser.add_argument("--file", action="append", default=[], metavar="HOST[=NAME]")
    parser.add_argument("program")
    parser.add_argument("arguments", nargs=argparse.REMAINDER)
    return parser.parse_args()


def main():
    options = parse_arguments()
    os.environ["HOLDFAST_BUILD"] = options.build
    cpu = CPUS[options.cpu]
    if options.cpu != "compat" and not has_cpu(cpu):
        print(f"1..0 # SKIP this QEMU has no CPU '{cpu}'")
        return 0

    name = os.path.basename(options.program)
    extra = [(options.program, "bin/" + name)]
    for file in options.file:
        path, _, entry = file.partition("=")
        extra.append((path, entry or os.path.basename(path)))
    built = tree.manifest()
    if options.audited:
        built.update((part, built[part + "_audited"]) for part in ("kernel", "server"))
        built["server_elf"] = built["server_audited_elf"]
    machine = Machine(built, tree.boot_files(built, [name, *options.arguments], extra))
    machine.machine = options.machine
    machine.elfs = tree.program_elfs(built, extra)
    machine.cpu = cpu
    machine.smp = options.smp
    machine.mem = options.mem
    machine.icount = options.icount
    machine.seed_opt = options.seed or secrets.randbelow(2**31) + 1
    machine.timeout = options.timeout

    if options.seed == 0:
        print(f"# --seed {machine.seed_opt}", flush=True)
    report = Report()

    def show(data):
        sys.stdout.write(report.read(data.decode(errors="replace")))
        sys.stdout.flush()

    outcome = machine.run(show)
    sys.stdout.write(report.finish())
    trouble = report.trouble(outcome)
    if trouble and not report.is_bailed_out:
        print(f"Bail out! {trouble}")
    return 1 if trouble or report.failed or report.is_bailed_out else 0


if __name__ == "__main__":
    sys.exit(main())
