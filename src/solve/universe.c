/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include <solv/knownid.h>
#include <solv/pool_parserpmrichdep.h>
#include <solv/poolarch.h>

#include "base/arch.h"
#include "base/rd.h"
#include "base/trace.h"
#include "solve/encode.h"

enum { NAME = 0, ARCH = 3, PROVIDES = 1 }; /* in universe_texts[] and universe_lists[] */

struct universe_record universe_record(const struct universe *u, uint32_t i)
{
	struct universe_record r;

	memcpy(&r, u->records + (size_t)i * sizeof(r), sizeof(r));
	return r;
}

static struct universe_dep dep_at(const struct universe *u, uint32_t listed)
{
	struct universe_dep d;
	uint32_t i;

	memcpy(&i, u->listed + (size_t)listed * sizeof(i), sizeof(i));
	memcpy(&d, u->deps + (size_t)i * sizeof(d), sizeof(d));
	return d;
}

static int damaged(struct err *e, const char *what)
{
	return err_set(
		e, -EBADMSG,
		"the cached universe of packages is damaged (%s); want it removed and made again",
		what);
}

/* Cuts the bytes into sections. */
static int sections_check(struct universe *u, struct err *e)
{
	struct rd r = { .p = (const uint8_t *)u->bytes.p, .n = u->bytes.n };
	struct str head = rd_str(&r, sizeof(u->head));
	uint8_t digest[SHA256_BYTES];

	if (!head.p)
		return damaged(e, "too short");
	memcpy(&u->head, head.p, sizeof(u->head));
	if (memcmp(u->head.magic, "ASHLUNIV", sizeof(u->head.magic)) != 0 ||
	    u->head.version != UNIVERSE_VERSION)
		return damaged(e, "another format");
	if (u->head.n_packages > UNIVERSE_PACKAGES_MAX)
		return damaged(e, "too many packages");
	u->records = rd_str(&r, u->head.n_packages * sizeof(struct universe_record)).p;
	u->deps = rd_str(&r, u->head.n_deps * sizeof(struct universe_dep)).p;
	u->listed = rd_str(&r, u->head.n_listed * sizeof(uint32_t)).p;
	u->texts = rd_str(&r, u->head.n_text_bytes).p;
	if (r.bad || r.n - r.pos != SHA256_BYTES)
		return damaged(e, "another length than it says");
	sha256(u->bytes.p, r.pos, digest);
	if (memcmp(digest, u->bytes.p + r.pos, sizeof(digest)) != 0)
		return damaged(e, "its checksum differs");
	/* each text ends at a NUL, so any offset below the end is a text */
	if (u->head.n_text_bytes == 0 || u->texts[u->head.n_text_bytes - 1] != '\0')
		return damaged(e, "a text without end");
	return 0;
}

static bool record_ok(const struct universe *u, const struct universe_record *r)
{
	bool ok = r->number < u->head.n_packages && u->record_of[r->number] == UINT32_MAX &&
		  r->evr < u->head.n_text_bytes;

	for (size_t i = 0; i < UNIVERSE_TEXTS; i++)
		ok = ok && r->texts[i] < u->head.n_text_bytes;
	for (size_t i = 0; i < UNIVERSE_LISTS; i++)
		ok = ok && r->lists[i].first <= u->head.n_listed &&
		     r->lists[i].n <= u->head.n_listed - r->lists[i].first;
	return ok;
}

/* Every index that the records, lists and dependencies hold. */
static int indexes_check(struct universe *u, struct err *e)
{
	u->record_of = arena_array(&u->a, u->head.n_packages, sizeof(*u->record_of));
	memset(u->record_of, 0xff, u->head.n_packages * sizeof(*u->record_of));
	for (uint32_t i = 0; i < u->head.n_packages; i++) {
		struct universe_record r = universe_record(u, i);

		if (!record_ok(u, &r))
			return damaged(e, "a package's record");
		u->record_of[r.number] = i;
	}
	for (uint32_t i = 0; i < u->head.n_listed; i++) {
		uint32_t dep;

		memcpy(&dep, u->listed + (size_t)i * sizeof(dep), sizeof(dep));
		if (dep >= u->head.n_deps)
			return damaged(e, "a list");
	}
	for (uint32_t i = 0; i < u->head.n_deps; i++) {
		struct universe_dep d;

		memcpy(&d, u->deps + (size_t)i * sizeof(d), sizeof(d));
		if (d.name >= u->head.n_text_bytes || d.evr >= u->head.n_text_bytes)
			return damaged(e, "a dependency");
	}
	return 0;
}

