# SPDX-License-Identifier: MIT
"""What `ashlar build` is compared with: the floor, and other ways to the same image from the same packages."""
import os
import pathlib
import shlex
import shutil
import struct

import yaml

import lib

FLOOR = "floor: copy the image and hash it"
DNF_LEVEL = "the same, mkfs.erofs at our packs' level"
DNF, MKOSI_FIRST, MKOSI = "dnf, mkfs.erofs and the rest", "mkosi: first build", "mkosi: nothing changed, incremental"
# Clusters and fragments as ours. The level is mkfs.erofs' own; ours (ROOT_ZSTD_LEVEL in src/image/store.c) takes it about
# a minute, which is measured once.
EROFS_OPTIONS, OUR_LEVEL = ["-C65536", "-Efragments"], 12
SECTOR, MIB = 512, 1 << 20


class Floor:
    """The finished image copied once, with its holes, and hashed once: what the best rebuild cannot avoid."""

    def __init__(self, ours):
        self.image, self.copy = ours.builder.file("raw"), ours.builder.work / "copy"

    def round(self, _):
        self.copy.unlink(missing_ok=True)
        steps = [["cp", "--reflink=never", "--sparse=auto", self.image, self.copy],
                 ["openssl", "dgst", "-sha256", self.copy]]
        yield FLOOR, lib.total(lib.run(argv)[0] for argv in steps)


class Parts:
    """What the others are given, so that only the packages' way into the image differs: our initrd, command line and
    keys, and which files stay out."""

    def __init__(self, ours, work):
        self.ours, self.work, self.keys = ours, work, ours.builder.keys
        work.mkdir()
        self.manifest, image = ours.builder.manifest(), ours.builder.file("raw")
        self.packages = [p["name"] for p in self.manifest["packages"]]
        self.repository = ours.builder.file("repository")
        self.esp_bytes = next(p["size-bytes"] for p in self.manifest["partitions"] if p["type"] == "ESP")
        self.initrd, self.uki = work / "initrd", work / "uki.efi"
        esp = next(p for p in self.manifest["partitions"] if p["type"] == "ESP")
        lib.quiet("mcopy", "-o", "-i", f"{image}@@{esp['start-bytes']}", f"::{self.manifest['uki']}", self.uki)
        lib.quiet("objcopy", "-O", "binary", "--only-section=.initrd", self.uki, self.initrd)
        lib.quiet("objcopy", "-O", "binary", "--only-section=.osrel", self.uki, work / "osrel")
        self.tools = lib.quiet(lib.ROOT / "tools/current-erofs-utils").strip()
        (work / "kept").write_text("\n".join(self.list_root(image)))
        definition = self.inherited("bench")
        self.dropped = definition.get("drop-files", []) + ["/usr/share/locale"]
        self.modules = definition.get("kernel-modules", [])

    def list_root(self, image):
        """Paths of our own root."""
        root = next(p for p in self.manifest["partitions"] if p["label"].startswith("root"))
        file, tree = self.work / "root.erofs", self.work / "root"
        with open(image, "rb") as f:
            f.seek(root["start-bytes"])
            file.write_bytes(f.read(root["size-bytes"]))
        lib.quiet(f"{self.tools}/fsck.erofs", f"--extract={tree}", "--no-preserve", file)
        paths = {os.path.relpath(os.path.join(folder, name), tree)
                 for folder, folders, names in os.walk(tree) for name in folders + names}
        shutil.rmtree(tree)
        file.unlink()
        return paths

    def inherited(self, image):
        """Its lists, with those of the images that it is made from."""
        own = yaml.safe_load((self.ours.builder.distro / f"images/{image}.yaml").read_text())
        lists = self.inherited(own["from"]) if "from" in own else {}
        for key, value in own.items():
            if isinstance(value, list):
                lists[key] = lists.get(key, []) + value
        return lists


