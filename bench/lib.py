# SPDX-License-Identifier: MIT
"""What every measurement needs: running a program and what it cost, this machine in words, tables, the page."""
import json
import os
import pathlib
import platform
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import typing

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILD = ROOT / os.environ.get("BUILD", "build")
ASHLAR = BUILD / "ashlar"
PAGE = ROOT / "docs/performance.md"
CACHE = pathlib.Path(os.environ.get("ASHLAR_CACHE") or
                     pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "ashlar")


class Cost(typing.NamedTuple):
    wall: float  # seconds
    processor: float  # seconds, of all its processes
    peak: float  # MiB, of its largest process


class Failed(Exception):
    pass


def run(argv, cwd=None, env=None):
    """Its cost, and what it printed. What was written before reaches the disk first, so that nobody pays for others."""
    os.sync()
    with tempfile.TemporaryFile() as out:
        start = time.monotonic()
        child = subprocess.Popen([str(a) for a in argv], stdout=out, stderr=subprocess.STDOUT, cwd=cwd, env=env)
        _, status, used = os.wait4(child.pid, 0)
        wall = time.monotonic() - start
        child.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        text = out.read().decode(errors="replace")
    if child.returncode:
        raise Failed(f"{' '.join(map(str, argv))}: exit status {child.returncode}\n{text[-4000:]}")
    return Cost(wall, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024), text


def quiet(*argv, **more):
    """What it prints; its cost does not count."""
    return subprocess.run([str(a) for a in argv], check=True, capture_output=True, text=True, **more).stdout


def total(costs):
    """Of steps that run one after the other."""
    costs = list(costs)
    return Cost(sum(c.wall for c in costs), sum(c.processor for c in costs), max(c.peak for c in costs))


def median(costs):
    return Cost(*(statistics.median(column) for column in zip(*costs)))


class Builder:
    """`ashlar build` with definitions, cache, keys and output of its own, below one folder."""

    def __init__(self, work, image):
        self.work, self.image = work, image
        self.out, self.cache, self.distro, self.keys = (work / name for name in ("out", "cache", "distro", "keys"))
        self.stages = {}  # of the last build: stage -> seconds
        work.mkdir(parents=True, exist_ok=True)
        shutil.copytree(ROOT / "distro", self.distro)
        quiet(ASHLAR, "key", "generate", "--keys", self.keys)
        for kept in ("downloads", "upstream"):
            if (CACHE / kept).exists():
                shutil.copytree(CACHE / kept, self.cache / kept)

    def build(self, *more):
        cost, text = run([ASHLAR, "build", self.image, "--json", "--out", self.out, "--cache", self.cache,
                          "--distro", self.distro, "--keys", self.keys, *more])
        events = [json.loads(line) for line in text.splitlines() if line.startswith("{")]
        self.stages = {e["stage"]: e["seconds"] for e in events if e["event"] == "end"}
        return cost

    def forget(self):
        """Leaves of the cache only what was downloaded."""
        for made in self.cache.iterdir():
            if made.name not in ("downloads", "upstream"):
                shutil.rmtree(made)

    def keep_downloads(self):
        """For the next time, in the user's cache: files there are named by their content."""
        (CACHE / "downloads").mkdir(parents=True, exist_ok=True)
        for file in (self.cache / "downloads").iterdir():
            if not (CACHE / "downloads" / file.name).exists():
                beside = CACHE / "downloads" / f".{file.name}.{os.getpid()}"
                shutil.copy(file, beside)
                os.replace(beside, CACHE / "downloads" / file.name)

    def file(self, ending):
        return next(self.out.glob(f"{self.image}-*.{ending}"))

    def manifest(self):
        return json.loads(self.file("manifest.json").read_text())


def table(head, rows):
    yield "| " + " | ".join(head) + " |"
    yield "|" + "---|" * len(head)
    for row in rows:
        yield "| " + " | ".join(map(str, row)) + " |"


def first_line(*argv):
    try:
        return (subprocess.run(argv, capture_output=True, text=True, cwd=ROOT).stdout.splitlines() or [""])[0]
    except OSError:
        return ""


def machine(load):
    """This machine, what else it did, and what was measured. @load: its load before."""
    def find(path, pattern):
        return re.search(pattern, pathlib.Path(path).read_text(), re.MULTILINE).group(1)
    memory = int(find("/proc/meminfo", r"^MemTotal: *(\d+)")) / (1 << 20)
    return (f"{time.strftime('%Y-%m-%d', time.gmtime())}, {os.cpu_count()} x "
            f"{find('/proc/cpuinfo', r'^model name.*: (.*)')}, {memory:.0f} GiB, "
            f"{find('/etc/os-release', r'^PRETTY_NAME=.(.*).$')}, Linux {platform.release()}; load {load[0]:.1f} before "
            f"and {os.getloadavg()[0]:.1f} after. {first_line(ASHLAR, '--version')} of commit "
            f"{first_line('git', 'rev-parse', '--short', 'HEAD')}, {first_line('cc', '--version')}.")


def say(text):
    print(text, file=sys.stderr, flush=True)


def publish(section, text):
    """Prints @text and puts it between the page's marks of @section."""
    print(text)
    begin, end = f"<!-- {section} -->\n", f"\n<!-- /{section} -->"
    head, rest = PAGE.read_text().split(begin)
    PAGE.write_text(f"{head}{begin}{text}{end}{rest.split(end)[1]}")
