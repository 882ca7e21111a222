# SPDX-License-Identifier: MIT
"""What the memory of a stopped machine says: the kernel's threads, spaces, page tables, events.

Pure: whoever uses it gives a function that reads physical memory and one that knows the addresses
of the kernel's symbols. Offsets and numbers are read out of the kernel's own headers, which the
compiler holds against the structures (STATIC_ASSERT), so they cannot differ from the build.

Used by gdb.py, where a debugger reads, and by tests/system/tables_test.py, from a dump.
"""
import os
import re
import struct

PAGE_SHIFT = 12
PAGE_BYTES = 1 << PAGE_SHIFT
LEVELS = 3
ROOT_LEVEL = 2
WINDOW_ROOT = 256          # entry of the root for message pages
KERNEL_ROOT = 257          # first entry that is the same in all spaces
SATP_SV39 = 8

VALID, READ, WRITE, EXEC, USER, GLOBAL, ACCESSED, DIRTY = (1 << bit for bit in range(8))
RWX = READ | WRITE | EXEC
MUST_BE_ZERO = 0x3ff << 54 | 3 << 8

HEADERS = ["riscv/offsets.h", "riscv/direct.h", "riscv/sv39.h", "mm/frame.h", "task/thread.h",
           "task/space.h", "debug/trace.h", "include/abi/ipc.h"]
NUMBER = re.compile(r"^\s*(?:#define\s+|NUMBER\()?(\w+)(?:\s+|\s*=\s*|, )(?:UINT64_C\()?"
                    r"(0x[0-9a-f]+|\d+)u?\b", re.M)
ENUM = re.compile(r"enum (\w+) \{(.*?)\n\}", re.S)
EVENT = re.compile(r'^TRACE\((\w+), (\d+), "(.*)"\)', re.M)


def header_numbers(folder):
    """The constants that the kernel's headers define as plain numbers, by name, and by enum."""
    numbers = {}
    members = {}
    for name in HEADERS:
        with open(os.path.join(folder, name), encoding="utf-8") as source:
            text = source.read()
        for match in NUMBER.finditer(text):
            numbers[match[1]] = int(match[2], 0)
        for enum, body in ENUM.findall(text):
            members[enum] = re.findall(r"^\s*(\w+)\s*=", body, re.M)
    enums = {enum: {numbers[name]: name for name in names if name in numbers}
             for enum, names in members.items()}
    return numbers, enums


def event_texts(folder):
    """{number: (name, meaning of its two numbers)} of the trace events."""
    with open(os.path.join(folder, "include/abi/trace.def"), encoding="utf-8") as source:
        return {int(number): (name, text) for name, number, text in EVENT.findall(source.read())}


class Entry:
    """An entry of a page table."""

    def __init__(self, address, level, word, table):
        self.address = address  # lowest that it covers, not sign-extended
        self.level = level
        self.word = word
        self.table = table      # frame that it stands in

    @property
    def frame(self):
        return self.word >> 10 & (1 << 44) - 1

    @property
    def is_leaf(self):
        return self.word & RWX != 0

    @property
    def frames(self):
        return 1 << 9 * self.level

    def text(self):
        letters = "".join(letter if self.word & 1 << bit else "-"
                          for bit, letter in reversed(list(enumerate("vrwxugad"))))
        what = "leaf" if self.is_leaf else "table"
        leads = f"{what} {self.frame << PAGE_SHIFT:#x}" if self.word & VALID else "not valid"
        return f"level {self.level}  {letters}  {leads}"


def canonical(address):
    """The address with bit 38 repeated upwards."""
    return address | ~((1 << 39) - 1) & (1 << 64) - 1 if address >> 38 & 1 else address


class Thread:
    """One thread, as the kernel keeps it. While it runs, its registers are the hart's."""

    def __init__(self, kernel, address):
        field = kernel.field
        self.address = address
        self.number = field(address, "THREAD_NUMBER")
        self.state = field(address, "THREAD_STATE", 4)
        self.priority = field(address, "THREAD_PRIORITY", 4)
        self.space = field(address, "THREAD_SPACE")
        self.satp = field(address, "THREAD_SATP")
        self.hart = kernel.hart_index(field(address, "THREAD_HOME"))
        self.waits_on = field(address, "THREAD_WAITS_ON")
        self.fault = field(address, "THREAD_FAULT")
        self.registers = struct.unpack("<32Q", kernel.bytes(address + 8, 256))


class Space:
    """One space, as the kernel keeps it."""

    def __init__(self, kernel, address):
        aspace = address + kernel.numbers["SPACE_ASPACE"]
        self.address = address
        self.badge = kernel.field(address, "SPACE_BADGE")
        self.satp = kernel.word(aspace + kernel.numbers["ASPACE_SATP"])
        self.root = self.satp & (1 << 44) - 1


