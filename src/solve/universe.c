/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include <solv/knownid.h>
#include <solv/pool_parserpmrichdep.h>
#include <solv/poolarch.h>

#include "base/arch.h"
#include "base/trace.h"
#include "solve/universe.h"

enum { PROVIDES = 1 }; /* in universe_lists[] */

static const struct universe_part *part_of(const struct universe *u, uint32_t place)
{
	return &u->parts.p[u->places[place].part];
}

static const char *text_of(const struct universe *u, uint32_t place, size_t text)
{
	return universe_part_text(part_of(u, place), u->places[place].record, text);
}

struct universe_record universe_record(const struct universe *u, Id p)
{
	uint32_t i = (uint32_t)(p - u->first);

	return universe_part_record(part_of(u, i), u->places[i].record);
}

uint32_t universe_number(const struct universe *u, Id p)
{
	return u->numbers[u->places[p - u->first].part] + universe_record(u, p).number;
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

/* @ids: one for each distinct dependency of the part. */
static int ids_make(const struct universe *u, const struct universe_part *part, Id *ids,
		    struct err *e)
{
	for (uint32_t i = 0; i < part->head.n_deps; i++) {
		struct universe_dep d = universe_part_dep(part, i);

		ids[i] = dep_id(u->pool, part->texts + d.name, part->texts + d.evr, d.op);
		if (ids[i] == 0)
			return err_set(e, -EINVAL, "'%.200s' is not a dependency",
				       part->texts + d.name);
	}
	return 0;
}

static void solvable_fill(const struct universe *u, Id *const *ids, uint32_t i, Queue *q)
{
	const struct universe_part *part = part_of(u, i);
	struct universe_record r = universe_part_record(part, u->places[i].record);
	Solvable *s = pool_id2solvable(u->pool, u->first + (Id)i);
	Id self;

	s->arch = pool_str2id(u->pool, text_of(u, i, UNIVERSE_ARCH), 1);
	s->evr = pool_str2id(u->pool, part->texts + r.evr, 1);
	self = pool_rel2id(u->pool, s->name, s->evr, REL_EQ, 1);
	for (size_t k = 0; k < UNIVERSE_LISTS; k++) {
		queue_empty(q);
		for (uint32_t n = 0; n < r.lists[k].n; n++)
			queue_push(q, ids[u->places[i].part]
					 [universe_part_listed(part, r.lists[k].first + n)]);
		if (k == PROVIDES)
			queue_pushunique(q, self); /* libsolv knows a package only by what it
						      provides */
		if (q->count > 0)
			solvable_set_deparray(s, universe_lists[k].key, q, 0);
	}
}

/* The names first, so that their Ids do not depend on what is in which part. */
static void solvables_fill(struct universe *u, Id *const *ids)
{
	Queue q;

	queue_init(&q);
	for (uint32_t i = 0; i < u->n; i++)
		solvable_fill(u, ids, i, &q);
	queue_free(&q);
}

static void names_fill(struct universe *u, const struct arch *arch)
{
	Repo *repo;

	pool_setarch(u->pool, arch->name);
	repo = repo_create(u->pool, "upstream");
	u->first = repo_add_solvable_block(repo, (int)u->n);
	for (uint32_t i = 0; i < u->n; i++)
		pool_id2solvable(u->pool, u->first + (Id)i)->name =
			pool_str2id(u->pool, text_of(u, i, UNIVERSE_NAME), 1);
}

static int pool_fill(struct universe *u, const struct arch *arch, struct err *e)
{
	_cleanup_arena_ struct arena work = { 0 };
	Id **ids = arena_array(&work, u->parts.n, sizeof(*ids));

	names_fill(u, arch);
	for (size_t i = 0; i < u->parts.n; i++) {
		int r;

		ids[i] = arena_array(&work, u->parts.p[i].head.n_deps, sizeof(**ids));
		r = ids_make(u, &u->parts.p[i], ids[i], e);
		if (r < 0)
			return r;
	}
	solvables_fill(u, ids);
	pool_createwhatprovides(u->pool);
	return 0;
}

static int pool_make(struct universe *u, const struct arch *arch, struct err *e)
{
	u->pool = pool_create();
	/* Debian's libsolv is made for several semantics; its default is dpkg's */
	if (pool_setdisttype(u->pool, DISTTYPE_RPM) < 0)
		return err_set(e, -ENOTSUP,
			       "this libsolv cannot compare versions as RPM does; want one with "
			       "MULTI_SEMANTICS, as Debian's");
	return pool_fill(u, arch, e);
}

/* The first place whose package's name is not before @name. */
static uint32_t place_of(const struct universe *u, const char *name)
{
	uint32_t low = 0, high = u->n;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (strcmp(text_of(u, middle, UNIVERSE_NAME), name) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Puts what @change says about packages into a part of its own, which takes their places. */
static int change_apply(struct universe *u, const struct universe_change *change, struct err *e)
{
	_cleanup_arena_ struct arena work = { 0 };
	VEC(uint32_t) changed = { 0 };
	vec_rpm_meta metas = { 0 };
	struct universe_part part;
	int r;

	vec_each(name, change->names) {
		const char *text = str_z(&work, *name);

		for (uint32_t i = place_of(u, text);
		     i < u->n && strcmp(text_of(u, i, UNIVERSE_NAME), text) == 0; i++) {
			vec_push(&work, &changed) = i;
			universe_part_package(&work, part_of(u, i), u->places[i].record,
					      &vec_push(&work, &metas));
			change->apply(change->arg, &work, &metas.p[metas.n - 1]);
		}
	}
	r = universe_part_check(&u->a, universe_encode(&u->a, &metas), &part, e);
	if (r < 0)
		return r;
	for (size_t i = 0; i < changed.n; i++)
		u->places[changed.p[i]] =
			(struct universe_place){ (uint32_t)u->parts.n, part.record_of[i] };
	vec_push(&u->a, &u->parts) = part;
	return 0;
}

static struct universe *universe_new(void)
{
	struct arena a = { 0 };
	struct universe *u = arena_new(&a, struct universe);

	u->a = a; /* the universe lives in its own arena */
	return u;
}

static int parts_add(struct universe *u, const vec_universe_part *parts, struct err *e)
{
	uint32_t n = 0;

	u->numbers = arena_array(&u->a, parts->n + 1, sizeof(*u->numbers));
	vec_each(part, parts) {
		u->numbers[u->parts.n] = n;
		n += (*part)->head.n_packages;
		if (n > UNIVERSE_PACKAGES_MAX)
			return err_set(e, -E2BIG, "more than %d packages", UNIVERSE_PACKAGES_MAX);
		vec_push(&u->a, &u->parts) = **part;
	}
	u->numbers[u->parts.n] = n; /* of those that are changed */
	return 0;
}

/* Takes over @u, also when it fails. */
static int open_new(struct universe *u, const vec_universe_part *parts,
		    const struct universe_change *change, const struct arch *arch,
		    struct universe **ret, struct err *e)
{
	int r = parts_add(u, parts, e);

	if (r == 0)
		universe_merge(u);
	if (r == 0 && change)
		r = change_apply(u, change, e);
	if (r == 0)
		r = pool_make(u, arch, e);
	if (r < 0)
		universe_free(u);
	else
		*ret = u;
	return r;
}

int universe_open(const vec_universe_part *parts, const struct universe_change *change,
		  const struct arch *arch, struct universe **ret, struct err *e)
{
	TRACE("open universe");

	return open_new(universe_new(), parts, change, arch, ret, e);
}

int universe_build(const vec_rpm_meta *packages, const struct arch *arch, struct universe **ret,
		   struct err *e)
{
	_cleanup_arena_ struct arena work = { 0 };
	vec_universe_part parts = { 0 };
	struct universe *u = universe_new();
	struct universe_part part;
	int r = 0;

	if (packages->n > UNIVERSE_PACKAGES_MAX)
		r = err_set(e, -E2BIG, "%zu packages; want at most %d", packages->n,
			    UNIVERSE_PACKAGES_MAX);
	if (r == 0)
		r = universe_part_check(&u->a, universe_encode(&u->a, packages), &part, e);
	if (r < 0) {
		universe_free(u);
		return r;
	}
	vec_push(&work, &parts) = &part;
	return open_new(u, &parts, NULL, arch, ret, e);
}

size_t universe_size(const struct universe *u)
{
	return u->n;
}

static uint32_t part_with(const struct universe *u, uint32_t number)
{
	uint32_t i = (uint32_t)u->parts.n - 1;

	while (i > 0 && u->numbers[i] > number)
		i--;
	return i;
}

void universe_package(struct arena *a, const struct universe *u, uint32_t i, struct rpm_meta *ret)
{
	uint32_t n = part_with(u, i);
	const struct universe_part *part = &u->parts.p[n];

	universe_part_package(a, part, part->record_of[i - u->numbers[n]], ret);
}

vec_str universe_names(struct arena *a, const struct universe *u)
{
	vec_str names = { 0 };

	vec_reserve(a, &names, u->n);
	for (uint32_t i = 0; i < u->n; i++) {
		struct str name = str_c(text_of(u, i, UNIVERSE_NAME));

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
