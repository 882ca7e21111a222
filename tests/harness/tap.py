# SPDX-License-Identifier: MIT
"""Tests in Python that print TAP: a test is a function, its name a sentence that can be false."""
import traceback


class Skip(Exception):
    """Raised by a test that cannot run on this machine; the text says why."""


def run(tests):
    """Run test functions in their order; returns the exit status. A failed test raises."""
    failed = 0
    print(f"1..{len(tests)}")
    for number, test in enumerate(tests, start=1):
        name = test.__name__.replace("_", " ")
        try:
            test()
            print(f"ok {number} - {name}", flush=True)
        except Skip as reason:
            print(f"ok {number} - {name} # SKIP {reason}", flush=True)
        except Exception:  # pylint: disable=broad-except
            for line in traceback.format_exc().rstrip().split("\n"):
                print(f"# {line}")
            failed += 1
            print(f"not ok {number} - {name}", flush=True)
    return 1 if failed else 0


def expect(actual, expected):
    """Raise unless two values are equal, saying both."""
    if actual != expected:
        raise AssertionError(f"is {actual!r}, should be {expected!r}")
