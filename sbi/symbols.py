# SPDX-License-Identifier: MIT
"""Names for addresses: what a panic prints as numbers, with function, file and line."""
import bisect
import os
import subprocess

TOOLS = "riscv64-unknown-elf-"
# No function is longer: an address further behind the last one belongs to something else.
FUNCTION_BYTES_MAX = 65536


class Symbols:
    """The functions of one ELF file, or other `kinds` of symbols as nm(1) has them.

    Without the tools or the file nothing has a name.
    """

    def __init__(self, elf, kinds="tTwW"):
        self.elf = elf
        self.starts = []
        self.names = []
        listing = self._tool("nm", "--numeric-sort", "--defined-only", elf)
        for line in listing.splitlines():
            fields = line.split()
            if len(fields) != 3:
                continue
            address, kind, name = int(fields[0], 16), fields[1], fields[2]
            # Labels that the compiler or assembler made are not functions.
            if kind in kinds and not name.startswith((".", "$")):
                self.starts.append(address)
                self.names.append(name)

    @staticmethod
    def _tool(name, *arguments):
        try:
            done = subprocess.run([TOOLS + name, *arguments], stdout=subprocess.PIPE,
                                  stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL,
                                  text=True, errors="replace", check=False)
        except FileNotFoundError:
            return ""
        return done.stdout

    def function(self, address):
        """(name, offset) of the function that holds an address, or None."""
        i = bisect.bisect_right(self.starts, address) - 1
        if i < 0 or address - self.starts[i] > FUNCTION_BYTES_MAX:
            return None
        return self.names[i], address - self.starts[i]

    def line(self, address):
        """'file:line' of an address, the file as seen from the top of the tree, or None."""
        text = self._tool("addr2line", "-e", self.elf, hex(address)).strip()
        name, _, line = text.split(" ")[0].rpartition(":")
        if not name or name == "??" or not line.isdigit() or line == "0":
            return None
        name = os.path.normpath(name)
        for folder in ("kernel", "server", "user", "sbi", "tests"):
            position = name.find("/" + folder + "/")
            if position >= 0:
                name = name[position + 1:]
                break
        return f"{name}:{line}"

    def describe(self, address, is_return=False):
        """'function+0x12 (file:line)' or ''; of a return address the line of its call."""
        found = self.function(address)
        if found is None:
            return ""
        name, offset = found
        line = self.line(address - 1 if is_return else address)
        return f"{name}+{offset:#x}" + (f" ({line})" if line else "")
