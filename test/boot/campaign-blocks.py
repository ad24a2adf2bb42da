# SPDX-License-Identifier: MIT
"""Changes blocks of files that a boot does not need, and judges what was read of them.

change IMAGE START EXTRACTED LIST: about 200 blocks of the root at START in IMAGE; LIST gets "FILE BLOCK BLOCK ..." a line.
judge SAID EXTRACTED LIST DIGESTS: SAID is what in-guest-campaign printed; DIGESTS the RPMs' "DIGEST /FILE" lines.
Prints one line a test, as test/lib.sh wants it."""
import hashlib, os, re, sys

BLOCK, WANTED, PER_FILE, FILE_BYTES_MAX = 4096, 200, 15, 300000
# What neither a boot nor the reading itself opens.
UNUSED = [r"usr/bin/(curl|tc|ssh|scp|sftp|ss|top|lscpu|less|ping)",
          r"usr/lib/[^/]*/lib(gnutls|unistring|curl|ldap|mvec|ssh2|hogweed)\..*",
          r"usr/lib/sysimage/.*", r"usr/share/(doc|common-licenses|ca-certificates)/.*",
          r"usr/lib/modules/.*/kernel/net/(bridge|sched)/.*"]


def walk(root):
    for folder, _, names in sorted(os.walk(root)):
        for name in sorted(names):
            path = os.path.join(folder, name)
            if os.path.isfile(path) and not os.path.islink(path):
                yield os.path.relpath(path, root)


def unused(name):
    return any(re.fullmatch(u, name) for u in UNUSED)


def change(image, start, extracted, listing):
    start = int(start)
    with open(image, "r+b") as f:
        f.seek(start)
        where = {}
        for at in iter(lambda: f.read(BLOCK), b""):
            where.setdefault(at, []).append(f.tell() - BLOCK)
        files = []
        for name in filter(unused, walk(extracted)):
            data = open(os.path.join(extracted, name), "rb").read()
            if len(data) > FILE_BYTES_MAX:
                continue
            blocks = [n for n in range(len(data) // BLOCK) if len(where.get(data[n * BLOCK:(n + 1) * BLOCK], [])) == 1]
            files.append((name, data, blocks[::max(1, len(blocks) // PER_FILE)][:PER_FILE]))
        total = 0
        with open(listing, "w") as out:
            # from all over the list, a file at a time
            for name, data, blocks in sorted(files, key=lambda f: hashlib.sha256(f[0].encode()).digest()):
                if len(blocks) < 5 or total >= WANTED or " " in name:
                    continue
                for n in blocks:
                    at = where[data[n * BLOCK:(n + 1) * BLOCK]][0] + (n * 997 + len(name)) % BLOCK
                    f.seek(at)
                    byte = f.read(1)[0]
                    f.seek(at)
                    f.write(bytes([byte ^ 1 << n % 8]))
                total += len(blocks)
                out.write(" ".join([name, *map(str, blocks)]) + "\n")


def test(name, bad):
    print(("not ok - " if bad else "ok - ") + name)
    for line in bad[:20]:
        print("    " + line)


def digests_read(lines):
    found = {}
    for line in lines:
        escaped = line.startswith("\\")  # sha256sum's way with such names
        digest, name = line.lstrip("\\").rstrip("\n").split("  ", 1)
        found[(name.replace("\\\\", "\\") if escaped else name).removeprefix("./")] = digest
    return found


def judge(said, extracted, listing, digests):
    parts = {}
    for line in open(said, errors="replace"):
        if line.startswith("== "):
            part = parts.setdefault(line[3:].strip(), [])
        elif parts:
            part.append(line)
    changed = {w[0]: list(map(int, w[1:])) for w in map(str.split, open(listing))}
    total = sum(map(len, changed.values()))
    errors = {n: int(e) for n, e in map(str.split, parts.get("errors", []))}
    whole = digests_read(parts.get("digests", []))
    rest = digests_read(parts.get("rest", []))
    stated = {name: digest for digest, name in (line.rstrip("\n").split(" /", 1) for line in open(digests))}
    bad, silent, n, by_rpm, edited = [], [], 0, 0, 0
    for name in walk(extracted):
        data = bytearray(open(os.path.join(extracted, name), "rb").read())
        digest = hashlib.sha256(data).hexdigest()
        n += 1
        if name in changed:
            # the digest of the others tells which blocks could not be read
            for b in reversed(changed[name]):
                del data[b * BLOCK:(b + 1) * BLOCK]
            if name in whole or errors.get(name) != len(changed[name]) or rest.get(name) != hashlib.sha256(data).hexdigest():
                silent.append(f"{name}: {errors.get(name)} errors, want {len(changed[name])}; digest {rest.get(name)}")
            continue
        if whole.get(name) != digest:
            bad.append(f"{name}: {whole.get(name, 'was not read')}")
        by_rpm += whole.get(name) == stated.get(name, "")
        edited += name in stated and stated[name] != digest
    test(f"each of {total} changed blocks, in {len(changed)} files, is an I/O error; the blocks beside them are as they were",
         silent or ([] if total >= WANTED else [f"want at least {WANTED}"]))
    test(f"each of the {n - len(changed)} other files is what it was; {by_rpm} have the digest that their RPM states", bad)
    if stated:
        test(f"definitions edited {edited} of the others", [] if edited * 20 < by_rpm else [f"{edited} of {by_rpm}"])


{"change": change, "judge": judge}[sys.argv[1]](*sys.argv[2:])
