#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Files of an archive on a disk, as sbi/disk makes it and the machine shows them. Prints TAP.

With --card the files are on the card that the machine has booted from, in a partition of its own.

Usage: mount_test.py --build DIR [--card] [--machine MACHINE] [--smp N]
"""
import argparse
import os
import re
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
TOP = os.path.dirname(TESTS)
sys.path += [os.path.join(TESTS, "harness"), os.path.join(TESTS, "system"),
             os.path.join(TOP, "sbi")]

import card  # noqa: E402
import where  # noqa: E402
from disks import to_card  # noqa: E402
from session import Session  # noqa: E402
from tap import expect, run  # noqa: E402

MIB = 1 << 20
SECTOR = 512
LONG = "a-name-that-does-not-fit-into-one-request/" * 3 + "end"
LINES = {"one": "the first\n", "sub/two": "second\n", "empty": "", LONG: "far\n"}


def make_disk(folder, lines, *options):
    """A disk with these files and the program hello. Its path."""
    files = os.path.join(folder, "files")
    for name, text in lines.items():
        os.makedirs(os.path.dirname(os.path.join(files, name)), exist_ok=True)
        with open(os.path.join(files, name), "w", encoding="ascii") as file:
            file.write(text)
    hello = os.path.join(OPTIONS.build, "user", "prog", "hello", "hello")
    with open(hello, "rb") as source, open(os.path.join(files, "hello"), "wb") as target:
        target.write(source.read())
    disk = os.path.join(folder, "disk.img")
    subprocess.run([os.path.join(TOP, "sbi", "disk"), "--files", files, *options, disk], check=True)
    return to_card(disk, OPTIONS)


def shell(disk, *typed, options=()):
    """What sbi/boot shows of commands: [(command, output)]."""
    done = subprocess.run([*where.boot_command(OPTIONS), "--mem", "64M", "--timeout", "100",
                           "--disk", disk, *options], text=True, check=False,
                          # The driver, for which this waits, serves when its files are there.
                          input="\n".join(["disks", *typed]) + "\n",
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          env=dict(os.environ, HOLDFAST_BUILD=OPTIONS.build))
    shown = done.stdout.replace("\r", "").replace("\x1b[K", "")
    return shown


def said(shown, command):
    """What a command of these said; the shell begins its prompt on a line of its own.

    What init and the driver say comes when it comes, behind a prompt or among what is said.
    """
    shown = re.sub(r"(init|disk): .*\n", "", shown)
    return re.search(r"holdfast> " + re.escape(command) + r"\n(.*?)(?=holdfast> )",
                     shown + "holdfast> ", re.S)[1].replace("\n\n", "\n")


def files_of_the_disk_are_read_mapped_and_executed():
    with tempfile.TemporaryDirectory() as folder:
        shown = shell(make_disk(folder, LINES), "ls /disk/", "cat /disk/one", "cat /disk/sub/two",
                      "cat /disk/empty", "cat /disk/" + LONG, "/disk/hello", "df")
    for name in ("empty", "hello", "one", "sub/"):
        expect(re.search(r"\b" + name + r"$", said(shown, "ls /disk/"), re.M) is not None, True)
    expect(said(shown, "cat /disk/one"), "the first\n")
    expect(said(shown, "cat /disk/sub/two"), "second\n")
    expect(said(shown, "cat /disk/empty").strip(), "")
    expect(said(shown, "cat /disk/" + LONG), "far\n")
    expect(said(shown, "/disk/hello"), "Hello from /disk/hello\n")
    expect(re.search(r"^/disk +\d+ +\d+ +0  read-only$", said(shown, "df"), re.M) is not None, True)
    expect("files (files)\n" in said(shown, "disks"), True)


def nobody_changes_them():
    with tempfile.TemporaryDirectory() as folder:
        shown = shell(make_disk(folder, LINES), "rm /disk/one", "mkdir /disk/new",
                      "cp /disk/one /disk/three", "mv /disk/one /one", "cat /disk/one")
    for command in ("rm /disk/one", "mkdir /disk/new", "cp /disk/one /disk/three"):
        if "Read-only file system" not in said(shown, command):
            raise AssertionError(f"{command}: {said(shown, command)}")
    expect("Invalid cross-device link" in said(shown, "mv /disk/one /one"), True)
    expect(said(shown, "cat /disk/one"), "the first\n")


def a_driver_that_is_started_again_shows_them_again():
    with tempfile.TemporaryDirectory() as folder:
        disk = make_disk(folder, LINES)
        number = re.search(r"^ *(\d+) .* disk$", said(shell(disk, "ps"), "ps"), re.M)[1]
        # What nobody has read before waits for the next driver, which first shows all of them.
        shown = shell(disk, "cat /disk/one", f"kill {number}", "cat /disk/sub/two", "disks", "ps",
                      "cat /disk/one", "cat /disk/" + LONG, "/disk/hello", "ls /disk/")
    again = re.search(r"^ *(\d+) .* disk$", said(shown, "ps"), re.M)[1]
    expect(again != number, True)
    expect(said(shown, "cat /disk/sub/two"), "second\n")
    expect(said(shown, "cat /disk/" + LONG), "far\n")
    expect(shown.count("\nthe first\n"), 2)
    expect(len(said(shown, "ls /disk/").split("\n")), len(LINES) + 2)
    expect(said(shown, "/disk/hello"), "Hello from /disk/hello\n")


def programs_of(shown):
    """{PID: name} as ps shows them."""
    return dict(re.findall(r"^ *(\d+) .* (\w+)$", shown, re.M))


def wait_for_files(session):
    """Wait until the file system has the files of the disk."""
    deadline = time.monotonic() + 60
    while len(re.findall(r"^ .*[a-z]", session.do("ls /disk/"), re.M)) <= len(LINES):
        expect(time.monotonic() < deadline, True)


def files_come_back(session):
    """End the file system; the files of the disk are in the next one soon."""
    names = programs_of(session.do("ps"))
    files = next(process for process, name in names.items() if name == "files")
    driver = next(process for process, name in names.items() if name == "disk")
    session.do("kill " + files)
    wait_for_files(session)
    # The driver goes on: it has noticed by itself.
    names = programs_of(session.do("ps"))
    expect((names[driver], "files" in names.values(), files in names), ("disk", True, False))


def a_file_system_that_is_started_again_shows_them_again():
    hello = os.path.join(OPTIONS.build, "user", "prog", "hello", "hello")
    machine = argparse.Namespace(build=OPTIONS.build, machine=OPTIONS.machine,
                                 smp=max(2, OPTIONS.smp), card=OPTIONS.card, guest=hello)
    with tempfile.TemporaryDirectory() as folder:
        session = Session(machine, ["--disk", make_disk(folder, LINES)])
        try:
            session.wait_for("holdfast> ")
            wait_for_files(session)
            for _ in range(2):
                files_come_back(session)
                for name, text in LINES.items():
                    expect(session.do("cat /disk/" + name).strip("\n"), text.strip("\n"))
                expect("Hello from /disk/hello\n" in session.do("/disk/hello"), True)
                expect("disk: " in session.text, False)
        finally:
            session.close()


def an_archive_that_is_cut_off_is_named_and_shown_up_to_there():
    with tempfile.TemporaryDirectory() as folder:
        disk = make_disk(folder, {"a": "first\n", "b": "second\n"})
        with open(disk, "r+b") as file:
            contents = file.read()
            at = contents.index(b"070701", contents.index(b"070701") + 1)
            file.seek(at)
            file.write(b"x")
        shown = shell(disk, "cat /disk/a", "cat /disk/b")
    expect("disk: partition 1: its archive of files: ends before its end" in shown, True)
    expect(said(shown, "cat /disk/a"), "first\n")
    expect("No such file or directory" in said(shown, "cat /disk/b"), True)


def a_file_that_would_leave_its_partition_is_none():
    with tempfile.TemporaryDirectory() as folder:
        disk = make_disk(folder, {"a": "first\n"})
        with open(disk, "r+b") as file:
            contents = file.read()
            at = contents.index(b"070701")
            file.seek(at + 6 + 6 * 8)       # its size
            file.write(b"7fffffff")
        shown = shell(disk, "cat /disk/a")
    expect("disk: partition 1: its archive of files: ends before its end" in shown, True)
    expect("No such file or directory" in said(shown, "cat /disk/a"), True)


def only_who_may_mount_does():
    with tempfile.TemporaryDirectory() as folder:
        disk = make_disk(folder, {"a": "first\n"})
        path = os.path.join(folder, "manifest")
        with open(os.path.join(TOP, "user", "init", "manifest"), encoding="ascii") as file:
            text = file.read()
        expect(text.count(" swap mount\n"), 1)
        with open(path, "w", encoding="ascii") as file:
            file.write(text.replace(" swap mount\n", " swap\n"))
        shown = shell(disk, "cat /disk/a", options=["--file", path + "=boot/manifest"])
    expect("disk: partition 1: a: " in shown, True)
    expect("No such file or directory" in said(shown, "cat /disk/a"), True)


def the_command_refuses_what_it_cannot_do():
    with tempfile.TemporaryDirectory() as folder:
        disk = make_disk(folder, {"a": "x"}, "--swap", "4M")
        expect(os.path.getsize(disk), 8 * MIB)
        for words, told in ((["--swap", "4M", disk], "is there already"),
                            ([disk + "2"], "nothing to put on the disk"),
                            (["--swap", "17", disk + "2"], "is not a size"),
                            (["--files", disk, disk + "2"], "no folder")):
            done = subprocess.run([os.path.join(TOP, "sbi", "disk"), *words], text=True,
                                  capture_output=True, check=False)
            expect((done.returncode, done.stderr.count("\n"), told in done.stderr), (2, 1, True))
        expect(os.path.exists(disk + "2"), False)


TESTS_EVERYWHERE = [
    files_of_the_disk_are_read_mapped_and_executed,
    nobody_changes_them,
    a_driver_that_is_started_again_shows_them_again,
    a_file_system_that_is_started_again_shows_them_again,
]
# What the driver makes of a disk that it has read is the same everywhere.
TESTS_ALL = [
    *TESTS_EVERYWHERE,
    an_archive_that_is_cut_off_is_named_and_shown_up_to_there,
    a_file_that_would_leave_its_partition_is_none,
    only_who_may_mount_does,
    the_command_refuses_what_it_cannot_do,
]

if __name__ == "__main__":
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("--build", required=True)
    parser.add_argument("--only", default="")
    where.add_options(parser)
    card.add_option(parser)
    OPTIONS = parser.parse_args()
    if card.skip(OPTIONS):
        sys.exit(0)
    sys.exit(run([test for test in (TESTS_ALL if where.is_plain(OPTIONS) else TESTS_EVERYWHERE)
                  if OPTIONS.only in test.__name__]))