int universe_check(struct universe *u, struct err *e)
{
	int r = sections_check(u, e);

	return r < 0 ? r : indexes_check(u, e);
}

static int op_flags(unsigned op)
{
	return (op & DEP_LESS ? REL_LT : 0) | (op & DEP_GREATER ? REL_GT : 0) |
	       (op & DEP_EQUAL ? REL_EQ : 0);
}

/* @name and @evr end at a NUL. */
static Id dep_id(Pool *pool, const char *name, const char *evr, unsigned op)
{
	if (name[0] == '(')
		return strlen(name) > UNIVERSE_RICH_BYTES_MAX ? 0
							      : pool_parserpmrichdep(pool, name);
	if (name[0] == '\0')
		return 0;
	if (op_flags(op) == 0)
		return pool_str2id(pool, name, 1);
	return pool_rel2id(pool, pool_str2id(pool, name, 1), pool_str2id(pool, evr, 1),
			   op_flags(op), 1);
}

Id universe_dep_id(const struct universe *u, const struct dep *dep)
{
	_cleanup_arena_ struct arena a = { 0 };

	return dep_id(u->pool, str_z(&a, dep->name), str_z(&a, dep->evr), dep->op);
}

/* @ids: one for each distinct dependency. */
static int ids_make(const struct universe *u, Id *ids, struct err *e)
{
	for (uint32_t i = 0; i < u->head.n_deps; i++) {
		struct universe_dep d;

		memcpy(&d, u->deps + (size_t)i * sizeof(d), sizeof(d));
		ids[i] = dep_id(u->pool, u->texts + d.name, u->texts + d.evr, d.op);
		if (ids[i] == 0)
			return err_set(e, -EINVAL, "'%.200s' is not a dependency",
				       u->texts + d.name);
	}
	return 0;
}

static void solvable_fill(const struct universe *u, const Id *ids, uint32_t i, Queue *q)
{
	struct universe_record r = universe_record(u, i);
	Solvable *s = pool_id2solvable(u->pool, u->first + (Id)i);
	Id self;

	s->name = pool_str2id(u->pool, u->texts + r.texts[NAME], 1);
	s->arch = pool_str2id(u->pool, u->texts + r.texts[ARCH], 1);
	s->evr = pool_str2id(u->pool, u->texts + r.evr, 1);
	self = pool_rel2id(u->pool, s->name, s->evr, REL_EQ, 1);
	for (size_t k = 0; k < UNIVERSE_LISTS; k++) {
		queue_empty(q);
		for (uint32_t n = 0; n < r.lists[k].n; n++) {
			uint32_t dep;

			memcpy(&dep, u->listed + (size_t)(r.lists[k].first + n) * sizeof(dep),
			       sizeof(dep));
			queue_push(q, ids[dep]);
		}
		if (k == PROVIDES)
			queue_pushunique(q, self); /* libsolv knows a package only by what it
						      provides */
		if (q->count > 0)
			solvable_set_deparray(s, universe_lists[k].key, q, 0);
	}
}

static int pool_fill(struct universe *u, const struct arch *arch, struct err *e)
{
	Id *ids = calloc(u->head.n_deps + 1, sizeof(*ids));
	Repo *repo;
	Queue q;
	int r;

	if (!ids)
		return err_set(e, -ENOMEM, "no memory for %u dependencies", u->head.n_deps);
	r = ids_make(u, ids, e);
	if (r == 0) {
		pool_setarch(u->pool, arch->name);
		repo = repo_create(u->pool, "upstream");
		u->first = repo_add_solvable_block(repo, (int)u->head.n_packages);
		queue_init(&q);
		for (uint32_t i = 0; i < u->head.n_packages; i++)
			solvable_fill(u, ids, i, &q);
		queue_free(&q);
		pool_createwhatprovides(u->pool);
	}
	free(ids);
	return r;
}

