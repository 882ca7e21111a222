# SPDX-License-Identifier: MIT
"""Commands for gdb, for a machine that waits under QEMU (sbi/boot --gdb).

    hf threads                  threads: state, hart, program, where they are
    hf spaces                   spaces: program, root table, tables and leaves by size
    hf walk ADDRESS [THREAD]    the entries of the page tables on the way to an address
    hf trace [COUNT]            the last events of all harts (sbi/boot --trace)
    hf symbols [THREAD] [FILE]  load the symbols of the program that a thread runs
    hf audit                    what is wrong with the page tables

THREAD is a number of `hf threads`; without one it is the thread of the selected hart. Memory is
read by physical addresses, so that it does not matter what the hart was doing.

    gdb-multiarch -x kernel/debug/gdb.py -ex 'target remote :1234' build/kernel/kernel.elf
"""
import glob
import json
import os
import sys

import gdb  # the debugger's own module

sys.dont_write_bytecode = True
FOLDER = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [FOLDER, os.path.join(os.path.dirname(os.path.dirname(FOLDER)), "sbi")]

from audit import Audit  # noqa: E402
from flatten import ELF_HEADER, EM_RISCV, PF_X, PROGRAM_HEADER, PT_LOAD  # noqa: E402
from look import PAGE_BYTES, PAGE_SHIFT, Kernel  # noqa: E402

COMPLAINTS_SHOWN = 20
TRACE_SHOWN = 32
ROOT_MASK = (1 << 44) - 1


def read_physical(address, count):
    """Bytes of physical memory, whatever the hart's address space and mode."""
    gdb.execute("maintenance packet Qqemu.PhyMemMode:1", to_string=True)
    try:
        return bytes(gdb.selected_inferior().read_memory(address, count))
    finally:
        gdb.execute("maintenance packet Qqemu.PhyMemMode:0", to_string=True)


def address_of(symbol):
    return int(gdb.parse_and_eval(f"(unsigned long)&{symbol}"))


def kernel_now():
    """The kernel as it is while the machine stands."""
    try:
        return Kernel(read_physical, address_of, os.path.dirname(FOLDER))
    except (gdb.error, ValueError) as error:
        raise gdb.GdbError(f"hf: the kernel cannot be read yet: {error}") from None


def name_at(pc):
    """'function + 4' of an address, by the symbols that are loaded."""
    text = gdb.execute(f"info symbol {pc:#x}", to_string=True)
    return "" if text.startswith("No symbol") else text.split(" in section ")[0].strip()


def hart_registers():
    """{hart id: (pc, satp)} by QEMU's threads, which count its harts from 1."""
    selected = gdb.selected_thread()
    frame = gdb.selected_frame()
    found = {}
    for thread in gdb.selected_inferior().threads():
        thread.switch()
        found[thread.ptid[1] - 1] = (int(gdb.parse_and_eval("(unsigned long)$pc")),
                                     int(gdb.parse_and_eval("(unsigned long)$satp")))
    selected.switch()
    frame.select()
    return found


class Programs:
    """Which file a space runs: the one whose code is what lies in its memory."""

    def __init__(self):
        kernel_elf = gdb.current_progspace().filename
        build = os.path.dirname(os.path.dirname(kernel_elf)) if kernel_elf else ""
        self.files = []
        try:
            with open(os.path.join(build, "sbi", "manifest.json"), encoding="utf-8") as source:
                built = json.load(source)
            self.files = [built["server_elf"], built["init_elf"], *built["program_elfs"]]
        except (OSError, ValueError, KeyError):
            pass
        self.files += sorted(glob.glob(os.path.join(build, "tests", "*", "*")))
        self.known = {}  # by root table

    def of_space(self, kernel, root):
        if root not in self.known:
            pages = Pages(kernel, root)
            scores = [(pages.score(file), file) for file in self.files]
            best = max(scores, default=(0, None), key=lambda score: score[0])
            self.known[root] = best[1] if best[0] > 0 else None
        return self.known[root]

    def name(self, kernel, root):
        file = self.of_space(kernel, root)
        return os.path.basename(file) if file else "?"


