#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Show that the oracle and the tests of core can fail: each rule has a test of tests/core with its
number in the name, and at least one mutant of core.

    run.py --root DIR --cc 'CC ARG...' --linux ORACLE-LINUX [--only TEXT] [--seconds N]

A mutant is a file `*.mutant`: a line `RULE: what is wrong with it`, perhaps a line `by TEST`, the
file that is changed, and the change: lines that start with - are replaced by those with +, lines
with a blank stand around them. What a mutant replaces must be there exactly once, else it fails:
it is stale. The changed file is compiled anew and linked to the oracle, or to the test
tests/core/TEST_test.c for what Linux cannot be asked. A mutant that neither kills fails. What is
to kill must first pass on the unchanged tree, else whatever it says of a mutant means nothing. A
mutant that was skipped stands for no rule. Prints TAP.
"""
import argparse
import pathlib
import re
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
FLAGS = ["-std=c11", "-D_GNU_SOURCE", "-DHF_AUDIT", "-O1", "-g0", "-w"]
INCLUDES = [".", "kernel/include", "server/include", "tests/harness", "tests/core", "tests/oracle"]
RUN_TIMEOUT = 480
# Of the oracle on the unchanged tree; its own test runs for longer.
CONTROL_SECONDS = 5

# P1 to P18 of pins, but for those that are not core's alone.
PIN_RULES = 18
PIN_ELSEWHERE = {
    "P18": "answers, tests/system/mutants/server",
}

# R0 to R28.
RULES = 29


class Stale(Exception):
    """The mutant does not fit the tree any longer."""


class Skip(Exception):
    """What would kill the mutant does not run here."""


class Unfit(Exception):
    """What would kill the mutant fails without it too."""


class Mutant:
    def __init__(self, path):
        self.name = path.stem
        lines = path.read_text().splitlines()
        self.rule, self.what = lines.pop(0).split(": ", 1)
        self.by = lines.pop(0)[3:] if lines[0].startswith("by ") else "oracle"
        self.file = lines.pop(0)
        self.old = "".join(line[1:] + "\n" for line in lines if line[0] in " -")
        self.new = "".join(line[1:] + "\n" for line in lines if line[0] in " +")

    def text(self, root):
        """The changed file."""
        text = (root / self.file).read_text()
        if text.count(self.old) != 1:
            raise Stale(f"{self.file} has what it replaces {text.count(self.old)} times")
        return text.replace(self.old, self.new)


class Build:
    """Objects of everything, made once, and programs that differ in one of them."""

    def __init__(self, root, cc, folder):
        self.root, self.cc, self.folder = root, cc, folder
        self.includes = [f"-I{root / include}" for include in INCLUDES]

    def run(self, command):
        done = subprocess.run(command, capture_output=True, text=True, cwd=self.root)
        if done.returncode != 0:
            raise Stale(f"does not compile: {done.stderr.strip().splitlines()[0]}")

    def compile(self, source, name):
        target = self.folder / (name + ".o")
        self.run([*self.cc, *FLAGS, *self.includes, "-c", str(source), "-o", str(target)])
        return target

    def compile_all(self):
        core = re.findall(r"'(\w+\.c)'", (self.root / "server/core/meson.build").read_text())
        self.core = {f"server/core/{name}": self.compile(self.root / "server/core" / name, name)
                     for name in core}
        listed = (self.root / "tests/core/meson.build").read_text()
        listed = listed[listed.index("core_test_lib ="):]
        support = [self.root / "tests/core" / name
                   for name in re.findall(r"'(\w+\.c)'", listed[:listed.index("c_args")])]
        support += [self.root / "tests/harness/tap.c", self.root / "tests/harness/assert_host.c"]
        self.support = [self.compile(path, path.stem + "-support") for path in support]
        listed = (self.root / "tests/oracle/meson.build").read_text()
        oracle = [name for name in re.findall(r"'(\w+\.c)'", listed) if "linux" not in name]
        folder = self.root / "tests/oracle"
        self.programs = {"oracle": [self.compile(folder / name, name + "-oracle")
                                    for name in oracle]}

    def program(self, by, changed_file, changed_object):
        """Link the oracle or a test with one object in another's place."""
        if by not in self.programs:
            source = self.root / f"tests/core/{by}_test.c"
            self.programs[by] = [self.compile(source, by + "-test")]
        core = [changed_object if name == changed_file else target
                for name, target in self.core.items()]
        target = self.folder / "program"
        objects = [*self.programs[by], *core, *self.support]
        self.run([*self.cc, *map(str, objects), "-o", str(target)])
        return target


def execute(program, by, arguments, seconds):
    """What a program that is to kill made of a tree: status and output; None: it ran too long."""
    command = [str(program)]
    if by == "oracle":
        command += ["--linux", arguments.linux, "--seconds", str(seconds), "--shrink", "0"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=RUN_TIMEOUT)
    except subprocess.TimeoutExpired:
        return None
    skipped = re.match(r"1\.\.0 # SKIP (.*)", done.stdout)
    if skipped:
        raise Skip(skipped[1])
    return done