/* Takes over @u, also when it fails. */
static int universe_open(struct universe *u, const struct arch *arch, struct universe **ret,
			 struct err *e)
{
	int r = universe_check(u, e);

	if (r == 0) {
		u->pool = pool_create();
		/* Debian's libsolv is made for several semantics; its default is dpkg's */
		if (pool_setdisttype(u->pool, DISTTYPE_RPM) < 0)
			r = err_set(
				e, -ENOTSUP,
				"this libsolv cannot compare versions as RPM does; want one with "
				"MULTI_SEMANTICS, as Debian's");
	}
	if (r == 0)
		r = pool_fill(u, arch, e);
	if (r < 0) {
		universe_free(u);
		return r;
	}
	*ret = u;
	return 0;
}

static struct universe *universe_new(void)
{
	struct arena a = { 0 };
	struct universe *u = arena_new(&a, struct universe);

	u->a = a; /* the universe lives in its own arena */
	return u;
}

int universe_build(const vec_rpm_meta *packages, const struct arch *arch, struct universe **ret,
		   struct err *e)
{
	struct universe *u;

	if (packages->n > UNIVERSE_PACKAGES_MAX)
		return err_set(e, -E2BIG, "%zu packages; want at most %d", packages->n,
			       UNIVERSE_PACKAGES_MAX);
	u = universe_new();
	u->bytes = universe_encode(&u->a, packages);
	return universe_open(u, arch, ret, e);
}

int universe_load(struct str bytes, const struct arch *arch, struct universe **ret, struct err *e)
{
	TRACE("load universe");
	struct universe *u = universe_new();

	u->bytes = bytes;
	return universe_open(u, arch, ret, e);
}

int universe_save(struct arena *a, struct universe *u, struct str *ret, struct err *e)
{
	(void)e;
	*ret = str_dup(a, u->bytes);
	return 0;
}

size_t universe_size(const struct universe *u)
{
	return u->head.n_packages;
}

void universe_package(struct arena *a, const struct universe *u, uint32_t i, struct rpm_meta *ret)
{
	struct universe_record r = universe_record(u, u->record_of[i]);
	struct rpm_meta m = {
		.epoch = r.epoch,
		.size_bytes = r.size_bytes,
		.installed_bytes = r.installed_bytes,
		.essential = r.essential != 0,
	};

	memcpy(m.sha256, r.sha256, sizeof(m.sha256));
	for (size_t k = 0; k < UNIVERSE_TEXTS; k++)
		*(struct str *)((char *)&m + universe_texts[k]) =
			str_dup(a, str_c(u->texts + r.texts[k]));
	for (size_t k = 0; k < UNIVERSE_LISTS; k++) {
		vec_dep *list = (vec_dep *)((char *)&m + universe_lists[k].offset);

		for (uint32_t n = 0; n < r.lists[k].n; n++) {
			struct universe_dep d = dep_at(u, r.lists[k].first + n);

			vec_push(a, list) =
				(struct dep){ .name = str_dup(a, str_c(u->texts + d.name)),
					      .evr = str_dup(a, str_c(u->texts + d.evr)),
					      .op = d.op };
		}
	}
	*ret = m;
}

vec_str universe_names(struct arena *a, const struct universe *u)
{
	vec_str names = { 0 };

	vec_reserve(a, &names, u->head.n_packages);
	for (uint32_t i = 0; i < u->head.n_packages; i++) {
		struct str name = str_c(u->texts + universe_record(u, i).texts[NAME]);

		if (names.n == 0 || !str_eq(names.p[names.n - 1], name))
			vec_push(a, &names) = name;
	}
	return names;
}

void universe_free(struct universe *u)
{
	struct arena a;

	if (!u)
		return;
	if (u->pool)
		pool_free(u->pool);
	a = u->a;
	arena_done(&a);
}
