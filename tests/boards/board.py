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
PROMPT = "=> "
END = re.compile(rb"\[holdfast " + NONCE.encode() + rb" [^\n]*\]")


def qemu_major():
    said = subprocess.run(["qemu-system-riscv64", "--version"], stdout=subprocess.PIPE, text=True,
                          check=True).stdout
    return int(re.search(r"version (\d+)\.", said)[1])


def flash(*arguments):
    """sbi/flash as a person would call it. Returns (status, output)."""
    done = subprocess.run([os.path.join(TOP, "sbi", "flash"), *arguments],
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, timeout=200, check=False)
    return done.returncode, done.stdout


def cut_spl(image, kind, folder):
    """The SPL of an image as a file: what the board's ROM would load."""
    first, sectors = SPL[kind]
    path = os.path.join(folder, "spl.bin")
    with open(image, "rb") as source, open(path, "wb") as target:
        source.seek(first * SECTOR)
        target.write(source.read(sectors * SECTOR))
    return path


def command(image, kind, spl):
    return ["qemu-system-riscv64", "-M", f"sifive_u,msel={SWITCHES[kind]}", "-smp", "5", "-m", "8G",
            "-display", "none", "-serial", "stdio", "-monitor", "none", "-no-reboot", "-bios", spl,
            "-drive", f"file={image},if={kind},format=raw"]


def uboot_command(image):
    """Some other board of which U-Boot is known to start: QEMU's virt."""
    return ["qemu-system-riscv64", "-M", "virt", "-smp", "2", "-m", "512M", "-display", "none",
            "-serial", "stdio", "-monitor", "none", "-no-reboot", "-bios", "default", "-kernel",
            "/usr/lib/u-boot/qemu-riscv64_smode/u-boot.bin", "-drive",
            f"file={image},format=raw,if=none,id=card", "-device", "virtio-blk-device,drive=card"]


def boot(machine, typed=(), seconds=60):
    """Run until the kernel's end line; returns all that was printed.

    `typed`: (text, answer) pairs; each answer is typed once its text has appeared.
    """
    said = b""
    waiting = list(typed)
    deadline = time.monotonic() + seconds
    with subprocess.Popen(machine, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, bufsize=0) as qemu:
        try:
            while not END.search(said):
                left = deadline - time.monotonic()
                ready, _, _ = select.select([qemu.stdout], [], [], max(0, left))
                data = os.read(qemu.stdout.fileno(), 65536) if ready else b""
                if not data:
                    break
                said += data
                if waiting and waiting[0][0].encode() in said:
                    qemu.stdin.write(waiting.pop(0)[1].encode())
        finally:
            qemu.kill()
    return said.decode(errors="replace").replace("\r", "")
