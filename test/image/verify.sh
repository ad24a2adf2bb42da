# SPDX-License-Identifier: MIT
# ashlar verify accepts the image, and names the place of any byte that is not as it was, as the judges do that others
# wrote; ashlar explain.
. "$(dirname "$0")/../lib.sh"
image_needed

copy=$WORK/copy.raw manifest_copy=$WORK/copy.manifest.json
cp --sparse=always "$IMAGE" "$copy"
cp "$MANIFEST" "$manifest_copy"
verify() { "$ASHLAR" verify --keys "$CHECK/keys" "$copy" "$@"; }
check "verify accepts the image" verify
check "verify says that development keys are for development" eval "verify | grep -q 'development keys; never for production'"
check "verify --json" eval "verify --json | python3 -c 'import json, sys; v = json.loads(sys.stdin.read())
assert v[\"root-hash\"] == \"$(manifest "m['root-hash']")\" and v[\"manifest\"] and v[\"development-keys\"]'"

start() { manifest "m['partitions'][$1]['start-bytes']"; }
esp=$(start 0) root=$(start 1) root_bytes=$(manifest "m['root-bytes']") verity=$(start 2) sig=$(start 3)
size=$(stat -c %s "$copy")
partition 0 "$WORK/esp"
partition 3 "$WORK/sig"
uki=$(manifest "m['uki']")
mcopy -n -i "$WORK/esp" "::EFI/Linux/${uki##*/}" "$WORK/uki.efi"
mcopy -n -i "$WORK/esp" ::EFI/BOOT/BOOTX64.EFI "$WORK/loader.efi"
for name in PK KEK db; do mcopy -n -i "$WORK/esp" "::loader/keys/auto/$name.auth" "$WORK/$name.auth"; done
mcopy -n -i "$WORK/esp" ::loader/loader.conf "$WORK/loader.conf"

# Where a byte of a file lies in the image: its clusters follow each other.
file_at() { # FILE OFFSET
	python3 -c '
import sys
data = open(sys.argv[1], "rb").read(); image = open(sys.argv[3], "rb").read(256 << 20)
print(image.index(data) + int(sys.argv[2]))' "$1" "$2" "$copy"
}
text_at() { grep -obUa -m1 -- "$2" "$1" | head -n1 | cut -d: -f1; } # FILE TEXT

flipped() { # NAME OFFSET TEXT
	flip "$copy" "$2"
	want_error "verify: $1" "$3" verify --quiet
	flip "$copy" "$2"
}
flipped "header of the partition table" $((512 + 16)) "partition table"
flipped "entries of the partition table" $((1024 + 32)) "partition table"
flipped "boot code before the partition table" 100 "partition table: byte 100 is"
flipped "backup of the partition table" $((size - 512 + 24)) "partition table"
flipped "gap between partitions" $((esp - 100)) "gap behind byte 17408 of the disk"
flipped "first sector of the ESP" $((esp + 11)) "EFI system partition"
flipped "allocation table of the ESP" $((esp + $(python3 -c "
import struct; b = open('$WORK/esp', 'rb').read(64); print(struct.unpack_from('<H', b, 11)[0] * struct.unpack_from('<H', b, 14)[0] + 1)"))) \
	"EFI system partition"
flipped "free space of the ESP" $((root - 100)) "EFI system partition: byte"
flipped "settings of the boot loader" "$(file_at "$WORK/loader.conf" 3)" "EFI system partition: byte"
for name in PK KEK db; do
	flipped "enrolment of $name" "$(file_at "$WORK/$name.auth" 60)" "EFI system partition: 'loader/keys/auto/$name.auth'"
done
flipped "boot loader" "$(file_at "$WORK/loader.efi" 20000)" "boot loader 'EFI/BOOT/BOOTX64.EFI': signature is of another image"
flipped "signature of the boot loader" "$(file_at "$WORK/loader.efi" $(($(stat -c %s "$WORK/loader.efi") - 100)))" \
	"boot loader 'EFI/BOOT/BOOTX64.EFI': "
flipped "command line in the UKI" "$(file_at "$WORK/uki.efi" $(($(text_at "$WORK/uki.efi" roothash=) + 80)))" "$uki'"
flipped "kernel in the UKI" "$(file_at "$WORK/uki.efi" $(($(stat -c %s "$WORK/uki.efi") / 2)))" \
	"unified kernel image '$uki': signature is of another image"
flipped "checksum of the UKI" "$(file_at "$WORK/uki.efi" "$(python3 -c "
import struct; print(struct.unpack_from('<I', open('$WORK/uki.efi', 'rb').read(64), 60)[0] + 24 + 64)")")" \
	"unified kernel image '$uki': executable holds more than is signed"
flipped "signature of the root hash" $((sig + $(text_at "$WORK/sig" '"signature"') + 1000)) "verity signature partition: "
flipped "signature of the execution policy" $((sig + $(text_at "$WORK/sig" '"ashlar.ipePolicy"') + 1000)) \
	"verity signature partition: "
flipped "root hash beside its signature" $((sig + $(text_at "$WORK/sig" "$(manifest "m['root-hash']")"))) "verity signature partition"
flipped "end of the signature partition" $((sig + 16383)) "verity signature partition"
flipped "first block of the root" $((root + 1024)) "root partition"
flipped "middle of the root" $((root + root_bytes / 2)) "root partition"
flipped "last block of the root" $((root + root_bytes - 1)) "root partition"
flipped "header of the hash tree" $((verity + 33)) "hash tree"
flipped "name in the header of the hash tree" $((verity + 20)) "hash tree: byte 20 is"
flipped "behind the header of the hash tree" $((verity + 3000)) "hash tree: byte 3000 is"
flipped "top of the hash tree" $((verity + 4096 + 3)) "root partition"
flipped "bottom of the hash tree" $((verity + $(python3 -c "print(4096 * (1 + -(-$root_bytes // 4096 // 128 // 128) + 2))"))) "root partition"
check "verify accepts it again" verify

# What the manifest says
changed() { # NAME OLD NEW TEXT
	sed "s|$2|$3|" "$MANIFEST" >"$manifest_copy"
	cmp -s "$MANIFEST" "$manifest_copy" && { not_ok "verify: $1: '$2' is not in the manifest"; return; }
	want_error "verify: $1" "$4" verify --quiet
}
changed "root hash in the manifest" '"root-hash": ".' '"root-hash": "x' "manifest: 'root-hash' is 'x"
changed "command line in the manifest" ' ro ' ' rw ' "manifest: 'command-line' is"
changed "partition in the manifest" '"size-bytes": 16384' '"size-bytes": 16385' "manifest: partition 'verity-sig-"
changed "expected PCR 4" '"pcr-4": "..' '"pcr-4": "xx' "manifest: measurements: 'pcr-4' is 'xx"
changed "expected PCR 7" '"pcr-7": "..' '"pcr-7": "xx' "manifest: measurements: 'pcr-7' is 'xx"
changed "expected PCR 11" '"leave-initrd": "..' '"leave-initrd": "xx' "manifest: measurements: 'leave-initrd' is 'xx"
changed "signer in the manifest" '"verity-signing": "..' '"verity-signing": "xx' "manifest: signing: 'verity-signing' is"
changed "budget in the manifest" '"max-packages": .*' '"max-packages": 3,' "manifest: budgets: 'max-packages' is 3"
changed "manifest cut short" '^}' '' "manifest: JSON, byte "
rm "$manifest_copy"
check "verify does without a manifest, and says so" eval "verify | grep -q 'no manifest beside it'"
cp "$MANIFEST" "$manifest_copy"

# Whom it trusts
"$ASHLAR" key generate --quiet --keys "$WORK/others"
with() { "$ASHLAR" verify --quiet --keys "$CHECK/keys" --certificates "$1" "$copy"; }
want_error "verify: signed by none of the given certificates" "which is none of the 1 trusted ones" with "$WORK/others"
mkdir "$WORK/public" "$WORK/few"
cp "$CHECK"/keys/*.crt "$WORK/public"
check "verify needs certificates only" with "$WORK/public"
cp "$CHECK"/keys/db.crt "$WORK/few"
want_error "verify: too few certificates" "no certificate 'PK.crt' in '$WORK/few'; say with --certificates where" with "$WORK/few"
want_error "verify: no certificates at all" "no keys in '$WORK/none'" with "$WORK/none"
unknown="signed by the certificate with serial number"
declare -A blamed=([PK]="'loader/keys/auto/PK.auth': signed by the certificate with serial number"
	[KEK]="'loader/keys/auto/KEK.auth': enrols a certificate that is none of those given"
	[db]="unified kernel image '$uki': signed by the certificate with serial number"
	[verity-signing]="verity signature partition: root hash: $unknown"
	[ipe-signing]="verity signature partition: execution policy: $unknown"
	[pcr-signing]="section .pcrpkey: not the key of any of the 1 certificates given for pcr-signing")
for role in PK KEK db verity-signing ipe-signing pcr-signing; do
	cp "$WORK/others/$role.crt" "$WORK/public"
	want_error "verify: another $role" "${blamed[$role]}" with "$WORK/public"
	cp "$CHECK/keys/$role.crt" "$WORK/public"
done
if cp -r "$CHECK/keys" "$WORK/rotated" && "$ASHLAR" key rotate db --quiet --keys "$WORK/rotated"; then
	check "verify trusts a retired key as long as it is trusted" with "$WORK/rotated"
else
	not_ok "verify trusts a retired key: no key was rotated"
fi

# Judges that others wrote agree, on the good image and on damaged ones.
agree() { # NAME WANT COMMAND...: WANT is 'accepts' or 'refuses'
	local name="$1 $2" want=$2
	shift 2
	if [ "$want" = accepts ]; then check "$name" "$@"; else check "$name" eval "! { $*; }"; fi
}
if have "sbverify" sbverify; then
	for program in loader uki; do
		agree "sbverify: the $program" accepts sbverify --cert "$CHECK/keys/db.crt" "$WORK/$program.efi"
		cp "$WORK/$program.efi" "$WORK/damaged.efi"
		flip "$WORK/damaged.efi" 20000
		agree "sbverify: the damaged $program" refuses sbverify --cert "$CHECK/keys/db.crt" "$WORK/damaged.efi"
		agree "sbverify: the $program by another certificate" refuses sbverify --cert "$WORK/others/db.crt" "$WORK/$program.efi"
	done
fi
if have "openssl cms" openssl; then
	python3 -c '
import base64, json, sys
v = json.loads(open(sys.argv[1], "rb").read().rstrip(b"\0"))
open(sys.argv[2] + "/root.p7", "wb").write(base64.b64decode(v["signature"]))
open(sys.argv[2] + "/policy.p7", "wb").write(base64.b64decode(v["ashlar.ipePolicy"]))
open(sys.argv[2] + "/root.txt", "w").write(v["rootHash"])' "$WORK/sig" "$WORK"
	cms() { # SIGNATURE CERTIFICATE OPTION...
		openssl cms -verify -binary -inform DER -in "$WORK/$1" -certfile "$2" -CAfile "$2" -partial_chain -nointern -purpose any -out "$WORK/content" "${@:3}"
	}
	keys=$CHECK/keys
	agree "openssl cms: the root hash's signature" accepts cms root.p7 "$keys/verity-signing.crt" -content "$WORK/root.txt"
	agree "openssl cms: the execution policy's signature" accepts cms policy.p7 "$keys/ipe-signing.crt"
	check "openssl cms: the policy names the root hash" grep -q "dmverity_roothash=sha256:$(cat "$WORK/root.txt")" "$WORK/content"
	agree "openssl cms: the policy by another certificate" refuses cms policy.p7 "$WORK/others/ipe-signing.crt"
	flip "$WORK/root.txt" 5
	agree "openssl cms: another root hash" refuses cms root.p7 "$keys/verity-signing.crt" -content "$WORK/root.txt"
fi
if ! have "systemd-dissect" systemd-dissect; then
	:
elif [ "$(id -u)" != 0 ] || ! loop=$(losetup --show -f "$copy" 2>/dev/null); then
	skip "systemd-dissect" "needs root and loop devices"
else
	losetup -d "$loop"
	dissect() { # since version 254 there is --validate, which looks at no signature's form
		if systemd-dissect --help | grep -q -- --validate; then systemd-dissect --validate "$copy" || return; fi
		systemd-dissect "$copy" | grep 'erofs .* signed'
	}
	agree "systemd-dissect: the image" accepts dissect
	flip "$copy" $((sig + 1))
	agree "systemd-dissect: a damaged signature partition" refuses dissect
	flip "$copy" $((sig + 1))
	flip "$copy" $((512 + 16))
	flip "$copy" $((size - 512 + 24))
	agree "systemd-dissect: damaged partition tables" refuses dissect
	flip "$copy" $((512 + 16))
	flip "$copy" $((size - 512 + 24))
fi

truncate -s -4096 "$copy"
want_error "verify: a disk cut short" "partition table" verify --quiet
truncate -s 0 "$copy"
want_error "verify: an empty file" "partition table" verify --quiet

explain() { "$ASHLAR" explain server --quiet --cache "$CACHE" --out "$WORK/out" "$@"; }
explain libzstd1 >"$WORK/chain" 2>&1
check "explain prints the chain, up to what the image asks for" eval "grep -q '^libzstd1-[0-9]' '$WORK/chain' &&
	sed -n 2p '$WORK/chain' | grep -q \"^  needed as '.*' of \" && tail -n 1 '$WORK/chain' | grep -q \"^  image 'server' asks for '\""
check "explain: what is asked for itself" eval "test \"\$(explain curl 2>&1 | wc -l)\" = 2"
want_error "explain: not in the image" "did you mean 'openssh-server'?" explain opensh-server
want_error "explain: nothing near" "lists what it has" explain zzzzzzzz
want_error "explain: unknown image" "sever" "$ASHLAR" explain sever libc6 --quiet
