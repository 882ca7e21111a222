# SPDX-License-Identifier: MIT
"""Run the system under QEMU and say how it ended.

The kernel ends every run with one line that carries a random number from its command line, so that
no program can forge it: `[holdfast NONCE exit N]` or `[holdfast NONCE panic TEXT]`. N below 256 is
the status of the program; from 256 on, N / 256 is the cause for which it was ended (enum cause of
abi/fault.h).
"""
import ctypes
import os
import re
import secrets
import select
import signal
import subprocess
import sys
import tempfile
import termios
import time

from archive import pack
from console import Console
from symbols import Symbols
from typed import Typed

STATUS_TIMEOUT = 124
STATUS_PANIC = 125
STATUS_FAULT = 126
STATUS_SILENT = 127

# enum cause: what a program can be ended for.
CAUSES = {
    2: "access to an address where nothing is mapped",
    3: "access that the protection forbids",
    4: "bus error",
    5: "illegal instruction",
    6: "misaligned access",
    7: "breakpoint",
    8: "access that the machine refused",
    9: "ended by another process",
    11: "failed assertion",
}

# There if QEMU does not count instructions: what the hart's counter says then means nothing.
UNCOUNTED = ("boot/uncounted", b"")

# What QEMU says when kernel, boot archive and device tree have no room beside each other.
QEMU_NO_ROOM = re.compile("regions (are )?overlap|could not load (ramdisk|initrd)"
                          "|[Nn]o(t)? enough memory to place")

POWER_OFF_SECONDS = 5
PR_SET_PDEATHSIG = 1

# What it says when somebody else has the disk's file.
QEMU_DISK_TAKEN = re.compile(r'Failed to get (shared )?"\w+" lock')

# Machines of QEMU: harts that cannot run the kernel and are counted by -smp all the same, the most
# harts that can, whether they can be chosen, and whether its disk is an SD card.
MACHINES = {
    "virt": {"other_harts": 0, "harts_max": 8, "has_cpus": True, "has_card": False},
    "sifive_u": {"other_harts": 1, "harts_max": 4, "has_cpus": False, "has_card": True},
}


def patience():
    """How many times as long as it says a time-out is: tests on busy computers ask for that."""
    asked = os.environ.get("HOLDFAST_PATIENCE", "1")
    if not asked.isdecimal() or int(asked) == 0:
        sys.exit(f"HOLDFAST_PATIENCE is '{asked}', but has to be a number from 1 on")
    return int(asked)


