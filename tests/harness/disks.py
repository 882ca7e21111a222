# SPDX-License-Identifier: MIT
"""Files that are disks of machines under test."""
import os
import struct
import subprocess
import uuid

import card

MIB = 1 << 20
SECTOR = 512
SWAP_SECTOR = 2048  # where the partition for swap begins


def partition(path, *parts):
    """Make a file a disk with a partition table, of sgdisk's options."""
    # Not every user's path has the folders of such tools.
    environment = dict(os.environ, PATH=os.environ["PATH"] + ":/usr/sbin:/sbin")
    subprocess.run(["sgdisk", "--clear", "-a", "1", *parts, path], check=True,
                   stdout=subprocess.DEVNULL, env=environment)


def make_swap_disk(folder, mib, header=b""):
    """A disk with a partition for swap of so many MiB, which begins with `header`. Its path."""
    path = os.path.join(folder, "disk.img")
    with open(path, "wb") as file:
        file.truncate((mib + 2) * MIB)
        file.seek(SWAP_SECTOR * SECTOR)
        file.write(header)
    partition(path, f"--new=1:{SWAP_SECTOR}:+{mib}M", "--typecode=1:8200")
    return path


def parts_of(path):
    """(first sector, last sector, type, name) of each partition of a disk with up to four."""
    with open(path, "rb") as disk:
        disk.seek(2 * SECTOR)
        entries = [disk.read(128) for _ in range(4)]
    for entry in entries:
        kind, _, first, last, _, name = struct.unpack("<16s16sQQQ72s", entry)
        if any(kind):
            yield first, last, str(uuid.UUID(bytes_le=kind)), name.decode("utf-16-le").rstrip("\0")


def to_card(path, options):
    """A card to boot from that has the partitions of a disk too; the disk itself without --card.

    Returns its path.
    """
    if not options.card:
        return path
    target = path + ".card"
    words = card.partitions(options)
    moved = 0
    with open(path, "rb") as disk, open(target, "wb") as made:
        for number, part in enumerate(parts_of(path), card.first_partition(options)):
            first, last, kind, name = part
            moved = moved or card.first_sector(options) - first
            disk.seek(first * SECTOR)
            for sector in range(first, last + 1, MIB // SECTOR):
                data = disk.read(min(MIB, (last + 1 - sector) * SECTOR))
                if any(data):
                    made.seek((sector + moved) * SECTOR)
                    made.write(data)
            words += [f"--new={number}:{first + moved}:{last + moved}",
                      f"--typecode={number}:{kind}", f"--change-name={number}:{name}"]
            end = (last + moved) * SECTOR + MIB
        made.truncate(1 << (end - 1).bit_length())
    partition(target, *words)
    return target


def first_byte(sector, options):
    """Where in its file a disk's first partition begins: at the sector, or where to_card() puts it.
    """
    return (card.first_sector(options) if options.card else sector) * SECTOR
