/* SPDX-License-Identifier: MIT */
/* repository.h - the chosen packages as a repository that dnf reads. */
#pragma once

#include "store/store.h"

/* Whether @dir already is what repository_write() would make: nothing of it is gone or was changed
 * since, and its metadata and key are as their digests say. */
bool repository_holds(const char *dir, const struct stored_package *packages, size_t n,
		      const struct openpgp_key *key);
/* Puts into the empty folder @dir: @packages under their usual names, the public key as
 * package-signing.asc, metadata (repodata) and its signature, SHA256SUMS of all that, and the
 * signature of this. @before: the repository
 * that this one will replace, which may not be there: packages that are the same are shared with
 * it. */
must_check int repository_write(const char *dir, const char *before,
				const struct stored_package *packages, size_t n,
				const struct openpgp_key *key, uint64_t source_date_epoch,
				unsigned jobs, struct err *e);
/* When the one before is gone: that changed the files it shared with this one, which must not count
 * as a change. */
void repository_seal(const char *dir);
