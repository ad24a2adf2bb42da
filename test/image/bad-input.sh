# SPDX-License-Identifier: MIT
# Definitions and archives with faults: one clear sentence, exit 1, what stood in out/ untouched; then all is well again.
# (What a single .deb can do wrong: src/upstream/convert_test.c and deb_test.c. Damage in the cache: packs.sh.)
. "$(dirname "$0")/../lib.sh"
image_needed

# An out/ of its own that must survive everything, and a cache to remove things from: links to the real one.
out=$WORK/out cache=$WORK/cache distro=$WORK/distro
mkdir "$out" && cp --sparse=always "$IMAGE" "$MANIFEST" "${IMAGE%.raw}.lock" "$out" && cp -r "$REPOSITORY" "$out"
cp -al "$CACHE" "$cache" 2>/dev/null || cp -a "$CACHE" "$cache"
cp -r distro "$distro"
# who writes to a file, or puts another one in its place, changes these
state() { (cd "$out" && find . -path ./server-unsolvable -prune -o -type f -printf '%p %i %s %T@\n' | sort); }
before=$(state)
check "there is something to keep" test "$(wc -l <<<"$before")" -ge 100
make_image() { "$ASHLAR" build server --quiet --keys "$CHECK/keys" --cache "$cache" --out "$out" --distro "$distro" "$@"; }

# fails NAME TEXT: with definitions or archives as they are now; then definitions are good again.
fails() {
	want_error "$1" "$2" make_image
	state >"$WORK/state"
	diff <(echo "$before") "$WORK/state" >"$WORK/.said" || not_ok "$1: out/ is as it was" "$WORK/.said"
	rm -rf "$distro"
	cp -r distro "$distro"
}
image=$distro/images/server.yaml
line() { grep -n "^$1" distro/images/server.yaml | cut -d: -f1; }

