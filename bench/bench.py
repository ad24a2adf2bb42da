#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Times `ashlar build` on this machine beside the floor, dnf and mkosi; prints the tables and puts them into
docs/performance.md, with a plot beside it.

usage: bench.py [--quick] [ROUNDS]     (also $ROUNDS; 5 when absent)

--quick is for a look while working: one round, without dnf and mkosi, and only printed.

Each round measures everything once, one after the other, so that a busy minute of the machine hits all alike; the
tables show medians. Nothing is judged: the exit status only says whether the builds worked. What this machine cannot
do (mkosi is not installed, dnf without root) is left out, and said."""
import os
import pathlib
import shutil
import statistics
import sys
import tempfile

import lib
import news
import others
import ours
import plot


def contestants(bench, work, quick):
    """Those that this machine can run, and why it cannot run the others."""
    found, missing = [bench, others.Floor(bench)], []
    if shutil.which("gpg"):
        found.append(news.News(bench, work / "news"))
    else:
        missing.append("News are not measured: gpg is not installed.")
    if quick:
        return found, missing
    parts = others.Parts(bench, work / "parts")
    if os.getuid() == 0 and shutil.which("dnf"):
        found.append(others.Dnf(parts))
    else:
        missing.append("dnf is not measured: it needs root, and to be installed.")
    command = os.environ.get("MKOSI") or shutil.which("mkosi")
    if command:
        found.append(others.Mkosi(parts, command))
    else:
        missing.append("mkosi is not measured: it is not installed, and $MKOSI names none.")
    return found, missing


def times(medians):
    floor, warm = medians[others.FLOOR].wall, medians[ours.WARM].wall
    rows = [(name, f"{c.wall:.2f}", f"{c.processor:.2f}", f"{c.peak:.0f}", f"{c.wall / floor:.1f}", f"{c.wall / warm:.1f}")
            for name, c in sorted(medians.items(), key=lambda item: item[1].wall)]
    return lib.table(("", "wall s", "processor s", "peak MiB", "wall / floor", "wall / nothing changed"), rows)


def stages(bench):
    cases = (ours.FIRST, ours.WARM, ours.FILE, ours.PACKAGE)
    names = dict.fromkeys(stage for case in cases for stage in bench.stages[case])
    rows = [(stage, *(f"{statistics.median(bench.stages[case][stage]):.2f}" if stage in bench.stages[case] else ""
                      for case in cases)) for stage in names]
    return lib.table(("stage, wall s", *(case.removeprefix("ashlar: ") for case in cases)), rows)


def sizes(bench, found):
    manifest = bench.builder.manifest()
    wanted = {p["origin"]["sha256"] for p in manifest["packages"]}
    downloads = sum(f.stat().st_size for f in (bench.builder.cache / "downloads").iterdir() if f.name in wanted)
    rpms = sum(f.stat().st_size for f in bench.builder.file("repository").glob("*.rpm"))
    rows = [(f"{len(manifest['packages'])} packages as downloaded", downloads), ("as RPMs", rpms),
            ("files of the root", manifest["files-bytes"])]
    makers = [c for c in found if isinstance(c, (others.Dnf, others.Mkosi))]
    for who, maker in (("ashlar", bench), *((type(c).__name__.lower(), c) for c in makers)):
        image = bench.builder.file("raw") if maker is bench else maker.image
        rows += zip((f"{who}: image on disk", f"{who}: image with its holes", f"{who}: root partition"), others.sizes(image))
    return lib.table(("", "MB"), ((name, f"{n / 1e6:.1f}") for name, n in rows))


def dnf_steps(found):
    for dnf in (c for c in found if isinstance(c, others.Dnf)):
        steps = ", ".join(f"{name} {statistics.median(s):.2f}" for name, s in dnf.steps.items())
        yield f"\nSteps of the dnf pipeline, wall s: {steps}."


def versions(found):
    for c in found:
        if isinstance(c, others.Mkosi):
            yield lib.first_line(*c.command, "--version")
        if isinstance(c, others.Dnf):
            yield f"dnf {lib.first_line('dnf', '--version')}"
            yield f"mkfs.erofs {lib.first_line(c.parts.tools + '/mkfs.erofs', '-V').split()[-1]}"


def main():
    arguments = sys.argv[1:]
    quick = "--quick" in arguments
    numbers = [a for a in arguments if a != "--quick"] or [os.environ.get("ROUNDS", "5")]
    rounds, load, costs = 1 if quick else int(numbers[0]), os.getloadavg(), {}
    with tempfile.TemporaryDirectory(prefix="bench-", dir=lib.BUILD) as folder:
        work = pathlib.Path(folder)
        bench = ours.Ours(work)
        found, missing = contestants(bench, work, quick)
        for n in range(rounds):
            for contestant in list(found):
                try:
                    for case, cost in contestant.round(n):
                        lib.say(f"round {n + 1}: {case}: {cost.wall:.2f} s")
                        costs.setdefault(case, []).append(cost)
                except lib.Failed as e:
                    if contestant in found[:2]:
                        raise
                    lib.say(f"bench: {e}")
                    found.remove(contestant)
                    missing.append(f"{type(contestant).__name__} is left out: it failed here.")
        for contestant in found:
            if isinstance(contestant, news.News):
                contestant.done()
        medians = {case: lib.median(c) for case, c in costs.items()}
        about = (f"Medians of {rounds} rounds, {lib.machine(load)} {', '.join(versions(found))}".rstrip() +
                 f" The package that changes is {bench.package}. {' '.join(missing)}").rstrip()
        text = "\n".join(["![Seconds, as bars](performance.svg)\n", about + "\n", *times(medians), "", *stages(bench),
                          *dnf_steps(found), "", *sizes(bench, found)])
    if quick:
        print(text)
        return
    kinds = [(case, c.wall, "ours" if case.startswith("ashlar") else "floor" if case == others.FLOOR else "other")
             for case, c in sorted(medians.items(), key=lambda item: item[1].wall) if case != news.NEWS]
    drawing = plot.bars("The complete signed server image, wall seconds", kinds)
    lib.PAGE.with_suffix(".svg").write_text("\n".join(drawing) + "\n")
    lib.publish("bench", text)


try:
    main()
except lib.Failed as e:
    sys.exit(f"bench: {e}")
