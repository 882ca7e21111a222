# SPDX-License-Identifier: MIT
"""What the options of the host commands have in common."""
import argparse
import os
import re
import stat

from archive import TRAILER as ARCHIVE_END

SECTOR_BYTES = 512


class Parser(argparse.ArgumentParser):
    """Wrong use is one line and the command's way to fail."""

    def __init__(self, fail, **settings):
        super().__init__(**settings)
        self._fail = fail

    def error(self, message):
        self._fail(message)


def extra_file(text):
    """An argument type: a file of the host and its name in the boot archive."""
    path, separator, name = text.partition("=")
    if not separator:
        name = os.path.basename(path)
    name = name.lstrip("/")
    if not os.path.isfile(path):
        raise argparse.ArgumentTypeError(f"no file '{path}'")
    if not name or len(name) > 255 or name == ARCHIVE_END:
        raise argparse.ArgumentTypeError(f"'{text}' gives no name for the boot archive")
    if any(part in ("", ".", "..") for part in name.split("/")):
        raise argparse.ArgumentTypeError(f"'{name}' is no plain path for the boot archive")
    return path, name


UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30}


def size_type(low, high):
    """An argument type: a whole number of MiB of the range, in bytes."""
    def parse(text):
        match = re.fullmatch(r"([0-9]+)([KMG]?)", text)
        size = int(match[1]) * UNITS[match[2]] if match else 0
        if not low <= size <= high:
            raise argparse.ArgumentTypeError(
                f"'{text}' is not a size from {low >> 20}M to {high >> 30}G")
        if size % (1 << 20) != 0:
            raise argparse.ArgumentTypeError(f"'{text}' is not a whole number of MiB")
        return size
    return parse


def disk_file(path):
    """An argument type: a disk's (path on the host, whether it may only be read)."""
    try:
        mode = os.stat(path).st_mode
        if not stat.S_ISREG(mode) and not stat.S_ISBLK(mode):
            raise argparse.ArgumentTypeError(f"'{path}' is no file that can be a disk")
        with open(path, "rb") as disk:
            size = disk.seek(0, os.SEEK_END)
    except OSError as error:
        raise argparse.ArgumentTypeError(
            f"cannot read '{path}': {error.strerror.lower()}") from None
    if size == 0 or size % SECTOR_BYTES != 0:
        raise argparse.ArgumentTypeError(
            f"'{path}' is no disk: its size, {size}, is no multiple of {SECTOR_BYTES}"
            if size else f"'{path}' is no disk: it is empty")
    # Who is root could write all the same what is marked as not to be written.
    return path, not os.access(path, os.W_OK) or mode & 0o222 == 0


def card_check(fail, path, is_read_only):
    """See whether QEMU takes the file of a disk as an SD card."""
    with open(path, "rb") as disk:
        size = disk.seek(0, os.SEEK_END)
    if size & (size - 1) != 0:
        fail(f"--disk: '{path}' is no SD card: its size, {size}, is no power of two")
    if is_read_only:
        fail(f"--disk: '{path}' may only be read, which QEMU's SD card does not know")


# What the kernel understands, but for the sums, which are made with what they are of (README.md).
# It passes over everything else.
NUMBER = "(0x[0-9a-f]+|[0-9]+)"
WORDS = re.compile(f"quiet|trace|nonce=[0-9a-f]+|(seed|harts)={NUMBER}|mem={NUMBER}[KMG]?")


def word(text):
    """An argument type: one word of the kernel's command line."""
    if not WORDS.fullmatch(text):
        raise argparse.ArgumentTypeError(f"'{text}' is no word that the kernel understands "
                                         "(quiet, trace, seed=N, harts=N, mem=SIZE)")
    return text


def split_program(arguments, fail):
    """What stands before '--', and the program behind it; empty without one."""
    if "--" not in arguments:
        return arguments, []
    position = arguments.index("--")
    if position + 1 == len(arguments):
        fail("a program must follow '--'")
    return arguments[:position], arguments[position + 1:]
