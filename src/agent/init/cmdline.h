/* SPDX-License-Identifier: MIT */
/* cmdline.h - what the kernel command line asks of the initrd.
 *
 *	roothash=HEX			root hash of the root's dm-verity tree, 64 digits; once
 *	ashlar.failure=halt		stop when the root cannot be had (the default)
 *	ashlar.failure=reboot[:SEC]	restart after so many seconds instead (default 10)
 *	panic=SEC			not 0: also means ashlar.failure=reboot:SEC
 *	ashlar.timeout=SEC		how long to wait for the disk (default 30)
 *	ashlar.signatures=WHEN		secure-boot (the default) or required: when to insist on the
 *					signatures of root hash and execution policy
 *	ashlar.execute=FROM		root (the default), signed or anywhere: from where programs
 *					may be run
 *	ashlar.state=WHERE		memory (the default) or tpm: what /var is
 *	ashlar.without-tpm=HOW		refuse (the default), passphrase or plain: what becomes of
 *					ashlar.state=tpm on a machine that has no TPM
 *	ashlar.generation=N		a machine whose state an image with a higher number has
 *					opened does not open it for this one (default 0)
 *	ashlar.recovery-key=WHERE	console (the default) or none: where the recovery key of
 *					encrypted state is shown, once
 *	ashlar.state-integrity=HOW	none (the default) or hmac: whether its blocks are
 *					authenticated
 *
 * What decides about trust stands there at most once, so that nobody can append a weaker word. So
 * the image builder writes each of them, also where it is the default. The last word, ashlar.end,
 * leaves no room for others (platform.h).
 * Words after "--" belong to the init on the root. */
#pragma once

#include "agent/init/failure.h"
#include "base/boot_words.h"
#include "disk/verity.h"

enum { CMDLINE_BYTES_MAX = 64 << 10, CMDLINE_SEC_MAX = BOOT_SEC_MAX };

struct cmdline {
	uint8_t root_hash[ROOT_HASH_BYTES];
	unsigned timeout_sec;
	uint32_t generation;
	struct boot_words words;
};

/* Two calls, because a mistake in one must not hide the other: a wrong root hash still obeys
 * ashlar.failure. */
must_check int cmdline_failure(struct str text, struct failure *ret, struct err *e);
must_check int cmdline_parse(struct str text, struct cmdline *ret, struct err *e);
