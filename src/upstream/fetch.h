/* SPDX-License-Identifier: MIT */
/* fetch.h - many URLs at once, through libcurl; what comes goes to a sink. The only file that knows
 * libcurl is fetch.c. */
#pragma once

#include "base/progress.h"
#include "base/str.h"
#include "upstream/apt.h"

enum { FETCH_TRIES = 4, FETCH_FIRST_DELAY_MS = 400, FETCH_DELAY_FACTOR = 3, FETCH_PARALLEL = 8 };

/* The end of patience. A connection that gives less than FETCH_SLOW_BYTES_PER_SEC for
 * FETCH_SLOW_SEC is dead; a try takes at most FETCH_TRY_SEC and what the size promised needs at
 * FETCH_BYTES_PER_SEC; and after FETCH_ALL_TRIES_SEC, and as much more, no new try begins. So a
 * release file that trickles ends after a minute or three, whoever sends it. */
enum {
	FETCH_CONNECT_SEC = 20,
	FETCH_SLOW_BYTES_PER_SEC = 1000,
	FETCH_SLOW_SEC = 30,
	FETCH_TRY_SEC = 120,
	FETCH_BYTES_PER_SEC = 2000,
	FETCH_ALL_TRIES_SEC = 45,
	FETCH_REDIRECTS_MAX = 10, /* as apt */
};

/* Where bytes go. Each returns 0 or a negative errno with a cause in *e, without the name or URL.
 * -EBADMSG means that other bytes came than promised and is tried again; anything else ends all. */
struct fetch_sink {
	int (*begin)(void *arg, struct err *e); /* a try begins: what came before is void */
	int (*data)(void *arg, const void *p, size_t n, struct err *e);
	int (*end)(void *arg, struct err *e); /* everything came: check and keep it */
};

struct fetch {
	struct str url;       /* http, https or file */
	struct str other_url; /* asked for when @url is not there; or empty */
	struct str name;      /* what messages call it */
	uint64_t size_bytes;  /* how much is awaited; 0: little */
	unsigned try_sec;     /* in place of FETCH_TRY_SEC; or 0 */
	const struct fetch_sink *sink;
	void *arg;
	/* In: of the copy that is at hand, or empty. Out: of what came (in the arena of
	 * fetch_all()). */
	struct str etag, modified;
	bool unchanged; /* out: the copy at hand is still right; the sink got nothing */
	bool may_miss;  /* in: that it is not there is an answer */
	bool missing;   /* out: it is not there */
	/* Out, with @missing: "URL: cause". */
	struct str missing_why;
};

/* Fetches @items, some at once, in any order; proxies, logins and certificates are those of @apt,
 * or else the environment's proxies. A redirection is followed to http and https, from https to
 * https only, with the login of where it leads. No message shows a login. What fails for a reason
 * that may pass (no connection, time-out, a server's error, wrong bytes) is tried FETCH_TRIES times
 * with growing pauses, from
 * @first_delay_ms. The first item that fails for good ends all: "NAME: URL: cause (4 tries)". */
must_check int fetch_all(struct arena *a, struct fetch *const *items, size_t n,
			 unsigned first_delay_ms, const struct apt_conf *apt,
			 struct progress *progress, struct err *e);
