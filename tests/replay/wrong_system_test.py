#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""replay finds out a system that gets something wrong, and gets along with one that is different.

Usage: wrong_system_test.py REPLAY, REPLAY being linked with wrong_system.c. Prints TAP.
"""
import os
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True

from replay_test import GOOD, Results, check_accepted, run, write  # noqa: E402

GOOD_TEXT = "\n".join(GOOD) + "\n"
# Calls across two maps that touch each other when recorded, a remap that grows in place, a heap of
# its own, and pages that end unreadable.
ACROSS = """\
# address-space trace 1
region 400000 401000 rw- anon -
map 0 4000 rw- private,anon - 0 = 3ff0004000
map 0 4000 rw- private,anon - 0 = 3ff0000000
touch 3ff0003000 w
touch 3ff0004000 w
protect 3ff0003000 2000 r-- = 0
touch 3ff0003000 r
protect 3ff0003000 2000 rw- = 0
remap 3ff0003000 2000 3000 1 0 = 3fe0000000
touch 3fe0002000 w
touch 3fe0000000 w
map 0 4000 rw- private,anon - 0 = 3fd0004000
map 0 4000 rw- private,anon - 0 = 3fd0000000
touch 3fd0003000 w
touch 3fd0004000 w
map 3fd0003000 1800 rw- private,fixed 5 0 = 3fd0003000
touch 3fd0004000 w
touch 3fd0005000 w
advise 3fd0002000 4000 4 = 0
touch 3fd0005000 r
unmap 3fd0002000 3f80 = 0
map 0 4000 rw- private,anon - 0 = 3fc0004000
map 0 4000 rw- private,anon - 0 = 3fc0000000
touch 3fc0001000 w
touch 3fc0004000 w
remap 3fc0000000 8000 3000 0 0 = 3fc0000000
map 0 1000 rw- private,anon - 0 = 3fb0001000
touch 3fb0001000 w
remap 3fc0000000 3000 3000 3 3fb0000000 = 3fb0000000
map 0 4000 rw- private,anon - 0 = 3fa0000000
touch 3fa0001000 w
remap 3fb0000000 3000 2000 3 3fa0001000 = 3fa0001000
remap 3fa0001000 2000 2000 5 0 = 3f90000000
touch 3fa0001000 r
touch 3f90001000 w
map 0 2000 rw- private,anon - 0 = 3f80000000
touch 3f80001000 w
remap 3f80000000 2000 4000 0 0 = 3f80000000
touch 3f80003000 w
map 0 4000 rw- private,anon - 0 = 3f70004000
map 0 4000 rw- private,anon - 0 = 3f70000000
touch 3f70000000 w
touch 3f70003000 w
touch 3f70005000 w
remap 3f70000000 8000 2000 3 3f60000000 = 3f60000000
touch 3f60001000 w
protect 3f60000000 1000 --- = 0
brk 0 = 600000
brk 602000 = 602000
touch 601000 w
brk 601000 = 601000
map 0 1000 --x private,anon - 0 = 3f50000000
touch 3f50000000 x
"""
# What the system does, which trace shows it, at which line of it; 0: there is nothing to be seen.
WRONG = [
    ("does all as it should", GOOD_TEXT, 0),
    ("maps old contents", GOOD_TEXT, 11),
    ("maps old contents", ACROSS, 5),
    ("answers in a page", GOOD_TEXT, 10),
    ("answers memory in use", GOOD_TEXT, 17),
    ("refuses map", GOOD_TEXT, 10),
    ("refuses protect", GOOD_TEXT, 16),
    ("scribbles in pages that it protects", ACROSS, 12),
    ("refuses unmap", GOOD_TEXT, 26),
    ("drops nothing", GOOD_TEXT, 23),
    ("moves no contents", GOOD_TEXT, 33),
    ("moves pages in another order", GOOD_TEXT, 33),
    ("keeps too many regions", GOOD_TEXT, 33),
]
# What a system may do.
DIFFERENT = ("does all as it should", "keeps maps apart", "grows nothing in place")


def check_different(results, replay, folder):
    """Whatever a right system chooses, the recorded regions and contents come out the same."""
    path = write(folder, ACROSS)
    for name in DIFFERENT:
        os.environ["WRONG_SYSTEM"] = name
        check_accepted(results, replay, path, f"calls across maps, on a system that {name}")
    os.environ["WRONG_SYSTEM"] = "keeps maps apart"
    printed = run(replay, path).stdout
    results.add("\ncalls made in pieces: 0\n" not in printed, "and that makes calls in pieces",
                printed)


def main():
    replay = sys.argv[1]
    results = Results()
    with tempfile.TemporaryDirectory() as folder:
        for name, text, line in WRONG:
            path = write(folder, text)
            environment = dict(os.environ, WRONG_SYSTEM=name)
            done = subprocess.run([replay, path], capture_output=True, text=True, timeout=300,
                                  check=False, env=environment)
            wanted = f"replay: {path}:{line}: " if line else ""
            is_found = done.returncode == (3 if line else 0) and done.stderr.startswith(wanted)
            results.add(is_found, f"a system that {name}",
                        f"status {done.returncode}, wanted line {line}\n{done.stderr}")
        check_different(results, replay, folder)
    print(f"1..{results.count}")
    return 1 if results.failed else 0


if __name__ == "__main__":
    sys.exit(main())
