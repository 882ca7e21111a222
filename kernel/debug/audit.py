# SPDX-License-Identifier: MIT
"""What must hold for all page tables of a stopped machine, looked at from outside.

Every leaf has A, and D where it can be written: real harts fault instead of setting them. ASIDs are
never used. No table is in two places, nothing of the kernel is for users, what can be executed
there cannot be written. Each frame has as many leaves as the frame table counts, those included
that a hart has yet to fill.
"""
from look import (ACCESSED, DIRTY, EXEC, KERNEL_ROOT, MUST_BE_ZERO, PAGE_SHIFT, READ, ROOT_LEVEL,
                  SATP_SV39, USER, VALID, WINDOW_ROOT, WRITE, canonical)

ASID_MASK = 0xffff << 44
COUNT_SHIFT = 32


class Audit:
    """The complaints about one machine, and how much was looked at."""

    def __init__(self, kernel):
        self.kernel = kernel
        self.complaints = []
        self.leaves = 0
        self.tables = 0
        self.words = kernel.frame_table()
        self.counts = {}     # leaves of processes by frame, devices too
        self.places = {}     # table frame: address and level where it was met
        self.spaces = kernel.spaces()

    def run(self):
        for frame, word in enumerate(self.words, self.kernel.frame_start):
            if self._kind(word) == "table":
                self._look_at_raw_table(frame)
        for space in self.spaces:
            self._look_at_satp(f"space {space.address:#x}", space.satp)
            self._look_at_space(space)
        for thread in self.kernel.threads():
            self._look_at_satp(f"thread {thread.number}", thread.satp)
        for hart in range(self.kernel.harts_count()):
            numbers = self.kernel.numbers
            satp = self.kernel.word(self.kernel.harts + hart * numbers["HART_BYTES"]
                                    + numbers["HART_IDLE_SATP"])
            self._look_at_satp(f"hart {hart}", satp)
            for entry in self.kernel.entries(satp & (1 << 44) - 1, first=KERNEL_ROOT):
                self._look_at_kernel_leaf(entry)
        self._compare_counts()
        return self.complaints

    def _complain(self, text):
        self.complaints.append(text)

    def _kind(self, word):
        return self.kernel.name_of("frame_kind", word & self.kernel.numbers["FRAME_KIND_MASK"])

    def _frame_word(self, frame):
        index = frame - self.kernel.frame_start
        return self.words[index] if 0 <= index < self.kernel.frame_count else None

    def _look_at_satp(self, whose, satp):
        if satp >> 60 != SATP_SV39:
            self._complain(f"{whose}: satp {satp:#x} is not Sv39")
        if satp & ASID_MASK:
            self._complain(f"{whose}: satp {satp:#x} has an ASID")

    def _look_at_entry(self, where, word, is_leaf):
        if word & MUST_BE_ZERO:
            self._complain(f"{where}: entry {word:#x} has bits that must be zero")
        if not is_leaf:
            if word & (USER | ACCESSED | DIRTY):
                self._complain(f"{where}: table entry {word:#x} has flags of a leaf")
            return
        if not word & ACCESSED:
            self._complain(f"{where}: leaf {word:#x} has no A")
        if word & WRITE and not word & DIRTY:
            self._complain(f"{where}: writable leaf {word:#x} has no D")
        if word & WRITE and not word & READ:
            self._complain(f"{where}: writable leaf {word:#x} has no R")

    def _look_at_raw_table(self, frame):
        """Every table there is, whether a space leads to it or not."""
        self.tables += 1
        for index, word in enumerate(self.kernel.table(frame)):
            if word & VALID:
                self._look_at_entry(f"table {frame << PAGE_SHIFT:#x}[{index}]", word,
                                    word & (READ | WRITE | EXEC) != 0)
            elif word and self._frame_word(frame) >> 8 & 0xff == ROOT_LEVEL:
                self._look_at_going(f"table {frame << PAGE_SHIFT:#x}[{index}]", word)
            elif word:
                self._look_at_waiting(f"table {frame << PAGE_SHIFT:#x}[{index}]", word)

    def _look_at_going(self, where, word):
        """A leaf of 1 GiB that comes or goes counts from the frame that it names (mm/aspace.h)."""
        frame = word >> 10 & (1 << 44) - 1
        if frame % 512:
            self._complain(f"{where}: invalid entry {word:#x} is between two steps")
        self._look_at_entry(where, word, is_leaf=True)
        for counted in range(frame, frame - frame % (1 << 18) + (1 << 18)):
            self.counts[counted] = self.counts.get(counted, 0) + 1

    def _look_at_waiting(self, where, word):
        """A leaf that becomes valid when a hart has filled its frame (mm/fill.h) is counted."""
        frame = word >> 10 & (1 << 44) - 1
        table = self._frame_word(frame)
        if table is None or self._kind(table) != "busy":
            self._complain(f"{where}: invalid entry {word:#x} waits for nobody")
            return
        self._look_at_entry(where, word, is_leaf=True)
        self.counts[frame] = self.counts.get(frame, 0) + 1

    def _look_at_space(self, space):
        self._meet_table(f"space {space.address:#x}", space.root, ROOT_LEVEL)
        for entry in self.kernel.entries(space.root, end=KERNEL_ROOT):
            where = f"space {space.address:#x}, {canonical(entry.address):#x}"
            if not entry.is_leaf:
                self._meet_table(where, entry.frame, entry.level - 1)
                continue
            self.leaves += 1
            if not entry.word & USER:
                self._complain(f"{where}: leaf {entry.word:#x} is not for users")
            if entry.frame & entry.frames - 1:
                self._complain(f"{where}: leaf {entry.word:#x} is not aligned to its size")
            for frame in range(entry.frame, entry.frame + entry.frames):
                self.counts[frame] = self.counts.get(frame, 0) + 1
            self._look_at_kind(where, entry)

    def _look_at_kind(self, where, entry):
        """The first frame is enough for what it is: counts are compared frame by frame."""
        word = self._frame_word(entry.frame)
        kind = "device" if word is None else self._kind(word)
        in_window = entry.address >> 9 * ROOT_LEVEL + PAGE_SHIFT == WINDOW_ROOT
        if in_window != (kind == "message"):
            self._complain(f"{where}: a frame of kind {kind}")
        if kind == "wired" and entry.word & WRITE:
            self._complain(f"{where}: the archive is writable")
        if kind in ("free", "clean", "table", "object"):
            self._complain(f"{where}: a frame of kind {kind} is mapped")

    def _meet_table(self, where, frame, level):
        word = self._frame_word(frame)
        if word is None or self._kind(word) != "table" or word >> 8 & 0xff != level:
            self._complain(f"{where}: frame {frame:#x} is no table of level {level}")
        if frame in self.places:
            self._complain(f"{where}: table {frame:#x} is in {self.places[frame]} too")
        self.places[frame] = where

    def _look_at_kernel_leaf(self, entry):
        where = f"kernel, {canonical(entry.address):#x}"
        self._look_at_entry(where, entry.word, entry.is_leaf)
        if entry.is_leaf and entry.word & USER:
            self._complain(f"{where}: leaf {entry.word:#x} is for users")
        if entry.is_leaf and entry.word & WRITE and entry.word & EXEC:
            self._complain(f"{where}: leaf {entry.word:#x} is writable and executable")

    def _compare_counts(self):
        for frame, word in enumerate(self.words, self.kernel.frame_start):
            kind = self._kind(word)
            counted = 0 if kind == "object" else word >> COUNT_SHIFT
            found = self.counts.get(frame, 0)
            if counted != found and kind != "kernel":
                self._complain(f"frame {frame:#x}, {kind}: {found} leaves, {counted} counted")
            if kind == "table" and frame not in self.places:
                self._complain(f"table {frame:#x}: no space leads to it")
