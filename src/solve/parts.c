/* SPDX-License-Identifier: MIT */
#include "base/rd.h"
#include "base/thread_pool.h"
#include "base/trace.h"
#include "solve/universe.h"

/* How many parts; each as LENGTH (64-bit) BYTES, so that several threads check them. Numbers are
 * little-endian. */

enum { PARTS_MAX = 1 << 12 };

static int damaged(struct err *e, const char *what)
{
	return err_set(e, -EBADMSG, "the cached index of packages is damaged (%s)", what);
}

struct str universe_parts_encode(struct arena *a, const vec_str *parts)
{
	struct buf b = { .a = a };
	size_t n = sizeof(uint32_t);

	vec_each(part, parts)
		n += sizeof(uint64_t) + part->n;
	vec_reserve(a, &b.v, n);
	buf_le32(&b, (uint32_t)parts->n);
	vec_each(part, parts) {
		buf_le64(&b, part->n);
		buf_put(&b, part->p, part->n);
	}
	return (struct str){ (const char *)b.v.p, b.v.n };
}

struct check {
	struct arena a; /* of this part: several are checked at once */
	struct str bytes;
	struct universe_part part;
};

static int check(void *arg, size_t i, struct err *e)
{
	TRACE("check index");
	struct check *c = (struct check *)arg + i;

	return universe_part_check(&c->a, c->bytes, &c->part, e);
}

/* What a part's check made, from its own arena into @a. */
static struct universe_part *keep(struct arena *a, struct check *c)
{
	struct universe_part *part = arena_copy(a, &c->part, sizeof(c->part));

	part->record_of =
		arena_copy(a, c->part.record_of, part->head.n_packages * sizeof(*part->record_of));
	return part;
}

int universe_parts_decode(struct arena *a, struct str bytes, unsigned jobs, vec_universe_part *ret,
			  struct err *e)
{
	_cleanup_arena_ struct arena work = { 0 };
	struct rd rd = { .p = (const uint8_t *)bytes.p, .n = bytes.n };
	uint32_t n = rd_le32(&rd);
	struct check *checks;
	int r;

	if (n > PARTS_MAX)
		return damaged(e, "too many parts");
	checks = arena_array(&work, n, sizeof(*checks));
	for (uint32_t i = 0; i < n; i++)
		checks[i].bytes = rd_str(&rd, rd_le64(&rd));
	if (rd.bad || rd.pos != rd.n)
		return damaged(e, "another length than it says");
	r = thread_pool_for(jobs, n, check, checks, e);
	for (uint32_t i = 0; i < n; i++) {
		if (r == 0)
			vec_push(a, ret) = keep(a, &checks[i]);
		arena_done(&checks[i].a);
	}
	return r;
}
