# SPDX-License-Identifier: MIT
"""Who may include whom.

Every component publishes its include folder; what else it has is private. A component may include
itself and what stands for it in MAY_INCLUDE. In the kernel a layer may include itself and the
layers below it: LAYERS, lowest first.
"""
import os
import re

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"\n]+)[>"]', re.MULTILINE)

# Where compilers are told to look, and the folder of the file itself.
ROOTS = ("", "kernel", "kernel/include", "server", "server/include", "sbi/include",
         "user/lib/include", "user/console/include", "user/lib", "user/lib/posix", "user/init",
         "user/console", "user/disk/include", "user/disk", "user/files/include", "user/files",
         "user/names/include", "user/names", "user/prog/shell", "user",
         "tests/harness", "tests")

# Longest prefix wins.
COMPONENTS = {
    "kernel/include/base/": "base",
    "kernel/include/abi/": "abi",
    "kernel/": "kernel",
    "server/include/mem/": "mem",
    "server/core/": "core",
    "server/shell/": "shell",
    "sbi/include/": "sbi",
    "user/": "user",
    "tests/": "tests",
}

MAY_INCLUDE = {
    "base": [],
    "abi": ["base"],
    "mem": ["abi", "base"],
    "sbi": ["base"],
    "kernel": ["abi", "sbi", "base"],
    "core": ["mem", "base"],
    "shell": ["core", "mem", "abi", "base"],
    "user": ["mem", "abi", "base"],
    "tests": ["user", "core", "shell", "kernel", "sbi", "mem", "abi", "base"],
}
# Of a component it may not include otherwise, these files.
MAY_INCLUDE_FILES = {
    "core": {"kernel/include/abi/error.h", "kernel/include/abi/error.def",
             "kernel/include/abi/layout.h"},
}

# debug is used by all and uses only the machine: console, panic, trace.
LAYERS = ["riscv", "debug", "mm", "task", "irq", "ipc", "syscall", "boot"]
# Upwards in spite of the order, with the reason.
UPWARDS = {
    # A trap of the kernel itself is a panic.
    "kernel/riscv/trap.c",
}

# What C11 promises a freestanding program (C11 4, paragraph 6), and atomics, which need no library.
FREESTANDING = {"float.h", "iso646.h", "limits.h", "stdalign.h", "stdarg.h", "stdatomic.h",
                "stdbool.h", "stddef.h", "stdint.h", "stdnoreturn.h"}
IS_FREESTANDING = {"base", "abi", "mem", "sbi", "kernel", "core", "shell"}


def component_of(path):
    prefixes = [prefix for prefix in COMPONENTS if path.startswith(prefix)]
    return COMPONENTS[max(prefixes, key=len)] if prefixes else None


def layer_of(path):
    parts = path.split("/")
    return parts[1] if len(parts) > 2 and parts[0] == "kernel" and parts[1] in LAYERS else None


def resolve(path, is_quoted, name, known):
    """The file of the tree that an include means, or None: a header of the system."""
    roots = ([os.path.dirname(path)] if is_quoted else []) + list(ROOTS)
    for root in roots:
        candidate = os.path.normpath(os.path.join(root, name))
        if candidate in known:
            return candidate
    return None


def refusal(path, component, target):
    """Why `path` may not include the file `target`, or None."""
    wanted = component_of(target)
    if target in MAY_INCLUDE_FILES.get(component, ()):
        return None
    if wanted != component and wanted not in MAY_INCLUDE[component]:
        return f"{component} may not include {target}"
    source_layer, target_layer = layer_of(path), layer_of(target)
    if source_layer and target_layer and path not in UPWARDS \
            and LAYERS.index(target_layer) > LAYERS.index(source_layer):
        return f"kernel/{source_layer} is below kernel/{target_layer}: no include of {target}"
    return None


def components_include_only_what_they_may(files):
    known = {file.path for file in files}
    for file in files:
        component = component_of(file.path)
        if component is None or file.kind not in ("c", "h", "S", "def"):
            continue
        for match in INCLUDE.finditer(file.text):
            target = resolve(file.path, match[1] == '"', match[2], known)
            reason = None
            if target is not None:
                reason = refusal(file.path, component, target)
            elif match[1] == '"':
                reason = f'"{match[2]}" is no file of the tree'
            elif component in IS_FREESTANDING and match[2] not in FREESTANDING \
                    and not match[2].startswith(("abi/", "mem/")):
                reason = f"{component} has no C library: <{match[2]}>"
            if reason:
                yield f"{file.path}:{file.line_of(match.start())}: {reason}"


def a_file_includes_its_own_header_first(files):
    known = {file.path for file in files}
    for file in files:
        own = os.path.splitext(file.path)[0] + ".h"
        if file.kind != "c" or own not in known:
            continue
        first = INCLUDE.search(file.text)
        if first is None or resolve(file.path, first[1] == '"', first[2], known) != own:
            yield f"{file.path}:1: the first include must be {os.path.basename(own)}"


RULES = [components_include_only_what_they_may, a_file_includes_its_own_header_first]
