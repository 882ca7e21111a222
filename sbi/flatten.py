#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Turn a linked ELF file into the flat image that the kernel starts at boot.

The kernel knows no ELF. An image is one page with `struct image_header` (abi/boot.h) followed by
the bytes of each segment, page aligned in the file as in memory. What the kernel would have to
distrust is refused here, with a message: segments that share a page, that are writable and
executable at once, or that leave user space.

Usage: flatten.py ELF IMAGE
"""
import struct
import sys

PAGE = 4096
USER_START = 0x1000
USER_END = 0x3FFFFFF000

# struct image_header and struct image_segment of abi/boot.h.
HEADER = struct.Struct("<QIIQ")
SEGMENT = struct.Struct("<QQQQII")
IMAGE_MAGIC = 0x54534146444C4F48
IMAGE_VERSION = 1
IMAGE_SEGMENTS_MAX = 8
MAP_READ, MAP_WRITE, MAP_EXEC = 1, 2, 4

# ELF-64 (System V ABI, "ELF Header", "Program Header").
ELF_HEADER = struct.Struct("<16sHHIQQQIHHHHHH")
PROGRAM_HEADER = struct.Struct("<IIQQQQQQ")
ET_EXEC = 2
EM_RISCV = 243
PT_LOAD = 1
PF_X, PF_W, PF_R = 1, 2, 4


class BadElf(Exception):
    """The file cannot be made an image; the text says why."""


def round_up(value):
    return -value % PAGE + value


def segments_read(elf):
    """Yield (va, bytes of the file, size in memory, protection) of each segment; and the entry."""
    if len(elf) < ELF_HEADER.size or elf[:5] != b"\x7fELF\x02":
        raise BadElf("not a 64-bit ELF file")
    fields = ELF_HEADER.unpack_from(elf)
    kind, machine, entry, table, entry_size, count = (
        fields[1], fields[2], fields[4], fields[5], fields[9], fields[10])
    if kind != ET_EXEC or machine != EM_RISCV:
        raise BadElf("not a statically linked RISC-V program")
    segments = []
    for i in range(count):
        ptype, flags, offset, va, _, file_size, memory_size, _ = PROGRAM_HEADER.unpack_from(
            elf, table + i * entry_size)
        if ptype != PT_LOAD or memory_size == 0:
            continue
        prot = ((MAP_READ if flags & PF_R else 0) | (MAP_WRITE if flags & PF_W else 0)
                | (MAP_EXEC if flags & PF_X else 0))
        segments.append((va, elf[offset:offset + file_size], memory_size, prot))
    return entry, sorted(segments, key=lambda segment: segment[0])


def segments_check(entry, segments):
    if not 1 <= len(segments) <= IMAGE_SEGMENTS_MAX:
        raise BadElf(f"{len(segments)} segments; 1 to {IMAGE_SEGMENTS_MAX} are possible")
    end = USER_START
    for va, _, memory_size, prot in segments:
        if va % PAGE != 0:
            raise BadElf(f"segment at {va:#x} is not page aligned")
        if va < end or round_up(va + memory_size) > USER_END:
            raise BadElf(f"segment at {va:#x} overlaps another one or leaves user space")
        if prot & MAP_WRITE and prot & MAP_EXEC:
            raise BadElf(f"segment at {va:#x} is writable and executable")
        end = round_up(va + memory_size)
    if not any(prot & MAP_EXEC and va <= entry < va + size for va, _, size, prot in segments):
        raise BadElf(f"entry {entry:#x} is in no executable segment")


def flatten(elf):
    """Return the image of an ELF file, both as bytes. Raises BadElf."""
    entry, segments = segments_read(elf)
    segments_check(entry, segments)
    header = HEADER.pack(IMAGE_MAGIC, IMAGE_VERSION, len(segments), entry)
    body = b""
    for va, data, memory_size, prot in segments:
        header += SEGMENT.pack(va, PAGE + len(body), len(data), memory_size, prot, 0)
        body += data.ljust(round_up(len(data)), b"\0")
    return header.ljust(PAGE, b"\0") + body


def main():
    if len(sys.argv) != 3:
        sys.exit("flatten.py: usage: flatten.py ELF IMAGE")
    with open(sys.argv[1], "rb") as source:
        elf = source.read()
    try:
        image = flatten(elf)
    except BadElf as error:
        sys.exit(f"flatten.py: {sys.argv[1]}: {error}")
    with open(sys.argv[2], "wb") as target:
        target.write(image)


if __name__ == "__main__":
    main()
