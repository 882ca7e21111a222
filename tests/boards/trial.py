# SPDX-License-Identifier: MIT
"""Whether U-Boot's SPL can read an SD card of this QEMU: tried, with a card that is empty.

Which versions of QEMU have such a card is not asked: 7.2 has, 10.0 has not (its card knows no
SEND_CID in SPI mode). Where it works SPL says so within a second, by complaining of what it read;
where not it is silent for minutes. That it does not work is therefore remembered in the build
directory, for the other tests of the run.
"""
import fcntl
import os
import select
import subprocess
import tempfile
import time

import board

CARD_BYTES = 2 << 20  # up to where SPL reads, at least; a power of two
KEPT_SECONDS = 1200
# How long silence has to last: so many times as long as SPL took to begin, and not less than that.
SILENCE_TIMES = 30
SILENCE_SECONDS = 10
BEGUN = board.SPL_BEGINS.encode()
FAILURES = (b"mmc init failed", b"read error")


def hear(stream, said, is_enough, seconds):
    """`said` with what follows it, until that is enough, the stream ends, or time is up."""
    deadline = time.monotonic() + seconds
    while not is_enough(said):
        ready, _, _ = select.select([stream], [], [], max(0, deadline - time.monotonic()))
        data = os.read(stream.fileno(), 65536) if ready else b""
        if not data:
            break
        said += data
    return said


def line_behind(said):
    """The first line that SPL says when it has begun to boot; empty if there is no whole one."""
    line, end, _ = said.partition(BEGUN)[2].lstrip().partition(b"\n")
    return line.strip() if end else b""


def trouble_of(machine, silence_seconds):
    """What is wrong with the card, by what SPL says when it runs; None: nothing.

    None too if SPL does not come so far, since that is not the card's fault: boots show it.
    """
    started = time.monotonic()
    with subprocess.Popen(machine, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL, bufsize=0) as qemu:
        try:
            said = hear(qemu.stdout, b"", lambda said: BEGUN in said, board.BOOT_SECONDS)
            begun = time.monotonic()
            silence = max(silence_seconds, SILENCE_TIMES * (begun - started))
            line = line_behind(hear(qemu.stdout, said, line_behind, silence))
        finally:
            qemu.kill()
    if line:
        failed = any(failure in line for failure in FAILURES)
        return line.decode(errors="replace") if failed else None
    is_silent = BEGUN in said and time.monotonic() - begun >= silence
    return f"it is silent for {silence:.0f} seconds" if is_silent else None


def is_fresh(path):
    try:
        return time.time() - os.stat(path).st_mtime < KEPT_SECONDS
    except OSError:
        return False


def why_no_card(build, spl, silence_seconds=SILENCE_SECONDS):
    """The reason why SPL cannot boot from a card here, one line; None if it can."""
    note = os.path.join(build, "no-card")
    version = subprocess.run(["qemu-system-riscv64", "--version"], stdout=subprocess.PIPE,
                             text=True, check=True).stdout.splitlines()[0]
    with open(note + ".lock", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # all tests of a run ask at the same time
        if is_fresh(note):
            with open(note, encoding="utf-8") as source:
                seen_with, trouble = source.read().splitlines()
            if seen_with == version:
                return trouble
        with tempfile.NamedTemporaryFile(prefix="holdfast-card-") as card:
            card.truncate(CARD_BYTES)
            trouble = trouble_of(board.command(card.name, "sd", spl), silence_seconds)
        if trouble is None:
            return None
        trouble = f"U-Boot's SPL cannot read an SD card of this QEMU: {trouble}"
        with open(note, "w", encoding="utf-8") as target:
            target.write(f"{version}\n{trouble}\n")
        return trouble
