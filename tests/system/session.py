# SPDX-License-Identifier: MIT
"""A machine with its shell, over the serial line, for the scripts that type there.

Who imports this has the folder of the harness in sys.path.
"""
import os
import re
import select
import subprocess
import time

import where

PROMPT = "holdfast> "
SECONDS = 60
ESCAPE = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
TOLD = re.compile(r"init: \w+: ended by another process\n")


class Session:
    """One machine with its shell."""

    def __init__(self, options, more=()):
        environment = dict(os.environ, HOLDFAST_BUILD=options.build)
        command = [*where.boot_command(options), "--mem", "128M", "--seed", "1", "--timeout", "240",
                   "--file", options.guest + "=bin/guest", *more]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT, env=environment, bufsize=0)
        self.drivers = ["disk"] if options.card else []
        self.text = ""
        self.seen = 0

    def wait_for(self, wanted):
        """Read until the text that follows what was seen so far holds `wanted`; return up to it."""
        deadline = time.monotonic() + SECONDS
        while True:
            position = self.text.find(wanted, self.seen)
            if position >= 0:
                said = self.text[self.seen:position]
                self.seen = position + len(wanted)
                return said
            left = deadline - time.monotonic()
            ready, _, _ = select.select([self.process.stdout], [], [], max(0, left))
            data = os.read(self.process.stdout.fileno(), 65536) if ready else b""
            if not data:
                raise AssertionError(f"no {wanted!r} in {self.text[self.seen:][-600:]!r}")
            text = self.text + data.decode(errors="replace").replace("\r", "")
            text = ESCAPE.sub("", text)
            # The kernel's console does not wait for the end of a line of the driver's.
            self.text = text[:self.seen] + TOLD.sub("", text[self.seen:])

    def type(self, keys):
        self.process.stdin.write(keys.encode())

    def do(self, line):
        """Type a line at the prompt; return what is printed until the next prompt."""
        self.type(line + "\r")
        self.wait_for("\n")
        return self.wait_for(PROMPT)

    def end(self):
        """Wait for the end; return the exit status."""
        try:
            return self.process.wait(SECONDS)
        finally:
            self.close()

    def close(self):
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()
