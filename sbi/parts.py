# SPDX-License-Identifier: MIT
"""Kernel and boot archive as files for a boot medium, and what they add up to.

The sums go into the kernel's command line: a damaged medium is noticed before anything of the
archive runs (kernel/boot/checksum.h).
"""
import itertools
import os
import struct

from firmware import run

PAGE = 4096
MASK = (1 << 64) - 1


def checksum(data):
    """What the kernel computes over 64-bit words."""
    data += bytes(-len(data) % 8)
    words = struct.unpack(f"<{len(data) // 8}Q", data)
    low = sum(words) & MASK
    high = sum(itertools.accumulate(words)) & MASK
    return ((low << 32 | low >> 32) & MASK) ^ high


def symbol(listing, name):
    for line in listing.splitlines():
        words = line.split()
        if len(words) == 3 and words[2] == name:
            return int(words[0], 16)
    raise KeyError(name)


class Parts:
    """kernel.bin and archive.cpio in `folder`, and the words for the kernel's command line."""

    def __init__(self, folder, kernel_elf, archive):
        kernel = self._flatten(kernel_elf, os.path.join(folder, "kernel.bin"))
        listing = run(["riscv64-unknown-elf-nm", kernel_elf], "nm")
        summed = symbol(listing, "ld_sum_end") - symbol(listing, "ld_start")
        padded = archive + bytes(-len(archive) % PAGE)
        with open(os.path.join(folder, "archive.cpio"), "wb") as target:
            target.write(padded)
        self.archive_bytes = len(padded)
        self.words = [f"kernel-sum={checksum(kernel[:summed]):#x}",
                      f"archive-sum={checksum(padded):#x}"]

    @staticmethod
    def _flatten(elf, path):
        """As a loader wants it: bss included, so that nothing can be put there."""
        run(["riscv64-unknown-elf-objcopy", "-O", "binary", elf, path], "objcopy")
        with open(path, "rb") as source:
            data = source.read()
        # The header says how large the image is in memory (kernel/riscv/entry.S).
        data = data.ljust(int.from_bytes(data[16:24], "little"), b"\0")
        with open(path, "wb") as target:
            target.write(data)
        return data
