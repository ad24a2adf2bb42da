/* SPDX-License-Identifier: MIT */
#include "artifact/policy.h"

#include "disk/ipe_policy.h"

/* Everything that the kernel asks about: nothing is left to a default that a later kernel may set
 * differently. */
static const char *const operations[] = { "EXECUTE",         "FIRMWARE", "KMODULE",  "KEXEC_IMAGE",
					  "KEXEC_INITRAMFS", "POLICY",   "X509_CERT" };

struct str policy_template(struct arena *a, enum execute_from from)
{
	struct buf b = { .a = a };

	buf_printf(&b, "policy_name=ashlar policy_version=1.0.0\nDEFAULT action=DENY\n");
	if (from == EXECUTE_ANYWHERE)
		buf_printf(&b, "DEFAULT op=EXECUTE action=ALLOW\n");
	for (size_t i = 0; i < sizeof(operations) / sizeof(*operations); i++)
		buf_printf(&b,
			   "op=%s dmverity_roothash=sha256:" IPE_POLICY_ROOT_HASH " action=ALLOW\n",
			   operations[i]);
	/* Only what the firmware's keys signed. Not "fsverity_signature": root may put any
	 * certificate into the keyring that decides about files (Linux
	 * Documentation/filesystems/fsverity.rst). */
	if (from == EXECUTE_SIGNED)
		buf_printf(&b, "op=EXECUTE dmverity_signature=TRUE action=ALLOW\n");
	return (struct str){ (char *)b.v.p, b.v.n };
}