class Machine:
    """What to run and how. All fields may be changed before run()."""

    def __init__(self, built, files):
        self.built = built        # manifest of the build directory
        self.files = files        # of the boot archive, (name, data)
        self.machine = "virt"     # one of MACHINES
        self.cpu = "rv64"         # where the machine has a choice
        self.smp = 1              # harts that can run the kernel
        self.mem = "256M"
        self.icount = False
        self.seed_opt = None
        self.timeout = 120.0
        self.gdb_port_opt = None  # wait there for a debugger before the first instruction
        self.trace = False        # the kernel records events
        self.appended = []        # more words for the kernel's command line
        self.quiet = True         # the kernel does not report what it finds at boot
        self.interactive = False  # keys, ^C too, go to the guest; QEMU's own are Ctrl-A x, h, ...
        self.elfs = {}            # host paths of ELF files by name in the boot archive
        self.disk_opt = None      # (path, whether it may only be read)
        self.disk_traits = ""     # more of QEMU's options, as ",throttling.iops-total=9"
        self.extra = []           # more arguments for QEMU

    def words(self, nonce):
        """The kernel's command line."""
        words = [f"nonce={nonce}"]
        if self.seed_opt is not None:
            words.append(f"seed={self.seed_opt}")
        if self.quiet:
            words.append("quiet")
        if self.trace:
            words.append("trace")
        return words + self.appended

    def command(self, archive, nonce):
        serial = "mon:stdio" if self.interactive else "stdio"
        traits = MACHINES[self.machine]
        command = ["qemu-system-riscv64", "-M", self.machine,
                   "-smp", str(self.smp + traits["other_harts"]), "-m", self.mem,
                   "-display", "none", "-serial", serial,
                   "-bios", "default", "-kernel", self.built["kernel"], "-initrd", archive,
                   "-append", " ".join(self.words(nonce)), "-no-reboot"]
        if traits["has_cpus"]:
            command += ["-cpu", self.cpu]
        if not self.interactive:
            command += ["-monitor", "none"]
        if self.seed_opt is not None:
            command += ["-seed", str(self.seed_opt)]
        if self.icount:
            # While nothing runs, time either jumps to the next timer, and all runs are the same, or
            # passes. Where it jumps and no timer is set, QEMU takes no keys.
            command += ["-icount", f"shift=0,sleep={'on' if self.interactive else 'off'}"]
        if self.gdb_port_opt is not None:
            command += ["-gdb", f"tcp:127.0.0.1:{self.gdb_port_opt}", "-S"]
        if self.disk_opt is not None:
            command += self.disk_command(*self.disk_opt)
        return command + self.extra

    def disk_command(self, path, is_read_only):
        """A card, or a disk at a device of virtio 1: without asking, QEMU makes older ones."""
        drive = f"format=raw,file={path.replace(',', ',,')}"
        if MACHINES[self.machine]["has_card"]:
            return ["-drive", "if=sd," + drive + self.disk_traits]
        drive = "if=none,id=disk," + drive
        if is_read_only:
            drive += ",readonly=on"
        return ["-global", "virtio-mmio.force-legacy=false", "-drive", drive + self.disk_traits,
                "-device", "virtio-blk-device,drive=disk"]

    def run(self, show):
        """Run to the end. `show(bytes)` gets the output as it comes. Returns an Outcome."""
        nonce = secrets.token_hex(8)
        symbols = []

        def describe(address, is_return):
            # A panic of the kernel's own, or one because the memory server broke.
            if not symbols:
                symbols.extend([Symbols(self.built["kernel"]), Symbols(self.built["server_elf"])])
            names = (program.describe(address, is_return) for program in symbols)
            return next(filter(None, names), "")

        programs = {}

        def describe_program(program, address):
            # By its name, or by the path of a file of the archive.
            is_path = program.startswith("/")
            for name in [program.lstrip("/")] if is_path else ["bin/" + program, program]:
                if name in self.elfs:
                    if name not in programs:
                        programs[name] = Symbols(self.elfs[name])
                    return programs[name].describe(address)
            return ""

        console = Console(nonce, describe, describe_program)
        with tempfile.TemporaryDirectory(prefix="holdfast-") as folder:
            archive = os.path.join(folder, "boot.cpio")
            with open(archive, "wb") as target:
                target.write(pack(self.files + ([] if self.icount else [UNCOUNTED])))
            with open(os.path.join(folder, "stderr"), "w+b") as errors:
                try:
                    is_late = self._drive(self.command(archive, nonce), errors, console, show)
                except FileNotFoundError:
                    return Outcome(STATUS_SILENT, "QEMU is not installed: run cross/setup first")
                errors.seek(0)
                said = errors.read().decode(errors="replace").strip()
        return Outcome.judge(console.end_line, self.timeout * patience() if is_late else None, said)

    def _drive(self, command, errors, console, show):
        """Move bytes until QEMU is gone. Returns whether the time was up."""
        is_direct = is_usable_terminal()
        terminal = terminal_save()
        parent = os.getpid()
        with subprocess.Popen(command, stdin=None if is_direct else subprocess.PIPE, bufsize=0,
                              stdout=subprocess.PIPE, stderr=errors,
                              preexec_fn=lambda: die_with(parent)) as qemu:
            try:
                typed = None if is_direct else Typed(open_input(), qemu.stdin.fileno())
                return self._move(qemu.stdout.fileno(), typed, console, show)
            finally:
                qemu.kill()
                qemu.wait()
                terminal_restore(terminal)

    def _move(self, output, typed_opt, console, show):
        deadline = time.monotonic() + (self.timeout * patience() or float("inf"))
        is_ended = False
        while True:
            if console.end_line is not None and not is_ended:
                is_ended = True
                deadline = time.monotonic() + POWER_OFF_SECONDS
            left = deadline - time.monotonic()
            readable, writable, _ = select.select(
                [output] + (typed_opt.readers() if typed_opt else []),
                typed_opt.writers() if typed_opt else [], [],
                None if left == float("inf") else max(0, left))
            if left <= 0 or not readable and not writable:
                show(console.finish())
                return not is_ended
            if typed_opt:
                typed_opt.move(readable, writable)
            if output in readable:
                data = os.read(output, 65536)
                if not data:
                    show(console.finish())
                    return False
                if typed_opt:
                    typed_opt.open()
                show(console.feed(data))


class Outcome:
    """How a run ended: the exit status and, unless the program ended itself, what happened."""

    def __init__(self, status, trouble=""):
        self.status = status
        self.trouble = trouble

    @staticmethod
    def judge(end_line, timeout, qemu_said):
        if timeout is not None:
            return Outcome(STATUS_TIMEOUT, f"time-out: not finished after {timeout:g} seconds")
        kind, _, text = (end_line or "").partition(" ")
        if kind == "panic":
            return Outcome(STATUS_PANIC, "kernel panic: " + text)
        if kind == "exit" and text.isdigit() and int(text) < 256:
            return Outcome(int(text))
        if kind == "exit" and text.isdigit():
            cause = int(text) // 256
            return Outcome(STATUS_FAULT, "the program was ended by a fault without handler: "
                           + CAUSES.get(cause, f"cause {cause}"))
        trouble = "no end line: the machine stopped without saying why"
        if QEMU_NO_ROOM.search(qemu_said):
            trouble = "the boot archive does not fit into the memory: give more with --mem"
        elif QEMU_DISK_TAKEN.search(qemu_said):
            trouble = "another process has the disk's file: one machine at a time can use it"
        elif qemu_said:
            trouble += f" ({qemu_said.splitlines()[-1]})"
        return Outcome(STATUS_SILENT, trouble)


def die_with(parent):
    """In the child: be killed when the parent dies, however it dies."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def is_usable_terminal():
    """A process in the background would be stopped for setting up its terminal."""
    try:
        return os.isatty(0) and os.tcgetpgrp(0) == os.getpgrp()
    except OSError:
        return False


def open_input():
    """The descriptor of a standard input that is no terminal; None if there is nothing to read."""
    try:
        os.fstat(0)
        return None if os.isatty(0) else 0
    except OSError:
        return None


def terminal_save():
    try:
        return termios.tcgetattr(0) if is_usable_terminal() else None
    except (termios.error, OSError):
        return None


def terminal_restore(saved):
    if saved is not None:
        termios.tcsetattr(0, termios.TCSADRAIN, saved)
