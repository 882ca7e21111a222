#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Boot archive and flat images. Prints TAP."""
import os
import struct
import sys

sys.dont_write_bytecode = True
TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path += [os.path.join(TESTS, "harness"), os.path.join(os.path.dirname(TESTS), "sbi")]

from archive import pack  # noqa: E402
from flatten import BadElf, flatten  # noqa: E402
from slim import slim  # noqa: E402
from tap import expect, run  # noqa: E402

PAGE = 4096
R, W, X = 4, 2, 1


def unpack(archive):
    """(name, data, offset of the data) of each entry, read by what cpio(5) says of newc.

    Zeros between entries are passed over, as Linux does where it unpacks an initrd.
    """
    found = []
    offset = 0
    while True:
        while archive[offset:offset + 4] == b"\0\0\0\0":
            offset += 4
        expect(archive[offset:offset + 6], b"070701")
        fields = [int(archive[offset + 6 + i * 8:offset + 14 + i * 8], 16) for i in range(13)]
        name = archive[offset + 110:offset + 110 + fields[11]].split(b"\0")[0].decode()
        start = (offset + 110 + fields[11] + 3) // 4 * 4
        if name == "TRAILER!!!":
            return found
        found.append((name, archive[start:start + fields[6]], start))
        offset = (start + fields[6] + 3) // 4 * 4


def archive_holds_its_files_in_order_each_on_a_page():
    files = [("boot/server", b"s" * 5000), ("boot/args", b"a\0b\0"), ("empty", b""),
             ("n" * 255, b"x" * PAGE), ("last", b"l")]
    found = unpack(pack(files))
    expect([(name, data) for name, data, _ in found], files)
    expect([start % PAGE for _, _, start in found], [0] * len(files))


def nothing_but_zeros_follows_a_file_on_its_last_page():
    archive = pack([("a", b"x" * 5000), ("b", b"y"), ("c", b"z" * PAGE), ("d", b"")])
    for _, data, start in unpack(archive):
        end = start + len(data)
        expect(archive[end:end + -end % PAGE], b"\0" * (-end % PAGE))


def images_follow_each_other_as_cpio_says():
    archive = pack([("boot/server", b"s" * 2 * PAGE), ("boot/init", b"i" * PAGE), ("x", b"x")])
    (_, _, server), (_, _, init), _ = unpack(archive)
    expect(archive[server + 2 * PAGE:][:6], b"070701")
    expect(archive[init + PAGE:][:6], b"070701")


def archive_is_whole_pages():
    for size in range(0, 9000, 997):
        expect(len(pack([("a", b"x" * size)])) % PAGE, 0)


def name_that_stands_twice_is_refused():
    try:
        pack([("a", b""), ("a", b"")])
    except ValueError:
        return
    raise AssertionError("accepted")


def elf(entry, segments, machine=243, kind=2):
    """An ELF file with segments (va, data, memory size, flags)."""
    header = struct.pack("<16sHHIQQQIHHHHHH", b"\x7fELF\x02\x01\x01", kind, machine, 1, entry, 64,
                         0, 0, 64, 56, len(segments), 0, 0, 0)
    table, body = b"", b""
    start = 64 + 56 * len(segments)
    for va, data, memory_size, flags in segments:
        table += struct.pack("<IIQQQQQQ", 1, flags, start + len(body), va, va, len(data),
                             memory_size, PAGE)
        body += data
    return header + table + body


def image_holds_every_segment_on_pages_of_its_own():
    image = flatten(elf(0x10004, [(0x12000, b"data", 10000, R | W), (0x10000, b"c" * 5000, 5000,
                                                                    R | X)]))
    magic, version, count, entry = struct.unpack_from("<8sIIQ", image)
    expect((magic, version, count, entry), (b"HOLDFAST", 1, 2, 0x10004))
    text = struct.unpack_from("<QQQQII", image, 24)
    data = struct.unpack_from("<QQQQII", image, 64)
    expect(text, (0x10000, PAGE, 5000, 5000, 1 | 4, 0))
    expect(data, (0x12000, 3 * PAGE, 4, 10000, 1 | 2, 0))
    expect(image[PAGE:PAGE + 5000], b"c" * 5000)
    expect(image[PAGE + 5000:3 * PAGE], b"\0" * (2 * PAGE - 5000))
    expect(image[3 * PAGE:], b"data".ljust(PAGE, b"\0"))


def what_the_kernel_would_have_to_distrust_is_refused():
    good = (0x10000, b"c", 1, R | X)
    for bad in [b"", b"\x7fELF\x01" + b"\0" * 100, elf(0x10000, [good], machine=62),
                elf(0x10000, [good], kind=3), elf(0x10000, []), elf(0x10001, [good]),
                elf(0x10000, [(0x10000, b"c", 1, R | W | X)]), elf(0x10000, [(0, b"c", 1, R | X)]),
                elf(0x10000, [good, (0x10800, b"d", 1, R)]),
                elf(0x10000, [good, (0x10000, b"d", 1, R)]),
                elf(0x10000, [good, (0x3FFFFFE000, b"", 2 * PAGE, R)]),
                elf(0x10000, [good] + [(0x20000 + i * PAGE, b"", 1, R) for i in range(8)])]:
        try:
            flatten(bad)
        except BadElf:
            continue
        raise AssertionError(f"accepted: {bad[:200]!r}")


def slim_program_is_what_its_segments_hold():
    whole = elf(0x10000, [(0x10000, b"code" * 10, 4096, R | X), (0x11000, b"data", 9000, R | W)])
    with_sections = whole[:40] + struct.pack("<Q", len(whole)) + whole[48:58] + struct.pack(
        "<HHH", 64, 3, 2) + b"debug sections" * 100
    with_sections = with_sections[:64] + whole[64:] + with_sections[64:]
    slimmed = slim(with_sections)
    expect(slimmed, whole[:40] + bytes(8) + whole[48:58] + bytes(6) + whole[64:])
    expect(flatten(slimmed), flatten(whole))
    # A program header for tools goes, with what it names.
    with_attributes = whole[:120] + struct.pack("<IIQQQQQQ", 0x70000003, 4, 999999, 0, 0, 9, 0, 1
                                                ) + whole[176:]
    expect(slim(with_attributes)[120:176], bytes(56))


def what_is_no_whole_program_is_not_slimmed():
    whole = elf(0x10000, [(0x10000, b"code" * 10, 4096, R | X)])
    for broken in (b"", b"#!/bin/sh\n" * 20, whole[:63], whole[:100], whole[:-1]):
        try:
            slim(broken)
        except BadElf:
            continue
        raise AssertionError(f"accepted: {broken[:20]}")


if __name__ == "__main__":
    sys.exit(run([
        archive_holds_its_files_in_order_each_on_a_page,
        nothing_but_zeros_follows_a_file_on_its_last_page,
        images_follow_each_other_as_cpio_says,
        archive_is_whole_pages,
        name_that_stands_twice_is_refused,
        image_holds_every_segment_on_pages_of_its_own,
        what_the_kernel_would_have_to_distrust_is_refused,
        slim_program_is_what_its_segments_hold,
        what_is_no_whole_program_is_not_slimmed,
    ]))