class Controls:
    """Runs on the unchanged tree, one for each program that is to kill."""

    def __init__(self, build, arguments):
        self.build, self.arguments = build, arguments
        self.results = {}

    def run(self, by):
        done = execute(self.build.program(by, None, None), by, self.arguments, CONTROL_SECONDS)
        if done is None:
            return Unfit(f"{by} takes over {RUN_TIMEOUT} s without the mutant")
        if done.returncode != 0:
            why = [line for line in done.stdout.splitlines()
                   if not line.startswith("ok") and not line.endswith(" steps")][:8]
            return Unfit(f"{by} fails without the mutant, status {done.returncode}: "
                         + " | ".join(why))
        return None

    def check(self, by):
        """Raise Unfit or Skip if what `by` says of a mutant means nothing."""
        if by not in self.results:
            try:
                self.results[by] = self.run(by)
            except Skip as reason:
                self.results[by] = reason
        if self.results[by] is not None:
            raise self.results[by]


def kill(build, mutant, arguments):
    """How a mutant was killed, or None."""
    source = build.folder / pathlib.Path(mutant.file).name
    source.write_text(mutant.text(build.root))
    changed = build.compile(source, "changed")
    program = build.program(mutant.by, mutant.file, changed)
    done = execute(program, mutant.by, arguments, arguments.seconds)
    if done is None:
        return "time-out"
    if done.returncode == 0:
        return None
    found = re.search(r"difference after (\d+) steps.*, step \d+, ([a-zA-Z ]+): ", done.stdout)
    if found:
        return f"oracle ({found[2]}), {found[1]} steps"
    failed = re.search(r"Bail out! .*|^not ok \d+ - .*", done.stdout, re.MULTILINE)
    after = re.search(r"after (\d+) steps", done.stdout)
    steps = f", {after[1]} steps" if after else ""
    if mutant.by == "oracle" and failed and failed[0].startswith("not ok 3 "):
        return None  # how often it met known differences says nothing of the mutant
    first = re.sub(r"\S*/", "", failed[0]) if failed else "status"
    return f"{mutant.by} ({first}){steps}"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--root", type=pathlib.Path, required=True)
    parser.add_argument("--cc", required=True)
    parser.add_argument("--linux", required=True)
    parser.add_argument("--only", default="")
    # Steps are what kills: who has a share of a processor gets as many, only later.
    parser.add_argument("--seconds", type=int, default=120)
    arguments = parser.parse_args()
    mutants = [Mutant(path) for path in sorted(HERE.glob("*.mutant"))
               if arguments.only in path.stem]
    failed = 0
    shown = set()
    print(f"1..{len(mutants) + 1}")
    with tempfile.TemporaryDirectory() as folder:
        build = Build(arguments.root.resolve(), arguments.cc.split(), pathlib.Path(folder))
        build.compile_all()
        controls = Controls(build, arguments)
        for number, mutant in enumerate(mutants, start=1):
            try:
                controls.check(mutant.by)
                how = kill(build, mutant, arguments)
            except Skip as reason:
                print(f"ok {number} - {mutant.rule} | {mutant.what} # SKIP {reason}", flush=True)
                continue
            except (Stale, Unfit) as reason:
                how = None
                print(f"# {mutant.name}: {reason}")
            failed += how is None
            if how:
                shown.add(mutant.rule)
            state = "ok" if how else "not ok"
            print(f"{state} {number} - {mutant.rule} | {mutant.what} | {how or 'survived'}",
                  flush=True)
    tested = "".join(path.read_text() for path in (arguments.root / "tests/core").glob("*_test.c"))
    named = {rule.upper() for rule in re.findall(r"\b[rp]\d+(?=_)|(?<=_)[rp]\d+(?=_)", tested)}
    rules = {f"R{number}" for number in range(RULES)}
    rules |= {f"P{number}" for number in range(1, PIN_RULES + 1)} - set(PIN_ELSEWHERE)
    rules |= named
    untested = sorted(rules - named)
    missing = sorted(rules - {mutant.rule for mutant in mutants})
    unshown = sorted(rules - set(missing) - shown)
    if untested:
        print(f"# rules that no test names: {' '.join(untested)}")
    for rule in sorted(set(PIN_ELSEWHERE) - named):
        print(f"# {rule} is not core's: {PIN_ELSEWHERE[rule]}")
    if missing and not arguments.only:
        print(f"# rules without a mutant: {' '.join(missing)}")
    is_complete = not untested and (not missing or arguments.only)
    if unshown and not arguments.only:
        print(f"# rules whose mutants survived or were skipped: {' '.join(unshown)}")
    failed += not is_complete
    state = "ok" if is_complete else "not ok"
    excuse = " # SKIP not all mutants ran" if unshown and not arguments.only else ""
    print(f"{state} {len(mutants) + 1} - every rule has a test with its number and a mutant that "
          f"was killed{excuse}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
