#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Firmware that cannot be had, with an apt-get that only says what is asked of it. Prints TAP."""
import json
import os
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
BOARDS = os.path.dirname(os.path.abspath(__file__))
TESTS = os.path.dirname(BOARDS)
TOP = os.path.dirname(TESTS)
sys.path += [os.path.join(TESTS, "harness"), os.path.join(TOP, "sbi")]

import board  # noqa: E402
import firmware  # noqa: E402
from tap import expect, run  # noqa: E402

UBUNTU = "echo file:/ubuntu Ubuntu main"
DEBIAN = "echo file:/debian Debian main"
SILENT = f'[ "$1" = indextargets ] && {DEBIAN} || {{ echo "E: no answer" >&2; exit 100; }}'
# A package that is none.
BROKEN = (f'case "$*" in indextargets*) {DEBIAN} ;; '
          "*download*) echo > u-boot-sifive_1_riscv64.deb ;; esac")


def refusal(apt_get):
    """(class, text) of the error with which the firmware is refused; nothing of it is kept."""
    path = os.environ["PATH"]
    with tempfile.TemporaryDirectory() as folder:
        board.tool(folder, "apt-get", apt_get)
        os.environ["PATH"] = folder + ":" + path
        try:
            firmware.firmware(folder, "unleashed")
        except firmware.FirmwareError as error:
            expect(os.path.exists(os.path.join(folder, "firmware")), False)
            return type(error), str(error)
        finally:
            os.environ["PATH"] = path
    raise AssertionError("not refused")


def where_no_debian_mirror_is_set_up_the_firmware_is_not_fetched():
    kind, text = refusal(UBUNTU)
    expect((kind, "no Debian mirror" in text), (firmware.NotFetched, True))


def from_a_mirror_that_does_not_answer_the_firmware_is_not_fetched():
    expect(refusal(SILENT),
           (firmware.NotFetched, "cannot fetch u-boot-sifive of Debian trixie: E: no answer"))


def a_package_that_is_fetched_and_no_good_is_another_error():
    kind, text = refusal(BROKEN)
    expect((kind, text.startswith("dpkg-deb: ")), (firmware.FirmwareError, True))


def run_with(apt_get, *command, **more):
    """(status, output) of a command in a build directory where nothing was fetched yet."""
    with tempfile.TemporaryDirectory() as folder:
        os.mkdir(os.path.join(folder, "sbi"))
        with open(os.path.join(folder, "build.ninja"), "w", encoding="utf-8") as target:
            target.write("\n")
        built = {"kernel": __file__, "server": __file__, "init": __file__, "programs": []}
        with open(os.path.join(folder, "sbi", "manifest.json"), "w", encoding="utf-8") as target:
            json.dump(built, target)
        board.tool(folder, "ninja", "exit 0")
        board.tool(folder, "apt-get", apt_get)
        environment = {name: value for name, value in os.environ.items() if name != "CI"}
        environment.update(PATH=folder + ":" + os.environ["PATH"], HOLDFAST_BUILD=folder, **more)
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              stdin=subprocess.DEVNULL, env=environment, check=False)
        return done.returncode, done.stdout


def the_status_of_sbi_flash_tells_firmware_that_is_not_fetched_from_the_rest():
    with tempfile.TemporaryDirectory() as folder:
        for apt_get, status in ((UBUNTU, board.NOT_FETCHED), (SILENT, board.NOT_FETCHED),
                                (BROKEN, 1)):
            image = os.path.join(folder, "image")
            actual, said = run_with(apt_get, os.path.join(TOP, "sbi", "flash"), "--board",
                                    "unleashed", "--image", image)
            expect((actual, said.count("\n"), os.path.exists(image)), (status, 1, False))


def tests_of_boards_are_skipped_with_the_reason_but_not_in_ci():
    command = (sys.executable, os.path.join(BOARDS, "boards_test.py"), "--only",
               "flash_memory_boots_to_the_shell", "none")
    status, said = run_with(UBUNTU, *command)
    expect((status, "# SKIP sbi/flash: no Debian mirror" in said), (0, True))
    expect(run_with(UBUNTU, *command, CI="true")[0], 1)
    expect(run_with(BROKEN, *command)[0], 1)


if __name__ == "__main__":
    sys.exit(run([
        where_no_debian_mirror_is_set_up_the_firmware_is_not_fetched,
        from_a_mirror_that_does_not_answer_the_firmware_is_not_fetched,
        a_package_that_is_fetched_and_no_good_is_another_error,
        the_status_of_sbi_flash_tells_firmware_that_is_not_fetched_from_the_rest,
        tests_of_boards_are_skipped_with_the_reason_but_not_in_ci,
    ]))
