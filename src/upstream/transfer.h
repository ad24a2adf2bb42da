/* SPDX-License-Identifier: MIT */
/* transfer.h - files fetched into the cache by digest: what transfer_all() of upstream.h stands on.
 */
#pragma once

#include "upstream/upstream.h"

/* CACHE/downloads/SHA256. */
char *transfer_path(struct arena *a, const char *cache, const uint8_t sha256[SHA256_BYTES]);
/* transfer_all() with the first pause between tries given. */
must_check int transfer_run(const struct transfer *transfers, size_t n, const char *cache,
			    unsigned first_delay_ms, struct progress *progress, transfer_done done,
			    void *arg, struct err *e);
