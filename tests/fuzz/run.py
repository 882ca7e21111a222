#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Build one fuzz target with clang's libFuzzer and run it for a while. Prints TAP.

    run.py --root DIR --clang CLANG --target wire|core|gpt [--seconds N] [--seed N] [--keep DIR]
    run.py --root DIR --clang CLANG --target wire|core|gpt --input FILE

It starts from corpus/TARGET/*.txt: bytes in hex, remarks after #. With --keep, what it finds to
be new stays in DIR, as binary files. With --input, one such file, or an input that failed, is
run alone. Where clang or its fuzzer is missing, the test is skipped.
"""
import argparse
import pathlib
import re
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
FLAGS = ["-std=c11", "-D_GNU_SOURCE", "-DHF_AUDIT", "-O1", "-g", "-w",
         "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
FUZZED = ["-fsanitize=fuzzer"]
INCLUDES = [".", "kernel/include", "server/include", "tests/harness", "tests/core", "user/disk"]
# What is around: new ways through it are none that matter, so they are not looked for.
SUPPORT = {
    "gpt": ["tests/harness/assert_host.c"],
    "wire": ["tests/harness/assert_host.c"],
    "core": ["tests/core/model.c", "tests/core/model_port.c", "tests/core/snapshot.c",
             "tests/core/world.c", "tests/harness/assert_host.c"],
}
# Bytes of the longest input.
LENGTHS = {"wire": 72, "core": 770, "gpt": 3000}
INPUT_TIMEOUT = 20


def skip(reason):
    print(f"1..0 # SKIP {reason}")
    sys.exit(0)


def sources(root, target):
    core = []
    if target == "gpt":
        return ["tests/fuzz/gpt_fuzz.c", "user/disk/gpt.c"]
    if target == "core":
        listed = re.findall(r"'(\w+\.c)'", (root / "server/core/meson.build").read_text())
        core = [f"server/core/{name}" for name in listed]
    wire = set(re.findall(r"'(shell/wire\w*\.c)'", (root / "server/meson.build").read_text()))
    return [f"tests/fuzz/{target}_fuzz.c", *(f"server/{name}" for name in sorted(wire)), *core]


def has_fuzzer(clang, folder):
    """Whether this clang can link a fuzz target at all."""
    trial = folder / "trial.c"
    trial.write_text("int LLVMFuzzerTestOneInput(const unsigned char *p, unsigned long n);\n"
                     "int LLVMFuzzerTestOneInput(const unsigned char *p, unsigned long n)\n"
                     "{ return p == 0 && n != 0; }\n")
    done = subprocess.run([clang, *FLAGS, *FUZZED, str(trial), "-o", str(folder / "trial")],
                          capture_output=True, check=False)
    return done.returncode == 0


def build(root, clang, target, folder):
    program = folder / f"{target}_fuzz"
    includes = [f"-I{root / include}" for include in INCLUDES]
    objects = []
    for source in SUPPORT[target]:
        objects.append(str(folder / (pathlib.Path(source).stem + ".o")))
        subprocess.run([clang, *FLAGS, *includes, "-c", str(root / source), "-o", objects[-1]],
                       check=True)
    subprocess.run([clang, *FLAGS, *FUZZED, *includes, *sources(root, target), *objects,
                    "-o", str(program)], cwd=root, check=True)
    return program


def unpack(target, folder):
    """The corpus as files of bytes; returns how many."""
    count = 0
    for path in sorted((HERE / "corpus" / target).glob("*.txt")):
        text = re.sub(r"#.*", "", path.read_text())
        (folder / path.stem).write_bytes(bytes.fromhex(text))
        count += 1
    return count


def report(done, folder):
    """Why it failed, and the input, as text that can be put into the corpus."""
    for line in done.stderr.splitlines():
        if re.search(r"assertion failed|ERROR: |runtime error|^    #\d+ .*(server|tests|user)/",
                     line):
            print(f"# {line.strip()}")
    for path in folder.iterdir():
        print(f"# input ({path.name}): {path.read_bytes().hex(' ')}")


def fuzz(program, options, corpus, folder):
    command = [str(program), f"-max_total_time={options.seconds}", f"-seed={options.seed}",
               f"-max_len={LENGTHS[options.target]}", "-len_control=0", "-print_final_stats=1",
               f"-timeout={INPUT_TIMEOUT}", f"-artifact_prefix={folder}/", str(corpus)]
    done = subprocess.run(command, capture_output=True, text=True, check=False,
                          errors="replace", timeout=options.seconds + 120)
    runs = re.search(r"stat::number_of_executed_units: *(\d+)", done.stderr)
    runs = int(runs[1]) if runs else 0
    found = re.findall(r"cov: (\d+)", done.stderr)
    print(f"# {runs} inputs in {options.seconds} s, seed {options.seed}; "
          f"{found[-1] if found else 0} edges reached")
    return done, runs


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--root", type=pathlib.Path, required=True)
    parser.add_argument("--clang", required=True)
    parser.add_argument("--target", choices=sorted(LENGTHS), required=True)
    parser.add_argument("--seconds", type=int, default=10)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=pathlib.Path)
    parser.add_argument("--input", type=pathlib.Path)
    options = parser.parse_args()
    root = options.root.resolve()
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        if options.clang == "" or not has_fuzzer(options.clang, folder):
            skip("clang or its fuzzer is missing: cross/setup installs clang, libclang-rt-dev")
        program = build(root, options.clang, options.target, folder)
        if options.input:
            data = options.input.read_bytes()
            if options.input.suffix == ".txt":
                data = bytes.fromhex(re.sub(r"#.*", "", data.decode()))
            (folder / "input").write_bytes(data)
            sys.exit(subprocess.run([str(program), str(folder / "input")], check=False).returncode)
        print("1..2")
        corpus = options.keep or folder / "corpus"
        corpus.mkdir(exist_ok=True)
        artifacts = folder / "artifacts"
        artifacts.mkdir()
        seeds = unpack(options.target, corpus)
        done, runs = fuzz(program, options, corpus, artifacts)
        is_ok = done.returncode == 0
        if not is_ok:
            report(done, artifacts)
        print(f"{'ok' if is_ok else 'not ok'} 1 - no input breaks {options.target}")
        has_run = runs > seeds > 0
        print(f"{'ok' if has_run else 'not ok'} 2 - inputs were made from the corpus")
        sys.exit(0 if is_ok and has_run else 1)


if __name__ == "__main__":
    main()
