# SPDX-License-Identifier: MIT
# Wrong usage is told apart from failed work; variables stand for options.
. "$(dirname "$0")/../lib.sh"

want_usage_error "no verb" "want a verb; 'ashlar --help' lists them" "$ASHLAR"
want_usage_error "unknown verb" "no verb 'biuld'; did you mean 'build'?" "$ASHLAR" biuld server
want_usage_error "unknown verb, nothing near" "no verb 'frobnicate'; 'ashlar --help' lists them" "$ASHLAR" frobnicate
want_usage_error "unknown option" "build: no option '--chache'; did you mean '--cache'?" "$ASHLAR" build --chache /x server
want_usage_error "unknown option with a value" "did you mean '--cache'?" "$ASHLAR" build --chache=/x server
want_usage_error "unknown letter" "build: no option '-x'" "$ASHLAR" build -x server
want_usage_error "option without its value" "build: '--out' needs DIR" "$ASHLAR" build server --out
want_usage_error "empty value" "build: '--out' is empty; want DIR" "$ASHLAR" build server --out=
want_usage_error "flag with a value" "build: '--quiet' takes no value" "$ASHLAR" build --quiet=yes server
want_usage_error "no number" "build: '--jobs' is 'many'; want a number" "$ASHLAR" build -j many server
want_usage_error "unknown architecture" "'--arch' is 'mips'; want x86_64 or aarch64" "$ASHLAR" build --arch mips server
want_usage_error "no size" "run: '--disk-size' is '4 gigs'; want a size like 4GiB" "$ASHLAR" run server --disk-size '4 gigs'
want_usage_error "no bus of disks" "run: '--disk-bus': no disk hangs on 'ide'; want virtio, nvme" "$ASHLAR" run server --disk-bus ide
for option in secure-boot setup-mode tpm disk-size=1GiB disk-bus=nvme memory=512 processors=1 "ssh-key=$0"; do
	want_usage_error "run: --container and --${option%%=*}" "run: '--${option%%=*}' is of a virtual machine; a container has none" \
		"$ASHLAR" run server --container "--$option"
done
want_usage_error "no image" "want 'ashlar build IMAGE'" "$ASHLAR" build
want_usage_error "too many arguments" "want 'ashlar explain IMAGE PACKAGE'" "$ASHLAR" explain server a b
for verb in build explain run verify key; do
	want_usage_error "$verb without arguments" "want 'ashlar $verb " "$ASHLAR" "$verb"
done

# Before anything is built: there are no keys either.
want_error "trace into a folder that is not there" "--trace: create a temporary file beside '$WORK/none/trace.json'" \
	"$ASHLAR" build server --keys "$WORK/none" --trace "$WORK/none/trace.json"
want_error "trace over a folder" "--trace: '$WORK' is no regular file" "$ASHLAR" build server --trace "$WORK"
want_usage_error "trace without a file" "build: '--trace' needs FILE" "$ASHLAR" build server --trace
want_error "a trace of a build that fails" "ashlar key generate" \
	"$ASHLAR" build server --keys "$WORK/none" --out "$WORK/out" --trace "$WORK/trace.json"
check "it is there all the same" python3 -m json.tool "$WORK/trace.json" /dev/null

want_error "no such key action" "no action 'destroy'; want generate, show, rotate, retire or revoke" "$ASHLAR" key destroy
want_error "no image file to verify" "open '$WORK/none.raw': No such file or directory" "$ASHLAR" verify "$WORK/none.raw"
want_error "no image to run" "'$WORK/server-x86_64.raw' is not there; 'ashlar build server' makes it" \
	"$ASHLAR" run server --out "$WORK" --arch x86_64
want_error "run: a private key is no public one" "is no OpenSSH public key; want the file that ends in .pub" \
	"$ASHLAR" run server --image "$0" --ssh-key "$0"