class Dnf:
    """dnf installs from our repository, checking signatures, and small tools make the rest, each with all processors
    where it can use them. Needs root."""

    def __init__(self, parts):
        self.parts, self.work = parts, parts.work / "dnf"
        self.root = self.work / "root"
        for folder in ("empty", "log"):
            (self.work / folder).mkdir(parents=True)
        self.steps = {}  # of all rounds, at the first level: step -> list of seconds
        self.image = self.work / "image.raw"

    def step(self, name, *argv, **more):
        cost, _ = lib.run(argv, **more)
        self.steps.setdefault(name, []).append(cost.wall)
        return cost

    def round(self, n):
        if n == 0:
            yield DNF_LEVEL, lib.total(self.build(f"-zzstd,level={OUR_LEVEL}"))
            self.steps = {}
        yield DNF, lib.total(self.build("-zzstd"))

    def build(self, compression):
        shutil.rmtree(self.root, ignore_errors=True)
        kernel = self.parts.manifest["kernel"]
        yield self.install()
        yield self.step("uki", "python3", __file__, "uki", self.parts.work, self.root, kernel, self.work)
        yield self.step("drop files", "python3", __file__, "drop", self.parts.work / "kept", self.root)
        yield self.step("mkfs.erofs", f"{self.parts.tools}/mkfs.erofs", "--quiet", compression, *EROFS_OPTIONS,
                        "-T0", "--all-root", self.work / "root.erofs", self.root)
        yield self.step("veritysetup", "veritysetup", "format", f"--root-hash-file={self.work}/root-hash",
                        self.work / "root.erofs", self.work / "verity")
        yield self.step("sign and assemble", "python3", __file__, "assemble", self.parts.work, self.parts.keys,
                        str(self.parts.esp_bytes), self.work)

    def install(self):
        repository = self.parts.repository
        options = {"reposdir": self.work / "empty", "cachedir": self.work / "cache", "logdir": self.work / "log",
                   "persistdir": self.work / "persist", "ashlar.gpgcheck": 1, "ashlar.metadata_expire": 0, "tsflags": "nodocs",
                   "ashlar.gpgkey": f"file://{repository}/package-signing.asc", "install_weak_deps": 0}
        return self.step("dnf install", "dnf", "--quiet", "--assumeyes", "--releasever=1", "--disablerepo=*",
                         f"--forcearch={self.parts.manifest['arch']}", f"--repofrompath=ashlar,file://{repository}",
                         "--enablerepo=ashlar", *(f"--setopt={k}={v}" for k, v in options.items()),
                         f"--installroot={self.root}", "install", *self.parts.packages)


def drop(kept_list, root):
    """What the image of ours does not have either."""
    kept = set(pathlib.Path(kept_list).read_text().splitlines())
    for folder, folders, names in os.walk(root, topdown=False):
        for name in names:
            path = os.path.join(folder, name)
            if os.path.relpath(path, root) not in kept and not os.path.relpath(path, root).startswith("var/lib/rpm/"):
                os.unlink(path)
        for name in folders:
            path = os.path.join(folder, name)
            if not os.path.islink(path) and not os.listdir(path) and os.path.relpath(path, root) not in kept:
                os.rmdir(path)


