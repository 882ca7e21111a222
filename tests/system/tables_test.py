#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""All page tables of the machine, looked at from outside while programs run in it. Prints TAP.

The machine is stopped again and again where no hart is in the kernel, its memory dumped, and
kernel/debug/audit.py says what is wrong with it. In between the programs do not notice.

Usage: tables_test.py --build DIR [--card] [--machine MACHINE]
"""
import argparse
import os
import re
import sys
import tempfile
import threading
import time

sys.dont_write_bytecode = True
TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
TOP = os.path.dirname(TESTS)
sys.path += [os.path.join(TESTS, "harness"), os.path.join(TOP, "sbi"),
             os.path.join(TOP, "kernel", "debug")]

import card  # noqa: E402
import tree  # noqa: E402
from audit import ASID_MASK, Audit  # noqa: E402
from look import ACCESSED, PAGE_SHIFT, VALID, Kernel  # noqa: E402
from machine import MACHINES  # noqa: E402
from monitor import Gone, Monitor  # noqa: E402
from symbols import Symbols  # noqa: E402
from tap import expect, run  # noqa: E402

RAM_START = 0x80000000
MEM = 160  # MiB: room for python.trace
# (address, bytes) of memory; from a card there is a second piece above 4 GiB.
MEMORY = [(RAM_START, MEM << 20)]
CARD_MEM = 16  # MiB of the second
CARD_MEMORY = [(RAM_START, 192 << 20), (0x200000000, CARD_MEM << 20)]
LOOK_SECONDS = 0.3  # between two looks
FIRST_SECONDS = 20  # until the first is over, on a busy host
DIRECT_BASE = 0xffffffd000000000
SATP = re.compile(r"^ *satp +([0-9a-f]+)", re.M)


class Dump:
    """The memory of the stopped machine: files of which little is read, and that have no names."""

    def __init__(self, monitor, folder, pieces):
        path = os.path.join(folder, "ram")
        self.pieces = []
        for start, size in pieces:
            monitor.ask("pmemsave", val=start, size=size, filename=path)
            self.pieces.append((start, size, open(path, "r+b", buffering=0)))
            os.unlink(path)

    def find(self, physical, count):
        """(descriptor of a piece of memory, where in it the address is)."""
        for start, size, file in self.pieces:
            if 0 <= physical - start <= size - count:
                return file.fileno(), physical - start
        raise ValueError(f"{physical:#x} is no memory")

    def read(self, physical, count):
        file, at = self.find(physical, count)
        return os.pread(file, count, at)

    def write(self, physical, data):
        file, at = self.find(physical, len(data))
        os.pwrite(file, data, at)


class Looker:
    """A thread that stops the machine while its program runs and keeps what the audits say."""

    def __init__(self, built, folder, pieces, pause):
        self.pieces = pieces
        self.pause = pause  # seconds between two looks
        symbols = Symbols(built["kernel"], kinds="tTwWbBdDrR")
        self.addresses = dict(zip(symbols.names, symbols.starts))
        self.folder = folder
        self.path = os.path.join(folder, "qmp")
        self.complaints = []
        self.snapshots = self.leaves = self.tables = self.spaces = 0
        self.last = None
        self.trouble = None
        self.has_looked = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)

    def show(self, data):
        """The first words of a program: the kernel's boot is over. Short ones are looked at too."""
        if data and not self.thread.ident:
            self.thread.start()
            self.has_looked.wait(FIRST_SECONDS)

    def finish(self):
        self.thread.join()
        if self.trouble:
            raise self.trouble

    def kernel(self):
        return Kernel(self.last.read, self.addresses.__getitem__, os.path.join(TOP, "kernel"))

    def _run(self):
        try:
            monitor = Monitor(self.path)
            lock = self.addresses["kernel_lock"] - DIRECT_BASE
            while True:
                monitor.ask("stop")
                # A hart in the kernel may be half through with something.
                if monitor.say(f"xp /1wx {lock:#x}").split()[-1] == "0x00000000":
                    self.last = Dump(monitor, self.folder, self.pieces)
                    self._judge(monitor.say("info registers -a"))
                    self.has_looked.set()
                    monitor.ask("cont")
                    time.sleep(self.pause)
                else:
                    monitor.ask("cont")
        except (Gone, OSError):
            pass
        except Exception as trouble:  # of any kind: it is the test's, which is in another thread
            self.trouble = trouble
        finally:
            self.has_looked.set()

    def _judge(self, registers):
        audit = Audit(self.kernel())
        self.complaints += audit.run()
        for satp in SATP.findall(registers):
            if int(satp, 16) & ASID_MASK:
                self.complaints.append(f"register satp is {satp}")
        self.snapshots += 1
        self.leaves += audit.leaves
        self.tables += audit.tables
        self.spaces = max(self.spaces, len(audit.spaces))


