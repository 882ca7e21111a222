#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""replay finds out a system that gets something wrong, at the event where it shows.

Usage: wrong_system_test.py REPLAY, REPLAY being linked with wrong_system.c. Prints TAP.
"""
import os
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True

from replay_test import GOOD, Results, write  # noqa: E402

# What the system does: the line of GOOD at which that shows, 0: it does not.
WRONG = {
    "does all as it should": 0,
    "maps old contents": 11,
    "answers in a page": 10,
    "answers memory in use": 17,
    "refuses map": 10,
    "refuses protect": 16,
    "refuses unmap": 26,
    "drops nothing": 23,
    "moves no contents": 33,
    "moves pages in another order": 33,
    "keeps too many regions": 33,
}


def main():
    replay = sys.argv[1]
    results = Results()
    with tempfile.TemporaryDirectory() as folder:
        path = write(folder, "\n".join(GOOD) + "\n")
        for name, line in WRONG.items():
            environment = dict(os.environ, WRONG_SYSTEM=name)
            done = subprocess.run([replay, path], capture_output=True, text=True, timeout=60,
                                  check=False, env=environment)
            wanted = f"replay: {path}:{line}: " if line else ""
            is_found = done.returncode == (3 if line else 0) and done.stderr.startswith(wanted)
            results.add(is_found, f"a system that {name}",
                        f"status {done.returncode}, wanted line {line}\n{done.stderr}")
    print(f"1..{results.count}")
    return 1 if results.failed else 0


if __name__ == "__main__":
    sys.exit(main())
