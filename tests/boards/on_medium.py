# SPDX-License-Identifier: MIT
"""A run of the system from a medium, as a board would make it: SPL, OpenSBI, kernel.

The medium is made for the run, with what is to be run in its boot archive. The board has less
memory than a real one, since its device tree says so: tests fill it. Half of it lies above 4 GiB.

A disk of a test (disk_opt) becomes the medium: it has the partitions of the system (CARD_PARTS),
and behind them, from CARD_SECTOR on, those of the test.
"""
import os
import re
import sys

TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path += [os.path.join(TESTS, "boards"), os.path.join(os.path.dirname(TESTS), "sbi")]

import board  # noqa: E402
import image  # noqa: E402
import medium  # noqa: E402
import tree  # noqa: E402
import trial  # noqa: E402
from archive import pack  # noqa: E402
from firmware import NotFetched, firmware  # noqa: E402
from machine import UNCOUNTED, Machine  # noqa: E402

# By their names: the layout and QEMU's name for what it is on.
MEDIA = {"sd": ("sd-direct", "sd"), "nor": ("nor", "mtd")}
MEGA = 1 << 20
SPL_IS_OVER = board.SPL_BEGINS.encode() + b"\n"
TIMEOUT_MIN = 200
FROM_CARD_MIB = 192 + 128  # in FromCard, if no other size is asked for
# What a board has in any case: up to where the boot archive lies, and with some room behind it.
MEMORY_LOW = (0x80000000, 192 * MEGA)
MEMORY_HIGH = 0x200000000
# Where partitions of a test begin: behind those of the system, at a multiple of 2 MiB.
CARD_PARTS = medium.LAYOUTS["sd-direct"].parts
CARD_SECTOR = 34 * MEGA // medium.SECTOR


def why_not(name):
    """The reason why this machine cannot run from such a medium; None if it can."""
    try:
        spl = firmware(tree.build_directory(), "unleashed").spl
    except NotFetched as error:
        return None if os.environ.get("CI") else str(error)
    return trial.why_no_card(tree.build_directory(), spl) if name == "sd" else None


def choose():
    """(medium, reason): a card; flash and the reason why no card; None and why there is neither."""
    reason = why_not("sd")
    if reason is None:
        return "sd", None
    return (None if why_not("nor") else "nor"), reason


def table_of(layout):
    """A medium that has a partition table of this layout, made once for all runs of a build."""
    path = os.path.join(tree.build_directory(), f"table-{layout}.img")
    if not os.path.exists(path) or os.path.getmtime(path) < os.path.getmtime(medium.__file__):
        new = f"{path}.{os.getpid()}"
        medium.make(new, medium.LAYOUTS[layout], [])
        os.replace(new, path)
    return path


def put_on(disk, made):
    """Have a disk that has the partitions of the system hold what is in those of the medium."""
    with open(made, "rb") as source, open(disk, "r+b") as target:
        for part in CARD_PARTS:
            source.seek(part.first * medium.SECTOR)
            target.seek(part.first * medium.SECTOR)
            target.write(source.read(part.bytes))


def files_needed(files):
    """Those of a boot archive without the traces that the program is not told of: a card is slow.
    """
    told = b"".join(data for name, data in files if name == "boot/args")
    return [(name, data) for name, data in files
            if not told or not name.startswith("traces/") or name.encode() in told]


class OnMedium(Machine):
    """The machine that is built like a HiFive Unleashed, with all its harts.

    `mem` is what it has above 4 GiB, beside MEMORY_LOW.
    """

    def __init__(self, built, files, name):
        super().__init__(built, files)
        self.medium = name
        self.machine = "sifive_u"
        self.has_own_mem = False   # as much as a board of its kind
        self.drive_opt = None      # QEMU's option -drive for the disk, where it is no plain file

    def memory(self):
        """(address, bytes) pairs for the device tree; None: those that it has."""
        if self.has_own_mem:
            return None
        return [MEMORY_LOW, (MEMORY_HIGH, int(re.fullmatch(r"([0-9]+)M", self.mem)[1]) * MEGA)]

    def command(self, archive, nonce):
        layout, kind = MEDIA[self.medium]
        folder = os.path.dirname(archive)
        path = os.path.join(folder, "medium.img")
        contents = image.Contents(self.built["kernel"], [*files_needed(self.files), UNCOUNTED],
                                  self.words(nonce), self.memory())
        image.make(path, layout, firmware(tree.build_directory(), "unleashed"), contents,
                   table_of(layout))
        if self.disk_opt is not None:
            put_on(self.disk_opt[0], path)
            path = self.disk_opt[0]
        command = board.command(path, kind, board.cut_spl(path, kind, folder), self.drive_opt)
        if self.gdb_port_opt is not None:
            command += ["-gdb", f"tcp:127.0.0.1:{self.gdb_port_opt}", "-S"]
        return command + self.extra


class FromCard(OnMedium):
    """The same from an SD card, made with what any machine is made with."""

    def __init__(self, built, files):
        super().__init__(built, files, "sd")
        self.mem = f"{FROM_CARD_MIB - MEMORY_LOW[1] // MEGA}M"

    def run(self, show):
        """As any machine, without what SPL says; firmware takes its time."""
        self.timeout = max(self.timeout, TIMEOUT_MIN) if self.timeout else 0
        said = bytearray()

        def show_behind_spl(data):
            if said.endswith(SPL_IS_OVER):
                show(data)
                return
            said.extend(data)
            _, end, rest = said.partition(SPL_IS_OVER)
            if end:
                del said[len(said) - len(rest):]
                show(bytes(rest))

        return super().run(show_behind_spl)


def tree_command(dtb, folder, *program):
    """QEMU without firmware of the board, but with its device tree."""
    built = tree.manifest()
    archive = os.path.join(folder, "archive.cpio")
    with open(archive, "wb") as target:
        target.write(pack([*tree.boot_files(built, program, []), UNCOUNTED]))
    return ["qemu-system-riscv64", "-M", "sifive_u", "-smp", "5", "-m", "8G", "-display", "none",
            "-serial", "stdio", "-monitor", "none", "-no-reboot", "-bios", "default", "-dtb", dtb,
            "-kernel", built["kernel"], "-initrd", archive, "-append", f"nonce={board.NONCE}"]


def run(name, program, mem):
    """(status, output) of a program, given by its path, run from a medium."""
    built = tree.manifest()
    word = os.path.basename(program)
    extra = [(program, "bin/" + word)]
    machine = OnMedium(built, tree.boot_files(built, [word], extra), name)
    machine.mem = mem
    machine.timeout = 200
    shown = bytearray()
    outcome = machine.run(shown.extend)
    return outcome.status, shown.decode(errors="replace") + outcome.trouble
