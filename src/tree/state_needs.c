/* SPDX-License-Identifier: MIT */
#include "tree/state_needs.h"

/* As agent/init calls and reads them (src/agent/init/state_integrity.c). */
static const char *const needed[] = {
	"/usr/sbin/cryptsetup",
	"/usr/sbin/mke2fs",
	"/usr/lib/ashlar/state/integrity",
};

int image_check_state(const struct conf_image *image, const struct tree *t, struct err *e)
{
	if (image->boot.state_integrity == STATE_INTEGRITY_NONE)
		return 0;
	if (image->boot.state != STATE_TPM)
		return err_set(e, -EINVAL,
			       "%.*s: 'state-integrity: hmac' is for state on a disk; want 'state: "
			       "tpm', too, or no 'state-integrity'",
			       STR_FMT(image->source));
	for (size_t i = 0; i < sizeof(needed) / sizeof(*needed); i++)
		if (tree_find(t, str_c(needed[i])) == TREE_NONE)
			return err_set(e, -ENOENT,
				       "%.*s: 'state-integrity: hmac' takes '%s', which is not in "
				       "the image; add the feature 'state-integrity', which brings "
				       "it",
				       STR_FMT(image->source), needed[i]);
	return 0;
}
