# SPDX-License-Identifier: MIT
"""Which blocks of an EROFS file system hold the content of which files: an own reader, for judging what ashlar writes.

Flat files (with or without a tail beside the inode), compressed ones with full indexes, fragments in the packed inode.
Format: Linux fs/erofs/erofs_fs.h. Expands nothing.

erofs.py map IMAGE START PATH: "FIRST-PAGE PAGES BLOCK..." a line, for each run of pages that need the same blocks."""
import mmap
import stat
import struct
import sys

BLOCK = 4096
PLAIN, COMPRESSED_FULL, INLINE = 0, 1, 2  # layouts of inodes
INDEX_NONHEAD = 2
INDEX_BLOCKS = 1 << 11  # in the first distance: the number of blocks of the cluster
ADVISE_FRAGMENT = 0x20
DIRECTORY = 2  # type of a directory entry


def pages(start, end):
    return -(-end // BLOCK) - start // BLOCK


class Inode:
    def __init__(self, fs, nid):
        self.at = fs.meta + nid * 32
        formats, xattrs, self.mode = struct.unpack_from("<HHH", fs.disk, self.at)
        if formats & 1:
            self.size, self.start = struct.unpack_from("<QI", fs.disk, self.at + 8)
            header = 64
        else:
            self.size, _, self.start = struct.unpack_from("<III", fs.disk, self.at + 8)
            header = 32
        self.layout = formats >> 1 & 7
        if self.layout not in (PLAIN, COMPRESSED_FULL, INLINE):
            raise ValueError(f"inode {nid}: layout {self.layout}")
        self.end = self.at + header + (12 + 4 * (xattrs - 1) if xattrs else 0)


class Erofs:
    def __init__(self, disk, start):
        """@start: where in @disk, a buffer, the file system begins."""
        self.start = start
        self.disk = memoryview(disk)[start:]
        magic, bits, root, meta = (struct.unpack_from(f, self.disk, 1024 + n)[0]
                                   for f, n in (("<I", 0), ("<B", 12), ("<H", 14), ("<I", 40)))
        if magic != 0xE0F5E1E2 or 1 << bits != BLOCK:
            raise ValueError("no EROFS of blocks of 4096 bytes")
        self.meta = meta * BLOCK
        packed = struct.unpack_from("<Q", self.disk, 1024 + 96)[0]
        self.root = Inode(self, root)
        self.packed = list(self.runs(Inode(self, packed))) if packed else []

    def inodes(self, folder=None, path=""):
        """Path, without a slash before it, and inode, of all that is no directory."""
        for name, nid, kind in self.entries(folder or self.root):
            inode = Inode(self, nid)
            if kind == DIRECTORY:
                yield from self.inodes(inode, path + name + "/")
            else:
                yield path + name, inode

    def files(self):
        return ((path, inode) for path, inode in self.inodes() if stat.S_ISREG(inode.mode))

    def entries(self, inode):
        for n in range(0, inode.size, BLOCK):
            if inode.layout == INLINE and n + BLOCK > inode.size:
                at = inode.end
            else:
                at = inode.start * BLOCK + n
            block = bytes(self.disk[at:at + min(BLOCK, inode.size - n)])
            count = struct.unpack_from("<H", block, 8)[0] // 12
            entries = [struct.unpack_from("<QHB", block, i * 12) for i in range(count)]
            for i, (nid, begin, kind) in enumerate(entries):
                name = block[begin:entries[i + 1][1] if i + 1 < count else len(block)].rstrip(b"\0")
                if name not in (b".", b".."):
                    yield name.decode(), nid, kind

    def runs(self, inode):
        """First byte, byte behind the last, block numbers: content that needs all of these blocks. Not of tails beside
        the inode."""
        if inode.layout != COMPRESSED_FULL:
            whole = inode.size if inode.layout == PLAIN else inode.size // BLOCK * BLOCK
            for n in range(0, whole, BLOCK):
                yield n, min(n + BLOCK, whole), [inode.start + n // BLOCK]
            return
        header = -(-inode.end // 8) * 8
        offset, advise, _, bits = struct.unpack_from("<IHBB", self.disk, header)
        if bits >> 7:
            yield from self.fragment(struct.unpack_from("<Q", self.disk, header)[0] ^ 1 << 63, 0, inode.size)
            return
        if bits:
            raise ValueError(f"logical clusters of {BLOCK << bits} bytes")
        index = [struct.unpack_from("<HHI", self.disk, header + 16 + 8 * n) for n in range(pages(0, inode.size))]
        # mkfs.erofs puts another head where the content ends
        heads = [(n, n * BLOCK + begin, block) for n, (kind, begin, block) in enumerate(index)
                 if kind & 3 != INDEX_NONHEAD and n * BLOCK + begin < inode.size]
        for (n, begin, block), end in zip(heads, [head[1] for head in heads[1:]] + [inode.size]):
            if end == inode.size and advise & ADVISE_FRAGMENT:
                yield from self.fragment(offset | block << 32, begin, end)
                continue
            count = 1
            if n + 1 < len(index) and index[n + 1][0] & 3 == INDEX_NONHEAD and index[n + 1][2] & INDEX_BLOCKS:
                count = index[n + 1][2] & INDEX_BLOCKS - 1
            yield begin, end, list(range(block, block + count))

    def fragment(self, offset, begin, end):
        for first, last, blocks in self.packed:
            first, last = max(first - offset + begin, begin), min(last - offset + begin, end)
            if first < last:
                yield first, last, blocks

    def kinds(self):
        """Which blocks belong to files as they are, to compressed files, and to what files share."""
        ret = {"flat": set(), "compressed": set(), "shared": {b for _, _, blocks in self.packed for b in blocks}}
        for _, inode in self.files():
            kind = "compressed" if inode.layout == COMPRESSED_FULL else "flat"
            ret[kind].update(b for _, _, blocks in self.runs(inode) for b in blocks if b not in ret["shared"])
        return ret

    def users(self):
        """Block number -> path -> numbers of the pages of it that need the block."""
        ret = {}
        for path, inode in self.files():
            for begin, end, blocks in self.runs(inode):
                for block in blocks:
                    ret.setdefault(block, {}).setdefault(path, set()).update(range(begin // BLOCK, -(-end // BLOCK)))
        return ret


def opened(path, start):
    with open(path, "rb") as f:
        return Erofs(mmap.mmap(f.fileno(), 0, access=mmap.ACCESS_READ), int(start))


if __name__ == "__main__":
    fs = opened(sys.argv[2], sys.argv[3])
    for begin, end, blocks in fs.runs(dict(fs.files())[sys.argv[4].lstrip("/")]):
        print(begin // BLOCK, pages(begin, end), *blocks)
