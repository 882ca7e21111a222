# SPDX-License-Identifier: MIT
"""What the machine prints, on its way to the user.

Five things happen to the stream, and none of them delays an unfinished line such as a prompt:
- the firmware's banner is dropped, and what OpenSBI 1.6 says when a program tries an instruction of
  the supervisor, which it does without a newline in the middle of the program's output;
- "\\r\\n" becomes "\\n";
- the end line of the kernel, `[holdfast NONCE ...]`, is taken out and kept, what follows dropped;
- an address of a panic's backtrace (`  at 0x...`) gets its function, file and line;
- so does the pc in a line about the end of a program (`init: NAME: ... pc 0x...`, `[N] NAME: ...`);
  where that comes behind the shell's prompt, and so is shown as it comes, the name follows it.
"""
import re

BANNER_START = b"OpenSBI v"
BANNER_LAST_LINE = b"Boot HART MEDELEG"
BANNER_BYTES_MAX = 16384
FIRMWARE_REMARK = b"system_opcode_insn: Invalid opcode for CSR read/write instruction"
BACKTRACE_START = b"  at 0x"
BACKTRACE_LINE = re.compile(rb"  at 0x([0-9a-f]+)\s*$")

# How the lines begin in which init and others say how a program ended; and such a line.
END_STARTS = (b"init: ", b"together: ")
END_NUMBER = re.compile(rb"\[[0-9]*(\] ?)?")
END_LINE = re.compile(rb"(?:init: |together: |\[[0-9]+\] )([^\s:]+)(?: .*)?: .*\bpc 0x([0-9a-f]+)")

PROMPT = b"holdfast> "
CURSOR = re.compile(rb"\r|\x1b\[[0-9;]*[A-Za-z]")  # what moves it, as the shell's editor does
LINE_BYTES_MAX = 512  # of a line that begins with the prompt


def is_end_start(line):
    """Whether an unfinished line may become one that says how a program ended."""
    if any(start.startswith(line) or line.startswith(start) for start in END_STARTS):
        return True
    number = END_NUMBER.match(line)
    return number is not None and (number.end() == len(line) or number[0].endswith(b"] "))


class Console:
    """A filter: feed() bytes as they come, show what it returns; finish() returns the rest."""

    def __init__(self, nonce, describe, describe_program=lambda program, address: ""):
        """Both return '' if they cannot: `describe(address, is_return)` names an address of the
        kernel, `describe_program(program, address)` one of a program of the boot archive."""
        self.describe_program = describe_program
        self.marker = f"[holdfast {nonce} ".encode()
        self.describe = describe
        self.end_line = None      # what the kernel said at the end, without frame and nonce
        self.held = b""           # not yet shown
        self.in_banner = True
        self.at_line_start = True  # nothing of the line that `held` continues was shown
        self.shown = b""          # of that line, its first LINE_BYTES_MAX bytes
        self.addresses = 0

    def feed(self, data):
        self.held += data
        if self.in_banner and not self._leave_banner():
            return b""
        self.held = self.held.replace(b"\r\n", b"\n").replace(FIRMWARE_REMARK, b"")
        shown = b""
        while b"\n" in self.held and self.end_line is None:
            line, _, self.held = self.held.partition(b"\n")
            shown += self._whole_line(line)
            self.at_line_start = True
            self.shown = b""
        if self.end_line is not None:
            self.held = b""
        count = self._showable()
        if count > 0:
            shown += self.held[:count]
            self.shown += self.held[:max(0, LINE_BYTES_MAX - len(self.shown))][:count]
            self.held = self.held[count:]
            self.at_line_start = False
        return shown

    def finish(self):
        rest, self.held = self.held, b""
        return rest

    def _leave_banner(self):
        """Drop the firmware's banner; returns whether it is over, or was none."""
        text = self.held.lstrip(b"\r\n")
        if text.startswith(BANNER_START):
            start = text.find(BANNER_LAST_LINE)
            end = text.find(b"\n", start)
            if start >= 0 and end >= 0:
                self.held = text[end + 1:].lstrip(b"\r\n")
                self.in_banner = False
            elif len(text) > BANNER_BYTES_MAX:
                self.in_banner = False
        elif not BANNER_START.startswith(text):
            self.in_banner = False
        return not self.in_banner

    def _whole_line(self, line):
        position = line.find(self.marker)
        if position >= 0:
            if self.end_line is None:
                said = line[position + len(self.marker):]
                self.end_line = said.rpartition(b"]")[0].decode(errors="replace")
            return line[:position]
        match = BACKTRACE_LINE.match(line) if self.at_line_start else None
        if match:
            name = self.describe(int(match[1], 16), self.addresses > 0)
            self.addresses += 1
            line += b" " + name.encode() if name else b""
        end = END_LINE.match(line) if self.at_line_start else None
        name = self._name_of(end) if end else b""
        if name:
            line = line[:end.end()] + b" " + name + line[end.end():]
        return line + self._name_behind_prompt(line) + b"\n"

    def _name_of(self, end):
        """The name for the pc of a match of END_LINE, or b''."""
        return self.describe_program(end[1].decode(errors="replace"), int(end[2], 16)).encode()

    def _name_behind_prompt(self, rest):
        """What to add to a line whose beginning has been shown, and that ends with `rest`."""
        whole = CURSOR.sub(b"", self.shown + rest)
        end = END_LINE.match(whole, len(PROMPT)) if whole.startswith(PROMPT) else None
        name = self._name_of(end) if end and self.shown else b""
        return b" (pc is " + name + b")" if name else b""

    def _showable(self):
        """How much of the unfinished line can be shown now."""
        held = self.held
        if self.at_line_start and (BACKTRACE_START.startswith(held)
                                   or held.startswith(BACKTRACE_START) or is_end_start(held)):
            return 0
        position = held.find(self.marker)
        if position >= 0:
            return position
        for length in range(min(len(held), len(FIRMWARE_REMARK) - 1), 0, -1):
            end = held[-length:]
            if self.marker.startswith(end) or FIRMWARE_REMARK.startswith(end):
                return len(held) - length
        # A carriage return may be the first half of "\r\n".
        return len(held) - 1 if held.endswith(b"\r") else len(held)