def uki(parts, root, kernel, work):
    """A unified kernel image out of systemd's stub, as objcopy makes it, and the boot loader, before both are dropped."""
    stub = next(pathlib.Path(root, "usr/lib/systemd/boot/efi").glob("linux*.efi.stub"))
    loader = next(pathlib.Path(root, "usr/lib/systemd/boot/efi").glob("systemd-boot*.efi"))
    cmdline = pathlib.Path(work, "cmdline")
    cmdline.write_text("ro console=ttyS0")
    sections = [line.split() for line in lib.quiet("objdump", "-h", stub).splitlines() if line.strip()[:1].isdigit()]
    address = max(int(s[3], 16) + int(s[2], 16) for s in sections)
    argv = ["objcopy"]
    for name, file in ((".osrel", f"{parts}/osrel"), (".cmdline", cmdline), (".initrd", f"{parts}/initrd"),
                       (".linux", f"{root}/boot/vmlinuz-{kernel}")):
        address = -(-address // 4096) * 4096
        argv += ["--add-section", f"{name}={file}", "--change-section-vma", f"{name}={address:#x}"]
        address += os.path.getsize(file)
    lib.quiet(*argv, stub, f"{work}/uki.efi")
    shutil.copy(loader, f"{work}/loader.efi")


def assemble(parts, keys, esp_bytes, work):
    """Signatures, the EFI system partition, and all of it at its place behind a partition table."""
    work = pathlib.Path(work)
    for name in ("loader", "uki"):
        lib.quiet("sbsign", "--key", f"{keys}/db.pem", "--cert", f"{keys}/db.crt", "--output",
                  work / f"{name}-signed.efi", work / f"{name}.efi")
    lib.quiet("openssl", "smime", "-sign", "-nocerts", "-noattr", "-binary", "-in", work / "root-hash", "-inkey",
              f"{keys}/db.pem", "-signer", f"{keys}/db.crt", "-outform", "der", "-out", work / "signature")
    esp = work / "esp"
    esp.unlink(missing_ok=True)
    lib.quiet("mkfs.vfat", "-C", "-n", "ESP", esp, str(int(esp_bytes) // 1024))
    lib.quiet("mmd", "-i", esp, "::EFI", "::EFI/BOOT", "::EFI/Linux")
    lib.quiet("mcopy", "-i", esp, work / "loader-signed.efi", "::EFI/BOOT/BOOTX64.EFI")
    lib.quiet("mcopy", "-i", esp, work / "uki-signed.efi", "::EFI/Linux/bench.efi")
    image, start, script = work / "image.raw", MIB, ["label: gpt"]
    image.unlink(missing_ok=True)
    for file, kind in ((esp, "uefi"), (work / "root.erofs", "4F68BCE3-E8CD-4DB1-96E7-FBCAF984B709"),
                       (work / "verity", "2C7357ED-EBD2-46D9-AEC1-23D437EC2BF5"),
                       (work / "signature", "41092B05-9FC8-4523-994F-2DEF0408B176")):
        size = -(-file.stat().st_size // 4096) * 4096
        lib.quiet("dd", f"if={file}", f"of={image}", "oflag=seek_bytes", f"seek={start}", "bs=1M", "conv=notrunc,sparse")
        script.append(f"start={start // SECTOR}, size={size // SECTOR}, type={kind}")
        start = -(-(start + size) // MIB) * MIB
    os.truncate(image, start + MIB)
    lib.quiet("sfdisk", "--quiet", image, input="\n".join(script))


class Mkosi:
    """mkosi, from $MKOSI (a command) or the PATH, with the configuration of bench/mkosi and our repository as the mirror
    of a Fedora. It makes its own choices where ours have no word in its configuration."""

    def __init__(self, parts, command):
        self.command, self.work, self.parts = shlex.split(command), parts.work / "mkosi", parts
        shutil.copytree(lib.ROOT / "bench/mkosi", self.work)
        for folder in ("work", "cache", "package-cache", "out", "mkosi.skeleton/usr/lib", "mkosi.skeleton/efi",
                       "mkosi.skeleton/boot", "mkosi.conf.d"):
            (self.work / folder).mkdir(parents=True, exist_ok=True)
        shutil.copytree(parts.repository, self.work / "repository")
        shutil.copy(parts.initrd, self.work / "initrd")
        for name in ("db.pem", "db.crt"):
            shutil.copy(parts.keys / name, self.work)
        shutil.copy(parts.work / "osrel", self.work / "mkosi.skeleton/usr/lib/os-release")
        self.lend_liblzma()
        (self.work / "mkosi.conf.d/generated.conf").write_text("\n".join(self.configuration()) + "\n")
        root = self.work / "mkosi.repart/10-root.conf"
        root.write_text(f"{root.read_text()}ExcludeFiles=/usr/lib/modules/{parts.manifest['kernel']}/vmlinuz\n")
        self.image = self.work / "out/bench.raw"

    def lend_liblzma(self):
        """mkosi runs the image's own depmod, which reads xz; the image has no use for that otherwise."""
        library = next((f for f in pathlib.Path("/usr/lib").glob("*-linux-gnu/liblzma.so.5")), None)
        if library:
            folder = self.work / "mkosi.skeleton/usr/lib" / library.parent.name
            folder.mkdir(exist_ok=True)
            shutil.copy(library, folder)

    def configuration(self):
        def listed(key, items):
            return [f"{key}=", *(f"    {item}" for item in items)]
        yield "[Distribution]"
        yield f"LocalMirror=file://{self.work}/repository"
        yield "[Content]"
        yield from listed("Packages", self.parts.packages)
        # "kernel/fs/**" is "/fs/" here, and a module's file has no ending
        yield from listed("KernelModules", ["/" + g.removeprefix("kernel/").split(".ko")[0].removesuffix("**")
                                            for g in self.parts.modules])
        needed = ("/boot", "/usr/lib/systemd/boot")  # until the end
        yield from listed("RemoveFiles", [g.rstrip("/") for g in self.parts.dropped if not g.startswith(needed)] +
                          ["/usr/lib/*/liblzma.so.5"])
        yield "[Build]"
        yield f'Environment="SYSTEMD_REPART_MKFS_OPTIONS_EROFS={" ".join(EROFS_OPTIONS)}"'

    def mkosi(self, *more):
        return lib.run([*self.command, "--directory", self.work, *more, "build"])[0]

    def round(self, n):
        if n == 0:
            yield MKOSI_FIRST, self.mkosi("--force", "--force")
        yield MKOSI, self.mkosi("--force")


def sizes(image):
    """Bytes on disk, with holes, and of its largest partition, which is the root."""
    stat = os.stat(image)
    with open(image, "rb") as f:
        f.seek(2 * SECTOR)
        entries = f.read(128 * 128)
    root = max(last + 1 - first for first, last in struct.iter_unpack("<32x2Q80x", entries) if last) * SECTOR
    return stat.st_blocks * SECTOR, stat.st_size, root


if __name__ == "__main__":
    import sys
    {"drop": drop, "uki": uki, "assemble": assemble}[sys.argv[1]](*sys.argv[2:])
