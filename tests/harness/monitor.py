# SPDX-License-Identifier: MIT
"""QEMU asked about the machine that it runs."""
import json
import socket


class Gone(Exception):
    """The machine has ended."""


class Monitor:
    """QEMU's machine protocol, over a socket."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(path)
        self.file = self.socket.makefile("r", encoding="utf-8")
        self.file.readline()
        self.ask("qmp_capabilities")

    def ask(self, command, **arguments):
        request = json.dumps({"execute": command, "arguments": arguments})
        try:
            self.socket.sendall(request.encode())
            for line in self.file:
                answer = json.loads(line)
                if "return" in answer:
                    return answer["return"]
                if "error" in answer:
                    raise AssertionError(f"{command}: {answer['error']['desc']}")
        except OSError:
            pass
        raise Gone

    def say(self, line):
        """The answer to a line for people."""
        return self.ask("human-monitor-command", **{"command-line": line})
