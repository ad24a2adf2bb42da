/* SPDX-License-Identifier: MIT */
#include "upstream/debian/index.h"

#include "base/thread_pool.h"
#include "base/trace.h"
#include "disk/codec.h"
#include "upstream/debian/bzip2.h"
#include "upstream/debian/translate.h"

enum { TEXT_BYTES_MAX = 1 << 30 };

/* An index on its way into RPM's terms. */
struct reading {
	const struct upstream_state *state;
	const struct upstream_index *index;
	upstream_take take;
	void *arg;
	struct thread_pool *pool;
	struct arena a;
	size_t begin, searched, n; /* of the part that is being gathered; parts before it */
};

struct part {
	const struct reading *reading;
	size_t number;
	struct str text;
};

static int part_read(void *arg, struct arena *worker, struct err *e)
{
	TRACE("translate index");
	_cleanup_arena_ struct arena a = { 0 }; /* the worker's would live too long */
	const struct part *part = arg;
	const struct reading *r = part->reading;
	struct str arch = str_c(r->state->arch->debian), text = part->text;
	vec_rpm_meta metas = { 0 };
	struct stanza s;
	int rc;

	(void)worker;
	while ((rc = stanza_next(&text, &s, e)) > 0) {
		struct rpm_meta *m;

		/* one index for all architectures, as flat repositories have */
		if (stanza_foreign(&s, arch))
			continue;
		m = &vec_push(&a, &metas);
		rc = meta_translate(&a, &s, arch, m, e);
		if (rc < 0)
			return rc;
		m->upstream = r->state->conf->name;
		m->vendor = r->index->origin;
		m->mirror = r->index->mirror;
		meta_apply(&a, m, r->state->conf, NULL);
	}
	return rc < 0 ? rc : r->take(r->arg, part->number, &metas, e);
}

static void part_submit(struct reading *r, struct str text, size_t end)
{
	struct part *part = arena_new(&r->a, struct part);

	*part = (struct part){ r, r->n++, { text.p + r->begin, end - r->begin } };
	r->begin = r->searched = end;
	thread_pool_submit(r->pool, part_read, part);
}

/* While an index is still being decompressed, its first parts are read. Each ends at the first
 * empty line behind INDEX_PART_BYTES, however the text comes. */
static void text_came(void *arg, struct str text)
{
	struct reading *r = arg;

	for (;;) {
		const char *line;

		if (r->searched < r->begin + INDEX_PART_BYTES)
			r->searched = r->begin + INDEX_PART_BYTES;
		if (r->searched >= text.n)
			return;
		line = memmem(text.p + r->searched, text.n - r->searched, "\n\n", 2);
		if (!line) {
			r->searched = text.n - 1;
			return;
		}
		part_submit(r, text, (size_t)(line - text.p) + 2);
	}
}

/* By what the bytes say they are, but for two forms of old, which go by the name. */
static int expand(struct reading *r, struct str bytes, struct str *ret, struct err *e)
{
	struct str name = r->index->file.name;

	if (str_ends(name, ".bz2"))
		return bzip2_expand(&r->a, bytes, TEXT_BYTES_MAX, ret, e);
	if (str_ends(name, ".lzma"))
		return decompress_lzma(&r->a, bytes, TEXT_BYTES_MAX, ret, e);
	return decompress_watched(&r->a, bytes, TEXT_BYTES_MAX, text_came, r, ret, e);
}

int debian_index_read(const struct upstream_state *state, const struct upstream_index *index,
		      struct str bytes, unsigned jobs, upstream_take take, void *arg, struct err *e)
{
	struct reading r = { .state = state,
			     .index = index,
			     .take = take,
			     .arg = arg,
			     .pool = thread_pool_new(jobs) };
	struct err parts_e;
	struct str text;
	int parts_rc, rc = expand(&r, bytes, &text, e);

	if (rc >= 0)
		text_came(&r, text);
	if (rc >= 0 && r.begin < text.n)
		part_submit(&r, text, text.n);
	parts_rc = thread_pool_wait(r.pool, &parts_e);
	if (rc >= 0 && parts_rc < 0) {
		rc = parts_rc;
		*e = parts_e;
	}
	pool_end(r.pool);
	arena_done(&r.a);
	return rc;
}
