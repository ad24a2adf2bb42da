# SPDX-License-Identifier: MIT
"""A mirror in a folder, with the indexes that a cache holds, signed with a key made for it; and news in it: another index
of one suite, as a security update makes it. The package files stay where they are, in the cache.

mirror.py make FOLDER CACHE DISTRO: makes it, and has the definitions in DISTRO use it.
mirror.py news FOLDER SUITE SEED [LOCK]: some packages of SUITE are newer, others gone, new or moved; SEED says which. None
that LOCK names changes.
mirror.py sign FOLDER SUITE: its release file is new, and nothing else."""
import datetime
import hashlib
import lzma
import pathlib
import platform
import random
import re
import shutil
import subprocess
import sys

DEBIAN_ARCH = {"x86_64": "amd64", "aarch64": "arm64"}[platform.machine()]
INDEX = f"main/binary-{DEBIAN_ARCH}/Packages.xz"
USER = "mirror@example.org"


def gpg(folder, *argv, **more):
    return subprocess.run(["gpg", "--homedir", folder / "gpg", "--batch", "--quiet", *argv], check=True, capture_output=True, **more).stdout


def sign(folder, suite):
    """The release file over the suite's index as it is."""
    place = folder / "dists" / suite
    index = (place / INDEX).read_bytes()
    date = datetime.datetime.now(datetime.timezone.utc).strftime("%a, %d %b %Y %H:%M:%S UTC")
    text = (f"Origin: Debian\nSuite: {suite}\nCodename: {suite}\nDate: {date}\nArchitectures: {DEBIAN_ARCH}\nComponents: main\n"
            f"SHA256:\n {hashlib.sha256(index).hexdigest()} {len(index)} {INDEX}\n")
    (place / "InRelease").write_bytes(gpg(folder, "--digest-algo", "SHA256", "--clearsign", input=text.encode()))


def make(folder, cache, distro):
    (folder / "gpg").mkdir(parents=True, mode=0o700)
    gpg(folder, "--passphrase", "", "--quick-gen-key", USER, "ed25519", "sign", "never")
    (folder / "archive.gpg").write_bytes(gpg(folder, "--export", USER))
    for release in (cache / "upstream/debian").glob("*.release"):
        digest = re.search(rf"^ ([0-9a-f]{{64}}) +\d+ {re.escape(INDEX)}$", release.read_text(), re.MULTILINE).group(1)
        place = folder / "dists" / release.stem / INDEX
        place.parent.mkdir(parents=True)
        shutil.copyfile(cache / "downloads" / digest, place)
        sign(folder, release.stem)
    definitions = distro / "upstreams.yaml"
    text = re.sub(r"(?m)^  mirror: .*", f"  mirror: file://{folder}", definitions.read_text())
    definitions.write_text(re.sub(r"(?m)^  keyring: .*", f"  keyring: {folder}/archive.gpg", text))


def name_of(stanza):
    return re.search(r"^Package: (.*)", stanza, re.MULTILINE).group(1)


def newer(stanza):
    return re.sub(r"(?m)^Version: (.*)", r"Version: \1+news", stanza)


def change(stanzas, chance, spared):
    """As updates do it, and more."""
    free = [i for i, stanza in enumerate(stanzas) if name_of(stanza) not in spared]
    picked = chance.sample(free, min(16, len(free)))
    for i in picked[:8]:
        stanzas[i] = newer(stanzas[i])
    for i in picked[8:12]:
        stanzas.append(newer(newer(stanzas[i])))  # two versions of it
    if len(picked) == 16:
        first, second, third, gone = picked[12:]
        stanzas[first], stanzas[second] = stanzas[second], stanzas[first]
        stanzas.append(stanzas[third])  # twice the same
        del stanzas[gone]


def news(folder, suite, seed, lock=None):
    place = folder / "dists" / suite / INDEX
    stanzas = lzma.decompress(place.read_bytes()).decode().strip("\n").split("\n\n")
    spared = {line.split()[0] for line in lock.read_text().splitlines()} if lock else set()
    change(stanzas, random.Random(seed), spared)
    place.write_bytes(lzma.compress(("\n\n".join(stanzas) + "\n").encode(), preset=1))
    sign(folder, suite)


def done(folder):
    subprocess.run(["gpgconf", "--homedir", folder / "gpg", "--kill", "all"], check=False)


def main(action, folder, *rest):
    folder = pathlib.Path(folder).resolve()
    if action == "make":
        make(folder, *map(pathlib.Path, rest))
    elif action == "news":
        suite, seed, *lock = rest
        news(folder, suite, seed, *map(pathlib.Path, lock))
    elif action == "sign":
        sign(folder, *rest)
    done(folder)


if __name__ == "__main__":
    main(*sys.argv[1:])
