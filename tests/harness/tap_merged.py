# SPDX-License-Identifier: MIT
"""The TAP of several programs that run one after the other (tests/system/in_turn.c), as one.

Each result is passed on under its program's name. For each program one more says whether the rest
is as it should be: it ended, its results are those that it planned, its status fits them, and it
left no frame behind.
"""
import re

from machine import STATUS_FAULT, Outcome
from tap_report import RESULT, Report

USES = ("user", "tables", "server", "objects")
COUNTS = (r": free (\d+) " + " ".join(rf"{use} (\d+)" for use in USES)
          + r" names (\d+) shared (\d+) changes (\d+)")
BEGIN = re.compile(r"in turn: (\S+) begins" + COUNTS)
END = re.compile(r"in turn: (\S+) ends: (?:status (\d+)|(.*?))" + COUNTS)
NUMBER = re.compile(r"((?:not )?ok)(?: \d+)?(?: -)? (.*)")


class Counts:
    """What the machine has, as the runner says."""

    def __init__(self, words):
        self.free, *self.uses, self.names, self.shared, self.changes = map(int, words)

    def lost(self, later):
        """How many frames are missing later; None if that cannot be told (user/init/init.c)."""
        if later.changes != self.changes:
            return None
        kept = later.shared - self.shared if later.names != self.names else 0
        return self.free - later.free - kept

    def grown(self, later):
        """What the machine has more of later, as text."""
        return ", ".join(f"{after - before} more {use}" for use, before, after
                         in zip(USES, self.uses, later.uses) if after > before)


class Merged:
    """The programs' TAP as one; `programs` are those that have not begun yet."""

    def __init__(self, programs):
        self.programs = programs
        self.running = None       # (name, Report, Counts), between its begin and its end
        self.results = 0
        self.failed = 0
        self.unfinished = ""

    def read(self, text):
        """Take output as it comes; returns TAP."""
        *lines, self.unfinished = (self.unfinished + text).split("\n")
        return "".join(self._line(line.rstrip("\r")) for line in lines)

    def _result(self, is_good, text):
        self.results += 1
        self.failed += 0 if is_good else 1
        return f"{'ok' if is_good else 'not ok'} {self.results} - {text}\n"

    def _line(self, line):
        begin, end = BEGIN.fullmatch(line), END.fullmatch(line)
        if begin and not self.running and self.programs[:1] == [begin[1]]:
            self.running = (self.programs.pop(0), Report(), Counts(begin.groups()[1:]))
            return f"# {line}\n"
        if end and self.running and self.running[0] == end[1]:
            return self._end(end)
        if not self.running:
            return f"# {line}\n"
        name, report, _ = self.running
        said = report.read(line + "\n").rstrip("\n")
        number = NUMBER.fullmatch(said) if RESULT.match(said) else None
        if number:
            return self._result(number[1] == "ok", f"{name}: {number[2]}")
        return said + "\n" if said.startswith("#") else f"# {said}\n"

    def _end(self, end):
        name, report, before = self.running
        self.running = None
        outcome = Outcome(int(end[2])) if end[2] else Outcome(STATUS_FAULT, end[3])
        trouble = report.trouble(outcome) or (report.is_bailed_out and "it bailed out")
        after = Counts(end.groups()[3:])
        lost = before.lost(after)
        if not trouble and lost:
            trouble = f"{lost} frames are missing after it ({before.grown(after)})"
        return ((f"# {trouble}\n" if trouble else "")
                + self._result(not trouble, f"{name}: {report.results} results as planned"))

    def finish(self, outcome):
        """The end of the run: what did not come to its end has failed. Returns TAP."""
        said = self.read("\n") if self.unfinished else ""
        if self.running:
            said += self._result(False, f"{self.running[0]}: ends")
        for name in self.programs:
            said += self._result(False, f"{name}: is run")
        trouble = outcome.trouble or (outcome.status != 0 and f"status {outcome.status}")
        said += f"# {trouble}\n" if trouble else ""
        said += self._result(not trouble, "the machine ends well")
        return said + f"1..{self.results}\n"
