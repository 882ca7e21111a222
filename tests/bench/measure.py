# SPDX-License-Identifier: MIT
"""Take the figures of this build: run the program `bench` in QEMU, and measure the kernel's size.

`bench` prints a line `bench NAME VALUE` for each operation, the median over at least 200 runs; NAME
is a row of peers.tsv. Instructions are counted exactly, so a figure depends on nothing but the code
and its compiler.
"""
import os
import re
import subprocess
import sys

BENCH = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(BENCH))
sys.path.append(os.path.join(TOP, "sbi"))

import tree  # noqa: E402
from machine import Machine  # noqa: E402

PROGRAM = "bench"
LINE = re.compile(r"bench (\S+) (\d+(?:\.\d+)?)$")
COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*", re.DOTALL)
TIMEOUT = 300.0


class MeasureError(Exception):
    """There are no figures; the text says why."""


def rows_read(path):
    """The rows of a table of this folder: lists of fields, comments and empty lines left out."""
    with open(path, encoding="utf-8") as table:
        return [line.rstrip("\n").split("\t") for line in table
                if line.strip() and not line.startswith("#")]


def machine_make(program, arguments):
    """The machine on which figures are taken, with `bench` in its boot archive."""
    built = tree.manifest()
    files = tree.boot_files(built, [PROGRAM, *arguments], [(program, "bin/" + PROGRAM)])
    machine = Machine(built, files)
    machine.icount = True
    machine.seed_opt = 1
    machine.timeout = TIMEOUT
    return machine


def run_bench(program, known):
    """The figures that the program printed, by name."""
    output = []
    outcome = machine_make(program, []).run(output.append)
    text = b"".join(output).decode(errors="replace")
    if outcome.trouble or outcome.status != 0:
        raise MeasureError(f"{outcome.trouble or f'status {outcome.status}'}\n{text}")
    figures = {}
    for line in text.splitlines():
        match = LINE.match(line)
        if not match:
            continue
        if match[1] not in known or match[1] in figures:
            raise MeasureError(f"'{line}': no such row in peers.tsv, or it came twice")
        figures[match[1]] = float(match[2])
    if not figures:
        raise MeasureError(f"the program printed no line 'bench NAME VALUE'\n{text}")
    return figures


def kernel_text_bytes(kernel):
    """Bytes of instructions in the kernel: its sections whose names start with .text."""
    listing = subprocess.run(["riscv64-unknown-elf-size", "-A", kernel], stdout=subprocess.PIPE,
                             text=True, check=True).stdout
    return sum(int(fields[1]) for fields in map(str.split, listing.splitlines())
               if len(fields) == 3 and fields[0].startswith(".text"))


def kernel_code_lines():
    """Lines of C and assembly in kernel/, lists and macros too, neither comment nor empty."""
    count = 0
    for folder, _, names in os.walk(os.path.join(TOP, "kernel")):
        for name in names:
            if name.endswith((".c", ".h", ".S", ".inc", ".def")):
                with open(os.path.join(folder, name), encoding="utf-8") as source:
                    text = COMMENT.sub("", source.read())
                count += sum(1 for line in text.split("\n") if line.strip())
    return count


def figures_take(program):
    """All figures of this build by name. Raises MeasureError."""
    known = {row[0] for row in rows_read(os.path.join(BENCH, "peers.tsv"))}
    figures = run_bench(program, known)
    figures["kernel_text"] = float(kernel_text_bytes(tree.manifest()["kernel"]))
    figures["kernel_lines"] = float(kernel_code_lines())
    return figures


def recorded_read(compiler):
    """The recorded figures of a compiler by name; empty if there are none."""
    return {name: float(value) for recorded_by, name, value
            in rows_read(os.path.join(BENCH, "recorded.tsv")) if recorded_by == compiler}


def number(value):
    """A figure as people write it."""
    return f"{value:,.0f}" if value == int(value) else f"{value:,.2f}"
