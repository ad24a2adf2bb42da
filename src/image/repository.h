/* SPDX-License-Identifier: MIT */
/* repository.h - the chosen packages as a repository that dnf reads. */
#pragma once

#include "image/store.h"

/* Makes @dir hold exactly @packages under their usual names, the public key as package-signing.asc,
 * and repodata (createrepo_c). Left as it is when it already does. Replaced as a whole, so a reader
 * sees the old or the new one. */
must_check int repository_write(const char *dir, const struct stored_package *packages, size_t n,
				const struct openpgp_key *key, uint64_t source_date_epoch,
				struct err *e);