truncate -s 3MiB "$WORK/small.raw"
run_small() { "$ASHLAR" run server --image "$WORK/small.raw" "$@"; }
want_error "run: Secure Boot without keys" "'ashlar key generate --keys $WORK/none' makes what is missing" \
	run_small --secure-boot --keys "$WORK/none"
want_error "run: a disk smaller than the image" "a disk of 1048576 bytes; want whole MiB, and at least the 3145728 of" \
	run_small --disk-size 1MiB
want_error "run: a disk with half a sector" "a disk of 5000000 bytes; want whole MiB" run_small --machine "$WORK/m" --disk-size 5MB
check "run: no half-made machine" test ! -e "$WORK/m/disk.raw"
flock -o "$WORK/m" sleep 5 &
sleep 0.5
want_error "run: a machine runs once" "machine '$WORK/m' is running already" run_small --machine "$WORK/m"
kill $!
want_error "run: no swtpm" "no program 'swtpm': it is in Debian's package 'swtpm'" env PATH=/none "$ASHLAR" run server \
	--image "$WORK/small.raw" --tpm
want_error "run: no QEMU" "no program 'qemu-system-x86_64': it is in Debian's package 'qemu-system-x86'" env PATH=/none \
	"$ASHLAR" run server --image "$WORK/small.raw" --arch x86_64

# Keys: made once, readable by their owner only, never replaced.
check "key generate" "$ASHLAR" key generate --keys "$WORK/keys"
nothing "private keys are private" find "$WORK/keys" -name '*.pem' -perm /077
sums=$(cat "$WORK"/keys/*.* | sha256sum)
"$ASHLAR" key generate --keys "$WORK/keys" >/dev/null 2>"$WORK/said"
status=$?
check "key generate never replaces keys" test "$status $(cat "$WORK"/keys/*.* | sha256sum)" = "1 $sums"
want_error "no keys" "ashlar key generate" "$ASHLAR" build server --keys "$WORK/none" --out "$WORK/out"

# Variables: as the options, which win. One key is made anew each time: all of them take seconds.
for n in 2 3 4 5; do
	cp -r "$WORK/keys" "$WORK/keys$n"
	rm "$WORK/keys$n"/pcr-signing.*
done
check "ASHLAR_KEYS" env ASHLAR_KEYS="$WORK/keys2" "$ASHLAR" key generate
check "ASHLAR_KEYS was used" test -e "$WORK/keys2/pcr-signing.crt"
check "an option wins over its variable" env ASHLAR_KEYS="$WORK/keys2" "$ASHLAR" key generate --keys "$WORK/keys3"
nothing "ASHLAR_QUIET=1" env ASHLAR_QUIET=1 "$ASHLAR" key generate --keys "$WORK/keys4"
check "ASHLAR_QUIET=0 is no" test -n "$(ASHLAR_QUIET=0 "$ASHLAR" key generate --keys "$WORK/keys5")"
check "ASHLAR_QUIET=no is no" test -n "$(ASHLAR_QUIET=no "$ASHLAR" key generate --keys "$WORK/keys6")"
nothing "ASHLAR_QUIET=yes" env ASHLAR_QUIET=yes "$ASHLAR" key generate --keys "$WORK/keys7"
want_usage_error "neither yes nor no" "ASHLAR_JSON is 'maybe'; want yes or no" env ASHLAR_JSON=maybe "$ASHLAR" key show
want_usage_error "wrong variable" "ASHLAR_JOBS is 'x'; want a number" env ASHLAR_JOBS=x "$ASHLAR" key generate
want_usage_error "ASHLAR_ARCH" "'--arch' is 'vax'" env ASHLAR_ARCH=vax "$ASHLAR" key generate
ASHLAR_JSON=1 "$ASHLAR" verify "$WORK/none.raw" >"$WORK/events" 2>/dev/null
check "ASHLAR_JSON: an error is an event" grep -q '^{"event": *"error", *"text": *".*No such file' "$WORK/events"
