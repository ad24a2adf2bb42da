/* SPDX-License-Identifier: MIT */
/* keys_change.h - several files of a folder of keys change at once, or not at all; for the files of
 * this folder only.
 *
 * They are written into a folder of their own, which is then renamed to DIR/.next: from here on the
 * change counts. Whoever finds a .next moves what is in it into place. */
#pragma once

#include "base/io.h"

struct keys_change {
	struct arena *a;
	const char *dir;
	char *temp;
	int fd;
};

/* Finishes a change that a process which is gone left behind. The caller holds the lock. */
must_check int keys_change_finish(const char *dir, struct err *e);
/* Begins one; there is no other, for the caller holds the lock. Ends with commit or discard. */
must_check int keys_change_begin(struct keys_change *c, struct arena *a, const char *dir,
				 struct err *e);
/* @name: relative to the folder, "retired/db-12345678.crt". @bytes: not empty. */
must_check int keys_change_put(struct keys_change *c, const char *name, struct str bytes,
			       struct err *e);
/* Such a file shall go; a missing one is fine. */
must_check int keys_change_remove(struct keys_change *c, const char *name, struct err *e);
must_check int keys_change_commit(struct keys_change *c, struct err *e);
void keys_change_discard(struct keys_change *c);
