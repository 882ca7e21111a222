# SPDX-License-Identifier: MIT
"""Block devices of this machine: what is on one, whether it may be overwritten, and doing it."""
import json
import os
import stat
import subprocess

from firmware import FirmwareError, run

CHUNK = 1 << 20
BLOCKS = "/sys/class/block"


class DeviceError(Exception):
    """The device is not written; the text is one line."""


def inspect(path):
    """What lsblk knows of a whole device. Raises DeviceError."""
    try:
        kind = os.stat(path).st_mode
    except OSError as error:
        raise DeviceError(f"cannot use '{path}': {error.strerror}") from None
    if not stat.S_ISBLK(kind):
        raise DeviceError(f"'{path}' is no block device (for a file: --image)")
    try:
        # Asked for the name, it lists partitions as children; else beside the device.
        listed = subprocess.run(["lsblk", "--json", "--bytes", "-o", "NAME,PATH,TYPE,MODEL,SIZE,"
                                 "RM,MOUNTPOINTS,LABEL,FSTYPE", path],
                                stdout=subprocess.PIPE, check=True, text=True).stdout
        return json.loads(listed)["blockdevices"][0]
    except (OSError, subprocess.CalledProcessError, ValueError, KeyError, IndexError):
        raise DeviceError(f"lsblk cannot say what '{path}' is") from None


def mounted(node):
    """All paths under which the device or a part of it is in use."""
    points = [point for point in node.get("mountpoints") or [] if point]
    for child in node.get("children") or []:
        points += mounted(child)
    return points


def is_removable(node, blocks=BLOCKS):
    """Whether the medium can be taken out: a device that says so, or an SD card in a slot.

    Linux calls no device of its MMC driver removable, neither a card nor memory that is soldered
    on: the two differ by their type, "SD" and "MMC" (drivers/mmc/core/bus.c, type_show). Whether
    the device can be unplugged (lsblk's HOTPLUG) is another matter: so can any disk on USB.
    """
    if node["rm"]:
        return True
    try:
        with open(os.path.join(blocks, node["name"], "device", "type"), encoding="utf-8") as kind:
            return kind.read().strip() == "SD"
    except OSError:
        return False


def check(node, size, is_forced, blocks=BLOCKS):
    """Whether `size` bytes may be written to it. Raises DeviceError with the reason if not."""
    path = node["path"]
    if node["type"] not in ("disk", "loop"):
        raise DeviceError(f"'{path}' is a {node['type']}, not a whole device")
    points = mounted(node)
    if points:
        raise DeviceError(f"'{path}' is in use, mounted at {', '.join(points)}")
    if int(node["size"]) < size:
        raise DeviceError(f"'{path}' has {node['size']} bytes, {size} are needed")
    if not is_forced and not is_removable(node, blocks):
        raise DeviceError(f"'{path}' is not removable (--force if it is meant all the same)")


def describe(node):
    """Lines for people: what will be overwritten."""
    model = (node.get("model") or "unknown model").strip()
    lines = [f"{node['path']}: {model}, {int(node['size']) / 1e9:.1f} GB"]
    for child in node.get("children") or []:
        what = " ".join(filter(None, [child.get("fstype"), child.get("label")])) or "no file system"
        lines.append(f"  {child['path']}: {int(child['size']) / 1e6:.0f} MB, {what}")
    if len(lines) == 1:
        lines.append("  no partitions")
    return lines


def compare(path, image):
    """Read the device back. Raises DeviceError where it does not hold the image."""
    with open(image, "rb") as source, open(path, "rb") as target:
        # What was just written must come from the device, not from memory.
        os.posix_fadvise(target.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        at = 0
        while chunk := source.read(CHUNK):
            if target.read(len(chunk)) != chunk:
                raise DeviceError(f"'{path}' does not hold what was written, within {len(chunk)} "
                                  f"bytes from {at} on")
            at += len(chunk)


def stretch(path):
    """Have the second partition table stand at the end of a device that is larger than its image.

    The system learns of the partitions with that. Raises DeviceError.
    """
    try:
        run(["sgdisk", "--move-second-header", path], f"'{path}': sgdisk")
    except FirmwareError as error:
        raise DeviceError(str(error)) from None


def write(path, image):
    """Copy the image to the device, then compare. Raises DeviceError.

    Nobody else may use it then, not even since it was looked at: desktops mount cards unasked.
    """
    try:
        alone = os.open(path, os.O_RDWR | os.O_EXCL)
        with open(image, "rb") as source, open(alone, "r+b") as target:
            while chunk := source.read(CHUNK):
                target.write(chunk)
            target.flush()
            os.fsync(target.fileno())
        compare(path, image)
    except OSError as error:
        raise DeviceError(f"'{path}': {error.strerror}") from None
