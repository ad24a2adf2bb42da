# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# lib.sh - sourced by every shell suite. A test is one line of standard output: "ok - NAME", "not ok - NAME" followed by
# what was said, or "skip - NAME: reason". tools/check counts these lines.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1

# shellcheck disable=SC2034 # for the suites
ROOT=$PWD
CHECK=$ROOT/${BUILD:-build}/check # keys and out/ stay here from run to run: converted packages are cached by the key
ASHLAR=$ROOT/${BUILD:-build}/ashlar
CACHE=${ASHLAR_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/ashlar}
# What the caller exports must not change what is tested.
unset "${!ASHLAR_@}" SOURCE_DATE_EPOCH
export LC_ALL=C.UTF-8

mkdir -p "$CHECK"
WORK=$(mktemp -d "$CHECK/tmp.XXXXXX")
on_exit=()
trap 'for command in "${on_exit[@]}"; do eval "$command"; done; rm -rf "$WORK"' EXIT
trap 'exit 130' INT TERM

ok() { echo "ok - $1"; }

# not_ok NAME [FILE]: with what FILE holds, indented.
not_ok() {
	echo "not ok - $1"
	[ -z "${2-}" ] || tail -n 40 "$2" | cut -c 1-400 | sed 's/^/    /'
}

skip() { echo "skip - $1: $2"; }

# check NAME COMMAND...: passes when the command does.
check() {
	local name=$1
	shift
	if "$@" >"$WORK/.said" 2>&1; then ok "$name"; else echo "(exit status $?)" >>"$WORK/.said"; not_ok "$name" "$WORK/.said"; fi
}

# nothing NAME COMMAND...: passes when the command succeeds and has nothing to say on standard output.
nothing() {
	local name=$1 status=0
	shift
	"$@" >"$WORK/.said" 2>"$WORK/.errors" || status=$?
	if [ $status = 0 ] && [ ! -s "$WORK/.said" ]; then
		ok "$name"
	else
		{ cat "$WORK/.errors"; echo "(exit status $status)"; } >>"$WORK/.said"
		not_ok "$name" "$WORK/.said"
	fi
}

# lacks OPTION... PATTERN FILE: grep can read the file, and finds nothing.
lacks() {
	local status=0
	grep "$@" || status=$?
	[ $status = 1 ]
}

# want_failure STATUS NAME TEXT COMMAND...: it exits with STATUS and says one sentence, of at most two lines, on standard
# error that begins with "ashlar: " and holds TEXT.
want_failure() {
	local want=$1 name=$2 text=$3 status=0
	shift 3
	"$@" >"$WORK/.out" 2>"$WORK/.said" || status=$?
	if [ -n "$text" ] && [ "$status" = "$want" ] && grep -qF -- "$text" "$WORK/.said" && [ "$(wc -l <"$WORK/.said")" -le 2 ] &&
		[ "$(grep -c '^ashlar: ' "$WORK/.said")" = 1 ]; then
		ok "$name"
	else
		echo "(exit status $status, wanted $want; wanted one sentence with: $text)" >>"$WORK/.said"
		not_ok "$name" "$WORK/.said"
	fi
}
want_error() { want_failure 1 "$@"; }
want_usage_error() { want_failure 2 "$@"; }

# have NAME PROGRAM...: whether all are there; skips the test NAME otherwise.
have() {
	local name=$1 program
	shift
	for program in "$@"; do
		command -v "$program" >/dev/null && continue
		skip "$name" "$program is not installed"
		return 1
	done
}

# erofs_needed NAME: fsck.erofs is one that reads what we write; skips the test NAME otherwise.
erofs_needed() {
	local bin
	if bin=$(tools/current-erofs-utils 2>"$WORK/.said"); then PATH=$bin:$PATH; else skip "$1" "$(tail -n 1 "$WORK/.said")" && return 1; fi
}

# root_extract FOLDER [OPTION...]: what the root partition of IMAGE holds.
root_extract() {
	local folder=$1
	shift
	partition 1 "$WORK/root.erofs" && fsck.erofs --extract="$folder" "${@:---no-preserve}" "$WORK/root.erofs"
}

