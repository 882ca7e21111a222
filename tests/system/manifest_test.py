#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The boot manifest in the machine: what it says is what a process has. Prints TAP.

All of it on one hart of virt. Elsewhere there is little that a machine has to do with: devices,
memory, and one of each kind of the rest.

Usage: manifest_test.py --build DIR [--card] [--machine MACHINE] [--smp N] GUEST
"""
import argparse
import os
import re
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.append(os.path.join(TESTS, "harness"))

import card  # noqa: E402
import where  # noqa: E402
from on_medium import FROM_CARD_MIB  # noqa: E402
from tap import expect, run  # noqa: E402

SHELL = "process shell\nboot shell\nfinal\n"
STATUS_MANIFEST = 121


def boot(manifest, *command, harts=()):
    """(exit status, output) of a run with this manifest, None: the tree's."""
    with tempfile.NamedTemporaryFile("w", suffix=".manifest") as file:
        file.write(manifest or "")
        file.flush()
        words = [*where.boot_command(OPTIONS), "--mem", "128M", "--seed", "1", "--timeout",
                 "60", *harts, "--file", OPTIONS.guest + "=bin/guest",
                 "--file", OPTIONS.guest + "=bin/server"]
        if manifest is not None:
            words += ["--file", file.name + "=boot/manifest"]
        done = subprocess.run([*words, "--", *command], stdin=subprocess.DEVNULL, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
                              env=dict(os.environ, HOLDFAST_BUILD=OPTIONS.build))
    return done.returncode, done.stdout


def some(*cases):
    """All of the cases, or the first where a machine has nothing to do with them."""
    return cases if where.is_plain(OPTIONS) else cases[:1]


def expect_in(part, text):
    if part not in text:
        raise AssertionError(f"{part!r} is not in {text!r}")


def a_manifest_that_is_wrong_ends_the_machine_with_line_and_reason():
    for manifest, said in some(
            (SHELL + "process *\nfly\n", "init: boot/manifest, line 5: fly is no statement\n"),
            ("", "init: boot/manifest, line 0: one process of 'boot shell' is to be final\n"),
            (SHELL, "init: boot/manifest lets no program be named: it has no 'process *'\n")):
        status, output = boot(manifest, "hello")
        expect(status, STATUS_MANIFEST)
        expect_in(said, output)


def a_program_has_nothing_that_is_not_granted():
    status, output = boot(SHELL + "process *\n", "guest", "look")
    expect(status, 0)
    expect_in("slots 1:1:0 2:112:0 6:97:0\n", output)
    expect_in("priorities below 9\n", output)
    expect_in("lock beyond the limit: no memory, or over a limit\n", output)
    expect_in("child of priority 8: no error\n", output)
    expect_in("child that may lock: not permitted\n", output)
    expect_in("child that may map low: not permitted\n", output)
    expect_in("child that may look: not permitted\n", output)
    expect_in("child that may have DMA: not permitted\n", output)
    expect_in("child that may know frames: not permitted\n", output)
    expect_in("child that may kill: not permitted\n", output)
    expect_in("child with an unknown privilege: invalid argument\n", output)
    expect(re.findall(r"^see (.*)$", output, re.M),
           ["bin/guest: no error, handle lacks the right, handle lacks the right"])


def a_program_has_what_is_granted_and_can_pass_on_no_more():
    status, output = boot("process server\nreceive x 64\n" + SHELL
                          + "process *\npriority 7\nmay lock look physical\nbudget 4000\nmachine\n"
                          "call x 70\n",
                          "guest", "look")
    expect(status, 0)
    # Its number in the manifest is the badge of the handle to call with.
    expect_in("slots 1:1:0 2:112:0 3:112:0 6:97:0 70:97:3\n", output)
    expect_in("priorities below 8\n", output)
    expect_in("lock beyond the limit: no error\n", output)
    expect_in("child of priority 8: out of range\n", output)
    expect_in("child that may lock: no error\n", output)
    expect_in("child that may map low: not permitted\n", output)
    expect_in("child that may look: no error\n", output)
    expect_in("child that may have DMA: not permitted\n", output)
    expect_in("child that may know frames: no error\n", output)
    expect_in("child that may kill: not permitted\n", output)
    expect_in("budget 4000 (no error)\n", output)
    # Looking is all that can be done to others.
    refused = ["handle lacks the right"] * 2
    expect(re.findall(r"^see (.*): no error, (.*), (.*)$", output, re.M),
           [(name, *refused) for name in ("init", "bin/server", "bin/guest")])


def a_program_has_the_budget_that_is_granted_and_no_more():
    for budget, is_enough in ((5, False), (300, True), (4000000, False)):
        status, output = boot(SHELL + f"process *\nbudget {budget}\n", "hello")
        expect(status == 0, is_enough)
        expect("Hello from hello\n" in output, is_enough)
        if not is_enough:
            expect_in("init: hello: cannot be started: ", output)
            expect_in("(no memory, or over a limit)\n", output)


def a_process_is_started_again_as_often_as_it_may():
    status, output = boot("process guest\nreceive x 64\nrestarts 2\n" + SHELL + "process *\n",
                          "hello")
    expect(status, 0)
    expect(output.count("init: guest: exited (5)\n"), 3)
    expect(output.count("init: there is no x\n"), 1)


