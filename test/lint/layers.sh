# SPDX-License-Identifier: MIT
# tools/check-layers sees each kind of what it claims to see.
. "$(dirname "$0")/../lib.sh"

fresh() {
	rm -rf "$WORK/tree"
	mkdir "$WORK/tree" && cp -r src distro "$WORK/tree"
}
# sees NAME TEXT FILE LINE: of LINE, put at the end of FILE, it says TEXT, and nothing else
sees() {
	fresh
	printf '%s\n' "$4" >>"$WORK/tree/$3"
	tools/check-layers "$WORK/tree" >"$WORK/said" 2>&1
	local status=$?
	if [ $status = 1 ] && [ "$(wc -l <"$WORK/said")" = 1 ] && grep -qF -- "$2" "$WORK/said"; then ok "$1"; else not_ok "$1" "$WORK/said"; fi
}

fresh
check "nothing is said of the tree as it is" eval "tools/check-layers '$WORK/tree' >'$WORK/said' && test ! -s '$WORK/said'"
sees "a folder that comes later" "src/disk/gpt.c may not include image/: src/disk comes before it" src/disk/gpt.c '#include "image/build.h"'
sees "a folder in another, from outside" "src/cmd/build.c may not include upstream/debian/: that is known to " \
	src/cmd/build.c '#include "upstream/debian/version.h"'
sees "what stands above it" "src/upstream/fetch.c may not include upstream/debian/" src/upstream/fetch.c '#include "upstream/debian/deb.h"'
sees "one agent in another" "src/agent/status/main.c may not include agent/init/: that is known to agent/init only" \
	src/agent/status/main.c '#include "agent/init/cmdline.h"'
sees "what agents share in one of them" "src/agent/common/run.c may not include agent/init/" \
	src/agent/common/run.c '#include "agent/init/cmdline.h"'
sees "an agent in the program" "src/image/build.c may not include agent/common/" src/image/build.c '#include "agent/common/run.h"'
sees "a test" "src/disk/gpt_test.c may not include image/" src/disk/gpt_test.c '#include "image/build.h"'
sees "what is for tests" "src/disk/gpt.c may not include base/test.h: it is for tests" src/disk/gpt.c '#include "base/test.h"'
sees "a folder that is not in the plan" "no such folder is in the plan" src/disk/gpt.c '#include "stuff/x.h"'
mkdir_sees() { mkdir -p "$WORK/tree/src/stuff" && : >"$WORK/tree/src/stuff/x.c" && ! tools/check-layers "$WORK/tree"; }
fresh
check "a new folder" eval "mkdir_sees | grep -F 'src/stuff/x.c: its folder is not in the plan'"
sees "a library of another folder" "src/image/build.c may not include <zstd.h>: only disk may know it" src/image/build.c '#include <zstd.h>'
sees "a library that nobody knows" "no folder is said to know it" src/disk/gpt.c '#include <ncurses.h>'
sees "a library in a test" "src/disk/gpt_test.c may not include <solv/pool.h>" src/disk/gpt_test.c '#include <solv/pool.h>'
sees "a package's name" "names the package 'curl'" src/image/build.c 'static const char *x = "curl";'
sees "a package's name in a sentence" "names the package 'openssh-server'" src/image/build.c 'static const char *x = "try openssh-server";'
sees "one that a feature brings" "names the package 'linux-image-cloud-amd64'" src/image/build.c 'static const char *x = "linux-image-cloud-amd64";'
quiet() {
	fresh
	printf '%s\n' "$2" >>"$WORK/tree/src/image/build.c"
	check "$1" tools/check-layers "$WORK/tree"
}
quiet "not a word in a sentence" 'static const char *x = "less than that";'
quiet "not a path" 'static const char *x = "/usr/lib/systemd/systemd-boot";'
quiet "not a remark" '/* "curl" */'
