# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Every command in the boxes of docs/trust.md, one after the other: a machine that remembers. Its two complete boots are
# asked more than what stands there: what a first boot makes, and what the next one finds.
. "$(dirname "$0")/../lib.sh"
image_needed
have "the tutorial on trust" qemu-system-"$(uname -m)" swtpm cryptsetup sfdisk || exit 0
export ASHLAR ASHLAR_OUT=$CHECK/out ASHLAR_KEYS=$CHECK/keys
DISK=$WORK/desk/disk.raw

awk -v to="$WORK/box." '/^```$/ { inside = 0 } inside { print >(to n) } /^```sh$/ { inside = 1; n++ }' docs/trust.md
check "docs/trust.md has commands" test "$(cat "$WORK"/box.* | grep -c '^!* *ashlar run') $(ls "$WORK" | grep -c '^box')" = "3 4"

# ashlar; but where $MORE names a script, the command that runs in the machine is followed by it. What that says goes to
# $MORE.said, and the console to $MORE.console where nobody else wants it.
mkdir "$WORK/bin"
cat >"$WORK/bin/ashlar" <<'END'
#!/bin/bash
[ -n "${MORE-}" ] || exec "$ASHLAR" "$@"
last=${!#}
set -- "${@:1:$#-1}" "(
$last
)
status=\$?
echo '== more'
(cd /
$(cat "$MORE")) 2>&1
exit \$status"
case " $* " in *" --console "*) ;; *) set -- run --console "${@:2}" && exec 2>"$MORE.console" ;; esac
"$ASHLAR" "$@" >"$MORE.all"
status=$?
sed '/^== more$/,$d' "$MORE.all"
sed '1,/^== more$/d' "$MORE.all" >"$MORE.said"
exit $status
END
chmod +x "$WORK/bin/ashlar"

