/* SPDX-License-Identifier: MIT */
#include "agent/init/signatures.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/io.h"
#include "disk/gpt.h"
#include "disk/verity_sig.h"

/* Whatever follows in a larger partition is no part of it. */
static int partition_read(struct arena *a, const char *node, struct verity_sig *ret, struct err *e)
{
	_cleanup_close_ int fd = open(node, O_RDONLY | O_CLOEXEC);
	char *bytes = arena_alloc(a, VERITY_SIG_BYTES);
	ssize_t n;

	if (fd < 0)
		return err_sys(e, "open");
	n = pread(fd, bytes, VERITY_SIG_BYTES, 0);
	if (n < 0)
		return err_sys(e, "read");
	return verity_sig_parse(a, (struct str){ bytes, (size_t)n }, ret, e);
}

void signatures_find(struct arena *a, const char *dev, const struct disk *disk,
		     const uint8_t root_hash[ROOT_HASH_BYTES], struct signatures *ret)
{
	struct str problem = { 0 };

	vec_each(part, &disk->parts) {
		struct verity_sig sig;
		struct err why;

		if (!gpt_type_is(part->type, GPT_TYPE_ROOT_VERITY_SIG))
			continue;
		if (partition_read(a, path_join(a, dev, str_z(a, part->name)), &sig, &why) < 0) {
			problem = str_printf(a, "%.*s: %s", STR_FMT(part->name), why.msg);
		} else if (memcmp(sig.root_hash, root_hash, ROOT_HASH_BYTES) != 0) {
			problem =
				str_printf(a, "%.*s has one for another root", STR_FMT(part->name));
		} else {
			*ret = (struct signatures){ .root_hash = sig.signature,
						    .ipe_policy = sig.ipe_policy };
			return;
		}
	}
	if (problem.n == 0)
		problem = str_printf(a, "%.*s has no signature partition", STR_FMT(disk->name));
	*ret = (struct signatures){ .problem = problem };
}
