/* SPDX-License-Identifier: MIT */
/* chain.h - the links of the chain of trust that the kernel checks here: the root hash's signature
 * and the execution policy's. The image says when a missing one is an error; else it is told and
 * written down. A wrong one is an error always. */
#pragma once

#include "agent/common/boot_status.h"
#include "agent/common/disks.h"
#include "agent/common/efi.h"
#include "agent/init/signatures.h"

struct chain {
	struct arena *a;
	const struct cmdline *cmdline;
	const char *insists; /* what asks for all links: "Secure Boot is on"; NULL: nothing does */
	struct signatures signatures;
	struct boot_status *status;
};

/* What asks for all links, as a clause, or NULL. */
const char *chain_insists(const struct cmdline *cmdline, const struct efi *efi);
/* Says what firmware did not check. */
void chain_firmware(struct chain *c, const struct efi *efi);
/* DM_NODE, with the signature where the kernel accepts it. */
must_check int chain_root(struct chain *c, const struct disk_partition *root,
			  const struct disk_partition *verity, struct err *e);
/* Puts the execution policy into force, from now until the machine is restarted. @policy_path: the
 * initrd's text of it. @ipe: as for ipe_enforce(). */
must_check int chain_policy(struct chain *c, const char *policy_path, const char *ipe,
			    struct err *e);
