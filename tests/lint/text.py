# SPDX-License-Identifier: MIT
"""Rules for all text: licence, length, and what does not belong into a repository."""
import re

CODE = ("c", "h", "S", "ld", "def", "py", "sh", "meson", "ini")
LINES_MAX = 500
COLUMNS_MAX = 100

# The words are put together here so that this file does not contain them.
LEFT_OVERS = re.compile(
    r"\b(TO" r"DO|FIX" r"ME|XX" r"X|HA" r"CK)\b"
    r"|not (yet )?imple" r"mented|\bfor no" r"w\b"
    r"|simplified ver" r"sion|#if" r" 0|&& " r"0\)")
# Places that exist on one machine only: home and temporary folders, and absolute paths into them.
MACHINE_PATHS = re.compile(r"(?<![\w.@}])/"
                           r"(ho" r"me|ro" r"ot|wo" r"rk|fa" r"rm|Us" r"ers|tm" r"p)/\w")
# Names of hosts and addresses of pages: the tree refers to itself and to documents by their titles.
HOSTS = re.compile(r"\bhttps?://|\b(?:[a-z0-9-]+\.)+(?:com|org|net|io|dev|internal|lan)\b(?![.(])")

# What the top level may hold, beside files whose names begin with a dot.
TOP_LEVEL = ("LICENSE", "README.md", "meson.build", "meson_options.txt",
             "cross", "kernel", "sbi", "server", "tests", "user")


def the_top_level_is_fixed(files):
    for file in files:
        name = file.path.split("/")[0]
        if name not in TOP_LEVEL and not name.startswith("."):
            yield f"{file.path}:1: '{name}' is no part of the top level"


def every_file_is_text(files):
    for file in files:
        if "\0" in file.text:
            yield f"{file.path}:1: not a text file: tools' products are not committed"
        elif file.text and not file.text.endswith("\n"):
            yield f"{file.path}:{len(file.lines)}: no newline at the end"


def code_names_its_licence(files):
    for file in files:
        if file.kind in CODE and file.text \
                and not any("SPDX-License-Identifier: MIT" in line for line in file.lines[:3]):
            yield f"{file.path}:1: no line 'SPDX-License-Identifier: MIT' on top"


def files_have_at_most_500_lines(files):
    for file in files:
        count = file.text.count("\n")
        if file.kind in CODE and count > LINES_MAX:
            yield f"{file.path}:{count}: {count} lines"


def lines_have_at_most_100_columns(files):
    for file in files:
        if file.kind not in CODE:
            continue
        for number, line in enumerate(file.lines, start=1):
            if len(line) > COLUMNS_MAX:
                yield f"{file.path}:{number}: {len(line)} columns"
            elif line != line.rstrip() or "\t" in line:
                yield f"{file.path}:{number}: tab, or space at the end"


def search(files, pattern, text):
    for file in files:
        for number, line in enumerate(file.lines, start=1):
            match = pattern.search(line)
            if match:
                yield f"{file.path}:{number}: {text}: '{match[0]}'"


def nothing_is_left_for_later(files):
    return search(files, LEFT_OVERS, "left-over")


def no_path_of_one_machine_is_named(files):
    return search(files, MACHINE_PATHS, "path of one machine")


def no_host_is_named(files):
    return search(files, HOSTS, "name of a host or page")


RULES = [the_top_level_is_fixed, every_file_is_text, code_names_its_licence,
         files_have_at_most_500_lines, lines_have_at_most_100_columns, nothing_is_left_for_later,
         no_path_of_one_machine_is_named, no_host_is_named]
