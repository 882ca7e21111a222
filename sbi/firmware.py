# SPDX-License-Identifier: MIT
"""Firmware of the SiFive boards: SPL, OpenSBI and device tree of Debian's package u-boot-sifive.

The package is fetched by name, for riscv64, from the mirror that this machine's own apt uses, with
an apt state of its own: nothing of the machine's is touched. What was fetched stays in the build
directory.
"""
import fcntl
import glob
import os
import re
import shutil
import subprocess

PACKAGE = "u-boot-sifive"
RELEASE = "trixie"
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
# The package's folder for each board.
FOLDERS = {"unleashed": "sifive_unleashed", "unmatched": "sifive_unmatched"}
# Images of its FIT: u-boot.itb holds U-Boot, OpenSBI and the device tree, in this order.
ITB_OPENSBI, ITB_TREE = 1, 2


class FirmwareError(Exception):
    """A tool failed, or is not there; the text is one line."""


class NotFetched(FirmwareError):
    """The package cannot be fetched here: no Debian mirror is set up, or it does not answer."""


class Firmware:
    """Paths of one board's firmware, and which version of the package it is."""

    def __init__(self, folder, version, board):
        self.version = version
        package = os.path.join(folder, "root", "usr", "lib", "u-boot", FOLDERS[board])
        self.spl = os.path.join(package, "u-boot-spl.bin")
        self.itb = os.path.join(package, "u-boot.itb")
        self.opensbi = os.path.join(folder, board + "-opensbi.bin")
        self.tree = os.path.join(folder, board + ".dtb")


def environment(**more):
    """What tools are to find: not every user's path has the folders of those of the system."""
    return dict(os.environ, PATH=os.environ["PATH"] + ":/usr/sbin:/sbin", **more)


def run(command, what, **options):
    """Run a tool; its last line of complaint becomes a FirmwareError."""
    options.setdefault("env", environment())
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              errors="replace", check=False, stdin=subprocess.DEVNULL, **options)
    except FileNotFoundError:
        raise FirmwareError(f"{command[0]} is not installed: run cross/setup first") from None
    if done.returncode != 0:
        said = done.stdout.strip().splitlines()
        raise FirmwareError(f"{what}: {said[-1] if said else 'no reason given'}")
    return done.stdout


def mirror():
    """The Debian mirror of this machine's apt: the one that has the component main."""
    listed = run(["apt-get", "indextargets", "--format", "$(REPO_URI) $(ORIGIN) $(COMPONENT)"],
                 "apt-get indextargets")
    for line in listed.splitlines():
        words = line.split()
        if len(words) == 3 and words[1] == "Debian" and words[2] == "main" \
                and "security" not in words[0]:
            return words[0]
    raise FirmwareError(f"no Debian mirror is set up here: the package {PACKAGE} of Debian "
                        f"{RELEASE} cannot be fetched")


def write_state(state):
    """An apt state of its own, for another architecture and release. Returns its configuration."""
    for folder in ("lists/partial", "archives/partial", "empty"):
        os.makedirs(os.path.join(state, folder), exist_ok=True)
    with open(os.path.join(state, "status"), "w", encoding="utf-8"):
        pass
    with open(os.path.join(state, "sources.list"), "w", encoding="utf-8") as sources:
        sources.write(f"deb [arch=riscv64 signed-by={KEYRING}] {mirror()} {RELEASE} main\n")
    settings = {
        "APT::Architecture": "riscv64", "Dir::State": state,
        "Dir::State::Lists": state + "/lists", "Dir::State::status": state + "/status",
        "Dir::Cache": state, "Dir::Cache::archives": state + "/archives",
        "Dir::Etc::sourcelist": state + "/sources.list", "Dir::Etc::sourceparts": state + "/empty",
        "Dir::Etc::preferencesparts": state + "/empty", "Acquire::Languages": "none",
        "APT::Sandbox::User": "root",
    }
    path = os.path.join(state, "apt.conf")
    with open(path, "w", encoding="utf-8") as conf:
        conf.write('APT::Architectures { "riscv64"; };\n')
        conf.writelines(f'{name} "{value}";\n' for name, value in settings.items())
    return path


def take_apart(folder):
    """The parts of u-boot.itb that are needed one by one."""
    for board, name in FOLDERS.items():
        itb = os.path.join(folder, "root", "usr", "lib", "u-boot", name, "u-boot.itb")
        for part, target in ((ITB_OPENSBI, board + "-opensbi.bin"), (ITB_TREE, board + ".dtb")):
            run(["dumpimage", "-T", "flat_dt", "-p", str(part), "-o",
                 os.path.join(folder, target), itb], "dumpimage")


def download(folder):
    """Have the package as a file in this folder. Returns its path. Raises NotFetched."""
    what = f"cannot fetch {PACKAGE} of Debian {RELEASE}"
    state = os.path.join(folder, "apt")
    try:
        own = environment(APT_CONFIG=write_state(state))
        run(["apt-get", "-qq", "update"], what, env=own)
        run(["apt-get", "-qq", "download", PACKAGE], what, env=own, cwd=folder)
    except FirmwareError as error:
        raise NotFetched(str(error)) from None
    found = glob.glob(os.path.join(folder, PACKAGE + "_*_riscv64.deb"))
    if len(found) != 1:
        raise NotFetched(f"{what}: apt-get left no package")
    shutil.rmtree(state)
    return found[0]


def fetch_to(folder):
    """Have the package in this folder, all of it or nothing. Raises FirmwareError."""
    partial = folder + ".new"
    shutil.rmtree(partial, ignore_errors=True)
    os.makedirs(partial)
    package = download(partial)
    run(["dpkg-deb", "-x", package, os.path.join(partial, "root")], "dpkg-deb")
    take_apart(partial)
    version = re.search(r"_(.+)_riscv64\.deb$", os.path.basename(package))[1]
    with open(os.path.join(partial, "version"), "w", encoding="utf-8") as note:
        note.write(version.replace("%3a", ":") + "\n")
    shutil.rmtree(folder, ignore_errors=True)
    os.rename(partial, folder)


def fetch(build):
    """Have the package in the build directory. Returns its folder. Raises FirmwareError."""
    folder = os.path.join(os.path.abspath(build), "firmware")
    with open(folder + ".lock", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # others may want it at the same time
        if not os.path.exists(os.path.join(folder, "version")):
            fetch_to(folder)
    return folder


def firmware(build, board):
    """The firmware of a board, fetched if need be. Raises FirmwareError."""
    folder = fetch(build)
    with open(os.path.join(folder, "version"), encoding="utf-8") as note:
        return Firmware(folder, note.read().strip(), board)
