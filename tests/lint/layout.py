# SPDX-License-Identifier: MIT
"""The layout of C is what clang-format makes of it."""
import os
import re
import subprocess

from source import TOP

# .clang-format was made with this version; others lay some things out differently.
VERSION = 14


class Skip(Exception):
    """The rule cannot be checked on this machine; the text says why."""


def tool():
    """The command for the version of clang-format that decides."""
    for name in (f"clang-format-{VERSION}", "clang-format"):
        try:
            said = subprocess.run([name, "--version"], stdout=subprocess.PIPE, text=True,
                                  check=True).stdout
        except (OSError, subprocess.CalledProcessError):
            continue
        found = re.search(r"version (\d+)\.", said)
        if found and int(found[1]) == VERSION:
            return name
    raise Skip(f"clang-format {VERSION} is not installed")


def layout_is_what_clang_format_makes(files):
    command = tool()
    paths = [file.path for file in files if file.kind in ("c", "h")]
    if not paths:
        return
    done = subprocess.run([command, "--dry-run", *paths], cwd=TOP, stderr=subprocess.PIPE,
                          text=True, check=False, env={**os.environ, "LC_ALL": "C"})
    seen = set()
    for line in done.stderr.split("\n"):
        found = re.match(r"(.+?):(\d+):\d+: (?:warning|error): ", line)
        if found and found[1] not in seen:
            seen.add(found[1])
            yield f"{found[1]}:{found[2]}: run: {command} -i {found[1]}"


RULES = [layout_is_what_clang_format_makes]