# box N: its commands, as they stand there.
box() {
	if (cd "$WORK" && PATH=$WORK/bin:$PATH bash -eu "box.$1") >"$WORK/.said" 2>&1; then
		ok "docs/trust.md: each command of box $1 works"
	else
		cat "$WORK"/{console,refusal} "$WORK"/*.console >>"$WORK/.said" 2>/dev/null
		not_ok "docs/trust.md: each command of box $1 works" "$WORK/.said"
	fi
}

# What root leaves behind on the machine: a unit that runs a program of root's own, from a device that looks like the root; and
# in firmware's memory a certificate that the kernel would trust, in the form of an EFI signature list.
python3 -c '
import struct, sys, uuid
der = sys.stdin.buffer.read()
x509 = uuid.UUID("a5c059a1-94e4-4aa7-87b5-ab155c2bf072").bytes_le
sys.stdout.buffer.write(b"\7\0\0\0" + x509 + struct.pack("<III", 28 + 16 + len(der), 0, 16 + len(der)) + bytes(16) + der)
' <test/data/other.der >"$WORK/variable"
cat >"$WORK/evil" <<END
mkdir /var/evil
cp /usr/bin/echo /var/evil/evil
truncate -s $(manifest "m['partitions'][1]['size-bytes']") /var/evil.img
mke2fs -q -t ext4 -b 4096 -O ^has_journal -d /var/evil /var/evil.img
printf '%s\n' '#!/bin/sh' 'export DM_DISABLE_UDEV=1' 'mount -t ext4 -o ro,verity.hashdevice=/dev/vda3,verity.roothash=$(manifest "m['root-hash']"),verity.oncorruption=ignore /var/evil.img /mnt' '/mnt/evil unsigned code runs' >/etc/evil.sh
printf '%s\n' '[Service]' 'Type=oneshot' 'ExecStart=-/bin/sh /etc/evil.sh' >/etc/systemd/system/evil.service
mkdir -p /etc/systemd/system/multi-user.target.wants
ln -s ../evil.service /etc/systemd/system/multi-user.target.wants
echo $(base64 -w 0 "$WORK/variable") | base64 -d >/run/variable
cat /run/variable >/sys/firmware/efi/efivars/MokListRT-605dab50-e046-4300-abb6-3dd810dd8b23 && echo root added a key
END
cat >"$WORK/first" <<'END'
findmnt -no SOURCE,FSTYPE,OPTIONS /var
echo "plain text that nobody may find on the disk" >/var/lib/kept
echo "kept, too" >/etc/kept
cp /etc/machine-id /root/machine-id
systemctl is-system-running
systemd-cryptenroll --unlock-tpm2-device=auto --wipe-slot=recovery --recovery-key /dev/vda5 >/dev/null 2>&1 && echo the TPM opens it again
cat /run/ashlar/boot.json
END
cat "$WORK/evil" >>"$WORK/first"
MORE=$WORK/first box 1
box 2
said=$WORK/first.said
key=$(grep -aoE '([cbdefghijklnrtuv]{8}-){7}[cbdefghijklnrtuv]{8}' "$WORK/console" | head -n 1)
check "first boot: /var is an encrypted file system" grep -E '^/dev/mapper/state +ext4 +rw,nosuid,nodev,noexec' "$said"
check "first boot: it says that state is encrypted to the TPM" grep '"state": "encrypted-tpm"' "$said"
check "first boot: every unit starts" grep -x running "$said"
check "first boot: the recovery key is shown" test -n "$key"
check "after the boot nobody gets the key from the TPM" eval "grep -q encrypted-tpm '$said' && ! grep 'opens it again' '$said'"
check "the recovery key is in no log" eval "! grep -a \"\$key\" '$WORK/console' | grep -E '^\[ *[0-9]+\.'"
luks_judge "$DISK" 7
check "the disk does not hold what was written" eval "! disk_holds '$DISK' 'nobody may find' && disk_holds '$DISK' 'HdrS'"

cat >"$WORK/again" <<'END'
cat /var/lib/kept /etc/kept
[ "$(cat /etc/machine-id)" = "$(cat /root/machine-id)" ] && echo same machine
systemctl is-system-running
systemctl show -P ConditionResult first-boot-complete.target
journalctl --list-boots --no-pager --quiet | grep -c '[0-9a-f]\{32\}'
cat /run/ashlar/boot.json
journalctl -b -q -o cat --no-pager -u evil.service
journalctl -b -k -q -o cat --no-pager | grep type=1326
echo "keys of root's: $(grep -c 'Test other' /proc/keys), variables: $(ls /sys/firmware/efi/efivars | grep -c ^Mok)"
END
"$ASHLAR" run server --secure-boot --tpm --machine "$WORK/desk" --until-login --console --timeout 150 >"$WORK/guest" 2>"$WORK/key"
check "next boot: a key that root added, which the kernel takes, is removed before anything is checked with it" eval "
	grep 'root added a key' '$WORK/first.said' && grep -a 'Loading X.509 certificate: UEFI:MokListRT' '$WORK/key' &&
	grep -a 'ashlar-init: somebody made the EFI variable MokListRT.*removed, and restarting' '$WORK/key' && ! grep -a 'systemd\[1\]' '$WORK/key'"
MORE=$WORK/again box 3
said=$WORK/again.said
check "next boot: the TPM opens it" eval "grep '\"state\": \"encrypted-tpm\"' '$said' && grep '\"state-reason\": \"\"' '$said'"
check "next boot: it is the state that the TPM remembers, and PCR 15 has its name" eval "id=\$(sed -n 's/.*ashlar-state:new:\([0-9a-f]\{64\}\).*/\1/p' '$WORK/first.said') &&
	test -n \"\$id\" && grep -F \"ashlar-state:own:\$id\" '$said'"
check "next boot: files are kept" eval "grep 'nobody may find' '$said' && grep -x 'kept, too' '$said'"
check "next boot: the same machine, whose first boot is over" eval "grep -x 'same machine' '$said' && grep -x no '$said'"
check "next boot: every unit starts" grep -x running "$said"
check "next boot: the log of the first one is there" grep -x 2 "$said"
check "next boot: what root left in /etc makes no device that looks like the root" eval "
	grep 'type=1326 .*comm=\"mount\"' '$said' && ! grep 'unsigned code runs' '$said'"
check "next boot: the kernel trusts it no longer" grep "keys of root's: 0, variables: 0" "$said"
check "next boot: no recovery key is shown" eval "test -s '$WORK/again.console' && ! grep -aE '([cbdefghijklnrtuv]{8}-){7}' '$WORK/again.console'"

box 4
check "the disk takes only what is written" test "$(du -m "$DISK" | cut -f 1)" -lt 1024
nothing "the machine's files are its owner's only" find "$WORK/desk" -type f -perm /077
