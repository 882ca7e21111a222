#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The trial of QEMU's SD card, with a QEMU that only says what is asked of it. Prints TAP."""
import os
import sys
import tempfile
import types

sys.dont_write_bytecode = True
TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path += [os.path.join(TESTS, "harness"), os.path.join(os.path.dirname(TESTS), "sbi")]

import board  # noqa: E402
import on_medium  # noqa: E402
import trial  # noqa: E402
from firmware import NotFetched  # noqa: E402
from tap import expect, run  # noqa: E402

BEGINS = f"echo U-Boot SPL; echo {board.SPL_BEGINS}; "
GOOD = BEGINS + "echo mmc_load_image_raw_sector: no image there"
SILENT = BEGINS + "exec sleep 600"
SHORT = 0.3  # seconds of silence


class Qemu:
    """Finds what it says as qemu-system-riscv64; `starts` are those that were no question."""

    def __init__(self, script, version="9.9"):
        self.folder = tempfile.TemporaryDirectory()
        self.say(script, version)

    def say(self, script, version="9.9"):
        board.tool(self.folder.name, "qemu-system-riscv64",
                   f'[ "$1" = --version ] && {{ echo version {version}; exit; }}; '
                   f"echo >> {self.folder.name}/starts; {script}")

    def __enter__(self):
        self.path = os.environ["PATH"]
        os.environ["PATH"] = self.folder.name + ":" + self.path
        return self

    def __exit__(self, *_):
        os.environ["PATH"] = self.path
        self.folder.cleanup()

    @property
    def starts(self):
        with open(os.path.join(self.folder.name, "starts"), encoding="utf-8") as counted:
            return len(counted.readlines())

    def why_no_card(self):
        return trial.why_no_card(self.folder.name, "spl.bin", SHORT)


def a_card_of_which_spl_says_something_works():
    with Qemu(GOOD) as qemu:
        expect((qemu.why_no_card(), qemu.why_no_card(), qemu.starts), (None, None, 2))


def a_card_at_which_spl_falls_silent_does_not_work():
    with Qemu(SILENT) as qemu:
        expect("it is silent for" in qemu.why_no_card(), True)


def spl_that_is_slow_to_begin_has_more_time_behind_that():
    with Qemu("sleep 0.1; " + BEGINS + "sleep 1; echo late") as qemu:
        expect(qemu.why_no_card(), None)


def a_card_that_spl_says_it_cannot_read_does_not_work():
    for text in ("spl: mmc init failed with error: -110", "mmc block read error"):
        with Qemu(BEGINS + f"echo {text}; exec sleep 600") as qemu:
            expect(text in qemu.why_no_card(), True)


def spl_that_does_not_come_to_the_card_is_no_reason_to_skip():
    for script in ("exit 1", "echo U-Boot SPL", BEGINS):
        with Qemu(script) as qemu:
            expect(qemu.why_no_card(), None)


def that_it_does_not_work_is_found_out_once_a_run_and_qemu():
    with Qemu(SILENT) as qemu:
        reason = qemu.why_no_card()
        qemu.say(GOOD)
        expect((qemu.why_no_card(), qemu.starts), (reason, 1))
        qemu.say(GOOD, version="10.9")
        expect((qemu.why_no_card(), qemu.starts), (None, 2))
        os.utime(os.path.join(qemu.folder.name, "no-card"), (0, 0))
        qemu.say(GOOD)
        expect((qemu.why_no_card(), qemu.starts), (None, 3))


def what_can_run_from_flash_does_where_a_card_does_not_work():
    fetched = on_medium.firmware
    on_medium.firmware = lambda *_: types.SimpleNamespace(spl="spl.bin")
    try:
        for script, medium in ((GOOD, "sd"), (SILENT, "nor")):
            with Qemu(script) as qemu:
                reason = qemu.why_no_card()  # known from now on
                os.environ["HOLDFAST_BUILD"] = qemu.folder.name
                expect(on_medium.choose(), (medium, reason))
        on_medium.firmware = refuse
        os.environ.pop("CI", None)
        expect(on_medium.choose(), (None, "no mirror"))
    finally:
        on_medium.firmware = fetched


def refuse(*_):
    raise NotFetched("no mirror")


if __name__ == "__main__":
    sys.exit(run([
        a_card_of_which_spl_says_something_works,
        a_card_at_which_spl_falls_silent_does_not_work,
        spl_that_is_slow_to_begin_has_more_time_behind_that,
        a_card_that_spl_says_it_cannot_read_does_not_work,
        spl_that_does_not_come_to_the_card_is_no_reason_to_skip,
        that_it_does_not_work_is_found_out_once_a_run_and_qemu,
        what_can_run_from_flash_does_where_a_card_does_not_work,
    ]))
