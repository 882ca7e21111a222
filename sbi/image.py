# SPDX-License-Identifier: MIT
"""A whole medium for a board as a file: firmware, kernel, boot archive."""
import os
import tempfile

import fit
import medium
from archive import pack
from parts import Parts


class Contents:
    """What is on a medium beside its firmware."""

    def __init__(self, kernel, files, words, memory_opt=None):
        self.kernel = kernel          # path of the ELF file
        self.files = files            # of the boot archive, (name, data)
        self.words = words            # of the kernel's command line
        self.memory_opt = memory_opt  # (address, bytes) pairs of the tree; None: the board's own


def make(path, layout_name, firmware, contents, table_opt=None):
    """Write the medium, with the partition table of another (medium.make()) if there is one.

    Raises FirmwareError.
    """
    with tempfile.TemporaryDirectory(prefix="holdfast-") as folder:
        parts = Parts(folder, contents.kernel, pack(contents.files))
        words = [*contents.words, *parts.words]
        direct = [firmware.spl, fit.make(folder, firmware, parts, words, contents.memory_opt)]
        if layout_name != "sd-uboot":
            medium.make(path, medium.LAYOUTS[layout_name], direct, table_opt)
            return
        # The same for the flash goes along: from this card the flash is written anew.
        layout = medium.LAYOUTS[layout_name]
        flash, fat = os.path.join(folder, medium.FLASH), os.path.join(folder, "fat")
        medium.make(flash, medium.LAYOUTS["nor"], direct)
        medium.cut(flash, medium.LAYOUTS["nor"], direct)
        medium.make_fat(fat, layout.parts[2].bytes, medium.make_uboot_files(folder, words))
        medium.make(path, layout, [firmware.spl, firmware.itb, fat], table_opt)
