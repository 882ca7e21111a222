#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Write down what a build directory holds, for sbi/boot and cross/cc: BUILDDIR/sbi/manifest.json.

Called by Meson when it configures. Arguments are KEY=VALUE; a key that ends in [] is a list and may
stand any number of times, also none at all with an empty value.

Usage: manifest.py OUTPUT [KEY=VALUE]...
"""
import json
import sys


def main():
    manifest = {}
    for argument in sys.argv[2:]:
        key, _, value = argument.partition("=")
        if key.endswith("[]"):
            values = manifest.setdefault(key[:-2], [])
            if value:
                values.append(value)
        else:
            manifest[key] = value
    with open(sys.argv[1], "w", encoding="utf-8") as output:
        json.dump(manifest, output, indent=1)
        output.write("\n")


if __name__ == "__main__":
    main()
