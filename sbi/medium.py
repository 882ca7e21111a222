# SPDX-License-Identifier: MIT
"""What is written to an SD card or to a board's flash: a partition table and what its parts hold.

Where SPL and its image lie is fixed by the board's ROM and by SPL. SD: SPL is found by the type of
its partition, the image at sector 2082. Flash: SPL at 20 KiB, the image at 0x105000.
"""
import os
import uuid

from firmware import FirmwareError, run

SECTOR = 512
FLASH_BLOCK = 4096       # erased as one
MEGA = 1 << 20
TYPE_SPL = "5B193300-FC78-40CD-8002-E86C45580B47"
TYPE_IMAGE = "2E54B353-1271-4842-806F-E436D6AF6985"
TYPE_FAT = "EBD0A0A2-B9E5-4433-87C0-68B6B72699C7"
TYPE_ENVIRONMENT = "0FC63DAF-8483-4772-8E79-3D69D8477DE4"
FLASH = "flash.img"     # what belongs at the start of the flash
TABLE_BYTES = 34 * SECTOR  # a partition table with its header and what protects it
LEGACY_BOOTABLE = 2  # GPT attribute: U-Boot looks for extlinux.conf there


class Part:
    """A partition: its name, type, and first and last sector."""

    def __init__(self, name, kind, first, last):
        self.name = name
        self.kind = kind
        self.first = first
        self.last = last

    @property
    def bytes(self):
        return (self.last - self.first + 1) * SECTOR


class Layout:
    """A medium of `size` bytes; the first two partitions are for SPL and for what SPL loads."""

    def __init__(self, size, *parts):
        self.size = size
        self.parts = parts


# QEMU wants a power of two for SD cards, and exactly this size for the flash.
LAYOUTS = {
    "sd-direct": Layout(64 * MEGA,
                        Part("spl", TYPE_SPL, 34, 2081),
                        Part("holdfast", TYPE_IMAGE, 2082, 2082 + 65535)),
    "sd-uboot": Layout(128 * MEGA,
                       Part("spl", TYPE_SPL, 34, 2081),
                       Part("u-boot", TYPE_IMAGE, 2082, 18465),
                       Part("holdfast", TYPE_FAT, 20480, 20480 + 131071)),
    "nor": Layout(32 * MEGA,
                  Part("spl", TYPE_SPL, 40, 2087),
                  Part("holdfast", TYPE_IMAGE, 2088, 2088 + 40959),
                  Part("environment", TYPE_ENVIRONMENT, 65000, 65255)),
}

# Without a device tree of ours: U-Boot hands on the one it has for its board, whichever that is.
EXTLINUX = """default holdfast
timeout 10
label holdfast
    kernel /Image
    initrd /archive.cpio
    append {words}
"""


def make_fat(path, size, files):
    """A FAT file system of `size` bytes as a file, with (source, name) pairs in it."""
    with open(path, "wb") as target:
        target.truncate(size)
    run(["mformat", "-i", path, "-F", "-v", "HOLDFAST", "::"], "mformat")
    run(["mmd", "-i", path, "::/extlinux"], "mmd")
    for source, name in files:
        run(["mcopy", "-i", path, source, "::/" + name], "mcopy")


def make_uboot_files(folder, words):
    """What U-Boot proper starts, in `folder` with kernel.bin and archive.cpio, and what it can
    write to the flash, FLASH there: (source, name)."""
    conf = os.path.join(folder, "extlinux.conf")
    with open(conf, "w", encoding="utf-8") as target:
        target.write(EXTLINUX.format(words=" ".join(words)))
    return [(os.path.join(folder, "kernel.bin"), "Image"),
            (os.path.join(folder, "archive.cpio"), "archive.cpio"),
            (os.path.join(folder, FLASH), FLASH),
            (conf, "extlinux/extlinux.conf")]


def fixed_guid(name):
    return uuid.uuid5(uuid.NAMESPACE_OID, "holdfast " + name)


def write_table(path, layout):
    """Of a flash it is always the same: what of it is written anew fits what stays, its second
    table. Of cards no two have the same names, since both may be in one machine."""
    command = ["sgdisk", "-g", "--clear", "-a", "1"]
    if layout is LAYOUTS["nor"]:
        command.append(f"--disk-guid={fixed_guid('flash')}")
    for number, part in enumerate(layout.parts, start=1):
        command += [f"--new={number}:{part.first}:{part.last}",
                    f"--change-name={number}:{part.name}", f"--typecode={number}:{part.kind}"]
        if layout is LAYOUTS["nor"]:
            command.append(f"--partition-guid={number}:{fixed_guid(part.name)}")
        if part.kind == TYPE_FAT:
            command.append(f"--attributes={number}:set:{LEGACY_BOOTABLE}")
    run([*command, path], "sgdisk")


def copy_table(source, path, layout):
    """The table of one medium for another: what is before the partitions, and its second copy."""
    with open(source, "rb") as old, open(path, "r+b") as new:
        for at in (0, layout.size - TABLE_BYTES):
            old.seek(at)
            new.seek(at)
            new.write(old.read(TABLE_BYTES))


def check(layout, sources):
    """See whether each source has room in its partition. Raises FirmwareError."""
    for part, source in zip(layout.parts, sources):
        size = os.path.getsize(source)
        if size > part.bytes:
            raise FirmwareError(f"{os.path.basename(source)} has {size} bytes, the partition "
                                f"'{part.name}' {part.bytes}")


def make(path, layout, sources, table_opt=None):
    """Make the medium as a file, of one source for each of the first partitions.

    `table_opt` is another medium of this layout, whose table it gets: sgdisk takes a second.
    Raises FirmwareError; if it is since they have no room, what the file was before stays.
    """
    check(layout, sources)
    with open(path, "wb") as target:
        target.truncate(layout.size)
    if table_opt is None:
        write_table(path, layout)
    else:
        copy_table(table_opt, path, layout)
    with open(path, "r+b") as target:
        for part, source in zip(layout.parts, sources):
            target.seek(part.first * SECTOR)
            with open(source, "rb") as data:
                target.write(data.read())


def cut(path, layout, sources):
    """Leave only what stands up to the end of the last source, in whole blocks of the flash."""
    last = layout.parts[len(sources) - 1]
    end = last.first * SECTOR + os.path.getsize(sources[-1])
    os.truncate(path, end + -end % FLASH_BLOCK)
