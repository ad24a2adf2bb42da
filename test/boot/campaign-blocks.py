# SPDX-License-Identifier: MIT
"""Changes blocks of files that a boot does not need, and judges what was read of files.

change IMAGE START LIST: about 200 blocks of the root at START in IMAGE; LIST gets "FILE PAGE PAGE ..." a line: the pages
    that need a changed block, and so cannot be read. A page is 4096 bytes.
judge SAID EXTRACTED LIST DIGESTS: SAID is what in-guest-campaign printed; DIGESTS the RPMs' "DIGEST /FILE" lines.
compare READ EXTRACTED DIGESTS: READ is sha256sum's output for every file.
offset IMAGE START FILE: prints where in IMAGE a block lies that FILE, and no other file, needs.
Prints one line a test, as test/lib.sh wants it."""
import glob, hashlib, os, re, sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
import erofs

BLOCK, WANTED, PER_FILE, FILE_BYTES_MAX = erofs.BLOCK, 200, 15, 1000000
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


def changed_byte(f, at):
    f.seek(at)
    byte = f.read(1)[0]
    f.seek(at)
    f.write(bytes([byte ^ 1 << at // BLOCK % 8]))


def change(image, start, listing):
    fs = erofs.opened(image, start)
    sizes = {path: inode.size for path, inode in fs.files()}
    kinds = {block: kind for kind, blocks in fs.kinds().items() for block in blocks}
    lost, n_of_file, n_of_kind = {}, {}, {}
    # from all over the list
    for block, users in sorted(fs.users().items(), key=lambda user: hashlib.sha256(b"%d" % user[0]).digest()):
        if sum(n_of_kind.values()) == WANTED:
            break
        if not all(unused(n) and " " not in n and sizes[n] <= FILE_BYTES_MAX and n_of_file.get(n, 0) < PER_FILE
                   for n in users):
            continue
        for name, pages in users.items():
            n_of_file[name] = n_of_file.get(name, 0) + 1
            lost.setdefault(name, set()).update(pages)
        n_of_kind[kinds[block]] = n_of_kind.get(kinds[block], 0) + 1
        with open(image, "r+b") as f:
            changed_byte(f, int(start) + block * BLOCK + (block * 997) % BLOCK)
    with open(listing, "w") as out:
        for name in sorted(lost):
            out.write(" ".join([name, *map(str, sorted(lost[name]))]) + "\n")
    told = ", ".join(f"{n} {kind}" for kind, n in sorted(n_of_kind.items()))
    test(f"blocks are changed that {len(lost)} files need: {told}",
         [] if sum(n_of_kind.values()) == WANTED else [f"want {WANTED}"])


def offset(image, start, name):
    fs = erofs.opened(image, start)
    print(int(start) + BLOCK * next(b for b, users in sorted(fs.users().items()) if list(users) == [name.lstrip("/")]))


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


def test_whole(read, extracted, names, digests):
    """Each of @names was read, with the content extracted, which is what its RPM states."""
    stated = {name: digest for digest, name in (line.rstrip("\n").split(" /", 1) for line in open(digests))}
    definitions = "".join(open(path).read() for path in glob.glob("distro/**/*.yaml", recursive=True))
    bad, by_rpm, edited = [], 0, []
    for name in names:
        with open(os.path.join(extracted, name), "rb") as f:
            digest = hashlib.sha256(f.read()).hexdigest()
        if read.get(name) != digest:
            bad.append(f"{name}: {read.get(name, 'was not read')}")
        by_rpm += read.get(name) == stated.get(name, "")
        if stated.get(name, digest) != digest:
            edited.append(name)
    test(f"each of {len(names)} files is what it was; {by_rpm} have the digest that their RPM states", bad)
    test("only those that definitions write differ from their RPM's", [n for n in edited if f"path: /{n}\n" not in definitions])
    test("the RPMs state the digests of nine in ten", [] if by_rpm * 10 > len(names) * 9 else [f"of {by_rpm}"])


def judge(said, extracted, listing, digests):
    parts = {}
    for line in open(said, errors="replace"):
        if line.startswith("== "):
            part = parts.setdefault(line[3:].strip(), [])
        elif parts:
            part.append(line)
    lost = {w[0]: list(map(int, w[1:])) for w in map(str.split, open(listing))}
    errors = {n: int(e) for n, e in map(str.split, parts.get("errors", []))}
    whole = digests_read(parts.get("digests", []))
    rest = digests_read(parts.get("rest", []))
    bad = []
    for name, pages in lost.items():
        data = bytearray(open(os.path.join(extracted, name), "rb").read())
        for page in reversed(pages):
            del data[page * BLOCK:(page + 1) * BLOCK]
        # the digest of the others tells which pages could not be read
        if name in whole or errors.get(name) != len(pages) or rest.get(name) != hashlib.sha256(data).hexdigest():
            bad.append(f"{name}: {errors.get(name)} errors, want {len(pages)}; digest {rest.get(name)}")
    print(f"# amount {sum(map(len, lost.values()))}")
    test(f"each of the {sum(map(len, lost.values()))} pages that need a changed block, in {len(lost)} files, is an I/O error; "
         "the pages beside them are as they were", bad)
    test_whole(whole, extracted, [n for n in walk(extracted) if n not in lost], digests)


def compare(read, extracted, digests):
    test_whole(digests_read(open(read)), extracted, list(walk(extracted)), digests)


{"change": change, "judge": judge, "compare": compare, "offset": offset}[sys.argv[1]](*sys.argv[2:])
