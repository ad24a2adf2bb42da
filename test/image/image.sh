# SPDX-License-Identifier: MIT
# The image: accepted by other people's tools, and holding what it should.
. "$(dirname "$0")/../lib.sh"
image_needed
export PATH=$PATH:/usr/sbin:/sbin

mkdir "$WORK/dry"
check "--dry-run succeeds" eval "build --dry-run --out '$WORK/dry' >'$WORK/plan'"
check "--dry-run prints four partitions" test "$(grep -c ' start [0-9]* size [0-9]*$' "$WORK/plan")" = 4
nothing "--dry-run writes nothing" find "$WORK/dry" -type f

# Other people's tools on the partitions
check "manifest is JSON" python3 -m json.tool "$MANIFEST"
check "manifest: development keys" test "$(manifest "m['development-keys']")" = True
have "sgdisk" sgdisk && check "sgdisk -v finds no problem" eval "sgdisk -v '$IMAGE' | grep 'No problems found'"
have "sfdisk" sfdisk && check "sfdisk --verify finds no problem" eval "sfdisk --verify '$IMAGE' 2>&1 | grep 'No errors detected'"
partition 0 "$WORK/esp"
partition 2 "$WORK/verity"
have "fsck.vfat" fsck.vfat && check "fsck.vfat accepts the ESP" fsck.vfat -n "$WORK/esp"
partition 1 "$WORK/root.erofs"
have "veritysetup" veritysetup && check "veritysetup verify accepts the root hash" \
	veritysetup verify "$WORK/root.erofs" "$WORK/verity" "$(manifest "m['root-hash']")"
dissects() {
	systemd-dissect "$IMAGE" >"$WORK/dissect" 2>&1
	local status=$?
	cat "$WORK/dissect"
	# the root is found, with verity, and its os-release is read
	[ $status = 0 ] && grep -q 'root.*erofs' "$WORK/dissect" && grep -q 'root-verity' "$WORK/dissect" &&
		grep -q 'Ashlar Linux' "$WORK/dissect"
}
if ! have "systemd-dissect" systemd-dissect; then
	:
elif [ "$(id -u)" != 0 ] || ! loop=$(losetup --show -fP "$IMAGE" 2>/dev/null); then
	skip "systemd-dissect" "needs root and loop devices"
else
	losetup -d "$loop"
	check "systemd-dissect accepts the image" dissects
fi

# Kernel image and initrd
uki=$(manifest "m['uki']")
mcopy -n -i "$WORK/esp" "::$uki" "$WORK/uki" 2>/dev/null || mcopy -n -i "$WORK/esp" "::EFI/Linux/$uki" "$WORK/uki"
sections=$(objdump -h "$WORK/uki" | awk '$2 ~ /^\./ { print $2 }')
for section in .linux .initrd .cmdline .osrel .uname .sbat; do
	check "UKI has section $section" grep -qxF -- "$section" <<<"$sections"
done
section() { objcopy -O binary --only-section="$1" "$WORK/uki" "$WORK/section" && tr -d '\0' <"$WORK/section"; }
check "UKI: the command line has the root hash" grep -q "roothash=$(manifest "m['root-hash']")" <<<"$(section .cmdline)"
check "UKI: .uname is the kernel's version" test "$(section .uname)" = "$(manifest "m['kernel']")"
check "UKI: .osrel names the system" grep -q '^NAME="\?Ashlar Linux' <<<"$(section .osrel)"
objcopy -O binary --only-section=.initrd "$WORK/uki" "$WORK/initrd"
programs=$(zstd -dcqf "$WORK/initrd" 2>/dev/null | cpio -tv --quiet 2>/dev/null | awk '/^-..x/ { print $NF }')
check "init is the only program in the initrd" test "$programs" = init -o "$programs" = /init
mdir -b -i "$WORK/esp" -/ ::/EFI >"$WORK/esp.list"
check "ESP: the boot loader stands where firmware looks" grep -qi 'EFI/BOOT/BOOT[A-Z0-9]*.EFI' "$WORK/esp.list"

# What the root holds
if [ "$(id -u)" = 0 ]; then preserve=--preserve; else preserve=--no-preserve; fi
root=$WORK/root
erofs_needed "what the root holds" || exit 0
check "fsck.erofs extracts the root" root_extract "$root" --force $preserve

manifest "[p['name'] + ' ' + p['evr'] + ' ' + p['arch'] for p in m['packages']]" | sort >"$WORK/chosen"
rpm --dbpath "$root/usr/lib/sysimage/rpm" -qa --qf '%{NAME} %|EPOCH?{%{EPOCH}:}|%{VERSION}-%{RELEASE} %{ARCH}\n' 2>"$WORK/warnings" |
	grep -v '^gpg-pubkey ' | sort >"$WORK/installed"
check "rpm --dbpath lists exactly the manifest's packages" diff "$WORK/chosen" "$WORK/installed"
check "rpm reads the database without a warning" test ! -s "$WORK/warnings"
if [ "$(id -u)" = 0 ]; then
	rpm --root "$root" --dbpath /usr/lib/sysimage/rpm -qa --qf '%{NAME} %|EPOCH?{%{EPOCH}:}|%{VERSION}-%{RELEASE} %{ARCH}\n' |
		grep -v '^gpg-pubkey ' | sort >"$WORK/installed"
	check "rpm --root lists exactly the manifest's packages" diff "$WORK/chosen" "$WORK/installed"