class Kernel:
    """The kernel of a stopped machine, after boot."""

    def __init__(self, read, address_of, folder):
        """`read(physical, bytes)`, `address_of(symbol)`; `folder` holds the kernel's sources.

        Raises ValueError before the end of the boot, and for what cannot be an address.
        """
        self.read = read
        self.numbers, self.enums = header_numbers(folder)
        self.events = event_texts(folder)
        self.address_of = address_of
        self.harts = address_of("harts")
        table = address_of("frame_table")
        self.frame_words, self.frame_start, self.frame_count = struct.unpack(
            "<3Q", self.bytes(table, 24))
        if self.frame_words == 0 or self.field(self.harts, "HART_THREADS") == 0:
            raise ValueError("it has not booted so far")

    # Kernel memory, by addresses of the direct map.

    def bytes(self, address, count):
        base = self.numbers["DIRECT_BASE"]
        if address < base:
            raise ValueError(f"{address:#x} is no address of the kernel's map")
        return self.read(address - base, count)

    def word(self, address, size=8):
        return int.from_bytes(self.bytes(address, size), "little")

    def field(self, address, name, size=8):
        return self.word(address + self.numbers[name], size)

    def name_of(self, enum, value):
        """The enumerator with the value, in lower case and without the first word of its name."""
        name = self.enums[enum].get(value)
        return name.partition("_")[2].lower() if name else str(value)

    def hart_index(self, home):
        return ((home & ~63) - self.harts) // self.numbers["HART_BYTES"]

    def harts_count(self):
        return self.word(self.address_of("harts_count"))

    def is_busy(self):
        """A hart is in the kernel: what it changes may be half done."""
        return self.word(self.address_of("kernel_lock"), 4) != 0

    # Frames, threads, spaces.

    def frame_table(self):
        """The words of all frames, from frame_start on."""
        return struct.unpack(f"<{self.frame_count}Q",
                             self.bytes(self.frame_words, 8 * self.frame_count))

    def threads(self):
        count = self.field(self.harts, "HART_THREAD_MAX")
        table = struct.unpack(f"<{count}Q",
                              self.bytes(self.field(self.harts, "HART_THREADS"), 8 * count))
        return [Thread(self, address) for address in table if address != 0]

    def current(self, hart):
        """Address of the thread that runs on the hart; 0: idle."""
        return self.word(self.harts + hart * self.numbers["HART_BYTES"]
                         + self.numbers["HART_CURRENT"])

    def spaces(self):
        wanted = (self.numbers["OBJECT_SPACE"] << self.numbers["FRAME_DETAIL_SHIFT"]
                  | self.numbers["FRAME_OBJECT"])
        base = self.numbers["DIRECT_BASE"]
        return [Space(self, base + (self.frame_start + i << PAGE_SHIFT))
                for i, word in enumerate(self.frame_table()) if word & 0xffff == wanted]

    # Page tables.

    def table(self, frame):
        return struct.unpack("<512Q", self.read(frame << PAGE_SHIFT, PAGE_BYTES))

    def entries(self, root, level=ROOT_LEVEL, start=0, first=0, end=512):
        """All valid entries below a table, in ascending order, tables before what is in them."""
        for index, word in enumerate(self.table(root)):
            if word & VALID and first <= index < end:
                entry = Entry(start + (index << 9 * level + PAGE_SHIFT), level, word, root)
                yield entry
                if not entry.is_leaf and level > 0:
                    yield from self.entries(entry.frame, level - 1, entry.address)

    def walk(self, root, address):
        """The entries on the way to an address, [(level, word)]; the last is a leaf or invalid."""
        steps = []
        table = root
        for level in range(ROOT_LEVEL, -1, -1):
            index = address >> 9 * level + PAGE_SHIFT & 511
            word = int.from_bytes(self.read((table << PAGE_SHIFT) + 8 * index, 8), "little")
            steps.append(Entry(address, level, word, table))
            if not word & VALID or word & RWX:
                break
            table = steps[-1].frame
        return steps

    def translate(self, root, address):
        """Physical address, or None if no leaf maps it."""
        last = self.walk(root, address)[-1]
        if not last.word & VALID or not last.is_leaf:
            return None
        inside = (last.frames << PAGE_SHIFT) - 1
        return (last.frame << PAGE_SHIFT) + (address & inside)

    # The trace.

    def trace(self):
        """Events of all harts, oldest first: (time, hart, number, first, second)."""
        size = self.numbers["TRACE_RING_SIZE"]
        found = []
        for hart in range(self.numbers["HARTS"]):
            ring = self.bytes(self.address_of("trace_rings") + hart * (8 + 32 * size),
                              8 + 32 * size)
            total = int.from_bytes(ring[:8], "little")
            for i in range(max(0, total - size), total):
                at = 8 + 32 * (i % size)
                time, kind, where, first, second = struct.unpack("<QIIQQ", ring[at:at + 32])
                found.append((time, where, kind, first, second))
        return sorted(found, key=lambda event: event[0])
