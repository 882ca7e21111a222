# SPDX-License-Identifier: MIT
"""A board from an image: QEMU's sifive_u with the SPL that is on the medium itself."""
import os
import re
import select
import subprocess
import time

TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
TOP = os.path.dirname(TESTS)
SECTOR = 512
# Where SPL lies and what the board's switches select, for each kind of medium.
SPL = {"sd": (34, 2048), "mtd": (40, 2048)}
SWITCHES = {"sd": 11, "mtd": 6}
NONCE = "b0a4d"
NOT_FETCHED = 3  # status of sbi/flash where its firmware cannot be fetched
PROMPT = "=> "
SPL_BEGINS = "Trying to boot from MMC1"  # and says what follows only if it fails
BOOT_SECONDS = 240
END = re.compile(rb"\[holdfast " + NONCE.encode() + rb" [^\n]*\]")


def flash(*arguments, answer=""):
    """sbi/flash as a person would call it. Returns (status, output)."""
    done = subprocess.run([os.path.join(TOP, "sbi", "flash"), *arguments], input=answer,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=800,
                          check=False)
    return done.returncode, done.stdout


def tool(folder, name, script):
    """Another program in the place of one, for those who look in this folder first."""
    path = os.path.join(folder, name)
    with open(path, "w", encoding="utf-8") as target:
        target.write("#!/bin/sh\n" + script + "\n")
    os.chmod(path, 0o755)


def cut_spl(image, kind, folder):
    """The SPL of an image as a file: what the board's ROM would load."""
    first, sectors = SPL[kind]
    path = os.path.join(folder, "spl.bin")
    with open(image, "rb") as source, open(path, "wb") as target:
        source.seek(first * SECTOR)
        target.write(source.read(sectors * SECTOR))
    return path


def drive(image, kind):
    return ["-drive", f"file={image.replace(',', ',,')},if={kind},format=raw"]


def command(image, kind, spl, drive_opt=None):
    """`drive_opt`: QEMU's option -drive for the medium, if it is no plain file."""
    return ["qemu-system-riscv64", "-M", f"sifive_u,msel={SWITCHES[kind]}", "-smp", "5", "-m", "8G",
            "-display", "none", "-serial", "stdio", "-monitor", "none", "-no-reboot", "-bios", spl,
            *(["-drive", drive_opt] if drive_opt else drive(image, kind))]


def uboot_command(image):
    """Some other board of which U-Boot is known to start: QEMU's virt."""
    return ["qemu-system-riscv64", "-M", "virt", "-smp", "2", "-m", "512M", "-display", "none",
            "-serial", "stdio", "-monitor", "none", "-no-reboot", "-bios", "default", "-kernel",
            "/usr/lib/u-boot/qemu-riscv64_smode/u-boot.bin", "-drive",
            f"file={image},format=raw,if=none,id=card", "-device", "virtio-blk-device,drive=card"]


def boot(machine, typed=(), seconds=BOOT_SECONDS, until=None):
    """Run until the kernel's end line, or the text `until`; returns all that was printed.

    `typed`: (text, answer) pairs; each answer is typed once its text has appeared behind that of
    the one before.
    """
    said = b""
    waiting = list(typed)
    seen = 0
    deadline = time.monotonic() + seconds
    with subprocess.Popen(machine, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, bufsize=0) as qemu:
        try:
            while not END.search(said) and not (until and until.encode() in said):
                left = deadline - time.monotonic()
                ready, _, _ = select.select([qemu.stdout], [], [], max(0, left))
                data = os.read(qemu.stdout.fileno(), 65536) if ready else b""
                if not data:
                    break
                said += data
                while waiting and (at := said.find(waiting[0][0].encode(), seen)) >= 0:
                    seen = at + len(waiting[0][0].encode())
                    qemu.stdin.write(waiting.pop(0)[1].encode())
        finally:
            qemu.kill()
    return said.decode(errors="replace").replace("\r", "")
