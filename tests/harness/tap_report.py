# SPDX-License-Identifier: MIT
"""What a program's TAP says, and whether it can be believed."""
import re

PLAN = re.compile(r"1\.\.(\d+)(\s+# SKIP.*)?$")
RESULT = re.compile(r"(not )?ok\b")


class Report:
    """What the program's TAP says so far."""

    def __init__(self):
        self.planned = None
        self.results = 0
        self.failed = 0
        self.is_bailed_out = False
        self.unfinished = ""

    def read(self, text):
        """Take output as it comes; returns its whole lines as TAP: all else is made a comment."""
        *lines, self.unfinished = (self.unfinished + text).split("\n")
        return "".join(self._line(line) + "\n" for line in lines)

    def finish(self):
        """The unfinished last line, as a whole one."""
        return self.read("\n") if self.unfinished else ""

    def _line(self, line):
        plan = PLAN.match(line)
        result = RESULT.match(line)
        if plan:
            self.planned = int(plan[1])
        elif result:
            self.results += 1
            self.failed += 1 if result[1] else 0
        elif line.startswith("Bail out!"):
            self.is_bailed_out = True
        elif not line.startswith("#"):
            return "# " + line
        return line

    def trouble(self, outcome):
        """What is wrong apart from failed tests, or None."""
        if outcome.trouble:
            return outcome.trouble
        if self.planned is None:
            return "no plan: the program printed no line '1..N'"
        if self.results != self.planned:
            return f"{self.results} results, but the plan says {self.planned}"
        if (outcome.status != 0) != (self.failed != 0):
            return f"status {outcome.status}, but {self.failed} failed tests"
        return None
