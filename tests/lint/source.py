# SPDX-License-Identifier: MIT
"""The files that the rules look at, and views of them without what a rule must not see."""
import os
import re
import subprocess

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
COMMENT_OR_STRING = re.compile(
    r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.DOTALL)


class Source:
    """One text file: its path from the top of the tree, its text and its lines."""

    def __init__(self, path, text):
        self.path = path
        self.text = text
        self.lines = text.split("\n")
        self.kind = self._kind()
        self._code = None

    def _kind(self):
        """c, h, S, py, sh, meson, md, ... by name, or by the first line of a script."""
        extension = os.path.splitext(self.path)[1].lstrip(".")
        if os.path.basename(self.path) in ("meson.build", "meson_options.txt"):
            return "meson"
        if not extension and self.text.startswith("#!"):
            return "py" if "python" in self.lines[0] else "sh"
        return extension

    @property
    def code(self):
        """C without comments and with empty strings; line numbers stay what they are."""
        if self._code is None:
            self._code = COMMENT_OR_STRING.sub(self._blank, self.text)
        return self._code

    @staticmethod
    def _blank(match):
        found = match[0]
        if found[0] in "\"'":
            return found[0] + " " * (len(found) - 2) + found[0]
        return re.sub(r"[^\n]", " ", found)

    def line_of(self, position):
        return self.text.count("\n", 0, position) + 1


def sources():
    """All text files that are, or could be, committed."""
    try:
        listing = subprocess.run(
            ["git", "-C", TOP, "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True).stdout.decode()
        paths = [path for path in listing.split("\0") if path]
    except (OSError, subprocess.CalledProcessError):
        paths = list(walk())
    found = []
    for path in sorted(set(paths)):
        full = os.path.join(TOP, path)
        if not os.path.isfile(full):
            continue  # deleted, and the deletion not committed yet
        try:
            with open(full, encoding="utf-8") as file:
                found.append(Source(path, file.read()))
        except UnicodeDecodeError:
            found.append(Source(path, "\0"))
    return found


def walk():
    """The files of a tree without git, such as an unpacked archive."""
    for folder, folders, names in os.walk(TOP):
        folders[:] = [name for name in folders
                      if name not in (".git", "__pycache__") and not name.startswith("build")]
        for name in names:
            yield os.path.relpath(os.path.join(folder, name), TOP)
