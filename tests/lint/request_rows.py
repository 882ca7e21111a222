# SPDX-License-Identifier: MIT
"""Rules for the lists of requests and the page that says what each checks."""
import re

LIST = "server/include/mem/proto.def"
PAGE = "server/README.md"
ENTRY = re.compile(r"^REQUEST\((\w+),", re.MULTILINE)
# The tables of checks: the shell's and core's. A row for several requests names each.
TABLE = re.compile(r"^\| request \| checks .*\n\|[-|]+\n((?:\|.*\n)+)", re.MULTILINE)
FIRST_CELL = re.compile(r"^\| ([^|]*) \|", re.MULTILINE)
NAME = re.compile(r"\b[A-Z][A-Z_]+\b(?!\.\.\.)")


def every_request_has_a_row_of_checks(files):
    found = {file.path: file.text for file in files}
    if LIST not in found or PAGE not in found:
        return
    named = set()
    for rows in TABLE.findall(found[PAGE]):
        for cell in FIRST_CELL.findall(rows):
            named |= set(NAME.findall(cell))
    for request in ENTRY.findall(found[LIST]):
        if request not in named:
            yield f"{PAGE}: no row of checks for {request}"


RULES = [every_request_has_a_row_of_checks]
