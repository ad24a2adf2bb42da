/* SPDX-License-Identifier: MIT */
/* modules.h - the list of kernel modules in the initrd: /modules/modules.list, which the image
 * builder writes.
 *
 * One module a line, each line ended by '\n'; words separated by one blank; no comments, no empty
 * lines:
 *
 *	NAME DEPS ALIAS...
 *
 * NAME: as the file: /modules/NAME.ko, uncompressed, signature kept; [A-Za-z0-9_-], at most 63
 * bytes; each once.
 *
 * DEPS: "-", or names that stand on lines above, separated by commas (so there are no cycles).
 *
 * ALIAS: "always", or patterns as fnmatch(3) has them, as in the module's own "alias=" entries;
 * none: loaded only when another module depends on it. A pattern has no blanks.
 *
 * What is there always is loaded before any device is looked at. Others are loaded in the order of
 * the list, and the disk is looked for after each one that has aliases: those of common disks go
 * first, what dm-verity gains speed from (sha256_ssse3) before them.
 *
 * For example:
 *
 *	libcrc32c -
 *	erofs libcrc32c always
 *	virtio_blk - virtio:d00000002v*
 */
#pragma once

#include "base/str.h"

enum {
	MODULES_MAX = 512,
	MODULE_ALIASES_MAX = 4096,
	MODULE_NAME_BYTES_MAX = 63,
	MODULES_BYTES_MAX = 1 << 20
};

struct module {
	const char *name;
	const uint32_t *deps; /* indices of earlier modules */
	size_t n_deps;
	const char *const *aliases;
	size_t n_aliases;
	bool always;
	bool wanted, tried; /* state of the loader */
};

struct modules {
	struct module *p;
	size_t n;
};

/* @text is copied. Fails with "modules.list:LINE: ...". */
must_check int modules_parse(struct arena *a, struct str text, struct modules *ret, struct err *e);
/* Wants every module that one of its aliases gives to @modalias, and what those depend on. */
void modules_want(struct modules *m, const char *modalias);
void modules_want_always(struct modules *m);
