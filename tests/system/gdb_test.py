#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A debugger at the machine: sbi/boot --gdb, and the commands of kernel/debug/gdb.py. Prints TAP.

Skipped without gdb-multiarch, which nothing else needs. From an SD card (--card) the kernel is not
there when the debugger comes: it is waited for at its entry.

Usage: gdb_test.py --build DIR [--card] [--machine MACHINE] [--smp N]
"""
import argparse
import os
import re
import shutil
import socket
import subprocess
import sys

sys.dont_write_bytecode = True
TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
TOP = os.path.dirname(TESTS)
sys.path += [os.path.join(TESTS, "harness"), os.path.join(TOP, "sbi")]

import card  # noqa: E402
import where  # noqa: E402
from tap import expect, run  # noqa: E402
from tree import manifest  # noqa: E402

GDB = "gdb-multiarch"
SECONDS = 400
OPTIONS = argparse.Namespace()
HELLO = "Hello from hello\n"


KERNEL = 0x80200000


def free_port():
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        return trial.getsockname()[1]


def connecting(port):
    """The commands by which the debugger meets the machine; from a card with the kernel loaded."""
    if not where.has_card(OPTIONS):
        return [f"target remote :{port}"]
    # QEMU has the harts that run the kernel apart from the one that cannot.
    return [f"target extended-remote :{port}", f"add-inferior -exec {manifest()['kernel']}",
            "inferior 2", "attach 2", "set schedule-multiple on", "hf threads",
            *([f"hbreak *{KERNEL:#x}", "continue"] if OPTIONS.card else [])]


def is_alone():
    return OPTIONS.smp == 1 and not OPTIONS.card


def waiting(states, program, pc):
    """The columns of a thread that another hart may run meanwhile, if there is one."""
    if is_alone():
        return f"(?:{states}) .* {program} +{pc}"
    return rf"\w+ .* {program} +(?:{pc}|\(in the kernel\))"


def place():
    """Where such a thread is, by name."""
    named = r"0x\w+ \w+( \+ \d+)?"
    return named if is_alone() else f"({named}|in the kernel)"


def debugged(commands, *options, harts=1):
    """Boot `hello` under the debugger; return (what gdb says, what sbi/boot says, its status)."""
    port = free_port()
    boot = subprocess.Popen([*where.boot_command(OPTIONS), f"--gdb={port}", "--smp",
                             str(max(harts, OPTIONS.smp)),
                             "--mem", "64M", "--seed", "1", "--timeout", str(SECONDS), *options,
                             "--", "hello"],
                            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, text=True)
    try:
        # It says how to connect when the machine is about to start.
        hint = boot.stderr.readline()
        expect(f":{port}" in hint and "kernel/debug/gdb.py" in hint, True)
        words = [GDB, "-q", "-nx", "-batch", "-x", os.path.join(TOP, "kernel/debug/gdb.py")]
        for command in ["set pagination off", "set tcp connect-timeout 60",
                        *connecting(port), *commands]:
            words += ["-ex", command]
        gdb = subprocess.run(words + [manifest()["kernel"]], stdin=subprocess.DEVNULL,
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                             timeout=SECONDS, check=False)
        said, _ = boot.communicate(timeout=SECONDS)
        return gdb.stdout, said, boot.returncode
    finally:
        boot.kill()
        boot.wait()


def expect_lines(text, *patterns):
    """Each pattern is a whole line of the text, in this order."""
    lines = iter(text.splitlines())
    for pattern in patterns:
        if not any(re.fullmatch(pattern, line) for line in lines):
            raise AssertionError(f"no line {pattern!r} (behind those before) in:\n{text}")


def the_machine_waits_for_a_debugger_and_goes_on_without_it():
    text, said, status = debugged(["hf threads"])
    start = "1004" if where.has_card(OPTIONS) else "1000"  # QEMU's ROM, of either machine
    expect_lines(text, rf"0x0*{start} in \?\? \(\)", r"hf: the kernel cannot be read yet: .*")
    expect((said.startswith(HELLO), status), (True, 0))


IN_HELLO = ["tbreak console_write", "continue"]


def threads_and_spaces_are_shown_with_their_programs():
    text, _, status = debugged(IN_HELLO + ["hf threads", "hf spaces"])
    expect_lines(text, r"thread +state .*", r" +0. " + waiting("receiving", "server", r"0x2\w+"),
                 r" +1. " + waiting("calling|runnable", "init", r"0x1\w+"),
                 r" +\d+\* running .* hello +\(in the kernel\)",
                 r"space +program .*", r"0xffffffd0\w+ +server +0x8\w+ +\d+ .*",
                 r"0xffffffd0\w+ +init .*", r"0xffffffd0\w+ +hello +0x8\w+ +\d+ +\d+ +0 +0")
    expect(status, 0)


def the_kernel_is_met_at_its_entry_once_spl_has_loaded_it():
    text, said, status = debugged(["info threads", f"x/4i {KERNEL:#x}", "delete"])
    expect_lines(text, r"hf: the kernel cannot be read yet: .*",
                 rf"Thread 2\.\d hit Breakpoint 1, 0x0*{KERNEL:x} in .*",
                 r"\* 2\.\d .*u54.*", rf"=> 0x{KERNEL:x}:\t(c\.)?j\t.*")
    expect((said.startswith(HELLO), status), (True, 0))


def every_hart_shows_what_it_runs():
    harts = max(2, OPTIONS.smp)
    looks = [word for hart in range(1, harts + 1) for word in (f"thread {hart}", "hf symbols")]
    text, _, _ = debugged(IN_HELLO + ["hf threads", *looks], harts=harts)
    programs = re.findall(r"^ +\d+[ *] \w+ +\d+ +\d  (\w+) ", text, re.M)
    expect({"server", "init", "hello"} <= set(programs), True)
    # One hart is in the call of hello's, the others run something or nothing.
    expect_lines(text, r"thread \d+: hello, in the kernel")
    expect(len(re.findall("^thread \\d+: |^hf: the selected hart runs no thread", text, re.M)),
           harts)


def page_tables_are_walked():
    text, _, _ = debugged(IN_HELLO + [
        "hf walk 0x11000", "hf walk 0x3ffffff000", "hf walk main", "hf walk &frame_table 0",
        "hf audit"])
    expect_lines(text, r"root 0x8\w+", r"  level 2  -------v  table 0x8\w+",
                 r"  level 1  -------v  table 0x8\w+", r"  level 0  -a-ux-rv  leaf 0x8\w+",
                 r"physical 0x8\w+",
                 r"  level 2  .*", r"nothing is mapped there",
                 r"hf: main: .*",
                 r"root 0x8\w+", r"  level \d  da---wrv  leaf 0x8\w+", r"physical 0x802\w+",
                 r"\d spaces, \d+ tables, \d+ leaves: 0 complaints")


def the_trace_is_shown():
    text, _, _ = debugged(IN_HELLO + ["hf trace 9"], "--trace")
    expect_lines(text, r" +\d+ hart \d SWITCH +0x\w+ 0x\w+  \(switch from thread, to thread\)")
    expect(len(re.findall(r"hart \d", text)), 9)
    text, _, _ = debugged(IN_HELLO + ["hf trace"])
    expect_lines(text, r"no events: start the machine with sbi/boot --trace")


def symbols_of_a_program_are_loaded_at_its_pc():
    text, _, _ = debugged(IN_HELLO + [
        "hf symbols 0", "hf symbols 1", "hf symbols", "info line main", "tbreak exit", "continue",
        "hf symbols", "backtrace 1"])
    expect_lines(text, "thread 0: server, " + place(), "thread 1: init, " + place(),
                 r"thread \d+: hello, in the kernel",
                 r'Line \d+ of ".*/hello\.c" starts at address 0x\w+ <main> .*',
                 r"thread \d+: hello, 0x\w+ exit.*", r"#0 .*exit \(.*")


WRONG = [
    ("hf walk", "usage: hf walk ADDRESS"),
    ("hf walk nonsense", "No symbol"),
    ("hf walk 0x400000000000", "no address of Sv39"),
    ("hf walk 0 99", "no thread 99"),
    ("hf threads 1", "usage: hf threads"),
    ("hf symbols 99", "no thread 99"),
    ("hf symbols 0 /etc/passwd", "/etc/passwd is no program"),
    ("hf symbols 0 /nowhere", "/nowhere is no program"),
]


def wrong_use_is_one_line():
    commands = []
    for command, _ in WRONG:
        commands += ["echo <\\n", command, "echo >\\n"]
    text, _, _ = debugged(IN_HELLO + commands)
    answers = re.findall(r"<\n(.*?)>\n", text, re.S)
    expect(len(answers), len(WRONG))
    for answer, (_, words) in zip(answers, WRONG):
        expect((answer.count("\n"), answer[:4], words in answer), (1, "hf: ", True))


def main():
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("--build", required=True)
    where.add_options(parser)
    card.add_option(parser)
    parser.parse_args(namespace=OPTIONS)
    os.environ["HOLDFAST_BUILD"] = OPTIONS.build
    if shutil.which(GDB) is None:
        print(f"1..0 # SKIP no {GDB}: install the package of that name")
        return 0
    if card.skip(OPTIONS):
        return 0
    if OPTIONS.card:
        return run([
            the_kernel_is_met_at_its_entry_once_spl_has_loaded_it,
            threads_and_spaces_are_shown_with_their_programs,
            page_tables_are_walked,
        ])
    return run([
        the_machine_waits_for_a_debugger_and_goes_on_without_it,
        threads_and_spaces_are_shown_with_their_programs,
        every_hart_shows_what_it_runs,
        page_tables_are_walked,
        the_trace_is_shown,
        symbols_of_a_program_are_loaded_at_its_pc,
        wrong_use_is_one_line,
    ])


if __name__ == "__main__":
    sys.exit(main())
