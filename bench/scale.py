#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Times `ashlar build` of images of about 100, 300 and 1,000 packages, and puts a table into docs/performance.md.

usage: scale.py [ROUNDS]     (also $ROUNDS; 3 when absent)

Each image is `base` and the first names of scale.txt: small packages of many kinds (libraries, Perl modules, sources of
Go libraries) that need little else, so that the number of packages grows and the kernel stays the same."""
import os
import pathlib
import sys
import tempfile

import lib

ASKED = (45, 249, 948)  # beyond base and what they need: 100, 300 and 1,000 in all
FIRST, WARM = "first build", "nothing changed"


def define(distro, names):
    for asked in ASKED:
        lines = ["from: base", "max-packages: 0", "max-files-bytes: 0", "max-image-bytes: 0", "packages:"]
        lines += [f"  - {name}" for name in names[:asked]]
        (distro / f"images/scale-{asked}.yaml").write_text("\n".join(lines) + "\n")


def measure(builder):
    """A first build and a warm one."""
    builder.forget()
    for case in (FIRST, WARM):
        cost = builder.build()
        lib.say(f"{builder.image}: {case}: {cost.wall:.2f} s, {cost.peak:.0f} MiB")
        yield (builder.image, case), cost


def row(image, manifest, costs, before):
    first, warm = (lib.median(costs[image, case]) for case in (FIRST, WARM))
    n = len(manifest["packages"])
    more = f"{(warm.wall - before[1]) / (n - before[0]) * 1e3:.2f}" if before else ""
    return (n, f"{manifest['files-bytes'] / 1e6:.0f}", f"{manifest['stored-bytes'] / 1e6:.0f}", f"{first.wall:.2f}",
            f"{first.peak:.0f}", f"{warm.wall:.2f}", f"{warm.processor:.2f}", f"{warm.peak:.0f}", more), (n, warm.wall)


def main():
    rounds, load = int((sys.argv[1:] or [os.environ.get("ROUNDS", "3")])[0]), os.getloadavg()
    names = (lib.ROOT / "bench/scale.txt").read_text().split()
    costs, manifests, rows, before = {}, {}, [], None
    with tempfile.TemporaryDirectory(prefix="scale-", dir=lib.BUILD) as folder:
        builder = lib.Builder(pathlib.Path(folder) / "work", f"scale-{ASKED[-1]}")
        define(builder.distro, names)
        builder.build()  # downloads
        builder.keep_downloads()
        for _ in range(rounds):
            for asked in ASKED:
                builder.image = f"scale-{asked}"
                for case, cost in measure(builder):
                    costs.setdefault(case, []).append(cost)
                manifests[builder.image] = builder.manifest()
    for image, manifest in manifests.items():
        cells, before = row(image, manifest, costs, before)
        rows.append(cells)
    head = ("packages", "MB of files", "MB of image", "first build s", "its peak MiB", "nothing changed s", "processor s",
            "peak MiB", "ms for each package more")
    lib.publish("scale", "\n".join([f"Medians of {rounds} rounds, {lib.machine(load)}\n", *lib.table(head, rows)]))


try:
    main()
except lib.Failed as e:
    sys.exit(f"scale: {e}")
