/* SPDX-License-Identifier: MIT */
#include "upstream/upstream.h"

#include "base/io.h"
#include "base/url.h"
#include "upstream/debian/archive.h"
#include "upstream/ops.h"
#include "upstream/transfer.h"

enum { INDEX_BYTES_MAX = 1 << 30 };

static const struct upstream_ops *ops_of(const struct conf_upstream *conf)
{
	static const struct upstream_ops *const by_type[] = {
		[UPSTREAM_DEBIAN] = &debian_ops,
	};

	return by_type[conf->type];
}

static int begin_all(struct arena *a, const struct conf_upstream *confs, size_t n,
		     const struct arch *arch, const char *cache, struct upstream_state *ret,
		     vec_auth *auth, struct err *e)
{
	for (size_t i = 0; i < n; i++) {
		int rc;

		ret[i] = (struct upstream_state){ .conf = &confs[i], .arch = arch, .cache = cache };
		rc = ops_of(&confs[i])->begin(a, &ret[i], auth, e);
		if (rc < 0)
			return err_wrap(e, rc, "upstream '%.*s'", STR_FMT(confs[i].name));
	}
	return 0;
}

/* The files of all upstreams at once: together they take as long as the slowest. */
static int rounds(struct arena *a, struct upstream_state *states, size_t n,
		  const struct apt_conf *apt, struct progress *progress, struct err *e)
{
	for (;;) {
		vec_fetch fetches = { 0 };
		int rc = 0;

		for (size_t i = 0; i < n && rc >= 0; i++) {
			rc = ops_of(states[i].conf)->ask(a, &states[i], &fetches, e);
			if (rc < 0)
				rc = err_wrap(e, rc, "upstream '%.*s'",
					      STR_FMT(states[i].conf->name));
		}
		if (rc < 0 || fetches.n == 0)
			return rc;
		rc = fetch_all(a, fetches.p, fetches.n, FETCH_FIRST_DELAY_MS, apt, progress, e);
		if (rc < 0)
			return rc;
	}
}

int upstream_refresh(struct arena *a, const struct conf_upstream *confs, size_t n,
		     const struct arch *arch, const char *cache, struct progress *progress,
		     struct upstream_state *ret, struct err *e)
{
	struct upstream_state *states = arena_array(a, n, sizeof(*states));
	struct apt_conf apt;
	int rc = apt_conf_read(a, &apt, e);

	if (rc >= 0)
		rc = begin_all(a, confs, n, arch, cache, states, &apt.auth, e);
	if (rc >= 0)
		rc = rounds(a, states, n, &apt, progress, e);
	for (size_t i = 0; i < n && rc >= 0; i++) {
		rc = ops_of(&confs[i])->end(&states[i], &apt, progress, e);
		if (rc < 0)
			rc = err_wrap(e, rc, "upstream '%.*s'", STR_FMT(confs[i].name));
	}
	if (rc >= 0)
		memcpy(ret, states, n * sizeof(*states));
	return rc;
}

bool upstream_recall(struct arena *a, const struct conf_upstream *confs, size_t n,
		     const struct arch *arch, const char *cache, struct upstream_state *ret)
{
	struct upstream_state *states = arena_array(a, n, sizeof(*states));
	vec_auth unused = { 0 };
	struct err ignored;

	if (begin_all(a, confs, n, arch, cache, states, &unused, &ignored) < 0)
		return false;
	for (size_t i = 0; i < n; i++)
		if (ops_of(&confs[i])->end(&states[i], NULL, NULL, &ignored) < 0)
			return false;
	memcpy(ret, states, n * sizeof(*states));
	return true;
}

/* What was checked when it came is what is read. */
static int digest_check(struct str bytes, const uint8_t want[SHA256_BYTES], struct err *e)
{
	uint8_t digest[SHA256_BYTES];

	sha256(bytes.p, bytes.n, digest);
	if (memcmp(digest, want, sizeof(digest)) != 0)
		return err_set(
			e, -EBADMSG,
			"its file changed after it came: is somebody else writing to the cache?");
	return 0;
}

int upstream_indexes(struct arena *a, const struct upstream_state *state, vec_upstream_index *ret,
		     struct err *e)
{
	return ops_of(state->conf)->indexes(a, state, ret, e);
}

/* The files of one round: for each index that is not there yet, one form. */
struct round {
	struct transfer *files;
	size_t *index; /* that each is of */
	bool *there;   /* of each index */
	size_t n;
};

static void index_came(void *arg, size_t i, const char *path)
{
	const struct round *r = arg;

	(void)path;
	r->there[r->index[i]] = true;
}

/* @form 0: the best. */
static void round_fill(struct upstream_index *const *indexes, size_t n, size_t form,
		       struct round *r)
{
	r->n = 0;
	for (size_t i = 0; i < n; i++) {
		const struct upstream_index *index = indexes[i];

		if (r->there[i])
			continue;
		r->files[r->n] = form == 0 ? index->file : index->others.p[form - 1];
		r->files[r->n].may_miss = form < index->others.n;
		r->index[r->n++] = i;
	}
}

int upstream_indexes_fetch(struct upstream_index *const *indexes, size_t n, const char *cache,
			   struct progress *progress, struct err *e)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct round r = { .files = arena_array(&a, n, sizeof(*r.files)),
			   .index = arena_array(&a, n, sizeof(*r.index)),
			   .there = arena_array(&a, n, sizeof(*r.there)) };

	/* ends: what no other form is left of may not be missing */
	for (size_t form = 0;; form++) {
		int rc;

		round_fill(indexes, n, form, &r);
		if (r.n == 0)
			return 0;
		rc = transfer_all(r.files, r.n, cache, progress, index_came, &r, e);
		if (rc < 0)
			return rc;
		for (size_t k = 0; k < r.n; k++)
			if (r.there[r.index[k]])
				indexes[r.index[k]]->file = r.files[k];
	}
}

int upstream_index_read(const struct upstream_state *state, const struct upstream_index *index,
			unsigned jobs, upstream_take take, void *arg, struct err *e)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct str bytes;
	int rc = file_read(&a, transfer_path(&a, state->cache, index->file.sha256), INDEX_BYTES_MAX,
			   &bytes, e);

	if (rc >= 0)
		rc = digest_check(bytes, index->file.sha256, e);
	if (rc >= 0)
		rc = ops_of(state->conf)->index_read(state, index, bytes, jobs, take, arg, e);
	return rc < 0 ? err_wrap(e, rc, "%.*s", STR_FMT(index->file.name)) : 0;
}

int upstream_convert(struct arena *a, struct str bytes, const struct rpm_meta *meta,
		     const struct conf_package *conf, const struct conf_upstream *upstream,
		     struct rpm_package *ret, struct err *e)
{
	int rc = digest_check(bytes, meta->sha256, e);

	if (rc < 0)
		return rc;
	return ops_of(upstream)->convert(a, bytes, meta, conf, upstream, ret, e);
}

unsigned upstream_convert_version(const struct conf_upstream *upstream)
{
	return ops_of(upstream)->convert_version;
}

struct str upstream_url(struct arena *a, struct str mirror, struct str location)
{
	return str_printf(a, "%.*s/%.*s", STR_FMT(mirror), STR_FMT(url_escape_path(a, location)));
}
