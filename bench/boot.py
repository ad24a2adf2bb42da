#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Boots the server with its root stored in different ways, and puts sizes and times into docs/performance.md.

usage: boot.py [--rounds N] [NAME=IMAGE.raw ...]     (3 rounds when absent)

Without images it builds one for each value of root-compression. Others, such as those that a program with another
cluster size built, are given by file. Each round boots every image once, to the state `running`, and asks systemd how
long the kernel (with the initrd's part of it) and the rest took."""
import argparse
import os
import pathlib
import re
import statistics
import tempfile

import lib
import others

CODECS = ("zstd", "lz4hc", "none")
UNITS = {"min": 60, "s": 1, "ms": 1e-3, "us": 1e-6}


def build(folder):
    builder = lib.Builder(folder / "work", "boot")
    for codec in CODECS:
        builder.image = f"boot-{codec}"
        (builder.distro / f"images/{builder.image}.yaml").write_text(
            f"from: server\nroot-compression: {codec}\nmax-image-bytes: 0\n")
        builder.build()
        yield codec, builder.file("raw")


def seconds(text, part):
    """Of "Startup finished in 2min 1.5s (kernel) + 3.2s (userspace) = ..."."""
    spans = re.search(rf"((?:[\d.]+(?:min|ms|us|s) ?)+)\({part}\)", text)
    return sum(float(n) * UNITS[unit] for n, unit in re.findall(r"([\d.]+)(min|ms|us|s)", spans.group(1))) if spans else 0


def boot(image):
    """Seconds: of the whole run with its way through the firmware, of the kernel, of the rest. And by what it ran."""
    cost, text = lib.run([lib.ASHLAR, "run", "--quiet", "--timeout", "1200", "--image", image, "server", "--",
                          "sh", "-c", "systemd-analyze time; systemd-detect-virt"])
    kernel = seconds(text, "kernel") + seconds(text, "initrd")
    if not kernel:
        raise lib.Failed(f"{image}: systemd-analyze says: {text}")
    return (cost.wall, kernel, seconds(text, "userspace")), text.split()[-1]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("images", nargs="*", metavar="NAME=IMAGE.raw")
    arguments, load, times = parser.parse_args(), os.getloadavg(), {}
    with tempfile.TemporaryDirectory(prefix="boot-", dir=lib.BUILD) as folder:
        images = dict(i.split("=", 1) for i in arguments.images) or dict(build(pathlib.Path(folder)))
        for n in range(arguments.rounds):
            for name, image in images.items():
                measured_times, virtualization = boot(image)
                times.setdefault(name, []).append(measured_times)
                lib.say(f"round {n + 1}: {name}: {times[name][-1]}")
        measured = {name: others.sizes(image) for name, image in images.items()}
    rows = []
    for name, (stored, _, root) in measured.items():
        wall, kernel, rest = (statistics.median(column) for column in zip(*times[name]))
        rows.append((name, f"{stored / 1e6:.1f}", f"{root / 1e6:.1f}", f"{kernel:.1f}", f"{rest:.1f}", f"{kernel + rest:.1f}",
                     f"{wall:.1f}"))
    how = "in KVM" if virtualization == "kvm" else "in QEMU without KVM, which emulates every instruction"
    head = ("root", "MB of image", "MB of root", "kernel and initrd s", "to `running` s", "together s",
            "with firmware, wall s")
    lib.publish("boot", "\n".join([f"Medians of {arguments.rounds} boots each {how}; {lib.machine(load)}\n",
                                   *lib.table(head, rows)]))


try:
    main()
except lib.Failed as e:
    raise SystemExit(f"boot: {e}") from e
