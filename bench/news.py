# SPDX-License-Identifier: MIT
"""From news to a lock: a mirror in a folder gets another security index, and `ashlar explain` asks it, reads the index,
and chooses the packages of the image."""
import pathlib
import shutil
import sys
import tempfile

import lib

sys.path.append(str(lib.ROOT / "test"))
import mirror  # noqa: E402

NEWS = "ashlar: news from a mirror, until the packages are chosen"
SUITE = "trixie-security"


class News:
    def __init__(self, ours, work):
        self.builder, self.lock = lib.Builder(work, "server"), ours.builder.file("lock")
        self.mirror = pathlib.Path(tempfile.mkdtemp(prefix="bench-"))  # with a short path, for gpg's socket
        mirror.make(self.mirror, ours.builder.cache, self.builder.distro)
        self.choose()

    def choose(self):
        return lib.run([lib.ASHLAR, "explain", "server", "base-files", "--quiet", "--cache", self.builder.cache,
                        "--distro", self.builder.distro, "--keys", self.builder.keys])[0]

    def round(self, n):
        mirror.news(self.mirror, SUITE, n, self.lock)
        yield NEWS, self.choose()

    def done(self):
        mirror.done(self.mirror)
        shutil.rmtree(self.mirror)