in_cache() { # PACKAGE: its file in CACHE/packages, under each name that it has
	local rpm candidate
	rpm=$(echo "$REPOSITORY/$1"-[0-9]*.rpm)
	for candidate in "$cache"/packages/*; do
		cmp -s "$rpm" "$candidate" && echo "$candidate"
	done
}

# YAML, one mistake of each kind
sed -i 's/^features:/featurs:/' "$image"
fails "unknown key" "images/server.yaml:$(line features):1: "
sed -i 's/^features:.*/features: ssh/' "$image"
fails "a word where a list belongs" "images/server.yaml:$(line features):11: "
sed -i 's/^max-packages:.*/max-packages: many/' "$image"
fails "a word where a number belongs" "images/server.yaml:$(line max-packages):15: "
sed -i 's/^description:.*/\tdescription: x/' "$image"
fails "a tab" "images/server.yaml:$(line description):1: "
sed -i 's/^features: \[/features: [[/' "$image"
fails "a bracket that is not closed" "images/server.yaml:"
sed -i 's/^from: base/from: bse/' "$image"
fails "an image that is not there" "did you mean 'base'?"
sed -i 's/ssh/shs/' "$image"
fails "a feature that is not there" "did you mean 'ssh'?"
echo 'max-packages: 7' >>"$image"
fails "a key twice" "max-packages"
: >"$image"
fails "an empty definition" "images/server.yaml"
rm "$image"
fails "no definition" "server"
printf '\xff\xfe\x00' >"$distro/release.yaml"
fails "not even text" "release.yaml"
mkdir -p "$distro/packages/netbase" && echo 'drop-filse: [x]' >"$distro/packages/netbase/package.yaml"
fails "a package's definition" "packages/netbase/package.yaml:1:1: "

# What comes with definitions must not lead out of them, nor make a build wait.
mkdir -p "$distro/files/server" && ln -s /etc/passwd "$distro/files/server/leak"
echo 'files: [{ path: /usr/lib/leak, source: leak }]' >>"$image"
fails "a link among the files of a definition" "files/server/leak' is or lies behind a symbolic link"
mkdir -p "$distro/files/server" && mkfifo "$distro/files/server/leak"
echo 'files: [{ path: /usr/lib/leak, source: leak }]' >>"$image"
fails "a pipe among the files of a definition" "files/server/leak' is no regular file"
ln -sf /etc/passwd "$image"
fails "a link in place of a definition" "images/server.yaml' is or lies behind a symbolic link"

echo 'files: [{ path: /proc/sys/x, content: x }]' >>"$image"
fails "a file that nobody will see" "/proc/sys/x, from a definition, would never be seen: the kernel mounts something else on /proc"
echo 'files: [{ path: /srv/x, user: nobdy, content: x }]' >>"$image"
fails "an owner that is not there" "/srv/x, from a definition, belongs to user 'nobdy', which does not exist"

long=an-image-whose-name-is-longer-than-a-file-system-s-label
cp "$image" "$distro/images/$long.yaml"
check "a long name" "$ASHLAR" build "$long" --quiet --keys "$CHECK/keys" --cache "$cache" --out "$WORK/long" --distro "$distro"
rm -r "$WORK/long" "$distro/images/$long.yaml"

# What has no effect
own_lists() { python3 - "$image" "$1" <<-'PYTHON'
	import sys
	text = open(sys.argv[1]).read()
	open(sys.argv[1], 'w').write(text.replace('drop-files:\n', 'drop-files:\n  - ' + sys.argv[2] + '\n', 1))
	PYTHON
}
own_lists /usr/shar/bash/
fails "a pattern that matches nothing" "images/server.yaml:$(($(line drop-files) + 1)):5: 'drop-files' has '/usr/shar/bash/', and no file of a name like that"
echo 'setuid-files: [/usr/bin/suu]' >>"$image"
fails "a set-user-ID file that is not there" "'setuid-files' has '/usr/bin/suu', and no such file is in a chosen package; did you mean '/usr/bin/su"
echo 'locales: [dee]' >>"$image"
fails "a language that nothing has" "'locales' has 'dee', and no file of that language is in a chosen package; did you mean 'de'?"
echo 'mask-units: [sssh.service]' >>"$image"
fails "a mask of nothing" "unit 'sssh.service' is in no chosen package; did you mean 'ssh.service'?"
echo 'links: [{ path: /etc/localtime, target: ../usr/share/zoneinfo/Europe/Berlin }]' >>"$image"
fails "a link that leads nowhere" "the link '/etc/localtime' leads to '/usr/share/zoneinfo/Europe/Berlin', which is in no chosen package"

# Accounts
printf 'users: [{ name: app, id: 33 }]\n' >>"$image"
fails "an id that somebody has" "both want the id 33"
printf 'users: [{ name: app, id: 1000 }, { name: app2, id: 1000 }]\n' >>"$image"
fails "one id for two users" "both want the id 1000"
printf 'users: [{ name: app, id: 1000 }, { name: app, id: 1001 }]\n' >>"$image"
fails "a user twice" "a second 'app' in 'users'; want each name once"
printf 'users: [{ name: toor, id: 0 }]\n' >>"$image"
fails "a second root" "user 'toor' wants the id 0, which is root's"
printf 'users: [{ name: app, id: 999 }]\n' >>"$image"
fails "an id that is kept for another name" "wants the id 999, which '$distro/ids.yaml' keeps for 'clock'"
echo '- { name: clock, id: 500 }' >>"$distro/ids.yaml"
fails "ids: a name twice" "a second 'clock'; want each name once"
echo '- { name: other, id: 999 }' >>"$distro/ids.yaml"
fails "ids: a number twice" "'other' has the id 999 of 'clock'"
printf 'users: [{ name: app, id: "-", shell: /bin/zsh }]\n' >>"$image"
fails "a shell that is not there" "the shell '/bin/zsh' of user 'app' is in no chosen package"
printf 'users: [{ name: app, id: "-" }]\n' >>"$image"
make_image --update-ids >"$WORK/said" 2>&1
check "--update-ids keeps the id" grep -Eqx -- '- \{ name: app, id: [1-9][0-9]{2} \}' "$distro/ids.yaml"
check "it changes no other line" eval 'head -n "$(wc -l <distro/ids.yaml)" "$distro/ids.yaml" | cmp - distro/ids.yaml'
cp --sparse=always "$IMAGE" "$MANIFEST" "${IMAGE%.raw}.lock" "$out"
rm -rf "$distro" && cp -r distro "$distro"
before=$(state)

# Requests
echo 'packages: [opensh-server]' >>"$image"
fails "a package that is not there" "did you mean 'openssh-server'?"
printf 'exclude: [libc6]\n' >>"$image"
fails "a request that cannot be met" "libc6"
check "an unsolvable image leaves its test case" test -e "$out/server-unsolvable/testcase.t"
if have "testsolv replays the test case" testsolv; then
	(cd "$out/server-unsolvable" && testsolv -r testcase.t) >"$WORK/said" 2>&1
	check "testsolv replays the test case" grep -q '^problem ' "$WORK/said"
fi
rm -rf "$out/server-unsolvable"
mkdir "$WORK/theirs" && echo mine >"$WORK/theirs/testcase.t" && ln -s "$WORK/theirs" "$out/server-unsolvable"
printf 'exclude: [libc6]\n' >>"$image"
want_error "a link in place of the test case's folder" "libc6" make_image
rm -rf "$distro" && cp -r distro "$distro"
check "what it leads to is as it was" eval '[ "$(cat "$WORK/theirs/testcase.t")" = mine ] && [ ! -L "$out/server-unsolvable" ]'
rm -rf "$out/server-unsolvable"
mkdir -p "$out/.tmp-1-2-mine" "$out/.tmp-1-2-x.raw" && echo precious >"$out/.tmp-1-2-mine/file"
make_image --dry-run >/dev/null 2>&1
check "a dry run clears nothing away" test -d "$out/.tmp-1-2-x.raw"
make_image >/dev/null 2>&1
check "what a killed build left is cleared away" test ! -e "$out/.tmp-1-2-x.raw"
check "what others put there is not" test -e "$out/.tmp-1-2-mine/file"
rm -r "$out/.tmp-1-2-mine"
before=$(state)
sed -i 's/^max-packages:.*/max-packages: 10/' "$image"
fails "more packages than the budget" "max-packages: "
sed -i 's/^max-packages:.*/max-packages: 10/' "$image"
make_image >"$WORK/said" 2>&1
check "the budget's message names the largest" grep -Eq 'largest: ([a-z0-9.+()-]+ [0-9.]+ MB, ){4}' "$WORK/said"
rm -rf "$distro" && cp -r distro "$distro"
sed -i 's/^max-files-bytes:.*/max-files-bytes: 1MB/' "$image"
fails "more bytes of files than the budget" "max-files-bytes: "
sed -i 's/^max-image-bytes:.*/max-image-bytes: 1MB/' "$image"
fails "a larger image than the budget" "max-image-bytes: "

# Programs with more rights than their caller
modes=$distro/packages/util-linux/package.yaml
sed -i 's|/usr/bin/su, mode: "0755"|/usr/bin/su, mode: "4755"|' "$modes"
fails "a set-user-ID file that is not listed" "/usr/bin/su, from package 'util-linux', has mode 4755"
sed -i 's|/usr/bin/su, mode: "0755"|/usr/bin/su, mode: "4755"|' "$modes"
echo 'setuid-files: [/usr/bin/su]' >>"$image"
check "a set-user-ID file that is listed" make_image --dry-run
printf 'caps:\n  - { path: /usr/bin/ping, caps: cap_net_raw=ep }\n' >>"$distro/packages/iputils-ping/package.yaml"
fails "capabilities that are not listed" "/usr/bin/ping, from package 'iputils-ping', has the capabilities cap_net_raw=ep"

# Mirrors
upstreams=$distro/upstreams.yaml
sed -i 's|^  mirror: .*|  mirror: http://127.0.0.1:1/debian|' "$upstreams"
fails "a mirror that cannot be reached" "4 tries); is the mirror reachable, or is a proxy needed?"
sed -i 's|^  mirror: .*|  mirror: file:///nonexistent|' "$upstreams"
fails "a mirror that is not there" "suite 'trixie': file:///nonexistent/dists/trixie/InRelease"
sed -i 's|^  keyring: .*|  keyring: /nonexistent.gpg|' "$upstreams"
fails "no keyring" "/nonexistent.gpg"

# An archive of one suite, from the indexes and packages in the cache, signed with a key made for it.
archive=$WORK/archive
gpg_home=$(mktemp -d)
on_exit+=("gpgconf --homedir '$gpg_home' --kill all; rm -rf '$gpg_home'")
gpg --homedir "$gpg_home" --batch --passphrase '' --quick-gen-key archive@example.org ed25519 sign never 2>"$WORK/said" &&
	gpg --homedir "$gpg_home" --batch --output "$WORK/archive.gpg" --export archive@example.org
deb_arch=amd64
[ "$(uname -m)" = x86_64 ] || deb_arch=arm64
# The lock tells the packages; their stanzas are in the cached indexes, the files in the cached downloads.
archive_make() {
	python3 - "$cache" "${IMAGE%.raw}.lock" "$archive" <<-'END'
		import glob, os, re, shutil, subprocess, sys
		cache, lock, archive = sys.argv[1:]
		digests = set(re.findall(r"\b[0-9a-f]{64}\b", open(lock).read()))
		stanzas = {}
		for path in glob.glob(cache + "/downloads/*"):
		    with open(path, "rb") as f:
		        if f.read(6) != b"\xfd7zXZ\0":
		            continue
		    for stanza in subprocess.run(["xz", "-dc", path], capture_output=True, check=True, text=True).stdout.split("\n\n"):
		        digest = re.search("^SHA256: (.*)", stanza, re.M)
		        if digest and digest[1] in digests:
		            stanzas[digest[1]] = (stanza, re.search("^Filename: (.*)", stanza, re.M)[1])
		for digest, (stanza, filename) in stanzas.items():
		    os.makedirs(os.path.dirname(f"{archive}/{filename}"), exist_ok=True)
		    shutil.copyfile(f"{cache}/downloads/{digest}", f"{archive}/{filename}")
		open(archive + "/Packages", "w").write("\n\n".join(s for s, _ in sorted(stanzas.values())) + "\n")
	END
}
release_make() { # [FIELD...]: signs a release file over the index as it is
	local index=main/binary-$deb_arch/Packages dir=$archive/dists/trixie
	mkdir -p "$dir/main/binary-$deb_arch"
	cp "$archive/Packages" "$dir/$index"
	{
		printf '%s\n' "Origin: Debian" "Suite: stable" "Codename: trixie" "Date: $(date -Ru)" "Architectures: $deb_arch" \
			"Components: main" "$@" "SHA256:"
		echo " $(sha256sum <"$dir/$index" | cut -d' ' -f1) $(stat -c %s "$dir/$index") $index"
	} | gpg --homedir "$gpg_home" --batch --clearsign --digest-algo SHA256 >"$dir/InRelease" 2>"$WORK/said"
}
from_archive() { # definitions that take packages from the archive made here, into a cache that lacks one
	sed -i -e "s|^  mirror: .*|  mirror: file://$archive|" -e "s|^  keyring: .*|  keyring: $WORK/archive.gpg|" \
		-e '/name: trixie-/d' -e 's/^  check-valid-until: .*/  check-valid-until: yes/' "$distro/upstreams.yaml"
	cache=$WORK/cache2
	rm -rf "$cache"
	mkdir "$cache" && cp -al "$WORK/cache/packages" "$WORK/cache/packs" "$cache" && in_cache netbase | xargs rm
}
mkdir -p "$archive"
archive_make
check "the archive has every package of the lock" test "$(grep -c '^Package: ' "$archive/Packages")" = "$(manifest "len(m['packages'])")"
in_release=$archive/dists/trixie/InRelease

release_make "Valid-Until: $(date -Ru -d '-1 day')"
from_archive
fails "an InRelease that has expired" ": it was valid until "
release_make "Valid-Until: $(date -Ru -d '+1 day')"
from_archive
sed -i 's/^Origin: Debian/Origin: Debiam/' "$in_release"
fails "an altered InRelease" "the signature is wrong"
release_make
from_archive
sed -i "s|^  keyring: .*|  keyring: $(sed -n 's/^  keyring: //p' distro/upstreams.yaml)|" "$distro/upstreams.yaml"
fails "an InRelease signed by another key" "which keyring '"
from_archive
sed -n '/^Origin/,/Packages$/p' "$in_release" >"$in_release.plain" && mv "$in_release.plain" "$in_release"
fails "an InRelease without a signature" "suite 'trixie'"
release_make
from_archive
: >"$in_release"
fails "an empty InRelease" "suite 'trixie'"
release_make
from_archive
sed -i '1s/Package/package/' "$archive/dists/trixie/main/binary-$deb_arch/Packages"
fails "an index that does not match" "SHA-256 is "
from_archive
truncate -s -100 "$archive/dists/trixie/main/binary-$deb_arch/Packages"
fails "an index cut short" " bytes came, want "
release_make
from_archive
rm "$archive/dists/trixie/main/binary-$deb_arch/Packages"
fails "an index that is not there" "Packages"
release_make
deb=$(find "$archive/pool" -name 'netbase_*.deb')
cp "$deb" "$WORK/deb"
from_archive
flip "$deb" 1000
fails "an altered .deb" "netbase: file://$archive/pool"
from_archive
truncate -s 5000 "$deb"
fails "a .deb cut short" " bytes came, want "
from_archive
rm "$deb"
fails "a .deb that is not there" "netbase: file://$archive/pool"

# The index vouches for a .deb that is none: what it was made of is not what was signed for.
from_archive
head -c 5000 "$WORK/deb" >"$deb"
cp "$archive/Packages" "$WORK/Packages"
python3 - "$archive/Packages" "$deb" <<-'END'
	import hashlib, sys
	index, deb = sys.argv[1:]
	stanzas = open(index).read().split("\n\n")
	data = open(deb, "rb").read()
	for i, s in enumerate(stanzas):
	    if s.startswith("Package: netbase\n"):
	        lines = [l for l in s.split("\n") if not l.startswith(("SHA256:", "Size:"))]
	        stanzas[i] = "\n".join(l for l in lines if l) + f"\nSHA256: {hashlib.sha256(data).hexdigest()}\nSize: {len(data)}"
	open(index, "w").write("\n\n".join(stanzas).rstrip("\n") + "\n")
END
release_make
fails "a .deb that is truncated although signed for" "package 'netbase': "
cp "$WORK/Packages" "$archive/Packages"
cp "$WORK/deb" "$deb"
release_make
from_archive
cache=$WORK/cache # converted packages are of the same bytes: only the index is new
check "the archive as it should be builds" eval "make_image --out '$WORK/from-archive'"
check "a file: archive gives the same root" eval "test \"\$(manifest \"m['root-hash']\")\" = \"\$(MANIFEST=$WORK/from-archive/${MANIFEST##*/} manifest \"m['root-hash']\")\""
rm -rf "$WORK/from-archive" "$WORK/cache2" "$distro"
cp -r distro "$distro"

same_image "at the end, out/ is as it was" "$out"
