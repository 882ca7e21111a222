# SPDX-License-Identifier: MIT
"""Write the boot archive: cpio in the format "newc", every file starting on a page.

The archive is handed to the machine as its initrd, which starts on a page. So that files can be
used by page where they lie, names are padded with NULs (they end at the first one) until the data
that follows starts on a page boundary. The last page of a file may hold the header of the next.
"""
PAGE = 4096
MAGIC = b"070701"
HEADER_SIZE = 110
TRAILER = "TRAILER!!!"
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
    return header + encoded + data.ljust(len(data) + -len(data) % 4, b"\0")


def _trailer(offset):
    encoded = TRAILER.encode() + b"\0"
    fields = (0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, len(encoded), 0)
    header = MAGIC + b"".join(b"%08x" % field for field in fields)
    whole = header + encoded
    return whole.ljust(len(whole) + -(offset + len(whole)) % PAGE, b"\0")


def pack(files):
    """Return the archive of (name, data) pairs, in their order, as bytes.

    Raises ValueError for a name that stands twice: which of the two was meant?
    """
    parts = []
    offset = 0
    seen = set()
    for inode, (name, data) in enumerate(files, start=1):
        if name in seen:
            raise ValueError(f"'{name}' stands twice in the boot archive")
        seen.add(name)
        mode = MODE_PROGRAM if data[:4] == b"\x7fELF" else MODE_FILE
        part = _entry(offset, name, data, mode, inode)
        parts.append(part)
        offset += len(part)
    parts.append(_trailer(offset))
    return b"".join(parts)
