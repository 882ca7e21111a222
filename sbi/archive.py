# SPDX-License-Identifier: MIT
"""Write the boot archive: cpio in the format "newc", every file starting on a page.

The archive is handed to the machine as its initrd, which starts on a page. So that files can be
used by page where they lie, names are padded with NULs (they end at the first one) until the data
that follows starts on a page boundary, and data with zeros up to the next one, so that who maps a
file sees nothing of another. Such zeros are not in cpio(5), but common between archives that are
put together. The kernel, which does not know them, reads images alone: these are whole pages.
"""
PAGE = 4096
MAGIC = b"070701"
HEADER_SIZE = 110
TRAILER = "TRAILER!!!"
SIZE_MAX = (1 << 32) - 1
MODE_FILE = 0o100644
MODE_PROGRAM = 0o100755


def _entry(offset, name, data, mode, inode):
    """One entry that starts `offset` bytes into the archive."""
    encoded = name.encode() + b"\0"
    start = offset + HEADER_SIZE + len(encoded)
    encoded = encoded.ljust(len(encoded) + -start % PAGE, b"\0")
    # inode, mode, uid, gid, links, mtime, size, device (2), special device (2), name size, checksum
    fields = (inode, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(encoded), 0)
    header = MAGIC + b"".join(b"%08x" % field for field in fields)
    return header + encoded + data.ljust(len(data) + -len(data) % PAGE, b"\0")


def _trailer(offset):
    encoded = TRAILER.encode() + b"\0"
    fields = (0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, len(encoded), 0)
    header = MAGIC + b"".join(b"%08x" % field for field in fields)
    whole = header + encoded
    return whole.ljust(len(whole) + -(offset + len(whole)) % PAGE, b"\0")


def read_file(path):
    with open(path, "rb") as source:
        return source.read()


def blocks(files):
    """The archive of (name, data) pairs, in their order, as bytes, one piece for each.

    Raises ValueError for a name that stands twice: which of the two was meant? And for a file that
    is too large for the format.
    """
    offset = 0
    seen = set()
    for inode, (name, data) in enumerate(files, start=1):
        if name in seen:
            raise ValueError(f"'{name}' stands twice in the boot archive")
        if len(data) > SIZE_MAX:
            raise ValueError(f"'{name}' is too large for an archive")
        seen.add(name)
        mode = MODE_PROGRAM if data[:4] == b"\x7fELF" else MODE_FILE
        part = _entry(offset, name, data, mode, inode)
        offset += len(part)
        yield part
    yield _trailer(offset)


def pack(files):
    """The same in one piece."""
    return b"".join(blocks(files))
