#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The filter between machine and user, and the verdict on how a run ended. Prints TAP."""
import os
import sys

sys.dont_write_bytecode = True
TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path += [os.path.join(TESTS, "harness"), os.path.join(os.path.dirname(TESTS), "sbi")]

from console import Console  # noqa: E402
from machine import Outcome  # noqa: E402
from tap import expect, run  # noqa: E402
from tap_report import Report  # noqa: E402

NONCE = "00aa11bb22cc33dd"
BANNER = b"\r\nOpenSBI v1.1\r\n  logo\r\nBoot HART MEDELEG         : 0x1\r\n"


def name_it(address, is_return):
    return f"f+{address:#x}{' r' if is_return else ''}"


def name_program(program, address):
    return f"{program}+{address:#x}" if program == "known" else ""


def filtered(data, size):
    """What is shown of `data` that comes in pieces of `size` bytes, and the end line."""
    console = Console(NONCE, name_it, name_program)
    shown = b"".join(console.feed(data[i:i + size]) for i in range(0, len(data), size))
    return shown + console.finish(), console.end_line


def for_every_piece_size(data, shown, end_line):
    for size in range(1, len(data) + 1):
        expect(filtered(data, size), (shown, end_line))


def banner_is_dropped_and_the_end_line_kept():
    data = BANNER + b"hello\r\n[holdfast " + NONCE.encode() + b" exit 7]\r\n"
    for_every_piece_size(data, b"hello\n", "exit 7")


def output_without_banner_is_shown_whole():
    for_every_piece_size(b"plain\nOpenSBI v9\n", b"plain\nOpenSBI v9\n", None)


def end_line_in_the_middle_of_a_line_leaves_what_was_before_it():
    data = b"no newline[holdfast " + NONCE.encode() + b" exit 0]\n"
    for_every_piece_size(data, b"no newline", "exit 0")


def what_follows_the_end_line_is_dropped():
    data = b"a\n[holdfast " + NONCE.encode() + b" exit 0]\r\n        \nreset\n"
    for_every_piece_size(data, b"a\n", "exit 0")


def forged_end_line_is_output():
    data = b"[holdfast 0000000000000000 exit 0]\n[hold"
    for_every_piece_size(data, data, None)


def the_pc_of_a_program_that_ended_gets_its_name():
    for start in (b"init: ", b"together: ", b"[17] "):
        data = start + b"known: SEGV_MAPERR at 0x0 (write), pc 0x12cc, no region\n"
        for_every_piece_size(data, data.replace(b"0x12cc,", b"0x12cc known+0x12cc,"), None)
    for_every_piece_size(b"together: known a: b: breakpoint, pc 0x10\n",
                         b"together: known a: b: breakpoint, pc 0x10 known+0x10\n", None)
    for_every_piece_size(b"[1] known: illegal instruction, pc 0x10\n",
                         b"[1] known: illegal instruction, pc 0x10 known+0x10\n", None)


def the_pc_gets_its_name_behind_a_prompt_too():
    end = b"init: known: SEGV_MAPERR at 0x0 (write), pc 0x12cc, no region"
    console = Console(NONCE, name_it, name_program)
    expect(console.feed(b"\r\x1b[0mholdfast> \x1b[K"), b"\r\x1b[0mholdfast> \x1b[K")
    expect(console.feed(b"i"), b"i")
    expect(console.feed(end[1:40]), end[1:40])
    expect(console.feed(end[40:] + b"\r\n"), end[40:] + b" (pc is known+0x12cc)\n")
    expect(console.feed(b"holdfast> x" + end + b"\n"), b"holdfast> x" + end + b"\n")


def other_lines_with_a_pc_stay_as_they_are():
    for data in (b"init: other: breakpoint, pc 0x10\n", b"x init: known: pc 0x10\n",
                 b"[] known: pc 0x10\n", b"[1 known: pc 0x10\n", b"init: known: pc 10\n",
                 b"[1]known: pc 0x10", b"ini", b"[12"):
        for_every_piece_size(data, data, None)


