/* SPDX-License-Identifier: MIT */
/* fetch.h - many URLs at once, through libcurl; what comes goes to a sink. The only file that knows
 * libcurl is fetch.c. */
#pragma once

#include "base/progress.h"
#include "base/str.h"
#include "upstream/apt.h"

enum { FETCH_TRIES = 4, FETCH_FIRST_DELAY_MS = 400, FETCH_DELAY_FACTOR = 3, FETCH_PARALLEL = 8 };

/* Where bytes go. Each returns 0 or a negative errno with a cause in *e, without the name or URL.
 * -EBADMSG means that other bytes came than promised and is tried again; anything else ends all. */
struct fetch_sink {
	int (*begin)(void *arg, struct err *e); /* a try begins: what came before is void */
	int (*data)(void *arg, const void *p, size_t n, struct err *e);
	int (*end)(void *arg, struct err *e); /* everything came: check and keep it */
};

struct fetch {
	struct str url;  /* http, https or file */
	struct str name; /* what messages call it */
	const struct fetch_sink *sink;
	void *arg;
	/* In: of the copy that is at hand, or empty. Out: of what came (in the arena of
	 * fetch_all()). */
	struct str etag, modified;
	bool unchanged; /* out: the copy at hand is still right; the sink got nothing */
};

/* Fetches @items, some at once, in any order; proxies are those of @apt, or else the environment's.
 * What fails for a reason that may pass (no connection, time-out, a server's error, wrong bytes) is
 * tried FETCH_TRIES times with growing pauses, from
 * @first_delay_ms. The first item that fails for good ends all: "NAME: URL: cause (4 tries)". */
must_check int fetch_all(struct arena *a, struct fetch *const *items, size_t n,
			 unsigned first_delay_ms, const struct apt_conf *apt,
			 struct progress *progress, struct err *e);