# stated_digests FILE: "DIGEST /FILE" for each file of each package in REPOSITORY, as its RPM states it.
stated_digests() {
	rpm -qp --nosignature --qf '[%{FILEDIGESTS} %{FILENAMES}\n]' "$REPOSITORY"/*.rpm 2>/dev/null | grep '^[0-9a-f]\{64\} ' >"$1"
}

# build OPTION...: the server image as everyone makes it, silent but for errors.
build() { "$ASHLAR" build server --quiet --keys "$CHECK/keys" --cache "$CACHE" --out "$CHECK/out" "$@"; }

# image_needed: IMAGE is the image of these definitions; made once for all suites, whoever comes first.
image_needed() {
	IMAGE=$CHECK/out/server-$(uname -m).raw
	MANIFEST=${IMAGE%.raw}.manifest.json
	REPOSITORY=${IMAGE%.raw}.repository
	exec {lock}>"$CHECK/image.lock"
	flock $lock
	[ -e "$CHECK/keys/enrol/db.auth" ] || "$ASHLAR" key generate --quiet --keys "$CHECK/keys"
	if [ ! -e "$MANIFEST" ] || [ -n "$(find -L "$ASHLAR" distro -newer "$MANIFEST" -print -quit)" ]; then
		rm -rf "$CHECK/out"
		if build >"$WORK/.said" 2>&1; then ok "build server"; else not_ok "build server" "$WORK/.said"; exit 1; fi
	fi
	exec {lock}>&-
}

# program NAME: build/test/NAME is built. Ninja can be run once at a time in a folder.
program() {
	flock "$CHECK/ninja.lock" ninja -C "${BUILD:-build}" "test/$1" >"$WORK/.said" 2>&1 && return
	not_ok "$1 is built" "$WORK/.said"
	exit 1
}

# meson_tests FOLDER PREFIX: Meson's lines " 1/60 ashlar:unit / NAME  OK  0.05s" in the words used here. Nothing is left of
# them where temporary files are.
meson_tests() {
	local status=0 prefix=${2-}
	mkdir "$WORK/temporary"
	TMPDIR=$WORK/temporary flock "$CHECK/ninja.lock" meson test -C "$1" --num-processes "$(nproc)" --print-errorlogs >"$WORK/meson" 2>&1 ||
		status=$?
	sed -nE "s#^ *[0-9]+/[0-9]+ ([^ ]*:)?(.*[^ ]) +OK +[0-9.]+s.*#ok - $prefix\\2#p
		s#^ *[0-9]+/[0-9]+ ([^ ]*:)?(.*[^ ]) +SKIP +[0-9.]+s.*#skip - $prefix\\2: its own program says so#p
		s#^ *[0-9]+/[0-9]+ ([^ ]*:)?(.*[^ ]) +(FAIL|ERROR|TIMEOUT) +[0-9.]+s.*#not ok - $prefix\\2#p" "$WORK/meson"
	# cmocka lets a program pass some of whose tests skip themselves
	awk -v prefix="$prefix" '/^test: / { sub(/^test: *[^:]*:/, ""); name = $0 }
		/^\[  SKIPPED \] [a-z]/ { print "skip - " prefix name ": " $4 ": says so itself" }' "$1/meson-logs/testlog.txt"
	check "${prefix}nothing is left behind" test -z "$(ls "$WORK/temporary")"
	check "${prefix}their sources give no warning" eval "! grep '[0-9]: warning: ' '$WORK/meson'"
	if [ $status = 0 ]; then ok "${prefix}all of them"; else not_ok "${prefix}all of them (status $status)" "$WORK/meson"; fi
}

# same_image NAME DIR: what stands in DIR has the bytes of the image that all suites look at.
same_image() {
	check "$1" eval "cmp '$IMAGE' '$2/${IMAGE##*/}' && cmp '$MANIFEST' '$2/${MANIFEST##*/}' &&
		cmp '${IMAGE%.raw}.lock' '$2/$(basename "${IMAGE%.raw}").lock' && diff -r '$REPOSITORY' '$2/${REPOSITORY##*/}'"
}

