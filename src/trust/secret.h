/* SPDX-License-Identifier: MIT */
/* secret.h - private keys and PINs in files and in memory, and where keys lie; for those who read
 * keys only. */
#pragma once

#include "base/str.h"

/* The whole file, at most @max bytes. -ENOENT when there is none; -EPERM when others than
 * its owner may read or change it, or when that is neither the caller nor root: as ssh(1) has it.
 * Wipe it when it has been used. */
must_check int secret_read(struct arena *a, const char *path, size_t max, struct str *ret,
			   struct err *e);
void secret_wipe(struct str secret);
/* That nobody but the caller and root may change the file or folder. */
must_check int secret_place_check(const char *path, struct err *e);
