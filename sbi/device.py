# SPDX-License-Identifier: MIT
"""Block devices of this machine: what is on one, whether it may be overwritten, and doing it."""
import json
import os
import stat
import subprocess

CHUNK = 1 << 20


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
        listed = subprocess.run(["lsblk", "--json", "--bytes", "-o",
                                 "PATH,TYPE,MODEL,SIZE,RM,HOTPLUG,MOUNTPOINTS,LABEL,FSTYPE", path],
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


def check(node, size, is_forced):
    """Whether `size` bytes may be written to it. Raises DeviceError with the reason if not."""
    path = node["path"]
    if node["type"] not in ("disk", "loop"):
        raise DeviceError(f"'{path}' is a {node['type']}, not a whole device")
    points = mounted(node)
    if points:
        raise DeviceError(f"'{path}' is in use, mounted at {', '.join(points)}")
    if int(node["size"]) < size:
        raise DeviceError(f"'{path}' has {node['size']} bytes, {size} are needed")
    if not (node["rm"] or node["hotplug"]) and not is_forced:
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


def write(path, image):
    """Copy the image to the device, then compare. Raises DeviceError."""
    try:
        with open(image, "rb") as source, open(path, "r+b") as target:
            while chunk := source.read(CHUNK):
                target.write(chunk)
            target.flush()
            os.fsync(target.fileno())
        compare(path, image)
    except OSError as error:
        raise DeviceError(f"'{path}': {error.strerror}") from None
