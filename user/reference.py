#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The reference of every call: prints Markdown made from the lists and headers that define them.

Sources: the lists (syscall.def, each proto.def), the structures of the headers beside them for
words, the comments of calls.h, ipc.h and authority.h for registers and errors of kernel calls, the
tables of server/README.md for rights and errors of requests, and tests/bench for costs. A call
that has no description in its source is an error: problems() lists them, and a test asks for them.

Usage: reference.py [OUTPUT]
"""
import os
import re
import sys

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
ENTRY = re.compile(r'^(?:SYSCALL|REQUEST)\((\w+),\s*(\d+),\s*(\w+),\s*"([^"]*)"\)', re.M)
FIELD = re.compile(r"^\s*(uint64_t|uint32_t|char)\s+(\w+)(?:\[(\w+)\])?;", re.M)
TEXT_COLUMN = 18  # where descriptions of kernel calls stand in their comments
SIZES = {"uint64_t": 8, "uint32_t": 4, "char": 1}
# Rows of tests/bench that measure a call.
MEASURED_CALLS = {
    "NULL": ("trap",), "CALL": ("ipc", "ipc_words"), "REPLY_WAIT": ("ipc", "ipc_words"),
    "FAULT_REPLY_WAIT": ("fault_ready",),
}
MEASURED_REQUESTS = {
    "MAP": ("map_merge", "map_apart", "map_hole", "map_fixed_16", "populate"),
    "UNMAP": ("unmap_split", "unmap_touched"), "PROTECT": ("protect_split", "protect_merge"),
    "COPY": ("copy",),
}
# Where the library's function, or the answer, has another name than the request.
FUNCTIONS = {"LIMITS": ("limit_get", "limit_set"), "CLONE": ("space_clone",),
             "LOCK": ("lock", "lock_cost"), "LOCK_ALL": ("lock_all", "lock_all_cost")}
ANSWERS = {"clone": "space_make", "object_derive": "object_make", "object_open": "object_make",
           "object_copy": "copy", "object_again": "object_make", "object_slice": "object_make",
           "files_append": "resize", "lock": "lock_cost", "lock_all": "lock_cost"}
RIGHTS = ("MAP", "READ", "PIN", "CONTROL")
SERVICES = (("console", "The console", "user/console/include/console"),
            ("disk", "The disk", "user/disk/include/disk"),
            ("names", "The name service", "user/names/include/names"),
            ("files", "The file system", "user/files/include/files"))


def read(*path):
    with open(os.path.join(TOP, *path), encoding="utf-8") as source:
        return source.read()


def entries(text):
    """(name, number, function, summary) of every row of a list."""
    return [(name, int(number), function, summary)
            for name, number, function, summary in ENTRY.findall(text)]


def comment_blocks(text):
    """{NAME: text} of the descriptions in comments: a name, and text from a column on."""
    blocks = {}
    for comment in re.findall(r"/\*\n(.*?)\*/", text, re.S):
        current = None
        for line in comment.split("\n"):
            start = re.match(r"^ \*( {1,3}([A-Z][A-Z_]+) +)(\S.*)$", line)
            more = re.match(r"^ \* {4,}(\S.*)$", line)
            if start and len(start[1]) >= TEXT_COLUMN:
                current = start[2]
                blocks[current] = start[3]
            elif current and more:
                blocks[current] += " " + more[1]
            else:
                current = None
    return blocks


def kernel_texts():
    texts = {}
    for name in ("authority.h", "calls.h", "ipc.h"):
        texts.update(comment_blocks(read("kernel", "include", "abi", name)))
    return {name: re.sub(r"\s+", " ", text).replace("|", "\\|") for name, text in texts.items()}


def structure(text, name):
    """The words of a message's structure as [(word, field)], None if there is no such structure."""
    match = re.search(r"^struct " + name + r" \{\n(.*?)^\};", text, re.M | re.S)
    if not match:
        return None
    words, offset = [], 0
    for kind, field, count in FIELD.findall(match[1]):
        if count and not count.isdigit():
            value = re.search(r"#define " + count + r"\s+(\d+)", text)
            count = value[1] if value else "1"
        if not field.startswith("reserved") and \
                (offset > 0 or field not in ("head", "number", "error")):
            words.append((offset // 8, field))
        offset += SIZES[kind] * int(count or 1)
    return words


def words_text(words):
    if words is None:
        return None
    grouped = {}
    for word, field in words:
        grouped.setdefault(word, []).append(f"`{field}`")
    return ", ".join(f"{word} {'+'.join(fields)}" for word, fields in grouped.items()) or "-"


def tables(readme):
    """({NAME: [rights]}, {NAME: [checks]}) of the tables whose rows begin with requests."""
    rights, checks = {}, {}
    for line in readme.split("\n"):
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if not line.startswith("| ") or len(cells) < 2:
            continue
        if cells[1] in RIGHTS:
            for name in re.findall(r"[A-Z_]{3,}", cells[0]):
                rights.setdefault(name, []).append(cells[1])
        elif re.fullmatch(r"[A-Z_]+", cells[0]) and re.search(r": [A-Z]{2,}|then core", cells[1]):
            checks.setdefault(cells[0], []).append(cells[1])
    return rights, checks


def costs(measured):
    """{NAME: text} of the calls that tests/bench measures."""
    figures, texts = {}, {}
    for line in read("tests", "bench", "recorded.tsv").split("\n"):
        cells = line.split("\t")
        if len(cells) == 3 and cells[0].startswith("gcc"):
            figures[cells[1]] = cells[2]
    for line in read("tests", "bench", "peers.tsv").split("\n"):
        cells = line.split("\t")
        if len(cells) > 2 and not line.startswith("#"):
            texts[cells[0]] = cells[1]
    return {name: "; ".join(f"{figures[row]} ({texts.get(row, row)})" for row in rows
                            if row in figures) or "-" for name, rows in measured.items()}


def paragraphs(comment):
    """The text of a comment without its stars, in one line."""
    return re.sub(r"\s*\n \*( \n|\n)?( \*)?\s*", " ", comment).strip()


def functions_text(header, names):
    """The functions of these names that the library declares."""
    text = read("user", "lib", "include", "hf", header)
    return ", ".join(f"`hf_{name}`" for name in names if re.search(rf"\bhf_{name}\(", text))


def kernel_calls(problems):
    texts = kernel_texts()
    cost = costs(MEASURED_CALLS)
    lines = ["## Kernel calls", "",
             "Registers and errors as `kernel/include/abi` has them. Every call costs a trap and "
             "its own work.", "",
             "| call | no. | function | what it does | registers and errors | instructions |",
             "|---|--:|---|---|---|--:|"]
    for name, number, function, summary in entries(read("kernel", "include", "abi",
                                                        "syscall.def")):
        if name not in texts:
            problems.append(f"kernel call {name} is described in no header of kernel/include/abi")
        own = functions_text("kernel.h", [function]) or "(the memory server's)"
        lines.append(f"| {name} | {number} | {own} | {summary} | {texts.get(name, '')} | "
                     f"{cost.get(name, '-')} |")
    return lines


def requests(problems):
    headers = sorted(os.listdir(os.path.join(TOP, "server", "include", "mem")))
    proto = "".join(read("server", "include", "mem", name) for name in headers
                    if name.startswith("proto") and name.endswith(".h"))
    rights, checks = tables(read("server", "README.md"))
    cost = costs(MEASURED_REQUESTS)
    head = ("request", "no.", "function", "what it does", "words", "answer", "right",
            "errors in order", "instructions")
    lines = ["## Requests to the memory server", "",
             "Eight words: word 0 is the number, `space` a handle or 0 for one's own; an answer's "
             "word 0 is the error. Rights are those to the space that is named. A request costs a "
             "message there and back and its own work. Errors that all have: `server/README.md`, "
             "\"Checks in order\".", "",
             f"| {' | '.join(head)} |", "|---|--:|---|---|---|---|---|---|--:|"]
    for name, number, function, summary in entries(read("server", "include", "mem", "proto.def")):
        asked = structure(proto, f"mem_{function}_req")
        answer = structure(proto, f"mem_{ANSWERS.get(function, function)}_rep")
        if asked is None:
            problems.append(f"request {name} has no structure mem_{function}_req")
        own = functions_text("mem.h", FUNCTIONS.get(name, (function,)))
        if function.startswith("object_"):
            own = functions_text("shared.h", (function.replace("object_", "shared_"),))
        if function.startswith("pager_"):
            own = functions_text("pager.h", (function,))
        own = own or functions_text("pin.h", (function,)) or functions_text("pager.h", (function,))
        own = own or "-"
        lines.append(f"| {name} | {number} | {own} | {summary} | {words_text(asked) or ''} | "
                     f"{words_text(answer) or '-'} | {', '.join(rights.get(name, ['-']))} | "
                     f"{'; '.join(checks.get(name, ['-']))} | {cost.get(name, '-')} |")
    return lines


def services(problems):
    lines = []
    for prefix, title, folder in SERVICES:
        proto = read(folder, "proto.h")
        rows = entries(read(folder, "proto.def"))
        general = re.search(r"/\*\n \* (Requests.*?)\*/", proto, re.S)
        lines += [f"## {title}", "", paragraphs(general[1]) if general else "", "",
                  "| request | no. | what it does | words | answer | more |",
                  "|---|--:|---|---|---|---|"]
        others = "|".join(name for name, *_ in rows)
        for name, number, function, summary in rows:
            asked = next((words for words in (structure(proto, f"{prefix}_{shape}_req")
                                              for shape in (function, "wait", "path"))
                          if words is not None), None)
            shape = ANSWERS.get(f"{prefix}_{function}", function)
            answer = structure(proto, f"{prefix}_{shape}_rep")
            end = rf"(?=\n \*\n|\*/|\. (?:{others}): )"
            note = re.search(rf"(?:\* |\. ){name}: (.*?){end}", proto, re.S)
            if asked is None:
                problems.append(f"request {name} of {folder} has no structure")
            if not note:
                problems.append(f"request {name} of {folder} is not described")
            lines.append(f"| {name} | {number} | {summary} | {words_text(asked) or ''} | "
                         f"{words_text(answer) or '-'} | {paragraphs(note[1]) if note else ''} |")
        lines.append("")
    return lines


def reference():
    """(the page, what its sources do not say)."""
    problems = []
    lines = ["# Every call", "",
             "Made by `user/reference.py` from the lists and headers that define the calls. "
             "Figures are instructions in all, the caller's included, as `tests/bench` records "
             "them (gcc 12.2, one hart).", ""]
    lines += kernel_calls(problems) + [""]
    lines += requests(problems) + [""]
    lines += services(problems)
    return "\n".join(lines).rstrip() + "\n", problems


def main():
    page, problems = reference()
    for problem in problems:
        print(f"reference.py: {problem}", file=sys.stderr)
    if len(sys.argv) > 1:
        with open(sys.argv[1], "w", encoding="utf-8") as output:
            output.write(page)
    else:
        sys.stdout.write(page)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
