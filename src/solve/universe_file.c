/* SPDX-License-Identifier: MIT */
#include "base/rd.h"
#include "base/thread_pool.h"
#include "base/trace.h"
#include "solve/universe.h"

/* The bytes: magic, version, how many parts, the recipe as LENGTH TEXT; the parts, each as LENGTH
 * (64-bit) BYTES. Each part has a digest of its own, so that several threads check them. Numbers
 * are little-endian. */

enum { FILE_VERSION = 1, FILE_HEAD_BYTES = 20, FILE_PARTS_MAX = 1 << 12 };
static const char magic[8] = "ASHLINDX";

static int damaged(struct err *e, const char *what)
{
	return err_set(e, -EBADMSG, "the cached index of packages is damaged (%s)", what);
}

struct str universe_version(struct arena *a)
{
	return str_printf(a, "file-version %d\npart-version %d\n", FILE_VERSION, UNIVERSE_VERSION);
}

struct str universe_file_encode(struct arena *a, struct str recipe, const vec_str *parts)
{
	struct buf b = { .a = a };
	size_t n = 64 + recipe.n;

	vec_each(part, parts)
		n += 8 + part->n;
	vec_reserve(a, &b.v, n);
	buf_put(&b, magic, sizeof(magic));
	buf_le32(&b, FILE_VERSION);
	buf_le32(&b, (uint32_t)parts->n);
	buf_le32(&b, (uint32_t)recipe.n);
	buf_put(&b, recipe.p, recipe.n);
	vec_each(part, parts) {
		buf_le64(&b, part->n);
		buf_put(&b, part->p, part->n);
	}
	return (struct str){ (const char *)b.v.p, b.v.n };
}

/* The cursor comes to stand before the parts. */
static bool head_read(struct rd *r, uint32_t *ret_parts, struct str *ret_recipe)
{
	struct str head = rd_str(r, sizeof(magic));
	uint32_t version = rd_le32(r), n;

	*ret_parts = rd_le32(r);
	n = rd_le32(r);
	if (r->bad || memcmp(head.p, magic, sizeof(magic)) != 0 || version != FILE_VERSION ||
	    *ret_parts > FILE_PARTS_MAX || n > UNIVERSE_RECIPE_BYTES_MAX - FILE_HEAD_BYTES)
		return false;
	*ret_recipe = rd_str(r, n);
	return !r->bad;
}

struct str universe_file_recipe(struct str bytes)
{
	struct rd r = { .p = (const uint8_t *)bytes.p, .n = bytes.n };
	struct str recipe = { 0 };
	uint32_t n;

	return head_read(&r, &n, &recipe) ? recipe : (struct str){ 0 };
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

int universe_file_decode(struct arena *a, struct str bytes, struct str recipe, unsigned jobs,
			 vec_universe_part *ret, struct err *e)
{
	_cleanup_arena_ struct arena work = { 0 };
	struct rd rd = { .p = (const uint8_t *)bytes.p, .n = bytes.n };
	struct str is = { 0 };
	struct check *checks;
	uint32_t n;
	int r;

	if (!head_read(&rd, &n, &is))
		return damaged(e, "another format");
	if (!str_eq(is, recipe))
		return damaged(e, "of something else");
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
