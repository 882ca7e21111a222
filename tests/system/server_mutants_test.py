#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Memory servers are found out in which one thing is wrong that connects them to the kernel.

tests/oracle/mutants changes core, which runs on the host; these change server/shell, so the program
that is to find out (`by`) runs in QEMU, with instructions counted. It must pass with the server as
it is. Prints TAP.

Usage: server_mutants_test.py --build DIR PROGRAM...
"""
import argparse
import os
import pathlib
import sys
import tempfile

sys.dont_write_bytecode = True
HERE = pathlib.Path(__file__).resolve().parent
TESTS = HERE.parent
TOP = TESTS.parent
sys.path += [str(TESTS / "harness"), str(TESTS / "oracle" / "mutants"), str(TOP / "sbi")]

import mutated  # noqa: E402
import tree  # noqa: E402
from machine import Machine  # noqa: E402
from run import Mutant  # noqa: E402
from tap import expect, run  # noqa: E402
from tap_report import Report  # noqa: E402


def failures(program, changed):
    """Run a program's tests. Returns: how many failed, or the trouble that it ended with."""
    name = os.path.basename(program)
    extra = [(program, "bin/" + name)]
    built = {**tree.manifest(), **changed}
    machine = Machine(built, tree.boot_files(built, [name], extra))
    machine.icount = True
    report = Report()
    said = []
    outcome = machine.run(lambda data: said.append(report.read(data.decode(errors="replace"))))
    said.append(report.finish())
    trouble = report.trouble(outcome)
    if trouble or report.failed:
        print("".join("# " + line + "\n" for line in "".join(said).splitlines()), end="")
    return trouble or report.failed


def found_out(path, program):
    """The test that a changed server does not pass."""
    def test():
        with tempfile.TemporaryDirectory() as folder:
            elf = mutated.program_of(OPTIONS.build, folder, Mutant(path), "server/server")
            image = os.path.join(folder, "server.img")
            mutated.run_in(OPTIONS.build,
                           [sys.executable, str(TOP / "sbi" / "flatten.py"), elf, image])
            if failures(program, {"server": image, "server_elf": elf}) == 0:
                raise AssertionError(f"{os.path.basename(program)} finds nothing")
    test.__name__ = "a_server_is_found_out_of_which_" + path.stem
    return test


def passes(program):
    """The test that the server as it is passes."""
    def test():
        expect(failures(program, {}), 0)
    test.__name__ = os.path.basename(program) + "_finds_nothing_in_the_server_as_it_is"
    return test


if __name__ == "__main__":
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("--build", required=True)
    parser.add_argument("programs", nargs="+")
    OPTIONS = parser.parse_args()
    OPTIONS.build = os.path.abspath(OPTIONS.build)
    os.environ["HOLDFAST_BUILD"] = OPTIONS.build
    programs = {os.path.basename(program): program for program in OPTIONS.programs}
    paths = sorted(HERE.glob("mutants/server/*.mutant"))
    sys.exit(run([passes(program) for program in programs.values()]
                 + [found_out(path, programs[Mutant(path).by]) for path in paths]))
