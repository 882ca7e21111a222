# SPDX-License-Identifier: MIT
"""What could be on a disk after a crash, by the log of what was written to it and flushed.

QEMU's driver blklogwrites writes the log, in the format of Linux's dm-log-writes: a sector that
says how many entries there are, then each entry in a sector of its own with its data behind it.
"""
import struct

SECTOR = 512
MAGIC = 0x6a736677736872
VERSION = 1
FLUSH = 1
FUA = 2
DISCARD = 4


class Entry:
    """A write to the disk, or a flush of what was written before (data is empty)."""

    def __init__(self, offset, data, is_flush, is_lasting):
        self.offset = offset          # bytes from the start of the disk
        self.data = data
        self.is_flush = is_flush
        self.is_lasting = is_lasting  # by itself, without a flush


def read_log(path):
    """The entries of a log in their order. Raises ValueError if it is none."""
    with open(path, "rb") as file:
        log = file.read()
    if len(log) < SECTOR:
        raise ValueError(f"no log: {len(log)} bytes")
    magic, version, count, sector = struct.unpack_from("<QQQI", log)
    if (magic, version, sector) != (MAGIC, VERSION, SECTOR):
        raise ValueError(f"no log: {magic:x}, version {version}, sectors of {sector}")
    entries = []
    at = SECTOR
    for _ in range(count):
        first, sectors, flags, _ = struct.unpack_from("<QQQQ", log, at)
        if flags & DISCARD:
            raise ValueError("the log has a discard, which nothing here sends")
        at += SECTOR
        data = log[at:at + sectors * SECTOR]
        if len(data) != sectors * SECTOR:
            raise ValueError("the log ends in the middle of an entry")
        at += len(data)
        entries.append(Entry(first * SECTOR, data, bool(flags & FLUSH), bool(flags & FUA)))
    return entries


def write(image, entry):
    image[entry.offset:entry.offset + len(entry.data)] = entry.data


class Crash:
    """Goes through a log; at each cut it says what could be there if the power failed then."""

    def __init__(self, image, entries):
        self.lasting = bytearray(image)  # what was flushed
        self.waiting = []                # entries that no flush has reached
        self.entries = entries
        self.position = 0

    def advance(self):
        """Take the next entry. Returns it."""
        entry = self.entries[self.position]
        self.position += 1
        if entry.is_flush:
            for earlier in self.waiting:
                write(self.lasting, earlier)
            self.waiting = []
        if entry.data and entry.is_lasting:
            # Unordered with what waits for the same place: that may reach the disk later.
            write(self.lasting, entry)
        elif entry.data:
            self.waiting.append(entry)
        return entry

    def image(self, random):
        """One of the images: some sectors of what waits have reached the disk, in any order."""
        image = bytearray(self.lasting)
        sectors = [(entry, at) for entry in self.waiting
                   for at in range(0, len(entry.data), SECTOR)]
        kept = random.choice((0, 0.2, 0.5, 0.8, 1))
        random.shuffle(sectors)
        for entry, at in sectors:
            if random.random() < kept:
                image[entry.offset + at:entry.offset + at + SECTOR] = entry.data[at:at + SECTOR]
        return image