class Pages:
    """What lies in a space: its tables are walked once, each page is read once."""

    def __init__(self, kernel, root):
        self.read = kernel.read
        self.physical = {entry.address: entry.frame << PAGE_SHIFT
                         for entry in kernel.entries(root, end=256)
                         if entry.is_leaf and entry.level == 0}
        self.seen = {}  # by address

    def score(self, path):
        """Pages of code that are in memory and in the file; 0 if one differs."""
        pages = 0
        for address, data in code_of(path):
            for start in range(0, len(data), PAGE_BYTES):
                part = data[start:start + PAGE_BYTES]
                seen = self._page(address + start)
                if seen is None:
                    continue
                if seen[:len(part)] != part:
                    return 0
                pages += 1
        return pages

    def _page(self, address):
        if address not in self.physical:
            return None
        if address not in self.seen:
            self.seen[address] = self.read(self.physical[address], PAGE_BYTES)
        return self.seen[address]


def code_of(path):
    """(address, bytes) of the executable segments of a RISC-V ELF file; none of any other file."""
    if not os.path.isfile(path):
        return
    with open(path, "rb") as source:
        elf = source.read(ELF_HEADER.size)
        if len(elf) < ELF_HEADER.size or elf[:5] != b"\x7fELF\x02":
            return
        fields = ELF_HEADER.unpack(elf)
        if fields[2] != EM_RISCV:
            return
        elf += source.read()
    table, entry_size, count = fields[5], fields[9], fields[10]
    for i in range(count):
        kind, flags, offset, address, _, size, _, _ = PROGRAM_HEADER.unpack_from(
            elf, table + i * entry_size)
        if kind == PT_LOAD and flags & PF_X:
            yield address, elf[offset:offset + size]


def hart_id(kernel, index):
    numbers = kernel.numbers
    return kernel.field(kernel.harts + index * numbers["HART_BYTES"], "HART_ID")


def selected_address(kernel):
    """Address of the thread of the selected hart; 0: idle."""
    wanted = gdb.selected_thread().ptid[1] - 1
    for index in range(kernel.harts_count()):
        if hart_id(kernel, index) == wanted:
            return kernel.current(index)
    return 0


def thread_named(kernel, word_opt):
    """The thread with the number, or the one of the selected hart."""
    threads = kernel.threads()
    if word_opt is None:
        address = selected_address(kernel)
        found = [thread for thread in threads if thread.address == address]
        if not found:
            raise gdb.GdbError("hf: the selected hart runs no thread: name one of hf threads")
        return found[0]
    number = integer(word_opt)
    for thread in threads:
        if thread.number == number:
            return thread
    raise gdb.GdbError(f"hf: no thread {number}")


def pc_of(kernel, thread, registers):
    """Where a thread is in its program; None: its hart is in the kernel just now."""
    if kernel.current(thread.hart) != thread.address:
        return thread.registers[0]
    pc = registers.get(hart_id(kernel, thread.hart), (thread.registers[0], 0))[0]
    return pc if pc < kernel.numbers["DIRECT_BASE"] else None


def integer(word):
    try:
        return int(gdb.parse_and_eval(f"(unsigned long)({word})"))
    except gdb.error as error:
        raise gdb.GdbError(f"hf: {word}: {error}") from None


class Command(gdb.Command):
    """A command of ours: its words are taken apart and counted."""

    most_words = 0

    def __init__(self, name):
        super().__init__(f"hf {name}", gdb.COMMAND_DATA)

    def invoke(self, argument, _from_tty):
        words = gdb.string_to_argv(argument)
        if len(words) > self.most_words:
            raise gdb.GdbError(f"hf: usage: {type(self).__doc__.splitlines()[0]}")
        self.run(words)

    def run(self, words):
        raise NotImplementedError


class Prefix(gdb.Command):
    """Holdfast: threads, spaces, walk, trace, symbols, audit."""

    def __init__(self):
        super().__init__("hf", gdb.COMMAND_DATA, prefix=True)

    def invoke(self, _argument, _from_tty):
        gdb.execute("help hf")


class Threads(Command):
    """hf threads
    All threads: number, state, priority, hart, program, and where they are in it."""

    def run(self, words):
        kernel = kernel_now()
        programs = Programs()
        registers = hart_registers()
        print("thread  state      prio hart  program          pc")
        for thread in kernel.threads():
            state = kernel.name_of("thread_state", thread.state)
            is_current = kernel.current(thread.hart) == thread.address
            pc = pc_of(kernel, thread, registers)
            print(f"{thread.number:6}{'*' if is_current else ' '} {state:<10} {thread.priority:4} "
                  f"{thread.hart:4}  {programs.name(kernel, thread.satp & ROOT_MASK):<16} "
                  + ("(in the kernel)" if pc is None else f"{pc:#x}"))


