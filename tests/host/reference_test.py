#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The page for those who write programs: its reference is whole and its examples are the programs
of the tree. Prints TAP."""
import os
import re
import sys

sys.dont_write_bytecode = True
TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
TOP = os.path.dirname(TESTS)
sys.path += [os.path.join(TESTS, "harness"), os.path.join(TOP, "user")]

import reference  # noqa: E402
from tap import expect, run  # noqa: E402

LISTS = ("kernel/include/abi/syscall.def", "server/include/mem/proto.def",
         "user/console/include/console/proto.def", "user/disk/include/disk/proto.def",
         "user/files/include/files/proto.def", "user/names/include/names/proto.def")


def every_call_of_the_lists_has_words_and_errors():
    page, problems = reference.reference()
    expect(problems, [])
    for path in LISTS:
        text = reference.read(path)
        rows = reference.entries(text)
        expect(len(rows), len(re.findall(r"^(?:SYSCALL|REQUEST)\(", text, re.M)))
        for name, number, _, summary in rows:
            if not any(line.startswith(f"| {name} | {number} |") and summary in line
                       for line in page.split("\n")):
                raise AssertionError(f"{name} of {path} has no row")


def rows_have_as_many_cells_as_their_heads():
    page, _ = reference.reference()
    head = 0
    for line in page.split("\n"):
        count = len(re.findall(r"(?<!\\)\|", line))
        if line.startswith("| call") or line.startswith("| request"):
            head = count
        elif line.startswith("|"):
            expect((line[:40], count), (line[:40], head))


def functions_are_those_of_the_library():
    page, _ = reference.reference()
    for row in ("| NULL | 0 | `hf_null` |", "| MAP | 1 | `hf_map` |",
                "| SPACE_MAKE | 32 | (the memory server's) |",
                "| LIMITS | 10 | `hf_limit_get`, `hf_limit_set` |"):
        expect((row, row in page), (row, True))


def figures_are_those_that_the_benchmarks_recorded():
    page, _ = reference.reference()
    figures = reference.read("tests/bench/recorded.tsv")
    recorded = re.search(r"^gcc[^\t]*\tipc\t(\S+)$", figures, re.M)
    expect(f"| {recorded[1]} (IPC call and reply" in page, True)


def a_call_without_a_description_is_noticed():
    comment = "/*\n * ONE_CALL         a0 = x.\n *                  and more\n *\n * Text.\n */"
    expect(reference.comment_blocks(comment), {"ONE_CALL": "a0 = x. and more"})
    expect(reference.structure("struct a_req {\n    uint64_t head;\n    char name[16];\n"
                               "    uint32_t low;\n    uint32_t high;\n};\n", "a_req"),
           [(1, "name"), (3, "low"), (3, "high")])
    expect(reference.structure("", "a_req"), None)


def examples_are_programs_of_the_tree():
    readme = reference.read("user/README.md")
    examples = re.findall(r"\((prog/[\w/]+\.c)\).*?```c\n(.*?)```", readme, re.S)
    expect([path for path, _ in examples],
           ["prog/pages/pages.c", "prog/sum/sum.c", "prog/squares/squares.c"])
    for (path, shown), lines in zip(examples, (20, 40, 100)):
        expect((path, shown in reference.read("user", path)), (path, True))
        expect((path, shown.count("\n") <= lines), (path, True))


if __name__ == "__main__":
    sys.exit(run([
        every_call_of_the_lists_has_words_and_errors,
        rows_have_as_many_cells_as_their_heads,
        functions_are_those_of_the_library,
        figures_are_those_that_the_benchmarks_recorded,
        a_call_without_a_description_is_noticed,
        examples_are_programs_of_the_tree,
    ]))
