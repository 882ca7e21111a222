# SPDX-License-Identifier: MIT
"""Rules for C, assembly and Python code."""
import ast
import re

FUNCTION_LINES_MAX = 70

CONDITIONAL = re.compile(r"^[ \t]*#[ \t]*(if|ifdef|ifndef|elif|elifdef|elifndef|else)\b",
                         re.MULTILINE)
MAY_HAVE_CONDITIONALS = (
    "kernel/riscv/", "kernel/include/base/",
    # Headers of the C library, which any program may include, from C++ too.
    "user/lib/include/sys/", "user/lib/include/time.h", "user/lib/include/unistd.h",
    # Of a program that is also compiled elsewhere: the one file that asks for the machine.
    "user/prog/replay/instructions.c",
)

ASSEMBLY = re.compile(r"\b(?:__)?asm(?:__)?\b(?=[ \t\n]*(?:\(|volatile|__volatile__|goto))")
# Where a function must be one instruction: control registers, fences, counters, the thread pointer,
# and the calls into kernel and firmware.
MAY_HAVE_ASSEMBLY = ("kernel/riscv/", "sbi/include/", "server/shell/ecall.h", "user/lib/",
                     "user/prog/replay/instructions.c", "tests/")
DIRECTIVE = re.compile(r"^[ \t]*#(?:[^\n\\]|\\.|\\\n)*", re.MULTILINE)

STATEMENT = re.compile(r"\b(if|for|while|switch|else|do)\b")
PROTOTYPE = re.compile(r"^(?!typedef|static|struct \w+ \{|enum|union|STATIC_ASSERT)"
                       r"[A-Za-z_][\w \t*(),]*\([^;{}]*\);", re.MULTILINE)


def functions(file):
    """(name, first line, last line) of each C function, whose braces are in column 0."""
    lines = file.code.split("\n")
    start = None
    for number, line in enumerate(lines, start=1):
        if line.rstrip() == "{":
            start = number - 1
            while start > 1 and lines[start - 2].strip() \
                    and not lines[start - 2].rstrip().endswith((";", "}", "\\")) \
                    and not lines[start - 2].startswith("#"):
                start -= 1
        elif line.rstrip() == "}" and start is not None:
            name = re.search(r"(\w+)\(", lines[start - 1]) or re.search(r"(\w+)", lines[start - 1])
            yield name[1] if name else "?", start, number
            start = None


def functions_have_at_most_70_lines(files):
    for file in files:
        if file.kind in ("c", "h"):
            found = functions(file)
        elif file.kind == "py":
            found = ((node.name, node.lineno, node.end_lineno)
                     for node in ast.walk(ast.parse(file.text))
                     if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)))
        else:
            continue
        for name, first, last in found:
            if last - first + 1 > FUNCTION_LINES_MAX:
                yield f"{file.path}:{first}: {name}: {last - first + 1} lines"


def conditionals_stand_only_where_the_machine_is(files):
    for file in files:
        if file.kind in ("c", "h", "S", "def") and not file.path.startswith(MAY_HAVE_CONDITIONALS):
            for match in CONDITIONAL.finditer(file.code):
                line = file.line_of(match.start())
                yield f"{file.path}:{line}: #{match[1]}: choose files instead"


def assembly_stands_only_where_the_machine_is(files):
    for file in files:
        if file.kind in ("c", "h") and not file.path.startswith(MAY_HAVE_ASSEMBLY):
            for match in ASSEMBLY.finditer(file.code):
                yield f"{file.path}:{file.line_of(match.start())}: inline assembly"


def headers_say_pragma_once(files):
    for file in files:
        if file.kind == "h" and "\n#pragma once\n" not in file.text:
            yield f"{file.path}:1: no #pragma once"


def closing(code, position):
    """Where the parenthesis that opens at `position` closes."""
    depth = 0
    for i in range(position, len(code)):
        depth += {"(": 1, ")": -1}.get(code[i], 0)
        if depth == 0:
            return i
    return len(code) - 1


def bodies_have_braces(files):
    for file in files:
        if file.kind not in ("c", "h"):
            continue
        code = DIRECTIVE.sub(lambda match: re.sub(r"[^\n]", " ", match[0]), file.code)
        for match in STATEMENT.finditer(code):
            after = match.end()
            if match[1] not in ("else", "do"):
                opening = code.find("(", after)
                if opening < 0:
                    continue
                after = closing(code, opening) + 1
            rest = code[after:].lstrip()
            # "while (...);" ends a do, or is a loop whose whole work is its condition.
            if rest.startswith("{") or (match[1] == "else" and rest.startswith("if")) \
                    or (match[1] == "while" and rest.startswith(";")):
                continue
            yield f"{file.path}:{file.line_of(match.start())}: {match[1]} without braces"


def public_functions_have_a_comment(files):
    """Prototypes in a header stand under a comment, alone or as a group without an empty line."""
    for file in files:
        if file.kind != "h":
            continue
        code_lines = file.code.split("\n")
        for match in PROTOTYPE.finditer(file.code):
            line = file.line_of(match.start())
            above = line - 2
            while above >= 0 and file.lines[above].strip() and code_lines[above].strip():
                above -= 1
            if above < 0 or not file.lines[above].rstrip().endswith("*/"):
                yield f"{file.path}:{line}: no comment: {match[0].split('(')[0].split()[-1]}()"


RULES = [functions_have_at_most_70_lines, conditionals_stand_only_where_the_machine_is,
         assembly_stands_only_where_the_machine_is, headers_say_pragma_once, bodies_have_braces,
         public_functions_have_a_comment]
