#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Each rule finds what breaks it, and nothing in a file that keeps all of them. Prints TAP."""
import sys

sys.dont_write_bytecode = True

import code_rules  # noqa: E402
import includes  # noqa: E402
import request_rows  # noqa: E402
import text  # noqa: E402
from source import Source  # noqa: E402

LICENCE = "/* SPDX-License-Identifier: MIT */\n"
TABLE = "| request | checks in order | left |\n|---|---|---|\n"
GOOD = [
    Source("server/core/good.h", LICENCE + "#pragma once\n\n#include <base/attr.h>\n\n"
           "/* Count. */\nint good_count(int a);\nint good_more(int a, /* if any */\n"
           "              int b);\n"),
    Source("server/core/good.c", LICENCE + '#include "server/core/good.h"\n\n'
           "int good_count(int a)\n{\n    do {\n        a--;\n    } while (a > 0);\n"
           "    if (a == 0 &&\n        a < 1) {\n        return 1;\n    } else if (a) {\n"
           "        return 2;\n    }\n    return '\"' + 3; /* if (a) return; */\n}\n"),
    Source(request_rows.LIST, LICENCE + 'REQUEST(MAP, 1, map, "a")\nREQUEST(COPY, 2, copy, "b")\n'),
    Source(request_rows.PAGE, TABLE + "| MAP, COPY | none | |\n"),
    Source("kernel/include/base/attr.h", LICENCE + "#pragma once\n\n#if 1\n#endif\n"),
]

# (rule, path, text after the licence line) of a file that breaks the rule.
BAD = [
    (text.the_top_level_is_fixed, "own", ""),
    (text.the_top_level_is_fixed, "other/a.c", ""),
    (text.every_file_is_text, "a.c", "\0\n"),
    (text.every_file_is_text, "a.c", "no newline"),
    (text.files_have_at_most_500_lines, "a.c", "\n" * 501),
    (text.lines_have_at_most_100_columns, "a.c", "/" * 101 + "\n"),
    (text.lines_have_at_most_100_columns, "a.c", "int a; \n"),
    (text.nothing_is_left_for_later, "a.c", "// TO" "DO\n"),
    (text.no_path_of_one_machine_is_named, "a.md", "see /ho" "me/me\n"),
    (text.no_host_is_named, "a.md", "from mirror.example.o" "rg\n"),
    (code_rules.functions_have_at_most_70_lines, "a.c", "int f(void)\n{\n" + "\n" * 69 + "}\n"),
    (code_rules.conditionals_stand_only_where_the_machine_is, "a.c", "#ifdef A\n#endif\n"),
    (code_rules.assembly_stands_only_where_the_machine_is, "a.c", '__asm__ volatile("nop");\n'),
    (code_rules.headers_say_pragma_once, "a.h", "int a;\n"),
    (code_rules.bodies_have_braces, "a.c", "if (f(a, b)) return;\n"),
    (code_rules.bodies_have_braces, "a.c", "if (a) {\n} else\n    b();\n"),
    (code_rules.bodies_have_braces, "a.c", "for (;;)\n    b();\n"),
    (code_rules.public_functions_have_a_comment, "a.h", "\nint f(int a,\n      int b);\n"),
    (includes.components_include_only_what_they_may, "server/core/a.c", "#include <stdio.h>\n"),
    (includes.components_include_only_what_they_may, "kernel/mm/a.c",
     '#include "server/core/good.h"\n'),
    (includes.components_include_only_what_they_may, "kernel/mm/b.c", '#include "task/a.h"\n'),
    (includes.components_include_only_what_they_may, "user/a.c", '#include "missing.h"\n'),
    (request_rows.every_request_has_a_row_of_checks, request_rows.PAGE,
     TABLE + "| MAP | as COPY | |\n\n| COPY | in no table of checks |\n"),
    (includes.a_file_includes_its_own_header_first, "kernel/task/a.c", "#include <base/attr.h>\n"),
]
NEIGHBOURS = [Source("kernel/task/a.h", LICENCE + "#pragma once\n")]


def main():
    rules = text.RULES + code_rules.RULES + includes.RULES + request_rows.RULES
    results = []
    for rule, path, body in BAD:
        bad = Source(path, LICENCE + body)
        places = list(rule(GOOD + NEIGHBOURS + [bad]))
        found = bool(places) and all(place.startswith(path + ":") for place in places)
        results.append((found, f"{rule.__name__} finds {body[:30]!r} in {path}", places))
    unlicensed = list(text.code_names_its_licence([Source("a.c", "int a;\n")]))
    results.append((bool(unlicensed), "code_names_its_licence finds a file without", unlicensed))
    for rule in rules:
        places = list(rule(GOOD))
        results.append((not places, f"{rule.__name__} is content with good files", places))

    print(f"1..{len(results)}")
    for number, (holds, name, places) in enumerate(results, start=1):
        if not holds:
            print(f"# found: {places}")
        print(f"{'ok' if holds else 'not ok'} {number} - {name}")
    return 0 if all(holds for holds, _, _ in results) else 1


if __name__ == "__main__":
    sys.exit(main())
