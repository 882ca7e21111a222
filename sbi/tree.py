# SPDX-License-Identifier: MIT
"""The build directory as the host commands see it: where it is, what it holds, how it is updated.

The build directory is build/ at the top of the tree, or what the environment variable
HOLDFAST_BUILD names.
"""
import fcntl
import json
import os
import subprocess

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BOOT_FILES = "boot-files"
PROGRAM_START = b"\x7fELF\x02\x01"     # of 64 bits, little-endian
PROGRAM_MACHINE = b"\xf3\x00"         # at offset 18: RISC-V
# What a program gets at its start is 32 KiB: hf/process.h, user/init/arguments.h.
WORDS_MAX = 256
WORD_BYTES_MAX = 31 << 10
BOOT_MANIFEST = "boot/manifest"


class TreeError(Exception):
    """Something that the user has to put right; the text is one line, `log` what a tool said."""

    def __init__(self, text, log=""):
        super().__init__(text)
        self.log = log


def build_directory():
    return os.environ.get("HOLDFAST_BUILD") or os.path.join(TOP, "build")


def bring_up_to_date(target=BOOT_FILES):
    """Build what a target needs. Raises TreeError with the output of a build that failed."""
    build = build_directory()
    if not os.path.exists(os.path.join(build, "build.ninja")):
        raise TreeError(f"no build directory '{build}': run cross/setup first")
    # Ninja does not guard a directory against a second ninja.
    with open(os.path.join(build, "boot.lock"), "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            done = subprocess.run(["ninja", "-C", build, target], stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                                  text=True, errors="replace", check=False)
        except FileNotFoundError:
            raise TreeError("ninja is not installed: run cross/setup first") from None
    if done.returncode != 0:
        raise TreeError("the build failed", done.stdout)


def manifest():
    """What Meson wrote down when it configured (sbi/meson.build). Raises TreeError."""
    path = os.path.join(build_directory(), "sbi", "manifest.json")
    try:
        with open(path, encoding="utf-8") as source:
            return json.load(source)
    except (OSError, ValueError):
        raise TreeError(f"no '{path}': run cross/setup first") from None


def read_file(path):
    """The bytes of a file. Raises TreeError."""
    try:
        with open(path, "rb") as source:
            return source.read()
    except OSError as error:
        raise TreeError(f"cannot read '{path}': {error.strerror}") from None


def boot_files(built, arguments, extra_files):
    """The files of the boot archive in their order, as (name, data).

    `built` is the manifest of the build, `arguments` the program to run with its arguments (may be
    empty), and `extra_files` are (host path, name) pairs; one named boot/manifest takes the place
    of the tree's. Raises TreeError.
    """
    files = [("boot/server", read_file(built["server"])), ("boot/init", read_file(built["init"]))]
    if all(name != BOOT_MANIFEST for _, name in extra_files):
        files.append((BOOT_MANIFEST, read_file(os.path.join(TOP, "user", "init", "manifest"))))
    if arguments:
        files.append(("boot/args", b"".join(os.fsencode(a) + b"\0" for a in arguments)))
    for path in built["programs"]:
        files.append(("bin/" + os.path.basename(path), read_file(path)))
    traces = os.path.join(TOP, "user", "traces")
    if os.path.isdir(traces):
        for name in sorted(os.listdir(traces)):
            if name.endswith(".trace"):
                files.append(("traces/" + name, read_file(os.path.join(traces, name))))
    for path, name in extra_files:
        if any(name == other for other, _ in files):
            raise TreeError(f"'{name}' stands twice in the boot archive: give it another name "
                            "with --file HOST=NAME")
        files.append((name, read_file(path)))
    return files


def program_elfs(built, extra_files):
    """Where symbols are: {name in the boot archive: host path} of every file that may have some."""
    elfs = {"bin/" + os.path.basename(path): path for path in built["program_elfs"]}
    elfs.update((name, path) for path, name in extra_files)
    return elfs


def program_check(files, words):
    """See whether a program of the archive can be started with its arguments. Raises TreeError.

    What the rest of the file has to be, the system itself says when it starts it.
    """
    name = program_entry(files, words[0])
    if name is None:
        raise TreeError(f"no program '{words[0]}' in the boot archive")
    data = dict(files)[name]
    if not data.startswith(PROGRAM_START) or data[18:20] != PROGRAM_MACHINE:
        raise TreeError(f"'{words[0]}' is no RISC-V program")
    if len(words) > WORDS_MAX or sum(len(os.fsencode(w)) + 9 for w in words) > WORD_BYTES_MAX:
        raise TreeError("too many arguments: at most 255, and 31 KiB of them with their pointers")


def program_entry(files, program):
    """The archive's name of a program: bin/NAME, else NAME; None if there is neither."""
    names = {name for name, _ in files}
    for name in ("bin/" + program, program.lstrip("/")):
        if name in names:
            return name
    return None