# cache_of_downloads FOLDER: a cache of nothing but what was fetched.
cache_of_downloads() { mkdir "$1" && cp -a --reflink=auto "$CACHE/downloads" "$CACHE/upstream" "$1"; }

# cold_cache FOLDER [--link]: what one build leaves in a cache that had nothing but downloads. Made once for all suites, on
# one thread, and compared with the image. --link: its files are not to be written to.
cold_cache() {
	local made=$CHECK/cold how=(-a --reflink=auto)
	[ "${2-}" != --link ] || how=(-al)
	exec {lock}>"$CHECK/cold.lock"
	flock $lock
	if [ ! "$made/made" -nt "$MANIFEST" ]; then
		rm -rf "$made" && cache_of_downloads "$made"
		check "-j1, from downloads: it builds" build -j1 --cache "$made" --out "$WORK/cold"
		same_image "-j1, from downloads: the same bytes" "$WORK/cold"
		rm -rf "$WORK/cold"
		touch "$made/made"
	fi
	exec {lock}>&-
	cp "${how[@]}" "$made" "$1" && rm "$1/made"
}

# stop NUMBER: ends a process that this suite started in the background, as long as it runs. Later its number may be that of
# anybody's.
stop() { ! jobs -rp | grep -qx "$1" || kill "$1"; }

# leftovers FOLDER...: temporary files in them.
leftovers() { find "$@" \( -name '*.tmp*' -o -name '*.old-*' \) -print; }

# manifest EXPRESSION: a Python expression over the manifest, which is m; lists are printed one a line.
manifest() {
	python3 -c '
import json, sys
m = json.load(open(sys.argv[1]))
value = eval(sys.argv[2])
print("\n".join(map(str, value)) if isinstance(value, list) else value)' "$MANIFEST" "$1"
}

# partition NUMBER FILE: copies it out of the image.
partition() {
	dd if="$IMAGE" of="$2" bs=1M iflag=skip_bytes,count_bytes conv=sparse status=none \
		skip="$(manifest "m['partitions'][$1]['start-bytes']")" count="$(manifest "m['partitions'][$1]['size-bytes']")"
}

# flip FILE OFFSET: inverts one byte; a second time brings it back.
flip() {
	python3 -c '
import sys
with open(sys.argv[1], "r+b") as f:
    f.seek(int(sys.argv[2])); byte = f.read(1)[0]
    f.seek(int(sys.argv[2])); f.write(bytes([byte ^ 255]))' "$1" "$2" || not_ok "a byte of $1 is inverted"
}

# containers_allowed: whether root may mount the image's root here and start it, tried without ashlar, whose faults must
# show.
containers_allowed() {
	local at size
	at=$(manifest "m['partitions'][1]['start-bytes']") size=$(manifest "m['partitions'][1]['size-bytes']")
	[ "$(id -u)" = 0 ] || return
	SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1 timeout 60 unshare --mount sh -c '
		mount -t erofs -o "ro,loop,offset=$1,sizelimit=$2" "$3" /mnt && systemd-nspawn --quiet --register=no --keep-unit \
			--private-network --resolv-conf=off --timezone=off --link-journal=no --directory=/mnt /bin/true' \
		sh "$at" "$size" "$IMAGE" >"$WORK/.said" 2>&1
}

# native_needed: GUEST is what starts the image: a container where one is allowed, else a virtual machine, which is much
# slower; CONTAINER says which.
native_needed() {
	CONTAINER=no GUEST=("$ASHLAR" run server --out "$CHECK/out" --timeout 400)
	if containers_allowed; then CONTAINER=yes GUEST+=(--container --timeout 60); else echo "# no containers here: $(tail -n 1 "$WORK/.said")"; fi
}

# disk_holds DISK TEXT: without the holes, which are most of it.
disk_holds() {
	python3 -c '
import os, sys
fd, at, text = os.open(sys.argv[1], os.O_RDONLY), 0, sys.argv[2].encode()
while True:
    try:
        at = os.lseek(fd, at, os.SEEK_DATA)
    except OSError: # no more data
        sys.exit(1)
    end = os.lseek(fd, at, os.SEEK_HOLE)
    if text in os.pread(fd, end - at, at): sys.exit(0)
    at = end' "$1" "$2"
}

