# SPDX-License-Identifier: MIT
"""`ashlar build` as it is used: from nothing, nothing changed, a file, a package."""
import lib

FIRST = "ashlar: first build, packages downloaded"
PACKAGE, FILE, WARM, ONE = ("ashlar: one package changed", "ashlar: one file changed", "ashlar: nothing changed",
                            "ashlar: nothing changed, -j1")


class Ours:
    def __init__(self, work):
        self.builder = lib.Builder(work / "ours", "bench")
        distro = self.builder.distro
        self.image = distro / "images/bench.yaml"
        self.change_file("")
        # mkosi asks for this package before all others when it believes to make a Fedora
        with open(distro / "packages/base-files/package.yaml", "a", encoding="utf-8") as f:
            f.write("add-provides: [basesystem]\n")
        self.builder.build()  # downloads
        self.definition, self.definition_text = self.choose_package(distro)
        self.stages = {}  # case -> stage -> list of seconds

    def choose_package(self, distro):
        """The one of median size, of those whose definition lets a mode be added at its end."""
        rpms = sorted(self.builder.file("repository").glob("*.rpm"), key=lambda f: f.stat().st_size)
        for rpm in rpms[len(rpms) // 2:]:
            self.package = rpm.name.rsplit("-", 2)[0]
            definition = distro / "packages" / self.package / "package.yaml"
            text = definition.read_text() if definition.exists() else ""
            if not any(line.startswith("modes:") for line in text.splitlines()):
                return definition, text
        raise lib.Failed("every package's definition has modes")

    def change_file(self, n):
        self.image.write_text("from: server\nfiles:\n"
                              f"  - {{ path: /usr/share/bench/file, content: 'what differs from round to round: {n}' }}\n")

    def change_package(self, n):
        self.definition.parent.mkdir(exist_ok=True)
        self.definition.write_text(f"{self.definition_text}\nmodes:\n"
                                   f"  - {{ path: /usr/share/doc/{self.package}/copyright, mode: '{0o400 + n:04o}' }}\n")

    def measure(self, case, *more):
        cost = self.builder.build(*more)
        for stage, seconds in self.builder.stages.items():
            self.stages.setdefault(case, {}).setdefault(stage, []).append(seconds)
        return case, cost

    def round(self, n):
        self.builder.forget()
        yield self.measure(FIRST)
        yield self.measure(WARM)
        yield self.measure(ONE, "-j1")
        self.change_file(n)
        yield self.measure(FILE)
        self.change_package(n)
        yield self.measure(PACKAGE)