def looked_at(options, name, arguments=(), smp=1, pause=LOOK_SECONDS):
    """Run a program of the tests, or of the archive, to its end; return the Looker."""
    built = tree.manifest()
    program = os.path.join(options.build, "tests", "system", name)
    extra = [(program, "bin/" + name)] if os.path.exists(program) else []
    machine = card.machine_of(options)(built, tree.boot_files(built, [name, *arguments], extra))
    machine.machine = options.machine
    machine.mem = f"{CARD_MEM if options.card else MEM}M"
    machine.smp = smp
    machine.seed_opt = 1
    machine.timeout = 120
    with tempfile.TemporaryDirectory(prefix="holdfast-") as folder:
        looker = Looker(built, folder, CARD_MEMORY if options.card else MEMORY, pause)
        machine.extra = ["-qmp", f"unix:{looker.path},server=on,wait=off"]
        outcome = machine.run(looker.show)
        looker.finish()
    expect((outcome.status, outcome.trouble), (0, ""))
    expect(looker.complaints[:5], [])
    # A look that saw nothing would have nothing to complain about.
    expect(looker.snapshots > 0 and looker.leaves > 100 and looker.tables > 10, True)
    print(f"# {name} on {smp}: {looker.snapshots} looks, {looker.spaces} spaces at most, "
          f"{looker.tables} tables, {looker.leaves} leaves")
    return looker


def main():
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("--build", required=True)
    parser.add_argument("--machine", choices=sorted(MACHINES), default="virt")
    card.add_option(parser)
    options = parser.parse_args()
    os.environ["HOLDFAST_BUILD"] = options.build
    if card.skip(options):
        return 0

    def tables_are_in_order_while_regions_change():
        looked_at(options, "together", ["hello", "+", "replay", "/traces/python.trace"])

    def tables_are_in_order_while_processes_come_and_go():
        looked_at(options, "process_test", smp=2)

    def tables_are_in_order_with_threads_on_four_harts():
        looked_at(options, "map_test" if options.card else "harts_test", smp=4)

    def tables_are_in_order_under_random_calls():
        looked_at(options, "random_calls_test", smp=4, pause=1)

    def tables_are_in_order_under_hostile_clients():
        looked_at(options, "hostile_test", smp=4, pause=2)  # each at thousands of spaces

    def tables_are_in_order_under_traces_side_by_side():
        looked_at(options, "together", ["hello", "+", "replay", "/traces/cc1.trace", "+", "replay",
                                        "/traces/sqlite.trace"], smp=4)

    def what_is_wrong_is_seen():
        """Spoil a dump in one place after the other: the audit has to complain of each."""
        looker = looked_at(options, "map_test")  # once, at its first words
        kernel = looker.kernel()
        leaves = {}
        for space in kernel.spaces():
            for entry in kernel.entries(space.root, end=256):
                if entry.is_leaf and entry.level == 0:
                    index = entry.address >> PAGE_SHIFT & 511
                    leaves[entry.word & 0xff] = (entry.table << PAGE_SHIFT) + 8 * index
        expect(len(leaves) > 1, True)
        for flags, place in leaves.items():
            for wrong in (VALID, ACCESSED, 1 << 8, 1 << 54, 1 << 20) + (
                    (1 << 7,) if flags & 1 << 2 else ()):
                spoil(looker, place, wrong)

    def spoil(looker, place, bits):
        before = looker.last.read(place, 8)
        looker.last.write(place, (int.from_bytes(before, "little") ^ bits).to_bytes(8, "little"))
        try:
            complaints = Audit(looker.kernel()).run()
        finally:
            looker.last.write(place, before)
        if not complaints:
            raise AssertionError(f"{bits:#x} changed at {place:#x}: nothing is said")

    if options.card:
        return run([tables_are_in_order_with_threads_on_four_harts])
    if options.machine != "virt":
        return run([tables_are_in_order_while_processes_come_and_go,
                    tables_are_in_order_under_traces_side_by_side])
    return run([
        tables_are_in_order_while_regions_change,
        tables_are_in_order_while_processes_come_and_go,
        tables_are_in_order_with_threads_on_four_harts,
        tables_are_in_order_under_random_calls,
        tables_are_in_order_under_hostile_clients,
        tables_are_in_order_under_traces_side_by_side,
        what_is_wrong_is_seen,
    ])


if __name__ == "__main__":
    sys.exit(main())
