# SPDX-License-Identifier: MIT
# With Secure Boot nothing runs that was not signed, and a changed signature stops the boot.
. "$(dirname "$0")/../lib.sh"
image_needed
have "Secure Boot" qemu-system-"$(uname -m)" swtpm || exit 0
export TMPDIR=$WORK # what QEMU keeps of a snapshot
secure_run() { "$ASHLAR" run server --out "$CHECK/out" --keys "$CHECK/keys" --secure-boot "$@"; }

secure_run --tpm --disk-size 1GiB --timeout 360 -- sh -c "$(cat test/boot/in-guest-lib test/boot/in-guest-secure)" >"$WORK/guest" 2>"$WORK/errors"
cat "$WORK/guest"
grep -q 'ok - guest: it is still in force' "$WORK/guest" || not_ok "the image boots with Secure Boot" "$WORK/errors"

# refused NAME TEXT: init stops and says so; nothing of the image runs.
copy=$WORK/copy.raw
refused() {
	local name=$1 text=$2 machine
	secure_run --image "$copy" --until-login --console --timeout 120 >"$WORK/guest" 2>"$WORK/console" &
	machine=$!
	on_exit+=("kill $machine 2>/dev/null")
	for _ in $(seq 120); do
		kill -0 $machine 2>/dev/null || break
		grep -qs 'ashlar-init: stopped' "$WORK/console" && break
		sleep 1
	done
	sleep 1
	kill $machine 2>/dev/null
	wait $machine 2>/dev/null
	if grep -qF "ashlar-init: $text" "$WORK/console" && ! grep -qE 'systemd\[1\]|login: ' "$WORK/console"; then
		ok "$name"
	else
		not_ok "$name" "$WORK/console"
	fi
}

# edit EXPRESSION: rewrites the JSON object j of the signature partition of a fresh copy.
edit() {
	cp --sparse=always "$IMAGE" "$copy"
	python3 -c '
import base64, json, sys
start, size = int(sys.argv[2]), 16384
with open(sys.argv[1], "r+b") as f:
    f.seek(start); j = json.loads(f.read(size).rstrip(b"\0"))
    exec(sys.argv[3])
    f.seek(start); f.write(json.dumps(j).encode().ljust(size, b"\0"))' "$copy" "$(manifest "m['partitions'][3]['start-bytes']")" "$1"
}
changed='
def changed(text):
    b = bytearray(base64.b64decode(text)); b[-9] ^= 1
    return base64.b64encode(b).decode()
'
edit "$changed"'j["signature"] = changed(j["signature"])'
refused "a changed signature of the root hash: init stops" "the root hash's signature is wrong"
edit "$changed"'j["ashlar.ipePolicy"] = changed(j["ashlar.ipePolicy"])'
refused "a changed signature of the execution policy: init stops" "the execution policy or its signature was changed"
edit 'j["rootHash"] = "00" * 32'
refused "no signature for this root: init stops" "Secure Boot is on, but the root hash's signature was not checked"
