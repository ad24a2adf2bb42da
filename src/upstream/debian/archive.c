/* SPDX-License-Identifier: MIT */
#include "upstream/debian/archive.h"

#include "base/io.h"
#include "disk/codec.h"
#include "upstream/debian/convert.h"
#include "upstream/debian/release.h"
#include "upstream/debian/suites.h"
#include "upstream/debian/translate.h"
#include "upstream/transfer.h"

enum { INDEX_BYTES_MAX = 1 << 30 };

/* One index of packages. */
struct index {
	const struct debian_suite *suite;
	struct str origin;
	struct str what; /* for messages: "suite 'trixie': main/binary-amd64/Packages.xz" */
	char *path;      /* in the cache */
};

typedef VEC(struct index) vec_index;
typedef VEC(struct transfer) vec_transfer;

/* The folder of an index's digest keeps it reachable while the mirror changes (Debian's
 * Acquire-By-Hash). Not every copy of an archive that promises it has it: then the plain name is
 * asked for, as apt does. */
static void index_urls(struct arena *a, const struct debian_suite *suite,
		       const struct release *parsed, const struct release_index *index,
		       struct transfer *t)
{
	struct str folder = index->path, plain;

	plain = str_printf(a, "%.*s/dists/%.*s/%.*s", STR_FMT(suite->mirror_url),
			   STR_FMT(suite->name), STR_FMT(index->path));
	t->url = plain;
	if (!parsed->by_hash)
		return;
	while (folder.n > 0 && folder.p[folder.n - 1] != '/')
		folder.n--;
	t->url = str_printf(a, "%.*s/dists/%.*s/%.*sby-hash/SHA256/%.*s",
			    STR_FMT(suite->mirror_url), STR_FMT(suite->name), STR_FMT(folder),
			    STR_FMT(hex_encode(a, index->sha256, SHA256_BYTES)));
	t->other_url = plain;
}

static int index_add(struct arena *a, const struct upstream_state *state,
		     const struct debian_suite *suite, const struct release *parsed,
		     struct str component, struct str arch, vec_index *indexes,
		     vec_transfer *transfers, struct err *e)
{
	struct release_index index;
	struct str what;
	int rc = release_index(a, parsed, component, arch, &index, e);

	if (rc < 0)
		return err_wrap(e, rc, "suite '%.*s': InRelease of %.*s", STR_FMT(suite->name),
				STR_FMT(suite->mirror_url));
	what = str_printf(a, "suite '%.*s': %.*s", STR_FMT(suite->name), STR_FMT(index.path));
	vec_push(a, indexes) = (struct index){
		.suite = suite,
		.origin = parsed->origin,
		.what = what,
		.path = transfer_path(a, state->cache, index.sha256),
	};
	vec_push(a, transfers) = (struct transfer){
		.name = what,
		.size_bytes = index.size_bytes,
		.upstream = state->conf,
	};
	index_urls(a, suite, parsed, &index, &transfers->p[transfers->n - 1]);
	memcpy(transfers->p[transfers->n - 1].sha256, index.sha256, SHA256_BYTES);
	return 0;
}

static int indexes_list(struct arena *a, const struct upstream_state *state, vec_index *indexes,
			vec_transfer *transfers, struct err *e)
{
	const struct debian_suites *suites = state->own;

	for (size_t i = 0; i < suites->n; i++) {
		const struct debian_suite *suite = &suites->p[i];
		struct release parsed;
		int rc = release_parse(suite->text, &parsed, e);

		if (rc < 0)
			return rc;
		vec_each(c, &state->conf->components) {
			rc = index_add(a, state, suite, &parsed, *c, str_c(state->arch->debian),
				       indexes, transfers, e);
			if (rc >= 0 && parsed.arch_all)
				rc = index_add(a, state, suite, &parsed, *c, STR("all"), indexes,
					       transfers, e);
			if (rc < 0)
				return rc;
		}
	}
	return 0;
}

