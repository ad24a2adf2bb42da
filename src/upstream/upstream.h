/* SPDX-License-Identifier: MIT */
/* upstream.h - where packages come from: indexes fetched and verified, metadata in RPM's terms,
 * chosen packages fetched and converted. */
#pragma once

#include "base/arch.h"
#include "base/progress.h"
#include "conf/conf.h"
#include "rpm/package.h"
#include "trust/openpgp.h"

/* The verified state of an upstream: what its signed files say now. Cheap; the big indexes are not
 * read yet. */
struct upstream_state {
	uint8_t digest[SHA256_BYTES]; /* over the signed files, architecture and translation
					 version: the key of a cached universe */
	uint64_t time_sec;            /* the newest date of its signed files */
	void *own;                    /* of its type */
	const struct conf_upstream *conf;
	const struct arch *arch;
	const char *cache;
};

/* Fetches the signed files of the @n upstreams, all at once (conditionally; what has not changed
 * costs one round trip), verifies signature and validity. With a mirror that cannot be
 * reached: retries, then an error that names it. Borrows @confs. */
must_check int upstream_refresh(struct arena *a, const struct conf_upstream *confs, size_t n,
				const struct arch *arch, const char *cache,
				struct progress *progress, struct upstream_state *ret,
				struct err *e);
/* What the last upstream_refresh() left in the cache, without asking the mirrors: verified with the
 * keyring of today, and valid today. False when that is not all there: upstream_refresh() knows
 * why. */
must_check bool upstream_recall(struct arena *a, const struct conf_upstream *confs, size_t n,
				const struct arch *arch, const char *cache,
				struct upstream_state *ret);
/* One file to be had. */
struct transfer {
	struct str url;       /* http, https or file */
	struct str other_url; /* asked for when @url is not there; or empty */
	struct str name;      /* what messages call it */
	uint64_t size_bytes;
	uint8_t sha256[SHA256_BYTES];
	bool may_miss;                        /* when it is nowhere, @done is not called */
	const struct conf_upstream *upstream; /* whose mirrors' logins it may need; or NULL */
};

typedef VEC(struct transfer) vec_transfer;

/* One index of packages; what it says never changes, since it is named by its digest. */
struct upstream_index {
	struct transfer file;
	vec_transfer others; /* the same in other forms, the best one first */
	/* Lines "NAME VALUE": everything that upstream_index_read() depends on. */
	struct str recipe;
	struct str origin, mirror; /* of all its packages */
};

typedef VEC(struct upstream_index) vec_upstream_index;

/* Appends all indexes of an upstream, in the order of its definition. Nothing is fetched. */
must_check int upstream_indexes(struct arena *a, const struct upstream_state *state,
				vec_upstream_index *ret, struct err *e);
/* Fetches what is not there yet, several at once. Where a mirror does not have a file that it
 * lists, another form takes its place in index->file, as with apt. */
must_check int upstream_indexes_fetch(struct upstream_index *const *indexes, size_t n,
				      const char *cache, struct progress *progress, struct err *e);
/* Some packages of an index, the same ones whenever it is read: part @part, counted from 0. Called
 * by several threads, in any order; @metas are gone afterwards. */
typedef int (*upstream_take)(void *arg, size_t part, const vec_rpm_meta *metas, struct err *e);
/* Reads an index that was transferred into RPM terms (docs/translation.md), with what its
 * upstream's definition changes, on @jobs threads. */
must_check int upstream_index_read(const struct upstream_state *state,
				   const struct upstream_index *index, unsigned jobs,
				   upstream_take take, void *arg, struct err *e);
/* What definitions change about requirements and provides: applied before solving, so that solver
 * and package agree. NULL: nothing. In "(a or b)" dropped names are taken out of the alternatives;
 * with all dropped, the requirement goes. */
void meta_apply(struct arena *a, struct rpm_meta *m, const struct conf_upstream *upstream,
		const struct conf_package *package);

/* A downloaded package file as an RPM package in memory: ready for rpm_write(), in @a. @bytes that
 * do not have @meta's digest are refused: what was checked is what is read. No code of the package
 * runs. @conf: what Ashlar changes; @upstream: rules for all its packages. Hostile contents, and
 * scripts that do what neither covers, are an error that names the package. */
must_check int upstream_convert(struct arena *a, struct str bytes, const struct rpm_meta *meta,
				const struct conf_package *conf,
				const struct conf_upstream *upstream, struct rpm_package *ret,
				struct err *e);
/* The URL of a package file, "location" of its metadata, on a mirror. */
struct str upstream_url(struct arena *a, struct str mirror, struct str location);
/* Changes when a conversion's result does: part of the key of cached packages. */
unsigned upstream_convert_version(const struct conf_upstream *upstream);

/* Downloads @items (URL + expected size and SHA-256) into CACHE/downloads/SHA256, several at once,
 * skipping those that are there whole; each is verified, then @done(arg, index, path) is called,
 * from the thread that called transfer_all(); @path lasts for the call. */
typedef void (*transfer_done)(void *arg, size_t index, const char *path);
must_check int transfer_all(const struct transfer *items, size_t n, const char *cache,
			    struct progress *progress, transfer_done done, void *arg,
			    struct err *e);
