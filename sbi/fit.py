# SPDX-License-Identifier: MIT
"""The image that U-Boot's SPL loads: OpenSBI, the kernel, the boot archive and a device tree.

SPL knows the parts by their kind and copies each to where it belongs in RAM. The kernel is named as
U-Boot would be, since that is what SPL starts. The boot archive is a part of its own: the device
tree says where it is.
"""
import os
import shutil

from firmware import run

OPENSBI_AT = 0x80000000
KERNEL_AT = 0x80200000
TREE_AT = 0x82200000
# Beyond SPL's own memory, which ends below 0x86000000.
ARCHIVE_AT = 0x88000000

# The data stands behind the tree of names, a part after the other, each at a block of the medium:
# SPL has no room for the whole image at once. No part but the kernel may name its system: after
# one that takes a device tree SPL would load the tree anew and forget the kernel.
SOURCE = """/dts-v1/;
/ {{
    description = "Holdfast";
    #address-cells = <2>;
    images {{
        kernel {{
            data = /incbin/("kernel.bin");
            type = "standalone"; os = "u-boot"; arch = "riscv"; compression = "none";
            load = <0 {kernel:#x}>;
        }};
        archive {{
            data = /incbin/("archive.cpio");
            type = "firmware"; arch = "riscv"; compression = "none";
            load = <0 {archive:#x}>;
        }};
        opensbi {{
            data = /incbin/("opensbi.bin");
            type = "firmware"; os = "opensbi"; arch = "riscv"; compression = "none";
            load = <0 {opensbi:#x}>; entry = <0 {opensbi:#x}>;
        }};
        tree {{
            data = /incbin/("board.dtb");
            type = "flat_dt"; arch = "riscv"; compression = "none";
            load = <0 {tree:#x}>;
        }};
    }};
    configurations {{
        default = "holdfast";
        holdfast {{
            description = "Holdfast";
            firmware = "opensbi"; loadables = "kernel", "archive"; fdt = "tree";
        }};
    }};
}};
"""


def cells(value):
    """The number as two cells of a device tree."""
    return value >> 32, value & 0xffffffff


def set_chosen(tree, name, value):
    """A property of /chosen of two cells."""
    run(["fdtput", "-p", "-t", "x", tree, "/chosen", name, *(f"{cell:x}" for cell in cells(value))],
        "fdtput")


def make_tree(source, folder, words, archive_bytes, memory_opt):
    """The board's device tree with the kernel's command line and the place of the archive.

    memory_opt: the memory that the board is to have, as (address, bytes) pairs.
    """
    path = os.path.join(folder, "board.dtb")
    shutil.copyfile(source, path)
    os.chmod(path, 0o644)
    set_chosen(path, "linux,initrd-start", ARCHIVE_AT)
    set_chosen(path, "linux,initrd-end", ARCHIVE_AT + archive_bytes)
    run(["fdtput", "-p", "-t", "s", path, "/chosen", "bootargs", " ".join(words)], "fdtput")
    if memory_opt is not None:
        numbers = [number for pair in memory_opt for number in pair]
        run(["fdtput", "-t", "x", path, f"/memory@{OPENSBI_AT:x}", "reg",
             *(f"{cell:x}" for number in numbers for cell in cells(number))], "fdtput")


def make(folder, firmware, parts, words, memory_opt=None):
    """Make the image in `folder`, which has kernel.bin and archive.cpio (parts.py).

    Returns its path. Raises FirmwareError.
    """
    make_tree(firmware.tree, folder, words, parts.archive_bytes, memory_opt)
    shutil.copyfile(firmware.opensbi, os.path.join(folder, "opensbi.bin"))
    source = os.path.join(folder, "holdfast.its")
    with open(source, "w", encoding="utf-8") as target:
        target.write(SOURCE.format(kernel=KERNEL_AT, archive=ARCHIVE_AT, opensbi=OPENSBI_AT,
                                   tree=TREE_AT))
    path = os.path.join(folder, "holdfast.itb")
    # Without the time of making it, so that the same parts are the same image.
    run(["mkimage", "-E", "-B", "200", "-f", source, path], "mkimage",
        env=dict(os.environ, SOURCE_DATE_EPOCH="0"))
    return path
