# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# State: made at the first boot and encrypted to the TPM, there at the next one, closed to a changed image, open to the
# recovery key. One machine for all of it.
. "$(dirname "$0")/../lib.sh"
image_needed
have "state" qemu-system-"$(uname -m)" swtpm cryptsetup sfdisk blkid || exit 0
MACHINE=$WORK/machine DISK=$WORK/machine/disk.raw

run() { "$ASHLAR" run server --out "$CHECK/out" --keys "$CHECK/keys" --timeout 400 --machine "$@"; }

# said FILE TEXT: waits until the console has said it; fails when the machine is gone first.
said() {
	for _ in $(seq 240); do
		grep -aqF -- "$2" "$1" && return
		kill -0 "$machine" 2>/dev/null || break
		sleep 1
	done
	grep -aqF -- "$2" "$1"
}

# at_console FILE OPTION...: starts a machine whose console is written to FILE; it reads what is written to descriptor 9.
at_console() {
	local log=$1
	shift
	rm -f "$WORK/keyboard"
	mkfifo "$WORK/keyboard"
	run "$@" <"$WORK/keyboard" >"$log" 2>&1 &
	machine=$!
	exec 9>"$WORK/keyboard"
}
switch_off() {
	printf '\001x' >&9 # QEMU's own keys: like pulling the plug
	exec 9>&-
	wait "$machine" 2>/dev/null
}

