#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Cut an ELF program down to what starts it: the boot archive holds no debug sections.

Whoever starts a program reads the headers and the segments; debuggers read the host's file. GNU
objcopy can do it too, but moves the segments of programs that lld has linked.

Usage: slim.py ELF OUTPUT
"""
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from flatten import ELF_HEADER, PROGRAM_HEADER, BadElf  # noqa: E402


# Program headers of these kinds say what sections hold, such as PT_RISCV_ATTRIBUTES.
PT_LOPROC, PT_HIPROC = 0x70000000, 0x7fffffff


def slim(elf):
    """The file up to the end of its last segment, with no table of sections."""
    if len(elf) < ELF_HEADER.size or elf[:5] != b"\x7fELF\x02":
        raise BadElf("not a 64-bit ELF file")
    fields = list(ELF_HEADER.unpack_from(elf))
    table, entry_size, count = fields[5], fields[9], fields[10]
    end = max(ELF_HEADER.size, table + entry_size * count)
    if entry_size != PROGRAM_HEADER.size or end > len(elf):
        raise BadElf("a program header lies outside the file")
    slimmed = bytearray(elf)
    for at in range(table, table + entry_size * count, entry_size):
        kind, _, offset, _, _, file_size, _, _ = PROGRAM_HEADER.unpack_from(elf, at)
        if PT_LOPROC <= kind <= PT_HIPROC:
            slimmed[at:at + entry_size] = bytes(entry_size)  # PT_NULL
        else:
            end = max(end, offset + file_size)
    if end > len(elf):
        raise BadElf("a segment lies outside the file")
    fields[6] = fields[11] = fields[12] = fields[13] = 0  # where sections are, how many, ...
    ELF_HEADER.pack_into(slimmed, 0, *fields)
    return bytes(slimmed[:end])


def main():
    with open(sys.argv[1], "rb") as source:
        elf = source.read()
    try:
        data = slim(elf)
    except BadElf as error:
        sys.exit(f"slim.py: {sys.argv[1]}: {error}")
    with open(sys.argv[2], "wb") as output:
        output.write(data)


if __name__ == "__main__":
    main()
