/* SPDX-License-Identifier: MIT */
/* tpm.h - the machine's TPM 2.0, and what this boot told it. */
#pragma once

#include "agent/common/boot_status.h"

#define TPM_SIGNATURE  "/run/systemd/tpm2-pcr-signature.json"
#define TPM_PUBLIC_KEY "/run/systemd/tpm2-pcr-public-key.pem"
#define TPM_KEYS       "/run/systemd/tpm2-pcr-keys" /* the initrd's: pcr_policy.h */

struct tpm {
	bool present;  /* a TPM 2.0 */
	bool measured; /* systemd-stub told it what it booted */
	bool policy;   /* the UKI brought signed values of PCR 11 and the key to check them with */
};

/* In the initrd: keeps what systemd-stub took out of the UKI for the policy, where systemd's
 * programs look for it, and which keys the initrd believes. They may not be there. */
must_check int tpm_keep_policy(struct arena *a, struct err *e);

/* Fills in all but what @ret->measured says. @root: "" on a machine. */
void tpm_look(struct arena *a, const char *root, struct tpm *ret);

/* NULL when secrets can be bound to this boot's signed policy; else why not, as a clause. */
const char *tpm_why_not(const struct tpm *tpm);

void tpm_status(struct arena *a, const struct tpm *tpm, struct boot_status *status);

/* Measures a boot phase ("enter-initrd", "leave-initrd") into PCR 11, as systemd does in its own
 * initrd: what was bound to a phase cannot be had after it. Does nothing where nothing was
 * measured before. */
must_check int tpm_phase(struct arena *a, const struct tpm *tpm, const char *phase, struct err *e);
