# SPDX-License-Identifier: MIT
# The root is found and verified on disks of every kind that QEMU has and the kernel drives; where there is no driver, the
# machine says so. Emulated, without firmware and only until init has the root, so that a boot takes seconds.
. "$(dirname "$0")/../lib.sh"
image_needed
have "disks" qemu-system-x86_64 mcopy objcopy || exit 0
[ "$(uname -m)" = x86_64 ] || { skip "disks" "the machines are x86_64's"; exit 0; }
export TMPDIR=$WORK # what QEMU keeps of a snapshot
DISK=$IMAGE

mcopy -n -i "$IMAGE@@$(manifest "m['partitions'][0]['start-bytes']")" "::$(manifest "m['uki']")" "$WORK/uki.efi"
objcopy -O binary --dump-section ".linux=$WORK/linux" --dump-section ".initrd=$WORK/initrd" "$WORK/uki.efi" "$WORK/none"

# disk WORDS QEMU-OPTION...: boots, with the words of the image but the last one, which leaves no room for others, until init
# has ended its work, and systemd looked at the clock; what they said is in
# $WORK/console.
disk() {
	local words=$1 machine
	shift
	: >"$WORK/console"
	qemu-system-x86_64 -accel tcg -cpu max,-cx16 -m 768M -nodefaults -display none -no-reboot \
		-kernel "$WORK/linux" -initrd "$WORK/initrd" -append "$(manifest "m['command-line'].partition(' ashlar.end=')[0]") loglevel=7 $words" \
		-drive "if=none,id=disk,format=raw,snapshot=on,file=$DISK" -serial "file:$WORK/console" "$@" >"$WORK/errors" 2>&1 &
	machine=$!
	on_exit+=("stop $machine")
	for _ in $(seq 300); do
		grep -qE 'systemd\[1\]: systemd |ashlar-init: stopped|Kernel panic' "$WORK/console" && break
		kill -0 $machine 2>/dev/null || break
		sleep 0.2
	done
	stop $machine
	wait $machine 2>/dev/null
	cat "$WORK/errors"
	grep 'ashlar-init: \|device-mapper: \|Kernel panic' "$WORK/console"
}
starts() { disk "" "$@" | tee /dev/stderr | grep -q 'ashlar-init: root .*, verified: '; }

check "NVMe: the root starts, though its disk is there before any module" starts -M q35 -device nvme,drive=disk,serial=1 \
	-rtc base=2001-02-03
check "a clock that says 2001 is set to the image's time" grep 'System time advanced to .*/usr/lib/clock-epoch' "$WORK/console"
check "VMware's SCSI: the root starts" starts -M q35 -device pvscsi,id=scsi -device scsi-hd,drive=disk
check "IDE: the root starts" starts -M pc -device ide-hd,drive=disk
DISK=$WORK/damaged.raw
cp --sparse=always "$IMAGE" "$DISK"
flip "$DISK" 1060 # in the list of partitions
check "SATA, the first partition table damaged: the root starts by the second" starts -M q35 -device ide-hd,drive=disk
DISK=$IMAGE
silent() {
	disk ashlar.timeout=2 -M q35 -device megasas,id=scsi -device scsi-hd,drive=disk | tee /dev/stderr |
		grep -q 'ashlar-init: no disk has .*; there is no disk at all; without a driver .*: pci 0000:00:01.0 (1000:0060)'
}
check "a controller without a driver is named" silent