def a_prompt_is_shown_at_once():
    console = Console(NONCE, name_it, name_program)
    expect(console.feed(b"i> "), b"i> ")
    expect(console.feed(b"\n[x] "), b"\n[x] ")
    expect(console.feed(b"\n[1]x"), b"\n[1]x")


def remarks_of_the_firmware_are_dropped():
    remark = b"system_opcode_insn: Invalid opcode for CSR read/write instruction"
    for_every_piece_size(b"a" + remark + remark + b"b\nsystem_opco\n", b"ab\nsystem_opco\n", None)


def unfinished_line_is_shown_at_once():
    console = Console(NONCE, name_it)
    expect(console.feed(b"prompt> "), b"prompt> ")
    expect(console.feed(b"[holdf"), b"")
    expect(console.feed(b"ine"), b"[holdfine")


def backtrace_addresses_get_names():
    for_every_piece_size(b"x\n  at 0x80\n  at 0x90\r\n  at home\n",
                         b"x\n  at 0x80 f+0x80\n  at 0x90 f+0x90 r\n  at home\n", None)


def status_of_the_program_is_the_status_of_the_run():
    for status in (0, 1, 77, 255):
        outcome = Outcome.judge(f"exit {status}", None, "")
        expect((outcome.status, outcome.trouble), (status, ""))


def every_other_end_has_a_status_of_its_own_and_a_text():
    ends = [Outcome.judge("panic no way on", None, ""), Outcome.judge("exit 512", None, ""),
            Outcome.judge("exit x", None, ""), Outcome.judge(None, None, ""),
            Outcome.judge(None, 3.0, "")]
    expect([end.status for end in ends], [125, 126, 127, 127, 124])
    expect(all(end.trouble for end in ends), True)
    expect("no way on" in ends[0].trouble, True)


def what_is_not_tap_becomes_a_comment():
    report = Report()
    shown = report.read("1..1\nhello\n# note\n") + report.read("ok 1\nhal") + report.finish()
    expect(shown, "1..1\n# hello\n# note\nok 1\n# hal\n")


def trouble_of(tap, end_line="exit 0"):
    report = Report()
    report.read(tap)
    return report.trouble(Outcome.judge(end_line, None, "")), report.failed


def complete_tap_is_believed():
    expect(trouble_of("1..2\nok 1 - a\nok 2\n"), (None, 0))
    expect(trouble_of("1..2\nok 1 - a\nnot ok 2\n", "exit 1"), (None, 1))


def incomplete_tap_is_not_believed():
    for tap, end_line in [("", "exit 0"), ("ok 1\n", "exit 0"), ("1..2\nok 1\n", "exit 0"),
                          ("1..1\nok 1\n", "exit 1"), ("1..1\nnot ok 1\n", "exit 0"),
                          ("1..1\nok 1\n", "panic x"), ("1..1\nok 1\n", None)]:
        expect(trouble_of(tap, end_line)[0] is not None, True)


if __name__ == "__main__":
    sys.exit(run([
        banner_is_dropped_and_the_end_line_kept,
        output_without_banner_is_shown_whole,
        end_line_in_the_middle_of_a_line_leaves_what_was_before_it,
        what_follows_the_end_line_is_dropped,
        forged_end_line_is_output,
        the_pc_of_a_program_that_ended_gets_its_name,
        the_pc_gets_its_name_behind_a_prompt_too,
        other_lines_with_a_pc_stay_as_they_are,
        a_prompt_is_shown_at_once,
        remarks_of_the_firmware_are_dropped,
        unfinished_line_is_shown_at_once,
        backtrace_addresses_get_names,
        status_of_the_program_is_the_status_of_the_run,
        every_other_end_has_a_status_of_its_own_and_a_text,
        what_is_not_tap_becomes_a_comment,
        complete_tap_is_believed,
        incomplete_tap_is_not_believed,
    ]))