# state_partition FILE: its first 16 MiB, LUKS2's header and key slots among them; fails when there is none.
state_partition() {
	local start
	start=$(sfdisk --json "$DISK" | python3 -c '
import json, sys
for p in json.load(sys.stdin)["partitiontable"]["partitions"]:
    if p.get("name") == "state": print(p["start"])')
	[ -n "$start" ] && dd if="$DISK" of="$1" bs=512 skip="$start" count=32768 status=none
}

# The first boot.
cat >"$WORK/first" <<'EOF'
findmnt -no SOURCE,FSTYPE,OPTIONS /var
echo "plain text that nobody may find on the disk" >/var/lib/kept
echo "kept, too" >/etc/kept
cp /etc/machine-id /root/machine-id
systemctl is-system-running
systemd-cryptenroll --unlock-tpm2-device=auto --wipe-slot=recovery --recovery-key /dev/vda5 >/dev/null 2>&1 && echo the TPM opens it again
cat /run/ashlar/boot.json
EOF
run "$MACHINE" --tpm --disk-size 2GiB --console -- sh -c "$(cat "$WORK/first")" >"$WORK/out" 2>"$WORK/console"
key=$(grep -aoE '([cbdefghijklnrtuv]{8}-){7}[cbdefghijklnrtuv]{8}' "$WORK/console" | head -n 1)
check "first boot: /var is an encrypted file system" grep -E '^/dev/mapper/state +ext4 +rw,nosuid,nodev,noexec' "$WORK/out"
check "first boot: it says that state is encrypted to the TPM" grep '"state": "encrypted-tpm"' "$WORK/out"
check "first boot: every unit starts" grep -x running "$WORK/out"
check "first boot: the recovery key is shown" test -n "$key"
check "after the boot nobody gets the key from the TPM" eval "! grep 'opens it again' '$WORK/out'"
check "the recovery key is in no log" eval "! grep -a \"\$key\" '$WORK/console' | grep -E '^\[ *[0-9]+\.'"

# What is on the disk, seen from outside.
state_partition "$WORK/luks" || not_ok "there is a state partition" "$WORK/console"
cryptsetup luksDump --dump-json-metadata "$WORK/luks" >"$WORK/json" 2>"$WORK/errors"
cat >"$WORK/judge" <<'EOF'
import json, sys
m = json.load(open(sys.argv[1]))
assert m["segments"]["0"]["encryption"] == "aes-xts-plain64", m["segments"]
tokens = {t["type"]: t for t in m["tokens"].values()}
assert set(tokens) == {"systemd-tpm2", "systemd-recovery"}, tokens
t = tokens["systemd-tpm2"]
assert t["tpm2_pubkey_pcrs"] == [11] and t["tpm2-pcrs"] == [] and t["tpm2_pubkey"] and not t.get("tpm2-pin"), t
assert [s["key_size"] for s in m["keyslots"].values()] == [64, 64], m["keyslots"]
EOF
check "cryptsetup: AES-XTS with 512 bits, bound to signed values of PCR 11" python3 "$WORK/judge" "$WORK/json"
check "the disk does not hold what was written" lacks -aq 'nobody may find' "$DISK"

# change FROM TO: in the command line of the UKI; as long, so that it still starts.
change() {
	python3 -c '
import mmap, sys
with open(sys.argv[1], "r+b") as f:
    disk, old, new = mmap.mmap(f.fileno(), 0), sys.argv[2].encode(), sys.argv[3].encode()
    at = disk.find(old)
    assert at >= 0 and disk.find(old, at + 1) < 0
    disk[at:at + len(old)] = new' "$DISK" "$1" "$2"
}
check "the UKI's command line is changed" change 'ro console=tty0' 'ro console=tty1'
at_console "$WORK/changed" "$MACHINE" --tpm
if said "$WORK/changed" 'Recovery key: '; then
	ok "a changed UKI does not get the key from the TPM"
	echo 'cbdefghi-not-the-key' >&9
	check "a wrong recovery key opens nothing" said "$WORK/changed" 'That does not open it.'
	tr -d - <<<"${key^^}" >&9
	check "the recovery key opens it, typed without dashes" said "$WORK/changed" 'opened with the recovery key: '
	said "$WORK/changed" ', verified: '
else
	not_ok "a changed UKI does not get the key from the TPM" "$WORK/changed"
fi
check "what is typed is not shown" eval "! grep -aqi \"\$key\" '$WORK/changed'"
switch_off

# The image as it was, after the plug was pulled.
check "the UKI's command line is what it was" change 'ro console=tty1' 'ro console=tty0'
cat >"$WORK/again" <<'EOF'
cat /var/lib/kept /etc/kept
[ "$(cat /etc/machine-id)" = "$(cat /root/machine-id)" ] && echo same machine
systemctl is-system-running
systemctl show -P ConditionResult first-boot-complete.target
journalctl --list-boots --no-pager | wc -l
cat /run/ashlar/boot.json
EOF
run "$MACHINE" --tpm --console -- sh -c "$(cat "$WORK/again")" >"$WORK/out" 2>"$WORK/console"
check "next boot: the TPM opens it" eval "grep '\"state\": \"encrypted-tpm\"' '$WORK/out' && grep '\"state-reason\": \"\"' '$WORK/out'"
check "next boot: files are kept" eval "grep 'nobody may find' '$WORK/out' && grep -x 'kept, too' '$WORK/out'"
check "next boot: the same machine, whose first boot is over" eval "grep -x 'same machine' '$WORK/out' && grep -x no '$WORK/out'"
check "next boot: every unit starts" grep -x running "$WORK/out"
check "next boot: the log of the first one is there" grep -x 3 "$WORK/out"
check "next boot: no recovery key is shown" eval "! grep -aE '([cbdefghijklnrtuv]{8}-){7}' '$WORK/console'"

# A machine without a TPM, where this image's state is not encrypted; the same one with a TPM then does not take it.
rm -rf "$MACHINE"
at_console "$WORK/plain" "$MACHINE" --disk-size 2GiB
check "without a TPM: state, and a warning" said "$WORK/plain" 'not protected: state is not encrypted: the machine has no TPM 2.0'
said "$WORK/plain" ', verified: '
switch_off
check "without a TPM: ext4 on the disk" eval "state_partition '$WORK/ext4' && test \"\$(blkid -p -o value -s TYPE '$WORK/ext4')\" = ext4"
at_console "$WORK/refused" "$MACHINE" --tpm
check "plain state on a machine with a TPM is refused" said "$WORK/refused" 'is not encrypted, as this image wants it: somebody may have put it there'
check "it stops" said "$WORK/refused" 'ashlar-init: stopped: '
switch_off
