/* SPDX-License-Identifier: MIT */
#include "agent/init/chain.h"

#include "agent/init/dm.h"
#include "agent/init/ipe.h"
#include "base/io.h"
#include "disk/ipe_policy.h"

const char *chain_insists(const struct cmdline *cmdline, const struct efi *efi)
{
	if (cmdline->words.signatures == SIGNATURES_REQUIRED)
		return "the image says ashlar.signatures=required";
	return efi->secure_boot ? "Secure Boot is on" : NULL;
}

void chain_firmware(struct chain *c, const struct efi *efi)
{
	struct boot_status *s = c->status;

	s->efi = efi->present;
	s->secure_boot = efi->secure_boot;
	s->setup_mode = efi->setup_mode;
	s->measured = efi->measured;
	if (!efi->present)
		boot_status_missing(c->a, s,
				    "this machine was not started by UEFI firmware, so nothing "
				    "checked its boot loader, kernel and command line");
	else if (!efi->secure_boot)
		boot_status_missing(c->a, s,
				    "Secure Boot is off%s, so firmware did not check boot loader, "
				    "kernel and command line",
				    efi->setup_mode ? " (no keys are enrolled)" : "");
}

/* A link that is not there, for the reason in *e: an error, or one more sentence. */
static int missing(struct chain *c, int code, const char *what, struct err *e)
{
	if (c->insists)
		return err_wrap(e, code, "%s, but %s", c->insists, what);
	boot_status_missing(c->a, c->status, "%s: %s", what, e->msg);
	return 0;
}

int chain_root(struct chain *c, const struct disk_partition *root,
	       const struct disk_partition *verity, struct err *e)
{
	static const char what[] = "the root hash's signature was not checked";
	struct str none = { 0 }, signature = c->signatures.root_hash;
	int r;

	c->status->root_signature = "absent";
	if (signature.n > 0) {
		r = dm_open(c->a, c->cmdline->root_hash, root, verity, signature, e);
		if (r == 0)
			c->status->root_signature = "checked";
		if (r != -ENOKEY)
			return r;
		c->status->root_signature = "no-key";
	} else {
		r = err_set(e, -ENODATA, "%.*s", STR_FMT(c->signatures.problem));
	}
	r = missing(c, r, what, e);
	return r < 0 ? r : dm_open(c->a, c->cmdline->root_hash, root, verity, none, e);
}

static int policy_enforce(struct chain *c, const char *policy_path, const char *ipe, struct err *e)
{
	struct str text;
	int r = file_read(c->a, policy_path, IPE_POLICY_BYTES_MAX, &text, e);

	if (r == -ENOENT)
		return err_set(e, -ENODATA, "the initrd has none");
	if (r < 0)
		return r;
	if (c->signatures.ipe_policy.n == 0)
		return err_set(e, -ENODATA, "%.*s",
			       STR_FMT(c->signatures.problem.n > 0
					       ? c->signatures.problem
					       : STR("the signature partition has none")));
	return ipe_enforce(c->a, ipe, ipe_policy_text(c->a, text, c->cmdline->root_hash),
			   c->signatures.ipe_policy, e);
}

int chain_policy(struct chain *c, const char *policy_path, const char *ipe, struct err *e)
{
	static const char what[] = "no execution policy is in force";
	int r;

	c->status->execution_policy = "absent";
	if (c->cmdline->words.execute_from == EXECUTE_ANYWHERE && !file_exists(policy_path))
		return 0;
	r = policy_enforce(c, policy_path, ipe, e);
	if (r == 0) {
		c->status->execution_policy = "enforcing";
		return ipe_lock(c->a, e);
	}
	if (r == -ENOKEY)
		c->status->execution_policy = "no-key";
	return r == -ENODATA || r == -ENOKEY || r == -EOPNOTSUPP ? missing(c, r, what, e) : r;
}
