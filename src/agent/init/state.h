/* SPDX-License-Identifier: MIT */
/* state.h - /var: memory, or a partition on the root's disk that the first boot makes.
 *
 * systemd-repart fills the partition before it writes the table, so that one which is there was
 * made whole; what was used is never made again. Whose it is the TPM remembers (anchor.h). Which
 * partition, how large and how much room stays for a second root is for the image's definition to
 * say: STATE_DEFINITIONS/{tpm,passphrase,plain}.
 */
#pragma once

#include "agent/common/boot_status.h"
#include "agent/init/tpm.h"

#define STATE_DEFINITIONS "/usr/lib/ashlar/state"

struct state_wish {
	const struct cmdline *cmdline;
	const struct tpm *tpm;
	struct str disk;            /* the root's: "vda" */
	struct boot_status *status; /* gets what became of it, and what that does not protect */
	unsigned ask_sec;           /* how long to wait at the console; 0: for ever */
};

/* On the new root, before systemd: mounts /var. The root's programs do the work. */
must_check int state_mount(struct arena *a, const struct state_wish *w, struct err *e);
