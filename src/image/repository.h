/* SPDX-License-Identifier: MIT */
/* repository.h - the chosen packages as a repository that dnf reads. */
#pragma once

#include "store/store.h"

/* Whether @dir already is what repository_write() would make. */
bool repository_holds(const char *dir, const struct stored_package *packages, size_t n);
/* Puts into the empty folder @dir: @packages under their usual names, SHA256SUMS of them, the
 * public key as package-signing.asc, and repodata (createrepo_c). @before: the repository that this
 * one will replace, which may not be there: packages that are the same are shared with it. */
must_check int repository_write(const char *dir, const char *before,
				const struct stored_package *packages, size_t n,
				const struct openpgp_key *key, uint64_t source_date_epoch,
				struct err *e);
