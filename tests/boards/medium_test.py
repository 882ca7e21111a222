#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Media as files, with any contents in place of firmware and system. Prints TAP."""
import os
import sys
import tempfile

sys.dont_write_bytecode = True
TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path += [os.path.join(TESTS, "harness"), os.path.join(os.path.dirname(TESTS), "sbi")]

import medium  # noqa: E402
from firmware import FirmwareError  # noqa: E402
from tap import expect, run  # noqa: E402


def make(folder, layout, sizes):
    """Path of a medium whose first partitions get this many bytes each; it was there before."""
    sources = []
    for number, size in enumerate(sizes):
        sources.append(os.path.join(folder, f"part-{number}"))
        with open(sources[-1], "wb") as target:
            target.write(bytes([number + 1]) * size)
    path = os.path.join(folder, "medium")
    with open(path, "wb") as target:
        target.write(b"as it was")
    medium.make(path, layout, sources)
    return path


def contents_that_fill_their_partitions_are_on_the_medium():
    for layout in medium.LAYOUTS.values():
        parts = layout.parts[:2]
        with tempfile.TemporaryDirectory() as folder:
            with open(make(folder, layout, [part.bytes for part in parts]), "rb") as data:
                expect(data.seek(0, os.SEEK_END), layout.size)
                for number, part in enumerate(parts):
                    data.seek(part.first * medium.SECTOR)
                    expect(data.read(part.bytes) == bytes([number + 1]) * part.bytes, True)


def contents_that_are_too_large_leave_the_file_as_it_was():
    for layout in medium.LAYOUTS.values():
        for number, part in enumerate(layout.parts[:2]):
            sizes = [1, 1]
            sizes[number] = part.bytes + 1
            with tempfile.TemporaryDirectory() as folder:
                try:
                    make(folder, layout, sizes)
                    raise AssertionError("made all the same")
                except FirmwareError as error:
                    expect(f"part-{number} has {part.bytes + 1} bytes, the partition "
                           f"'{part.name}' {part.bytes}", str(error))
                with open(os.path.join(folder, "medium"), "rb") as data:
                    expect(data.read(), b"as it was")


if __name__ == "__main__":
    sys.exit(run([
        contents_that_fill_their_partitions_are_on_the_medium,
        contents_that_are_too_large_leave_the_file_as_it_was,
    ]))
