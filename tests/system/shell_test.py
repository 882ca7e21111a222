#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The console and the shell, over the serial line, as a person would use them. Prints TAP.

Usage: shell_test.py --build DIR [--card] [--machine MACHINE] [--smp N] GUEST
"""
import argparse
import os
import re
import sys

sys.dont_write_bytecode = True
TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.append(os.path.join(TESTS, "harness"))

import card  # noqa: E402
import where  # noqa: E402
from session import PROMPT, Session  # noqa: E402
from tap import expect, run  # noqa: E402

UP = "\x1b[A"
LEFT = "\x1b[D"


def expect_in(part, text):
    if part not in text:
        raise AssertionError(f"{part!r} is not in {text!r}")


def number_of(session, line):
    """Start a program behind; return its PID."""
    return re.search(r"\[(\d+)\]", session.do(line))[1]


def programs_of(said):
    """{PID: name} as ps shows them."""
    return dict(re.findall(r"^ *(\d+) .* (\S+)$", said, re.M))


def programs_run_with_arguments_and_show_their_status(shell):
    expect(shell.do("hello 'a b' c"), "Hello from hello a b c\n")
    expect_in("guest: status 7", shell.do("guest status"))
    for name in ("guest", "/bin/guest"):
        how = name + r": SEGV_MAPERR at 0x5000 \(write\), pc 0x\w+ main\S* \(.*shell_guest\.c:"
        expect(len(re.findall(how, shell.do(name + " fault"))), 1)
    expect_in("nobody: no such command or program", shell.do("nobody"))
    expect_in("a quote is not closed", shell.do("ls 'bin"))


def commands_explain_themselves(shell):
    said = shell.do("help")
    for name in ("ls", "ps", "kill", "maps", "handles", "limit", "mem", "dmesg", "shutdown"):
        expect_in("\n" + name, "\n" + said)
    commands = said.split("\n\n")[0].splitlines()
    expect([line for line in commands if line[24:26] != "  "], [])
    expect([line for line in said.splitlines() if len(line) > 80], [])
    expect_in("usage: kill PID", shell.do("kill"))
    expect(shell.do("ps x"), "usage: ps\n")
    expect(shell.do("help kill").split(), "kill PID end a process, any but init".split())
    expect_in("hello: not a command of the shell", shell.do("help hello"))
    expect_in("4711: no such process", shell.do("maps 4711"))
    expect_in("x: not a number", shell.do("maps x"))
    expect_in("nowhere: No such file or directory", shell.do("ls nowhere"))


def the_archive_is_listed(shell):
    expect(shell.do("ls").split(), ["bin/", "boot/", "tmp/", "traces/"])
    expect_in(" hello\n", shell.do("ls bin"))
    expect_in(" cc1.trace\n", shell.do("ls /traces/"))


def files_are_made_copied_named_and_removed(shell):
    expect(shell.do("mkdir /wares"), "")
    expect(shell.do("echo 'one  two' three > /wares/a"), "")
    expect(shell.do("cat /wares/a"), "one  two three\n")
    expect(shell.do("echo four >> /wares/a"), "")
    expect(shell.do("cp /wares/a /wares/b"), "")
    expect(shell.do("cp /bin/hello /wares"), "")
    expect(shell.do("cd /wares"), "")
    expect(shell.do("pwd"), "/wares\n")
    expect(shell.do("mv b c"), "")
    expect(shell.do("cat a c"), "one  two three\nfour\n" * 2)
    names = shell.do("ls").split()
    expect(names[1::2], ["a", "c", "hello"])
    expect(names[0], "20")
    expect(shell.do("ls").split()[4], shell.do("ls /bin/hello").split()[0])
    expect_in("/tmp", shell.do("df"))
    expect_in("Is a directory", shell.do("rm /wares"))
    expect(shell.do("rm a c hello"), "")
    expect(shell.do("cd"), "")
    expect(shell.do("rmdir wares"), "")


def mistakes_with_files_are_named(shell):
    expect_in("shell: nothing: No such file or directory", shell.do("cat nothing"))
    expect_in("shell: /bin/x: Read-only file system", shell.do("echo x > /bin/x"))
    expect_in("shell: bin: Device or resource busy", shell.do("rmdir bin"))
    expect_in("shell: /bin: Is a directory", shell.do("cp /bin /tmp"))
    expect_in("shell: /bin/hello: Invalid argument", shell.do("cp /bin/hello /bin/hello"))
    expect_in("usage: cp FILE TO", shell.do("cp one"))
    expect_in("no file follows the >", shell.do("echo >"))
    expect_in("cannot go to a file yet", shell.do("hello > x"))


def free_frames(shell):
    return int(re.search(r"^free +(\d+)", shell.do("mem"), re.M)[1])


def programs_are_started_from_files(shell):
    def all_ways():
        expect(shell.do("mkdir /wares"), "")
        expect(shell.do("cp /bin/hello /wares/h"), "")
        expect(shell.do("/wares/h a"), "Hello from /wares/h a\n")
        expect(shell.do("cd /wares"), "")
        expect(shell.do("./h"), "Hello from ./h\n")
        expect(shell.do("../bin/hello"), "Hello from ../bin/hello\n")
        expect(shell.do("/bin/hello"), "Hello from /bin/hello\n")
        expect(shell.do("hello"), "Hello from hello\n")
        expect_in("h: no such command or program", shell.do("h"))
        expect(shell.do("cd"), "")
        expect(shell.do("rm /wares/h"), "")
        expect(shell.do("rmdir /wares"), "")
    all_ways()
    free = free_frames(shell)
    all_ways()
    # The file system gives what was removed back a moment later.
    expect(any(free_frames(shell) >= free for _ in range(20)), True)


def files_that_are_no_programs_are_refused_with_a_reason(shell):
    expect(shell.do("mkdir /wares"), "")
    expect(shell.do("echo text > /wares/text"), "")
    forbidding = "/tmp"
    expect(shell.do("cp /bin/hello " + forbidding), "")
    for path, why in (("/wares/nothing", "No such file or directory"),
                      ("nowhere/nothing", "No such file or directory"),
                      ("/wares", "Is a directory"),
                      ("wares/", "Is a directory"),
                      ("/bin", "Is a directory"),
                      ("/wares/text", "by its mode it may not be executed"),
                      (forbidding + "/hello", "files there may not be executed"),
                      ("/traces/cc1.trace", "by its mode it may not be executed")):
        expect(shell.do(path), f"shell: {path}: {why}\n")
    expect(shell.do(f"rm /wares/text {forbidding}/hello"), "")
    expect(shell.do("rmdir /wares"), "")


def lines_are_edited_and_remembered(shell):
    shell.type("hallo x\x17")
    shell.type("\x7f" * 6 + "ello" + LEFT * 4 + "h\r")
    shell.wait_for("Hello from hello\n")
    shell.wait_for(PROMPT)
    shell.type(UP)
    shell.wait_for("hello")
    shell.type(" again\r")
    shell.wait_for("Hello from hello again\n")
    shell.wait_for(PROMPT)
    expect_in("hello again\n", shell.do("history"))


def programs_read_whole_lines_with_corrections(shell):
    shell.type("guest lines\r")
    shell.wait_for("reading\n")
    shell.type("abx\x7fc\r")
    shell.wait_for("line of 3: abc\n")
    shell.type("gone\x15one two\x17\r")
    shell.wait_for("line of 4: one \n")
    shell.type("\x04")
    shell.wait_for("end of input\n")
    shell.wait_for(PROMPT)


def control_c_ends_the_program_in_front_and_no_other(shell):
    others = programs_of(shell.do("ps"))
    expect(sorted(others.values()),
           ["console", *shell.drivers, "files", "init", "names", "shell"])
    behind = number_of(shell, "guest spin &")
    shell.type("guest front\r")
    shell.wait_for("in front\n")
    shell.type("\x03")
    shell.wait_for("guest: ended\n")
    shell.wait_for(PROMPT)
    expect(programs_of(shell.do("ps")), {**others, behind: "guest"})
    expect_in("guest: ended", shell.do("kill " + behind))
    expect(programs_of(shell.do("ps")), others)


def programs_behind_are_shown_and_ended(shell):
    number = number_of(shell, "guest spin &")
    expect_in("guest", shell.do("ps"))
    expect_in("0 pins; it has pinned 0 pages of ", shell.do("maps -p " + number))
    said = shell.do("maps " + number)
    expect_in("r-xp", said)
    regions, pages, resident = map(int, re.search(
        r"(\d+) regions, (\d+) pages, (\d+) resident", said).groups())
    expect(0 < regions < pages and 0 < resident < pages, True)
    expect(len(re.findall(r"^[0-9a-f]+-[0-9a-f]+ ", said, re.M)), regions)
    said = shell.do("handles " + number)
    for what in ("the memory server", "the log", "the name service", "the console"):
        expect_in(" " + what + "\n", said)
    expect("machine" in said, False)
    expect_in(" power and interrupts\n", shell.do("handles"))
    expect_in("used of 65530", shell.do("limit " + number))
    expect_in("used of 1000", shell.do(f"limit {number} regions 1000"))
    expect_in("not permitted", shell.do(f"limit {number} regions 2000"))
    expect_in("are regions, pages, data, budget, promised", shell.do(f"limit {number} page"))
    expect_in("guest: ended", shell.do("kill " + number))


def programs_behind_have_nothing_of_what_is_typed(shell):
    shell.type("guest lines &\r")
    shell.wait_for("reading\n")
    shell.wait_for("end of input\n")
    settle(shell)
    greedy = number_of(shell, "guest greedy &")
    expect(any("greedy\n" in settle(shell) for _ in range(50)), True)
    expect(shell.do("hello there"), "Hello from hello there\n")
    shell.type("guest front\r")
    shell.wait_for("in front\n")
    shell.type("\x03")
    shell.wait_for("guest: ended\n")
    shell.wait_for(PROMPT)
    shell.type("guest lines\r")
    shell.wait_for("reading\n")
    shell.type("abc\r\x04")
    shell.wait_for("line of 3: abc\nend of input\n")
    shell.wait_for(PROMPT)
    expect_in("guest: ended", shell.do("kill " + greedy))


def leases_that_are_over_are_shown(shell):
    shell.type("guest lease &\r")
    number = re.search(r"\[(\d+)\]", shell.wait_for("asked after its time\n"))[1]
    said = shell.do("maps -p " + number)
    # The one that it was asked to give up, and the one that it does not ask after.
    expect_in(" 100?  guest\n", said)
    expect_in(" 1!  guest\n", said)
    expect_in("2 pins; it has pinned 1 pages of ", said)
    expect_in("guest: ended", shell.do("kill " + number))


def pid_of(shell, wanted):
    return next(n for n, name in programs_of(shell.do("ps")).items() if name == wanted)


def processes_of_init_can_be_looked_at(shell):
    number = pid_of(shell, "console")
    said = shell.do("maps " + number)
    for part in ("r-xp", " console\n", " [data and heap]\n", " [stack]\n"):
        expect_in(part, said)
    expect_in("used of 65530", shell.do("limit " + number))
    expect_in("which can only look at its limits", shell.do(f"limit {number} regions 1"))
    said = shell.do("handles " + number)
    for what in ("interrupt    ----o---", " the memory server\n"):
        expect_in(what, said)
    expect(bool(re.search(r"^ +64 endpoint +.r", said, re.M)), True)
    expect("the console" in said, False)


def init_and_the_shell_are_not_ended(shell):
    expect_in("is init, which", shell.do("kill " + pid_of(shell, "init")))
    expect_in("is the shell itself", shell.do("kill " + pid_of(shell, "shell")))
    expect_in("4711: no such process", shell.do("kill 4711"))
    expect({"init", "shell"} <= set(programs_of(shell.do("ps")).values()), True)


def wrong_numbers_are_one_line(shell):
    for line in ("shutdown now", "shutdown 256", "shutdown -1", "shutdown 1 2", "exit now",
                 "kill x", "maps 99999999999999999999", "trace x", "limit 0x"):
        expect((line, shell.do(line).count("\n")), (line, 1))


def memory_adds_up_and_comes_back(shell):
    def frames(said):
        rows = re.findall(r"^(\S.*?)\s+(\d+) frames", said, re.M)
        end = [name for name, _ in rows].index("all") + 1  # what follows is counted above
        return dict(rows[:end])
    before = frames(shell.do("mem"))
    uses = {name: int(count) for name, count in before.items()}
    total = uses.pop("all")
    expect(sum(uses.values()), total)
    promised = re.search(r"^promised to programs +(\d+) frames, at most (\d+)\n"
                         r"that is +100% of swap and all but the kernel's$", shell.do("mem"), re.M)
    expect(0 < int(promised[1]) < int(promised[2]) <= total, True)
    shell.do("hello")
    expect(frames(shell.do("mem"))["free"], before["free"])


def mem_shows_what_each_hart_did(shell):
    said = shell.do("mem")
    expect([line for line in said.splitlines() if len(line) > 80], [])
    harts = re.findall(r"^ +(\d+) +(\d+) +(\d+) +(\d+) +(\d+|-) +(\d+) +(\d+)$", said, re.M)
    expect([int(hart[0]) for hart in harts], list(range(len(harts))))
    for column, name in ((1, "page faults"), (2, "switches"), (3, "messages")):
        expect_in(name, said)
        expect(any(int(hart[column]) > 0 for hart in harts), True)
    # What QEMU counts without --icount are no instructions.
    expect({hart[4] for hart in harts}, {"-"})
    expect_in("--icount", said)


def much_output_arrives_whole(shell):
    said = shell.do("guest flood").splitlines()
    expect(len(said), 100)
    for i, line in enumerate(said):
        expect(line, chr(ord("a") + i % 26) * 200 + f" {i}")


def lines_of_several_programs_do_not_mix(shell):
    said = shell.do("together guest mixA + guest mixB + guest mixC").splitlines()
    lines = [line for line in said if not line.startswith("together: ")]
    expect(len(said) - len(lines), 3)
    for letter in "ABC":
        own = [len(line) for line in lines if line == letter * len(line)]
        expect(sorted(own), sorted(2 * (1 + i * 37 % 200) + 1 for i in range(100)))
    expect(len(lines), 300)


def settle(shell):
    """Be at a prompt with nothing left to be shown, whatever programs behind have printed."""
    shell.type("nobody\r")
    return shell.wait_for("nobody: no such command") + shell.wait_for(PROMPT)


def settle_after_end(shell):
    """The same when a program behind ends: until that was said."""
    expect(any("guest: status 1" in settle(shell) for _ in range(50)), True)


def callers_are_told_when_the_console_is_ended_and_the_next_goes_on(shell):
    shell.type("guest break &\r")
    shell.wait_for("waiting\n")
    settle(shell)
    shell.type("kill " + pid_of(shell, "console") + "\r")
    shell.wait_for("^C: the other side ended\n")
    settle_after_end(shell)
    expect(shell.do("hello again"), "Hello from hello again\n")
    shell.type("guest front\r")
    shell.wait_for("in front\n")
    shell.type("\x03")
    shell.wait_for("guest: ended\n")
    shell.wait_for(PROMPT)


def names_are_registered_again_when_the_service_is_ended(shell):
    servers = [number_of(shell, line) for line in ("sum &", "guest serve &")]
    expect(shell.do("add 19 23"), "19 and 23 make 42\n")
    for _ in range(3):
        shell.type("guest wait &\r")
        shell.wait_for("waiting\n")
        settle(shell)
        shell.type("kill " + pid_of(shell, "names") + "\r")
        shell.wait_for("found: the other side ended\n")
        settle_after_end(shell)
        expect(shell.do("add 20 22"), "20 and 22 make 42\n")
        expect(shell.do("guest ask"), "first: 1\nsecond: 2\n")
    for server in servers:
        expect_in(": ended", shell.do("kill " + server))
    expect_in("add: sum: the other side ended", shell.do("add 1 2"))


def the_log_has_time_level_and_source(shell):
    said = shell.do("dmesg")
    expect(bool(re.search(r"^\[ +\d+\.\d{6}\] info +system: .*machine", said, re.M)), True)


def without_a_trace_there_is_a_hint(shell):
    expect_in("--trace", shell.do("trace"))


TESTS_OF_ONE_SESSION = [
    programs_run_with_arguments_and_show_their_status,
    commands_explain_themselves,
    the_archive_is_listed,
    files_are_made_copied_named_and_removed,
    mistakes_with_files_are_named,
    programs_are_started_from_files,
    files_that_are_no_programs_are_refused_with_a_reason,
    lines_are_edited_and_remembered,
    programs_read_whole_lines_with_corrections,
    control_c_ends_the_program_in_front_and_no_other,
    programs_behind_are_shown_and_ended,
    programs_behind_have_nothing_of_what_is_typed,
    leases_that_are_over_are_shown,
    processes_of_init_can_be_looked_at,
    init_and_the_shell_are_not_ended,
    wrong_numbers_are_one_line,
    memory_adds_up_and_comes_back,
    mem_shows_what_each_hart_did,
    much_output_arrives_whole,
    lines_of_several_programs_do_not_mix,
    callers_are_told_when_the_console_is_ended_and_the_next_goes_on,
    names_are_registered_again_when_the_service_is_ended,
    the_log_has_time_level_and_source,
    without_a_trace_there_is_a_hint,
]


def main():
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("--build", required=True)
    where.add_options(parser)
    card.add_option(parser)
    parser.add_argument("guest")
    options = parser.parse_args()
    os.environ["HOLDFAST_BUILD"] = options.build
    if card.skip(options):
        return 0
    shell = Session(options)

    def shutdown_gives_the_machine_its_status():
        shell.type("shutdown 5\r")
        expect(shell.end(), 5)

    def the_end_of_the_input_ends_the_shell_and_events_were_recorded():
        traced = Session(options, ["--trace"])
        try:
            traced.wait_for(PROMPT)
            expect_in("switch from thread", traced.do("trace 20"))
            traced.type("\x04")
            expect(traced.end(), 0)
        finally:
            traced.close()

    def instructions_are_shown_where_counted_and_exit_ends_shell_and_machine():
        counted = Session(options, ["--icount"])
        try:
            counted.wait_for(PROMPT)
            said = counted.do("mem")
            expect("--icount" in said, False)
            expect("those of all harts together" in said, options.smp > 1)
            numbers = re.findall(r"^ +\d+ +\d+ +\d+ +\d+ +(\d+) +\d+ +\d+$", said, re.M)
            expect(len(numbers), options.smp)
            expect(int(numbers[0]) > 100000, True)
            counted.type("exit 3\r")
            expect(counted.end(), 3)
        finally:
            counted.close()

    def in_session(test):
        def call():
            test(shell)
        call.__name__ = test.__name__
        return call

    # QEMU does not count with a card.
    counted_tests = [] if options.card else [
        instructions_are_shown_where_counted_and_exit_ends_shell_and_machine]
    try:
        shell.wait_for(PROMPT)
        return run([in_session(test) for test in TESTS_OF_ONE_SESSION]
                   + counted_tests
                   + [shutdown_gives_the_machine_its_status,
                      the_end_of_the_input_ends_the_shell_and_events_were_recorded])
    finally:
        shell.close()


if __name__ == "__main__":
    sys.exit(main())
