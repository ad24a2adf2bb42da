/* SPDX-License-Identifier: MIT */
/* secret.h - private keys and PINs in files and in memory; for the files of this folder only. */
#pragma once

#include "base/str.h"

/* The whole file, at most @max bytes. -ENOENT when there is none; -EPERM when every user of the
 * machine may read or change it. Wipe it when it has been used. */
must_check int secret_read(struct arena *a, const char *path, size_t max, struct str *ret,
			   struct err *e);
void secret_wipe(struct str secret);