# partition_begin DISK LABEL FILE: the first 16 MiB of a partition, LUKS2's header and key slots among them; fails when
# there is none.
partition_begin() {
	local start
	start=$(sfdisk --json "$1" | python3 -c '
import json, sys
for p in json.load(sys.stdin)["partitiontable"]["partitions"]:
    if p.get("name") == sys.argv[1]: print(p["start"])' "$2")
	[ -n "$start" ] && dd if="$1" of="$3" bs=512 skip="$start" count=32768 status=none
}

machine_run() { "$ASHLAR" run server --out "$CHECK/out" --keys "$CHECK/keys" --timeout 400 --machine "$@"; }

# said FILE TEXT: waits until the console has said it; fails when the machine is gone first.
said() {
	for _ in $(seq 1200); do
		grep -aqF -- "$2" "$1" && return
		kill -0 "$machine" 2>/dev/null || break
		sleep 0.2
	done
	grep -aqF -- "$2" "$1"
}

# at_console FILE OPTION...: starts a machine whose console is written to FILE; it reads what is written to descriptor 9.
at_console() {
	local log=$1
	shift
	rm -f "$WORK/keyboard"
	mkfifo "$WORK/keyboard"
	machine_run "$@" <"$WORK/keyboard" >"$log" 2>&1 &
	machine=$!
	exec 9>"$WORK/keyboard"
}
switch_off() {
	printf '\001x' >&9 # QEMU's own keys: like pulling the plug
	exec 9>&-
	wait "$machine" 2>/dev/null
}

# first_machine: MACHINE has a TPM and no Secure Boot, and has had its first boot, when the plug was pulled as agent/init was done;
# what that said is in its file "console". Made once for all suites, whoever comes first.
first_machine() {
	local made=$CHECK/first-machine
	exec {lock}>"$CHECK/first-machine.lock"
	flock $lock
	if [ ! "$made/console" -nt "$MANIFEST" ]; then
		rm -rf "$made"
		at_console "$WORK/console" "$made" --tpm --disk-size 2GiB
		said "$WORK/console" ', verified: '
		switch_off
		cp "$WORK/console" "$made/console"
	fi
	exec {lock}>&-
	cp -a --sparse=always --reflink=auto "$made" "$MACHINE"
}

# uki_change DISK FROM TO: in the command line of the UKI; as long, so that it still starts.
uki_change() {
	python3 -c '
import mmap, sys
with open(sys.argv[1], "r+b") as f:
    disk, old, new = mmap.mmap(f.fileno(), 0), sys.argv[2].encode(), sys.argv[3].encode()
    at = disk.find(old)
    assert at >= 0 and disk.find(old, at + 1) < 0
    disk[at:at + len(old)] = new' "$@"
}

# luks_judge DISK [PCR]: its state is encrypted as docs/decisions/0015-state.md says, and bound to PCR, too.
luks_judge() {
	partition_begin "$1" state "$WORK/luks" || not_ok "there is a state partition"
	cryptsetup luksDump --dump-json-metadata "$WORK/luks" >"$WORK/json" 2>"$WORK/errors"
	cat >"$WORK/judge" <<'END'
import json, sys
m = json.load(open(sys.argv[1]))
assert m["segments"]["0"]["encryption"] == "aes-xts-plain64", m["segments"]
tokens = {t["type"]: t for t in m["tokens"].values()}
assert set(tokens) == {"systemd-tpm2", "systemd-recovery"}, tokens
t = tokens["systemd-tpm2"]
assert t["tpm2_pubkey_pcrs"] == [11] and t["tpm2_pubkey"] and not t.get("tpm2-pin"), t
assert t["tpm2-pcrs"] == list(map(int, sys.argv[2:])), t
assert [s["key_size"] for s in m["keyslots"].values()] == [64, 64], m["keyslots"]
END
	check "cryptsetup: AES-XTS with 512 bits, bound to signed values of PCR 11${2:+, and to PCR $2}" python3 "$WORK/judge" "$WORK/json" "${@:2}"
}
