#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Wrong use of a host command: one clear line on stderr and a non-zero status. Prints TAP."""
import os
import re
import socket
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
TOP = os.path.dirname(TESTS)
sys.path.append(os.path.join(TESTS, "harness"))

from tap import expect, run  # noqa: E402


def said(command, *arguments, build=None):
    """(status, lines on stderr) of a host command; nothing may be printed on stdout."""
    environment = dict(os.environ)
    if build is not None:
        environment["HOLDFAST_BUILD"] = build
    done = subprocess.run([os.path.join(TOP, command), *arguments], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=300,
                          env=environment, check=False)
    expect(done.stdout, "")
    return done.returncode, done.stderr.splitlines()


def expect_refusal(words, command, *arguments, build=None, status=2):
    actual, lines = said(command, *arguments, build=build)
    expect((actual, len(lines)), (status, 1))
    expect(lines[0].startswith(command + ": "), True)
    for word in words:
        if word not in lines[0]:
            raise AssertionError(f"{word!r} is not in {lines[0]!r}")


def boot_refuses_options_it_does_not_know():
    expect_refusal(["--bogus"], "sbi/boot", "--bogus", "--", "hello")
    expect_refusal(["hello", "--"], "sbi/boot", "hello")
    expect_refusal(["pdp11", "virt"], "sbi/boot", "-M", "pdp11", "--", "hello")
    expect_refusal(["--append", "nonce="], "sbi/boot", "--append", "nonce=1", "--", "hello")
    for word in ("mem=1Z", "mem=", "quiet trace", "harts=-1"):
        expect_refusal(["--append", word, "mem=SIZE"], "sbi/boot", "--append", word, "--", "hello")


def boot_refuses_numbers_out_of_range():
    for option, value in [("--smp", "0"), ("--smp", "x"), ("--smp", "1000"), ("--mem", "1M"),
                          ("--mem", "9G"), ("--mem", "lots"), ("--mem", "16777217"),
                          ("--seed", "-1"), ("--seed", str(1 << 64)), ("--timeout", "soon")]:
        expect_refusal([option, value], "sbi/boot", option, value, "--", "hello")
    expect_refusal(["sifive_u", "4"], "sbi/boot", "-M", "sifive_u", "--smp", "5", "--", "hello")
    expect_refusal(["--timeout"], "sbi/boot", "--timeout")


def boot_refuses_files_and_programs_that_are_not_there():
    expect_refusal(["nowhere"], "sbi/boot", "--file", "nowhere", "--", "hello")
    expect_refusal(["--"], "sbi/boot", "--")
    expect_refusal(["nobody"], "sbi/boot", "--", "nobody")
    expect_refusal(["TRAILER!!!"], "sbi/boot", "--file", __file__ + "=TRAILER!!!", "--", "hello")
    expect_refusal(["a//b", "path"], "sbi/boot", "--file", __file__ + "=a//b", "--", "hello")
    expect_refusal(["../b", "path"], "sbi/boot", "--file", __file__ + "=../b", "--", "../b")
    expect_refusal(["bin/hello", "twice"], "sbi/boot", "--file", __file__ + "=bin/hello", "--",
                   "hello")


def boot_refuses_disks_that_are_none():
    with tempfile.TemporaryDirectory() as folder:
        odd, empty, card, constant, pipe = (
            os.path.join(folder, name) for name in ("odd", "empty", "card", "constant", "pipe"))
        os.mkfifo(pipe)
        for name, size in (odd, 1000), (empty, 0), (card, 1536), (constant, 1024):
            with open(name, "wb") as file:
                file.truncate(size)
        for name, said in ((odd, "512"), (empty, "empty"), (folder, "no file"),
                           (os.path.join(folder, "nowhere"), "no such file"),
                           ("/dev/null", "no file"), (pipe, "no file")):
            expect_refusal(["--disk", name, said], "sbi/boot", "--disk", name, "--", "hello")
        os.chmod(constant, 0o444)
        for name, said in (card, "power of two"), (constant, "may only be read"):
            expect_refusal(["--disk", name, said], "sbi/boot", "-M", "sifive_u", "--disk", name,
                           "--", "hello")


def boot_refuses_what_cannot_be_started():
    expect_refusal(["traces/cc1.trace", "RISC-V"], "sbi/boot", "--", "traces/cc1.trace")
    expect_refusal(["'t'", "RISC-V"], "sbi/boot", "--file", __file__ + "=t", "--", "t")
    expect_refusal(["'t'", "RISC-V"], "sbi/boot", "--file", sys.executable + "=bin/t", "--", "t")
    expect_refusal(["arguments", "255"], "sbi/boot", "--", "hello", *["a"] * 256)
    expect_refusal(["arguments", "31 KiB"], "sbi/boot", "--", "hello", "a" * 40000)


