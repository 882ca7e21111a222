#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""replay accepts what was recorded and names the line of what cannot have been.

Usage: replay_test.py REPLAY TRACE...

REPLAY is the program for this machine. Each TRACE must replay, and leave the regions and counts
that model.py works out page by page. Then one small trace is changed in one line at a time: what
stays possible must replay, anything else must be refused with the number of that line. Prints
TAP.
"""
import os
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True

import model  # noqa: E402

# The changes below name its lines by their numbers, from 1.
GOOD = """\
# address-space trace 1
# program: none
# events lost: 0
region 400000 403000 r-x file program
region 403000 405000 rw- anon -
region 3fffffb000 3ffffff000 rw- stack [stack]
brk 0 = 405000
touch 400000 x
touch 403000 w
map 0 8000 rw- private,anon - 0 = 3ff0000000
touch 3ff0000000 r
touch 3ff0000000 w
touch 3ff0007000 w
map 3ff0002000 2000 r-- private,fixed 3 0 = 3ff0002000
touch 3ff0002000 r
protect 3ff0004000 1000 --- = 0
map 0 1800 rw- private,anon - 0 = 3fefffe000
touch 3fefffe000 w
touch 3feffff000 w
remap 3fefffe000 2000 5000 1 0 = 3fefff0000
touch 3fefff4000 w
advise 3ff0000000 2000 4 = 0
touch 3ff0000000 r
brk 409000 = 409000
touch 408000 w
brk 407000 = 407000
brk 40a000 = 40a000
touch 409000 w
unmap 3ff0007000 1000 = 0
touch 3ffffeb000 w
protect 3ff0004000 2000 rw- = 0
unmap 3ff0000000 8000 = 0
touch 3fefff0000 w
""".splitlines()

# (line, what stands there instead, what is wrong with it).
BROKEN = [
    (1, "# address-space trace 2", "another title"),
    (1, "region 400000 403000 r-x file program", "no title"),
    (3, "# events lost: 7", "lost events"),
    (3, "# events lost: some", "lost events without a number"),
    (4, "", "an empty line"),
    (4, "region 400000 403000 r-x file", "a region without a name"),
    (4, "region 400800 403000 r-x file program", "a region that starts in a page"),
    (4, "region 400000 400000 r-x file program", "a region without a page"),
    (4, "region 403000 400000 r-x file program", "a region that ends before it starts"),
    (4, "region 400000 403000 rx- file program", "letters of a protection in another order"),
    (4, "region 400000 403000 r-x heap program", "an unknown kind"),
    (5, "region 402000 405000 rw- anon -", "start regions that overlap"),
    (5, "region 200000 201000 rw- anon -", "start regions that do not ascend"),
    (5, "region 403000 405000 rw- stack -", "a second stack, in the line behind,"),
    (6, "region 3fffffb000 4000001000 rw- stack [stack]", "a region beyond the address space"),
    (7, "break 0 = 405000", "an unknown event"),
    (7, "brk 0 405000", "an answer without ="),
    (7, "brk 0 = -12", "a brk that answers an error"),
    (8, "touch 400000", "a touch without its access"),
    (8, "touch 400000 x x", "a field too many"),
    (8, "touch 400000  x", "two spaces"),
    (8, "touch 400000 q", "an unknown access"),
    (8, "touch 0x400000 x", "a number with a prefix"),
    (8, "touch 40000G x", "a number that is none"),
    (8, "touch 11111111111400000 x", "a number of more than 64 bits"),
    (8, "touch 400010 x", "a touch in a page"),
    (8, "touch 500000 x", "a touch where nothing is mapped"),
    (8, "touch 400000 w", "a write that the protection forbids"),
    (9, "touch 403000 x", "a fetch that the protection forbids"),
    (9, "region 500000 501000 rw- anon -", "a region behind an event"),
    (10, "map 0 8000 rw- private,anon - 0 =", "a map without an answer"),
    (10, "map 0 8000 rw- private,anonym - 0 = 3ff0000000", "an unknown flag"),
    (10, "map 0 8000 rw- anon - 0 = 3ff0000000", "a map neither shared nor private"),
    (10, "map 0 8000 rw- private,anon 3 0 = 3ff0000000", "an anonymous map of a file"),
    (10, "map 0 8000 rw- private - 0 = 3ff0000000", "a file map without a file"),
    (10, "map 0 0 rw- private,anon - 0 = 3ff0000000", "an empty map that succeeded"),
    (10, "map 0 8000 rw- private,anon - 10 = 3ff0000000", "an offset in a page"),
    (10, "map 0 8000 rw- private,anon - 0 = 3ff0000010", "an answer in a page"),
    (10, "map 0 ffffffffffff8000 rw- private,anon - 0 = 3ff0000000", "a range that wraps"),
    (10, "map 0 8000 rw- private,anon - 0 = 404000", "an answer on a start region"),
    (10, "map 0 8000 rw- private,anon - 0 = -0", "an error without a number"),
    (14, "map 3ff0002000 2000 r-- private,fixed 3 0 = 3ff0003000", "a fixed map that moved"),
    (14, "map 3ff0007000 2000 r-- private,fixed 3 0 = 3ff0007000", "a fixed map half over nothing"),
    (14, "map 3fe0000000 2000 r-- private,fixed 3 0 = 3fe0000000", "a fixed map over nothing"),
    (14, "map 3ff0002000 2000 r-- private,fixed_noreplace 3 0 = 3ff0002000",
     "a fixed map that was not to replace"),
    (16, "protect 3ff0004000 1000 --- = 1", "a protect that answers 1"),
    (16, "protect 3ff0004001 1000 --- = 0", "a protect of an address in a page"),
    (16, "protect 3ff0007000 2000 --- = 0", "a protect half over nothing"),
    (17, "map 0 1800 rw- private,anon - 0 = 3feffff000", "an answer on a map"),
    (20, "remap 3fefffe000 5000 6000 1 0 = 3fefff0000", "a remap of two regions"),
    (20, "remap 3fefffd000 2000 5000 1 0 = 3fefff0000", "a remap half of nothing"),
    (20, "remap 3fefffe000 2000 5000 1 0 = 3feffff000", "a remap onto itself"),
    (20, "remap 3fefffe000 2000 5000 1 0 = 3fefffe000", "a remap that grows over its neighbour"),
    (20, "remap 3fefffe000 2000 5000 8 0 = 3fefff0000", "unknown remap flags"),
    (20, "remap 3fefffe000 2000 5000 3 3fefff1000 = 3fefff0000", "a fixed remap that moved"),
    (22, "advise 3fe0000000 2000 4 = 0", "advice on nothing"),
    (22, "advise 3ff0000000 2000 four = 0", "advice by name"),
    (22, "advise 3ff0000000 2000 100 = 0", "advice that damages memory"),
    (24, "brk 409000 = 408000", "a break nobody asked for"),
    (24, "brk 400000 = 400000", "a break below the heap"),
    (24, "brk 3ff0001000 = 3ff0001000", "a heap that grows over a map"),
    (29, "unmap 3ff0008000 1000 = 0", "an unmap of nothing"),
    (29, "unmap 3ff0007000 0 = 0", "an empty unmap that succeeded"),
    (30, "touch 3fe0000000 w", "a stack that grows too far"),
    (33, "touch 3ff0000000 w", "a touch of what was unmapped"),
    (33, "touch 3fefffe000 w", "a touch of what was moved away"),
    (33, "sync 3fefff0000", "a line that is cut short"),
]
# What shows in another line than the changed one.
SHOWS_AT = {"region 403000 405000 rw- stack -": 6}

# (line, what stands there instead, what it does): these replay.
POSSIBLE = [
    (2, "# ", "another remark"),
    (16, "protect 3ff0007000 2000 --- = -12", "a protect over a hole, refused"),
    (16, "unmap 3ff0004000 0 = -22", "an empty unmap, refused"),
    (16, "protect 3ff0004010 1000 r-- = -22", "a protect of an address in a page, refused"),
    (16, "map 0 0 rw- private,anon - 0 = -22", "an empty map, refused"),
    (16, "map 3ff0004010 1000 rw- private,anon,fixed - 0 = -22", "a fixed map in a page, refused"),
    (16, "map 3ff0004000 1000 rw- private,anon,fixed_noreplace - 0 = -17",
     "a fixed map that would replace, refused"),
    (16, "map 0 1000 rw- shared 7 0 = -9", "a map of a bad file, refused"),
    (16, "advise 3ff0004000 1000 77 = -22", "unknown advice, refused"),
    (16, "advise 3ff0000000 8000 10 = 0", "advice that is a property of the region"),
    (10, "map 0 8000 rw- shared,anon - 0 = 3ff0000000", "shared memory, which keeps its pages"),
    (17, "map 3fefffe000 1800 rw- private,anon,fixed_noreplace - 0 = 3fefffe000",
     "a fixed map that replaces nothing"),
    (20, "remap 3fefffe000 2000 5000 3 3fefff0000 = 3fefff0000", "a fixed remap to a free place"),
    (20, "remap 3fefffe000 2000 5000 1 0 = 3fefff0000", "a remap that moves"),
    (22, "advise 3ff0000000 2000 8 = 0", "pages that may be dropped"),
    (26, "brk 405000 = 405000", "a heap that shrinks to nothing"),
    (31, "protect 3ff0004000 2000 r-x = 0", "a protect to execute"),
    (31, "remap 3fefff0000 5000 1000 0 0 = 3fefff0000", "a remap that shrinks"),
    (31, "remap 3fefff0000 5000 0 1 0 = -22", "a remap to nothing, refused"),
    (31, "remap 3fefff0001 5000 6000 1 0 = -22", "a remap of an address in a page, refused"),
    (31, "lock 3fefff0000 5000 = 0", "a lock"),
    (31, "unlock 3fefff0000 5000 = 0", "an unlock"),
    (31, "sync 3fefff0000 5000 4 = 0", "a sync"),
    (32, "unmap 3fefff5000 10000 = 0", "an unmap over holes"),
]


USAGE = "usage: replay [--files DIR | --make DIR] FILE\n"


class Results:
    def __init__(self):
        self.count = 0
        self.failed = 0

    def add(self, is_good, name, detail=""):
        self.count += 1
        self.failed += 0 if is_good else 1
        print(f"{'ok' if is_good else 'not ok'} {self.count} - {name}")
        if not is_good:
            for line in detail.splitlines()[:12]:
                print(f"# {line}")


def run(replay, *words):
    return subprocess.run([replay, *words], capture_output=True, text=True, timeout=600,
                          check=False)


def write(folder, text):
    path = os.path.join(folder, "T.trace")
    with open(path, "w", encoding="ascii", newline="") as file:
        file.write(text)
    return path


def changed(line, text):
    lines = list(GOOD)
    lines[line - 1] = text
    return "\n".join(lines) + "\n"


def check_accepted(results, replay, path, name):
    """The trace replays, and what is printed is what the model says."""
    done = run(replay, path)
    if done.returncode != 0:
        results.add(False, name, f"status {done.returncode}\n{done.stderr}")
        return
    printed = done.stdout.splitlines()
    wanted = model.summary(path)
    missing = [line for line in wanted if line not in printed]
    regions = [line for line in printed if "-" in line.split(" ")[0]]
    if regions != wanted[:len(regions)] or len(regions) + model.COUNTS != len(wanted):
        missing.append("the regions, in this order: " + " | ".join(wanted[:-model.COUNTS]))
    results.add(not missing, name, "not printed:\n" + "\n".join(missing))


def check_refused(results, replay, path, line, name):
    done = run(replay, path)
    wanted = f"replay: {path}:{line}: "
    is_one_line = done.stderr.count("\n") == 1 and done.stderr.endswith("\n")
    results.add(done.returncode == 1 and done.stderr.startswith(wanted) and is_one_line, name,
                f"status {done.returncode}, wanted 1 and {wanted}\n{done.stderr}")


def check_truncated(results, replay, folder):
    """Cut anywhere but behind a newline, the text is refused at the line that is cut."""
    text = "\n".join(GOOD) + "\n"
    missed = []
    cuts = 0
    for length in range(0, len(text), 7):
        line = text[:length].count("\n") + 1
        if length > 0 and text[length - 1] == "\n":
            continue
        cuts += 1
        done = run(replay, write(folder, text[:length]))
        if done.returncode != 1 or f":{line}: " not in done.stderr:
            missed.append(f"cut at byte {length}, line {line}: {done.returncode} {done.stderr}")
    results.add(not missed and cuts > 100, "a trace that is cut off is refused at the cut",
                "\n".join(missed))
    for count, name in ((3, "remarks only"), (6, "regions only")):
        cut = write(folder, "\n".join(GOOD[:count]) + "\n")
        check_refused(results, replay, cut, count, name + ": refused at the last line")


def verified(done):
    """How many pages of files the replay has verified; 0 if it says nothing of them."""
    said = [line for line in done.stdout.splitlines() if line.startswith("pages of files verified")]
    return int(said[-1].split()[-1]) if said and done.returncode == 0 else 0


def check_files(results, replay, folder, trace):
    """A trace replays with files made as it goes, and with the same files made before."""
    name = os.path.basename(trace)
    files = os.path.join(folder, "files")
    going = run(replay, "--files", files, trace)
    results.add(verified(going) > 0 and not os.path.exists(files),
                name + " replays with files, which go with it", going.stderr)
    made = run(replay, "--make", files, trace)
    before = run(replay, "--files", files, trace)
    results.add(made.returncode == 0 and verified(before) == verified(going),
                name + " replays with files made before", made.stderr + before.stderr)
    for file in os.listdir(files):
        os.unlink(os.path.join(files, file))
    os.rmdir(files)


def check_small_files(results, replay, folder):
    """Sizes are those recorded; another size or other contents are found out."""
    files = os.path.join(folder, "files")
    trace = write(folder, "\n".join(GOOD) + "\n")
    made = run(replay, "--make", files, trace)
    sizes = {name: os.path.getsize(os.path.join(files, name)) for name in os.listdir(files)}
    results.add(sizes == {"program": 0x3000, "fd3": 0x2000}, "files have the sizes recorded",
                f"{sizes} {made.stderr}")
    with open(os.path.join(files, "program"), "rb") as file:
        contents = file.read()
    for at in (0x18, 0x100, 0x108, 0xff8):
        with open(os.path.join(files, "program"), "wb") as file:
            file.write(contents[:at] + bytes([contents[at] ^ 0x10]) + contents[at + 1:])
        done = run(replay, "--files", files, trace)
        results.add(done.returncode == 3 and done.stderr.count("\n") == 1,
                    f"a bit at {at:#x} of a file is found out", done.stderr)
    with open(os.path.join(files, "program"), "wb") as file:
        file.write(contents)
    os.truncate(os.path.join(files, "fd3"), 0x1fff)
    done = run(replay, "--files", files, trace)
    wanted = f"replay: {files}/fd3: it is shorter than what the trace maps of it\n"
    results.add(done.returncode == 3 and done.stderr == wanted, "a file that is short is refused",
                done.stderr)


# Two mappings of a file: what is written through the shared one shows in the other.
WRITTEN = """\
map 0 2800 rw- shared 4 0 = 3ff0000000
map 0 2800 rw- private 4 0 = 3ff0010000
touch 3ff0010000 r
touch 3ff0011000 w
touch 3ff0000000 w
touch 3ff0010000 r
touch 3ff0002000 r
touch 3ff0002000 w
touch 3ff0012000 w
touch 3ff0000000 w
unmap 3ff0000000 3000 = 0
touch 3ff0010000 r
advise 3ff0010000 3000 4 = 0
touch 3ff0012000 r
""".splitlines()


def check_written_files(results, replay, folder):
    trace = write(folder, "\n".join(GOOD[:7] + WRITTEN) + "\n")
    done = run(replay, "--files", os.path.join(folder, "new"), trace)
    results.add(verified(done) > 0, "what is written to a file shows in its other mappings",
                done.stderr)


def main():
    replay, *traces = sys.argv[1:]
    results = Results()
    for path in traces:
        check_accepted(results, replay, path, os.path.basename(path) + " replays")
    with tempfile.TemporaryDirectory() as folder:
        small = write(folder, changed(1, GOOD[0]))
        check_accepted(results, replay, small, "the small trace replays")
        for line, text, what in POSSIBLE:
            check_accepted(results, replay, write(folder, changed(line, text)),
                           f"line {line}: {what}: replays")
        for line, text, what in BROKEN:
            check_refused(results, replay, write(folder, changed(line, text)),
                          SHOWS_AT.get(text, line), f"line {line}: {what}: refused")
        nul = write(folder, changed(8, "touch 400000\0 x"))
        check_refused(results, replay, nul, 8, "line 8: a NUL byte is refused")
        carriage_return = write(folder, changed(8, "touch 400000 x\r"))
        check_refused(results, replay, carriage_return, 8, "line 8: a carriage return is refused")
        check_truncated(results, replay, folder)
        missing = os.path.join(folder, "missing.trace")
        done = run(replay, missing)
        results.add(done.returncode == 1 and done.stderr.startswith(f"replay: {missing}: "),
                    "a missing file is named", done.stderr)
    with tempfile.TemporaryDirectory() as folder:
        for path in traces:
            check_files(results, replay, folder, path)
        check_small_files(results, replay, folder)
        check_written_files(results, replay, folder)
    for words in ([], ["--files", "x"], ["--file", "x", small]):
        done = subprocess.run([replay, *words], capture_output=True, text=True, check=False)
        results.add(done.returncode == 2 and done.stderr == USAGE,
                    f"{words and words[0]}: the usage", done.stderr)
    print(f"1..{results.count}")
    return 1 if results.failed else 0


if __name__ == "__main__":
    sys.exit(main())
