# SPDX-License-Identifier: MIT
"""Standard input on its way to the machine, where it is no terminal.

A terminal is QEMU's own affair. What stands in a file or pipe at once would be lost in part: the
firmware empties the console's queue when it sets it up. So nothing is sent before the machine has
said something. A terminal's end of input is control-D; twice, since the first may only end a line
that has no newline.
"""
import os

END_OF_INPUT = b"\x04\x04"
CHUNK_BYTES = 4096


class Typed:
    """Moves bytes from one descriptor to another between the calls of select()."""

    def __init__(self, source_opt, target):
        """`source_opt`: a descriptor, None if there is nothing to read."""
        self.source = source_opt
        self.target = target
        self.is_open = False      # the machine can receive
        self.pending = b"" if source_opt is not None else END_OF_INPUT
        os.set_blocking(target, False)

    def open(self):
        self.is_open = True

    def readers(self):
        is_wanted = self.is_open and self.source is not None and not self.pending
        return [self.source] if is_wanted else []

    def writers(self):
        return [self.target] if self.is_open and self.pending else []

    def move(self, readable, writable):
        """Move what the answer of select() allows."""
        if self.source is not None and self.source in readable:
            self.pending = os.read(self.source, CHUNK_BYTES)
            if not self.pending:
                self.source = None
                self.pending = END_OF_INPUT
        if self.target in writable:
            try:
                self.pending = self.pending[os.write(self.target, self.pending):]
            except BrokenPipeError:
                # QEMU has ended: what it printed says how.
                self.source = None
                self.pending = b""