class Spaces(Command):
    """hf spaces
    All spaces: program, root table, how many tables, and leaves of 4 KiB, 2 MiB and 1 GiB."""

    def run(self, words):
        kernel = kernel_now()
        programs = Programs()
        print("space                program          root         tables  leaves: 4K   2M   1G")
        for space in kernel.spaces():
            tables, leaves = 1, [0, 0, 0]
            for entry in kernel.entries(space.root, end=257):
                if entry.is_leaf:
                    leaves[entry.level] += 1
                else:
                    tables += 1
            print(f"{space.address:#x}   {programs.name(kernel, space.root):<16} "
                  f"{space.root << PAGE_SHIFT:#x} {tables:9}  {leaves[0]:10} {leaves[1]:4} "
                  f"{leaves[2]:4}")


class Walk(Command):
    """hf walk ADDRESS [THREAD]
    The entries of the page tables on the way to an address, and where it leads."""

    most_words = 2

    def run(self, words):
        if not words:
            raise gdb.GdbError("hf: usage: hf walk ADDRESS [THREAD]")
        kernel = kernel_now()
        address = integer(words[0])
        if address >> 38 not in (0, (1 << 26) - 1):
            raise gdb.GdbError(f"hf: {address:#x} is no address of Sv39")
        root = thread_named(kernel, words[1] if len(words) > 1 else None).satp & ROOT_MASK
        print(f"root {root << PAGE_SHIFT:#x}")
        for entry in kernel.walk(root, address):
            print("  " + entry.text())
        physical = kernel.translate(root, address)
        print("nothing is mapped there" if physical is None else f"physical {physical:#x}")


class Trace(Command):
    """hf trace [COUNT]
    The last events of all harts, oldest first."""

    most_words = 1

    def run(self, words):
        count = integer(words[0]) if words else TRACE_SHOWN
        kernel = kernel_now()
        events = kernel.trace()
        if not events:
            print("no events: start the machine with sbi/boot --trace")
        for time, hart, kind, first, second in events[max(0, len(events) - count):]:
            name, text = kernel.events.get(kind, (f"event {kind}", ""))
            print(f"{time:12} hart {hart} {name:<14} {first:#x} {second:#x}  ({text})")


class LoadSymbols(Command):
    """hf symbols [THREAD] [FILE]
    Load the symbols of the program that a thread runs, in place of those loaded before."""

    most_words = 2
    loaded = None

    def run(self, words):
        kernel = kernel_now()
        thread = thread_named(kernel, words[0] if words else None)
        file = words[1] if len(words) > 1 else Programs().of_space(kernel,
                                                                   thread.satp & ROOT_MASK)
        if file is None:
            raise gdb.GdbError(f"hf: thread {thread.number} runs none of the programs of the build:"
                               " name its file")
        if LoadSymbols.loaded:
            gdb.execute(f"remove-symbol-file {LoadSymbols.loaded}", to_string=True)
            LoadSymbols.loaded = None
        text = min((address for address, _ in code_of(file)), default=None)
        if text is None:
            raise gdb.GdbError(f"hf: {file} is no program")
        gdb.execute(f"add-symbol-file {file}", to_string=True)
        # What remove-symbol-file takes is any address inside.
        LoadSymbols.loaded = f"-a {text:#x}"
        pc = pc_of(kernel, thread, hart_registers())
        where = "in the kernel" if pc is None else f"{pc:#x} {name_at(pc)}".strip()
        print(f"thread {thread.number}: {os.path.basename(file)}, {where}")


class AuditTables(Command):
    """hf audit
    What is wrong with the page tables. Only what stands still can be judged."""

    def run(self, words):
        kernel = kernel_now()
        if kernel.is_busy():
            print("a hart is in the kernel: what it changes may be half done")
        audit = Audit(kernel)
        complaints = audit.run()
        for complaint in complaints[:COMPLAINTS_SHOWN]:
            print(complaint)
        print(f"{len(audit.spaces)} spaces, {audit.tables} tables, {audit.leaves} leaves: "
              f"{len(complaints)} complaints")


Prefix()
for name, command in [("threads", Threads), ("spaces", Spaces), ("walk", Walk), ("trace", Trace),
                      ("symbols", LoadSymbols), ("audit", AuditTables)]:
    command(name)