static void index_there(void *arg, size_t i, const char *path)
{
	(void)arg;
	(void)i;
	(void)path;
}

static int index_text(struct arena *a, const struct index *index, struct str *ret, struct err *e)
{
	_cleanup_arena_ struct arena compressed = { 0 };
	struct str bytes;
	int rc = file_read(&compressed, index->path, INDEX_BYTES_MAX, &bytes, e);

	if (rc >= 0)
		rc = decompress(a, bytes, INDEX_BYTES_MAX, ret, e);
	if (rc < 0)
		return err_wrap(e, rc, "%.*s", STR_FMT(index->what));
	if (ret->p == bytes.p) /* plain: borrowed */
		*ret = str_dup(a, bytes);
	return 0;
}

static size_t stanzas_count(struct str text)
{
	size_t n = 1;

	for (const char *p = text.p; (p = memmem(p, text.n - (size_t)(p - text.p), "\n\n", 2));
	     p += 2)
		n++;
	return n;
}

static int index_translate(struct arena *a, const struct upstream_state *state,
			   const struct index *index, struct str text, vec_rpm_meta *ret,
			   struct err *e)
{
	struct str arch = str_c(state->arch->debian);
	struct stanza s;
	int rc;

	while ((rc = stanza_next(&text, &s, e)) > 0) {
		struct rpm_meta m;

		rc = meta_translate(a, &s, arch, &m, e);
		if (rc < 0)
			break;
		m.upstream = state->conf->name;
		m.vendor = index->origin;
		m.mirror = index->suite->mirror_url;
		vec_push(a, ret) = m;
	}
	return rc < 0 ? err_wrap(e, rc, "%.*s", STR_FMT(index->what)) : 0;
}

/* Of the same package in several suites, the first stays. */
static void duplicates_drop(vec_rpm_meta *metas)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct map seen = { 0 };
	size_t n = 0;

	vec_each(m, metas) {
		struct str key = str_printf(&a, "%.*s %.*s %.*s", STR_FMT(m->origin_name),
					    STR_FMT(m->origin_version), STR_FMT(m->origin_arch));

		if (map_get(&seen, key))
			continue;
		map_put(&a, &seen, key, 0);
		metas->p[n++] = *m;
	}
	metas->n = n;
}

static int indexes_read(struct arena *a, const struct upstream_state *state,
			const vec_index *indexes, vec_rpm_meta *ret, struct err *e)
{
	struct str *texts = arena_array(a, indexes->n, sizeof(*texts));
	size_t n = 0;
	int rc = 0;

	for (size_t i = 0; i < indexes->n; i++) {
		rc = index_text(a, &indexes->p[i], &texts[i], e);
		if (rc < 0)
			return rc;
		n += stanzas_count(texts[i]);
	}
	vec_reserve(a, ret, n);
	for (size_t i = 0; i < indexes->n && rc >= 0; i++)
		rc = index_translate(a, state, &indexes->p[i], texts[i], ret, e);
	return rc;
}

static int packages(struct arena *a, const struct upstream_state *state, struct progress *progress,
		    vec_rpm_meta *ret, struct err *e)
{
	vec_index indexes = { 0 };
	vec_transfer transfers = { 0 };
	vec_rpm_meta metas = { 0 };
	int rc = indexes_list(a, state, &indexes, &transfers, e);

	if (rc >= 0)
		rc = transfer_all(transfers.p, transfers.n, state->cache, progress, index_there,
				  NULL, e);
	if (rc >= 0)
		rc = indexes_read(a, state, &indexes, &metas, e);
	if (rc < 0)
		return rc;
	duplicates_drop(&metas);
	*ret = metas;
	return 0;
}

const struct upstream_ops debian_ops = {
	.begin = suites_begin,
	.ask = suites_ask,
	.end = suites_end,
	.packages = packages,
	.convert = deb_convert,
	.convert_version = CONVERT_VERSION,
};