def a_process_that_is_ended_before_it_runs_is_started_again():
    status, output = boot("process server\nreceive x 64\nrestarts 100\n" + SHELL
                          + "process *\nmay look kill\ncall x 70\n", "guest", "hunt",
                          harts=("--smp", "4"))  # on one, init has made it before it is seen
    expect(status, 0)
    expect_in("init: server: ended by another process before it ran\n", output)
    expect_in("ended before they ran: enough\n", output)
    expect_in("the next one: no error\n", output)
    expect("cannot be started" in output or "there is no x" in output, False)


def a_device_that_may_master_memory_needs_leave():
    # QEMU's own device tree of sifive_u has another name for what has the card than a board's.
    name = "sifive,spi0" if where.has_card(OPTIONS) else "virtio,mmio"
    device = f"device {'sifive,fu540-c000-spi' if OPTIONS.card else name} 64 65\n"
    status, output = boot("process guest\nboot program\n" + device + SHELL + "process *\n", "hello")
    expect(status, 0)
    expect_in("init: guest: cannot be started: the manifest does not let its device master memory "
              "(not permitted)\n", output)
    # The program is not started before the other one, which is to serve x, has ended.
    status, output = boot("process guest\nboot program\n" + device + "may dma\nreceive x 66\n"
                          + SHELL + "process *\n", "hello")
    expect(status, 0)
    expect_in(" 65:16:", output)
    expect(output.index(" 65:16:") < output.index("Hello from hello\n"), True)


def names_are_found_and_served_only_where_granted():
    names = "process names\nreceive names 64\n" + SHELL + "process *\ncall names\n"
    for grants, said in some(
            ("serve su*\n", "register sum: no error\nfind sum: access denied\n"),
            ("", "register sum: access denied\nfind sum: access denied\n"),
            ("find sum\n", "register sum: access denied\nfind sum: no such thing\n")):
        status, output = boot(names + grants, "guest", "names")
        expect(status, 0)
        expect_in(said, output)
    status, output = boot(SHELL + "process *\n", "guest", "names")
    expect_in("register sum: bad handle\nfind sum: bad handle\n", output)


def memory_is_promised_as_the_manifest_says():
    over = "no memory, or over a limit"
    for said, mode, limit, halves, twice in some(
            ("", "2, 100 percent", "some", ("no error", over, over), over),
            ("overcommit never 40\n", "2, 40 percent", "some", (over, over, over), over),
            ("overcommit never 120\n", "2, 120 percent", "some", ("no error", "no error", over),
             over),
            ("overcommit heuristic\n", "0, 100 percent", "some", ("no error",) * 3, over),
            ("overcommit always\n", "1, 100 percent", "none", ("no error",) * 3, "no error")):
        status, output = boot(said + SHELL + "process *\n", "guest", "commit")
        expect(status, 0)
        expect_in(f"commit {mode}, limit {limit}\nhalf: {halves[0]}\nanother half: {halves[1]}\n"
                  f"a third half: {halves[2]}\ntwice: {twice}\nset by a program: not permitted\n",
                  output)


def huge_pages_that_cannot_be_set_aside_are_told_in_words():
    mib = FROM_CARD_MIB if OPTIONS.card else 128
    for wanted in (f"2M {mib // 2 - 4}", "1G 1"):
        status, output = boot(f"hugepages {wanted}\n" + SHELL + "process *\n", "hello")
        expect(status, STATUS_MANIFEST)
        found = re.search(r"^init: hugepages (.*): so much memory is not free in one row that "
                          r"begins at a multiple of (..) \(free in all: (\d+) MiB\)$", output, re.M)
        expect(found is not None and (found[1], found[2]), (wanted, wanted[:2]))
        expect(mib - 28 < int(found[3]) < mib, True)


def a_name_that_is_left_behind_keeps_frames_and_is_told():
    status, output = boot(SHELL + "process *\n", "guest", "leave")
    expect(status, 7)
    found = re.search(r"^init: guest: it left 1 names of shared memory, which keep (\d+) frames$",
                      output, re.M)
    expect(found is not None and int(found[1]) >= 3, True)
    expect("frames are missing" in output, False)


def a_missing_program_or_device_leaves_its_process_out():
    status, output = boot("process nobody\nreceive x 64\nprocess guest\ndevice abacus 65 66\n"
                          + SHELL + "process *\n", "hello")
    expect(status, 0)
    expect_in("init: nobody: cannot be started: the boot archive has no such program "
              "(no such thing)\n", output)
    expect_in("init: guest: cannot be started: its device (no such thing)\n", output)
    expect_in("Hello from hello\n", output)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("--build", required=True)
    where.add_options(parser)
    card.add_option(parser)
    parser.add_argument("guest")
    OPTIONS = parser.parse_args()
    os.environ["HOLDFAST_BUILD"] = OPTIONS.build
    if card.skip(OPTIONS):
        sys.exit(0)
    tests = [
        a_manifest_that_is_wrong_ends_the_machine_with_line_and_reason,
        a_program_has_what_is_granted_and_can_pass_on_no_more,
        a_process_is_started_again_as_often_as_it_may,
        a_process_that_is_ended_before_it_runs_is_started_again,
        a_device_that_may_master_memory_needs_leave,
        names_are_found_and_served_only_where_granted,
        memory_is_promised_as_the_manifest_says,
        huge_pages_that_cannot_be_set_aside_are_told_in_words,
        a_missing_program_or_device_leaves_its_process_out,
    ]
    if where.is_plain(OPTIONS):
        tests += [
            a_program_has_nothing_that_is_not_granted,
            a_program_has_the_budget_that_is_granted_and_no_more,
            a_name_that_is_left_behind_keeps_frames_and_is_told,
        ]
    sys.exit(run(tests))