else
	skip "rpm --root lists exactly the manifest's packages" "needs root"
fi
owned_twice() {
	rpm --dbpath "$root/usr/lib/sysimage/rpm" -qa --qf '[%{FILENAMES} %{FILEMODES:perms} %{=NAME}\n]' | awk '!/ d/ { print $1 }' | sort | uniq -d
}
nothing "no two packages own a file" owned_twice
no_strangers() { # files that belong to no package are those that generators and definitions make
	rpm --dbpath "$root/usr/lib/sysimage/rpm" -qa --qf '[%{FILENAMES}\n]' | sort -u >"$WORK/owned"
	(cd "$root" && find . ! -type d -printf '/%P\n') | sort | comm -23 - "$WORK/owned" >"$WORK/strangers"
	[ -s "$WORK/owned" ] && lacks -vE '^/(etc/|root/|usr/lib/(ashlar|clock-epoch|sysctl.d|sysimage|modules|systemd|udev|locale|os-release|tmpfiles.d|sysusers.d|ld.so)|usr/share/(factory|zoneinfo|ashlar)|(bin|sbin|lib|lib64|init|var|root)$|usr/(s?bin|share/man)/)' "$WORK/strangers"
}
check "files of no package are only where generators write" no_strangers

names=" $(manifest "[p['name'] for p in m['packages']]" | tr '\n' ' ')"
check "at most 130 packages" test "$(wc -l <"$WORK/chosen")" -le 130
check "at most 160 MB of files" test "$(manifest "m['files-bytes']")" -le 160000000
check "at most 120 MB on disk" test "$(manifest "m['stored-bytes']")" -le 120000000
# 5% for what the file system that holds it adds
check "stored-bytes is what the image takes on a disk" test "$(du -B1 "$IMAGE" | cut -f1)" -le "$(manifest "m['stored-bytes'] * 105 // 100")"
absent() {
	local name
	[ -d "$root/usr/bin" ] || return
	for name; do
		[[ $names != *" $name "* ]] && [ -z "$(find "$root" -path "*/bin/$name" -o -path "*/sbin/$name")" ] || { echo "$name"; return 1; }
	done
}
check "no package manager, no interpreter" absent dpkg apt rpm dnf perl perl-base python3 python3-minimal debconf adduser gcc
nothing "no documentation" find "$root/usr/share" -path '*/man/*' -type f -o -path '*/usr/share/info/*' -type f
nothing "no foreign locales" find "$root/usr/share" -path '*/locale/*' -name '*.mo'

dangling() { # links whose target is nowhere below this root
	(cd "$root" && find etc usr -type l -printf '%p %l\n') | while read -r link target; do
		case $target in
		/*) path=$root$target ;;
		*) path=$root/${link%/*}/$target ;;
		esac
		# links to links: readlink -m within the root
		[ -e "$path" ] || [ -L "$path" ] || echo "/$link -> $target"
	done
}
# What only exists while the machine runs, or stands on another file system
explained='-> (/dev/|/proc/|/run/|([.][.]/)+(run|proc|dev)/|/var/|([.][.]/)+var/)'
unexplained() { dangling | awk -v explained="$explained" '$0 !~ explained'; }
nothing "no link leads nowhere" unexplained

if [ "$(id -u)" != 0 ]; then
	skip "owners and modes" "needs root, to extract them"
else
	mode() { stat -c '%a %U:%g' "$root$1" | sed 's/UNKNOWN/?/'; }
	check "/etc/shadow is for root and group shadow only" test "$(stat -c '%a %u' "$root/etc/shadow")" = "640 0" -o \
		"$(stat -c '%a %u' "$root/etc/shadow")" = "0 0"
	check "/etc/passwd" test "$(stat -c '%a %u:%g' "$root/etc/passwd")" = "644 0:0"
	check "/root is private" test "$(stat -c '%a %u:%g' "$root/root")" = "700 0:0"
	# Only programs with which a user becomes root, or that write into root's files for a user; see distro/packages.
	cat >"$WORK/setuid.wanted" <<-END
	END
	(cd "$root" && find . -perm /6000 ! -type d -printf '%m /%P\n') | sort -k2 >"$WORK/setuid"
	check "no setuid or setgid file" diff "$WORK/setuid.wanted" "$WORK/setuid"
	(cd "$root" && find . ! -type l -perm -o+w ! -perm -1000 ! -type c -printf '%m /%P\n') >"$WORK/writable"
	check "nothing is writable for everyone" diff /dev/null "$WORK/writable"
	owners() { # every owner is in the image's own passwd and group
		local uid gid
		(cd "$root" && find . -printf '%U\n' | sort -u) | while read -r uid; do
			cut -d: -f3 "$root/etc/passwd" | grep -qx "$uid" || echo "no user $uid"
		done
		(cd "$root" && find . -printf '%G\n' | sort -u) | while read -r gid; do
			cut -d: -f3 "$root/etc/group" | grep -qx "$gid" || echo "no group $gid"
		done
	}
	nothing "every owner has a name" owners
	nothing "no device nodes besides those of an empty /dev" find "$root" \( -type b -o -type c \) ! -path "$root/dev/*"
fi
