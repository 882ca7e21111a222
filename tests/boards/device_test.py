#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Which devices sbi/flash would overwrite, and that it reads back what it wrote. Prints TAP."""
import os
import sys
import tempfile

sys.dont_write_bytecode = True
TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path += [os.path.join(TESTS, "harness"), os.path.join(os.path.dirname(TESTS), "sbi")]

import device  # noqa: E402
from tap import expect, run  # noqa: E402

MEGA = 1 << 20


def card(**changes):
    """A removable device of 64 MB with one partition, as lsblk tells it."""
    node = {"name": "sdz", "path": "/dev/sdz", "type": "disk", "model": "Card Reader",
            "size": 64 * MEGA, "rm": True, "mountpoints": [None], "label": None, "fstype": None,
            "children": [{"path": "/dev/sdz1", "size": 32 * MEGA, "fstype": "vfat",
                          "label": "PHOTOS", "mountpoints": [None]}]}
    node.update(changes)
    return node


def refusal(node, size=MEGA, is_forced=False, blocks="/nowhere"):
    try:
        device.check(node, size, is_forced, blocks)
    except device.DeviceError as error:
        return str(error)
    return ""


def a_removable_device_that_is_free_and_large_enough_is_taken():
    expect(refusal(card()), "")


def a_device_in_use_is_refused_even_if_forced():
    for node in (card(mountpoints=["/media/photos"]),
                 card(children=[{"path": "/dev/sdz1", "mountpoints": ["/media/photos"]}]),
                 card(children=[{"path": "/dev/sdz1", "mountpoints": [None], "children": [
                     {"path": "/dev/mapper/x", "mountpoints": ["/media/photos"]}]}])):
        expect("/media/photos" in refusal(node, is_forced=True), True)


def a_device_that_is_too_small_is_refused():
    expect(refusal(card(), size=64 * MEGA), "")
    expect("67108865" in refusal(card(), size=64 * MEGA + 1, is_forced=True), True)


def refusal_of(is_called_removable, kind_opt, is_forced=False):
    """Of a device of which Linux says this; `kind_opt`: its device/type, if it has one."""
    with tempfile.TemporaryDirectory() as blocks:
        folder = os.path.join(blocks, "sdz", "device")
        os.makedirs(folder)
        if kind_opt is not None:
            with open(os.path.join(folder, "type"), "w", encoding="utf-8") as kind:
                kind.write(kind_opt + "\n")
        return refusal(card(rm=is_called_removable), is_forced=is_forced, blocks=blocks)


# What Linux says of each: /sys/block/*/removable and device/type, which of SCSI is a number.
def a_card_in_a_reader_on_usb_is_removable():
    expect(refusal_of(True, "0"), "")


def a_card_in_a_slot_is_removable():
    expect(refusal_of(False, "SD"), "")


def a_disk_on_usb_must_be_forced():
    expect("not removable" in refusal_of(False, "0"), True)
    expect(refusal_of(False, "0", is_forced=True), "")


def memory_that_is_soldered_on_must_be_forced():
    expect("not removable" in refusal_of(False, "MMC"), True)
    expect(refusal_of(False, "MMC", is_forced=True), "")


def a_device_that_is_not_removable_must_be_forced():
    expect("--force" in refusal_of(False, None), True)
    expect(refusal_of(False, None, is_forced=True), "")


def a_partition_is_no_device():
    expect("whole device" in refusal(card(type="part"), is_forced=True), True)


def what_will_be_overwritten_is_shown():
    lines = device.describe(card())
    expect([word in "\n".join(lines) for word in ("Card Reader", "PHOTOS", "vfat", "/dev/sdz1")],
           [True] * 4)
    expect(device.describe(card(children=[]))[1].strip(), "no partitions")


def what_was_written_is_read_back():
    with tempfile.TemporaryDirectory() as folder:
        image, target = (os.path.join(folder, name) for name in ("image", "target"))
        with open(image, "wb") as source:
            source.write(os.urandom(3 * MEGA + 5))
        with open(target, "wb") as place:
            place.truncate(4 * MEGA)
        device.write(target, image)
        with open(image, "rb") as source, open(target, "rb") as place:
            expect(place.read(3 * MEGA + 5) == source.read(), True)
        # A device that loses what is written, as a worn card does.
        with open(target, "r+b") as place:
            place.seek(2 * MEGA)
            place.write(b"lost")
        try:
            device.compare(target, image)
            raise AssertionError("not noticed")
        except device.DeviceError as error:
            expect(f"from {2 * MEGA} on" in str(error), True)


def what_is_no_block_device_is_refused():
    for path in ("/dev/null", "/nowhere", __file__):
        try:
            device.inspect(path)
            raise AssertionError(path)
        except device.DeviceError as error:
            expect(path in str(error), True)


if __name__ == "__main__":
    sys.exit(run([
        a_removable_device_that_is_free_and_large_enough_is_taken,
        a_device_in_use_is_refused_even_if_forced,
        a_device_that_is_too_small_is_refused,
        a_card_in_a_reader_on_usb_is_removable,
        a_card_in_a_slot_is_removable,
        a_disk_on_usb_must_be_forced,
        memory_that_is_soldered_on_must_be_forced,
        a_device_that_is_not_removable_must_be_forced,
        a_partition_is_no_device,
        what_will_be_overwritten_is_shown,
        what_was_written_is_read_back,
        what_is_no_block_device_is_refused,
    ]))