def boot_runs_a_program_with_as_many_arguments_as_it_allows():
    for words in (["a"] * 255, ["a" * (31700 - 20)]):
        done = subprocess.run([os.path.join(TOP, "sbi/boot"), "--", "hello", *words],
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
                              timeout=300, check=False)
        expect((done.returncode, done.stdout.splitlines()[0]),
               (0, " ".join(["Hello from hello", *words])))


def boot_hands_words_to_the_kernel():
    frames = []
    for words in ([], ["--append", "mem=64M"]):
        done = subprocess.run([os.path.join(TOP, "sbi/boot"), *words, "--", "hello"],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300,
                              check=True)
        frames.append(int(re.search(r"frames free: (\d+) before", done.stdout)[1]))
    expect(frames[0] > 2 * frames[1] > 0, True)


def boot_says_when_the_port_for_a_debugger_cannot_be_used():
    for port in ("0", "65536", "x"):
        expect_refusal(["--gdb", port], "sbi/boot", "--gdb=" + port, "--", "hello")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        expect_refusal([port, "--gdb"], "sbi/boot", "--gdb=" + port, "--", "hello")


def boot_says_when_the_archive_does_not_fit():
    with tempfile.NamedTemporaryFile() as large:
        large.truncate(100 << 20)
        for size in ("64M", "128M"):
            expect_refusal(["archive", "--mem"], "sbi/boot", "--mem", size, "--file", large.name,
                           "--", "hello", status=127)


def boot_says_when_its_output_cannot_be_written():
    with open("/dev/full", "wb") as full:
        done = subprocess.run([os.path.join(TOP, "sbi/boot"), "--", "hello"], stdout=full,
                              stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                              timeout=300, check=False)
    expect((done.returncode, len(done.stderr.splitlines())), (127, 1))


def cc_links_with_a_language_named():
    with tempfile.TemporaryDirectory() as folder:
        expect(said("cross/cc", "-x", "c", "/dev/null", "-D", "x", "-o", folder + "/t",
                    "-Wl,--unresolved-symbols=ignore-all"), (0, []))


def cc_refuses_what_no_compiler_needs_to_be_asked():
    expect_refusal(["no input files", "usage"], "cross/cc")
    expect_refusal(["no input files"], "cross/cc", "-o", "t")
    expect_refusal(["'-o'"], "cross/cc", "t.c", "-o")
    expect_refusal(["nowhere.c"], "cross/cc", "-c", "nowhere.c")
    expect_refusal(["''"], "cross/cc", "")
    expect_refusal([TESTS], "cross/cc", TESTS)
    expect_refusal(["-shared", "static"], "cross/cc", "-shared", "/dev/null")


def cc_hands_questions_to_the_compiler():
    for question in ("--version", "-dumpmachine", "-print-libgcc-file-name"):
        done = subprocess.run([os.path.join(TOP, "cross/cc"), question], stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              timeout=300, check=False)
        expect((done.returncode, done.stderr, done.stdout != ""), (0, "", True))


def commands_without_a_build_directory_name_setup():
    with tempfile.TemporaryDirectory() as folder:
        expect_refusal(["cross/setup"], "sbi/boot", "--", "hello", build=folder)
        expect_refusal(["cross/setup"], "cross/cc", "-c", "/dev/null", build=folder, status=1)


def setup_refuses_what_is_no_build_directory():
    expect_refusal(["--bogus"], "cross/setup", "--bogus")
    expect_refusal(["more than one"], "cross/setup", "a", "b")
    expect_refusal(["no build directory"], "cross/setup", TESTS, status=1)
    expect_refusal(["no build directory"], "cross/setup", "/dev/null", status=1)
    expect_refusal(["empty"], "cross/setup", "")
    expect_refusal(["cannot create"], "cross/setup", "/proc/nowhere", status=1)


if __name__ == "__main__":
    sys.exit(run([
        boot_refuses_options_it_does_not_know,
        boot_refuses_numbers_out_of_range,
        boot_refuses_files_and_programs_that_are_not_there,
        boot_refuses_disks_that_are_none,
        boot_refuses_what_cannot_be_started,
        boot_runs_a_program_with_as_many_arguments_as_it_allows,
        boot_hands_words_to_the_kernel,
        boot_says_when_the_port_for_a_debugger_cannot_be_used,
        boot_says_when_the_archive_does_not_fit,
        boot_says_when_its_output_cannot_be_written,
        cc_links_with_a_language_named,
        cc_refuses_what_no_compiler_needs_to_be_asked,
        cc_hands_questions_to_the_compiler,
        commands_without_a_build_directory_name_setup,
        setup_refuses_what_is_no_build_directory,
    ]))
