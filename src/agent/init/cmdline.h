/* SPDX-License-Identifier: MIT */
/* cmdline.h - what the kernel command line asks of the initrd.
 *
 *	roothash=HEX			root hash of the root's dm-verity tree, 64 digits; once
 *	ashlar.failure=halt		stop when the root cannot be had (the default)
 *	ashlar.failure=reboot[:SEC]	restart after so many seconds instead (default 10)
 *	panic=SEC			not 0: also means ashlar.failure=reboot:SEC
 *	ashlar.timeout=SEC		how long to wait for the disk (default 30)
 *
 * Words after "--" belong to the init on the root. */
#pragma once

#include "base/str.h"

enum { ROOT_HASH_BYTES = 32, CMDLINE_BYTES_MAX = 64 << 10, CMDLINE_SEC_MAX = 86400 };

struct failure {
	bool reboot;
	unsigned delay_sec;
};

struct cmdline {
	uint8_t root_hash[ROOT_HASH_BYTES];
	unsigned timeout_sec;
};

/* Two calls, because a mistake in one must not hide the other: a wrong root hash still obeys
 * ashlar.failure. */
must_check int cmdline_failure(struct str text, struct failure *ret, struct err *e);
must_check int cmdline_parse(struct str text, struct cmdline *ret, struct err *e);
