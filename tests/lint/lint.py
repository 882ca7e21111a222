#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Check the rules of the tree that no compiler checks; prints TAP, one test a rule.

A rule is a function from the files to the places that break it. Its name is the sentence that is
false there.
"""
import sys

sys.dont_write_bytecode = True

import code_rules  # noqa: E402
import includes  # noqa: E402
import layout  # noqa: E402
import request_rows  # noqa: E402
import text  # noqa: E402
from source import sources  # noqa: E402

PLACES_SHOWN = 20


def main():
    files = sources()
    rules = text.RULES + code_rules.RULES + includes.RULES + request_rows.RULES + layout.RULES
    failed = 0
    print(f"1..{len(rules)}")
    for number, rule in enumerate(rules, start=1):
        name = rule.__name__.replace("_", " ")
        try:
            places = list(rule(files))
        except layout.Skip as reason:
            print(f"ok {number} - {name} # SKIP {reason}")
            continue
        for place in places[:PLACES_SHOWN]:
            print(f"# {place}")
        if len(places) > PLACES_SHOWN:
            print(f"# and {len(places) - PLACES_SHOWN} more")
        failed += 1 if places else 0
        print(f"{'not ok' if places else 'ok'} {number} - {name}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
