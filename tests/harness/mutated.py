# SPDX-License-Identifier: MIT
"""Programs of the build with one file changed by a mutant, compiled and linked as the tree does."""
import json
import os
import pathlib
import shlex
import subprocess

TOP = pathlib.Path(__file__).resolve().parent.parent.parent


def run_in(build, words):
    """Run a command in the build directory; raises AssertionError with what it says if it fails."""
    done = subprocess.run(words, cwd=build, check=False, stderr=subprocess.PIPE, text=True)
    if done.returncode != 0:
        raise AssertionError(f"{words[0]}: {done.stderr}")


def program_of(build, folder, mutant, target):
    """The path of a target of the build, such as "user/disk/disk", linked in `folder` with the
    mutant's file in the place of the tree's."""
    source = TOP / mutant.file
    changed = os.path.join(folder, source.name)
    pathlib.Path(changed).write_text(mutant.text(TOP), encoding="utf-8")
    with open(os.path.join(build, "compile_commands.json"), encoding="utf-8") as file:
        rows = [row for row in json.load(file) if row["output"].startswith(target + ".p/")
                and (pathlib.Path(build) / row["file"]).resolve() == source]
    if len(rows) != 1:
        raise AssertionError(f"{target} has {mutant.file} {len(rows)} times")
    own = os.path.join(folder, "changed.o")
    compile_words = [{rows[0]["output"]: own, rows[0]["file"]: changed}.get(word, word)
                     for word in shlex.split(rows[0]["command"])]
    listed = subprocess.run(["ninja", "-C", build, "-t", "commands", "-s", target], check=True,
                            stdout=subprocess.PIPE, text=True).stdout
    program = os.path.join(folder, os.path.basename(target))
    link_words = [{rows[0]["output"]: own, target: program}.get(word, word)
                  for word in shlex.split(listed.strip().splitlines()[-1])]
    if own not in link_words or program not in link_words:
        raise AssertionError(f"no command that links {target}: {link_words}")
    run_in(build, [*compile_words, "-I" + str(source.parent)])
    run_in(build, link_words)
    return program
