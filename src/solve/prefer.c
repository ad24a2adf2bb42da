/* SPDX-License-Identifier: MIT */
/* Where several packages satisfy a requirement, libsolv takes the first by name. Those who wrote "a
 * | b" meant a, and where a virtual name is all there is, some providers are a better guess than
 * others. So the request is first followed without any search, what is forced before what is
 * chosen, and the result is given to libsolv as its favourites. */
#include <solv/bitmap.h>
#include <solv/evr.h>
#include <solv/knownid.h>
#include <solv/solver.h>

#include "solve/universe.h"

struct prefer {
	const struct universe *u;
	Pool *pool;
	bool weak;
	Map chosen, excluded;
	Queue *order;  /* chosen solvables, as they came */
	Queue choices; /* dependencies to decide when nothing is forced any more */
};

static void alternatives_push(Pool *pool, Id dep, Queue *ret)
{
	while (ISRELDEP(dep) && GETRELDEP(pool, dep)->flags == REL_OR) {
		Id rest = GETRELDEP(pool, dep)->evr;

		alternatives_push(pool, GETRELDEP(pool, dep)->name, ret);
		dep = rest;
	}
	queue_push(ret, dep);
}

void dep_alternatives(Pool *pool, Id dep, Queue *ret)
{
	queue_empty(ret);
	alternatives_push(pool, dep, ret);
}

static Id dep_name(Pool *pool, Id dep)
{
	while (ISRELDEP(dep))
		dep = GETRELDEP(pool, dep)->name;
	return dep;
}

static bool satisfied(const struct prefer *x, Id dep)
{
	Pool *pool = x->pool;
	const Reldep *rel = ISRELDEP(dep) ? GETRELDEP(pool, dep) : NULL;
	Id p, pp;

	if (rel && rel->flags == REL_AND)
		return satisfied(x, rel->name) && satisfied(x, rel->evr);
	if (rel && rel->flags == REL_OR)
		return satisfied(x, rel->name) || satisfied(x, rel->evr);
	/* conditions are left to the solver */
	if (rel && (rel->flags == REL_COND || rel->flags == REL_UNLESS))
		return true;
	FOR_PROVIDES(p, pp, dep)
	if (p == SYSTEMSOLVABLE || MAPTST(&x->chosen, p))
		return true;
	return false;
}

static int unmet_count(const struct prefer *x, Id p)
{
	int n = 0;
	Queue q;

	queue_init(&q);
	solvable_lookup_deparray(pool_id2solvable(x->pool, p), SOLVABLE_REQUIRES, &q, -1);
	for (int i = 0; i < q.count; i++)
		n += q.elements[i] != SOLVABLE_PREREQMARKER && !satisfied(x, q.elements[i]);
	queue_free(&q);
	return n;
}

/* Whether @p says that it takes the place of @other. */
static bool replaces(Pool *pool, Id p, Id other)
{
	bool any = false;
	Queue q;

	queue_init(&q);
	solvable_lookup_deparray(pool_id2solvable(pool, p), SOLVABLE_OBSOLETES, &q, 0);
	for (int i = 0; i < q.count; i++)
		any = any || pool_match_nevr(pool, pool_id2solvable(pool, other), q.elements[i]);
	queue_free(&q);
	return any;
}

/* Whether @p is a better guess for @name than @best: its newer version; what takes its place; the
 * package of that very name; an essential one; one that brings less with it; the first by name. */
static bool better(const struct prefer *x, Id name, Id p, Id best)
{
	Pool *pool = x->pool;
	const Solvable *s = pool_id2solvable(pool, p), *b = pool_id2solvable(pool, best);
	bool s_essential, b_essential;
	int s_unmet, b_unmet;

	if (s->name == b->name) {
		int r = pool_evrcmp(pool, s->evr, b->evr, EVRCMP_COMPARE);

		return r != 0 ? r > 0 : p < best;
	}
	if (replaces(pool, p, best) != replaces(pool, best, p))
		return replaces(pool, p, best);
	if ((s->name == name) != (b->name == name))
		return s->name == name;
	s_essential = universe_record(x->u, p).essential;
	b_essential = universe_record(x->u, best).essential;
	if (s_essential != b_essential)
		return s_essential;
	s_unmet = unmet_count(x, p);
	b_unmet = unmet_count(x, best);
	if (s_unmet != b_unmet)
		return s_unmet < b_unmet;
	return strcmp(pool_id2str(pool, s->name), pool_id2str(pool, b->name)) < 0;
}

/* The best provider of the first alternative that has one, or 0. */
static Id pick(const struct prefer *x, Id dep)
{
	Pool *pool = x->pool;
	Id best = 0, p, pp;
	Queue alternatives;

	queue_init(&alternatives);
	dep_alternatives(pool, dep, &alternatives);
	for (int i = 0; best == 0 && i < alternatives.count; i++) {
		Id name = dep_name(pool, alternatives.elements[i]);

		FOR_PROVIDES(p, pp, alternatives.elements[i])
		if (p >= x->u->first && !MAPTST(&x->excluded, p) &&
		    (!best || better(x, name, p, best)))
			best = p;
	}
	queue_free(&alternatives);
	return best;
}

static void choose(struct prefer *x, Id p)
{
	if (p == 0 || MAPTST(&x->chosen, p))
		return;
	MAPSET(&x->chosen, p);
	queue_push(x->order, p);
}

/* Whether only one package, in whatever version, can satisfy @dep. */
static bool forced(const struct prefer *x, Id dep)
{
	Pool *pool = x->pool;
	Id name = 0, p, pp;

	FOR_PROVIDES(p, pp, dep)
	{
		Id other = pool_id2solvable(pool, p)->name;

		if (MAPTST(&x->excluded, p))
			continue;
		if (name && name != other)
			return false;
		name = other;
	}
	return true;
}

static void need(struct prefer *x, Id dep)
{
	if (ISRELDEP(dep) && GETRELDEP(x->pool, dep)->flags == REL_AND) {
		Id rest = GETRELDEP(x->pool, dep)->evr;

		need(x, GETRELDEP(x->pool, dep)->name);
		need(x, rest);
		return;
	}
	if (satisfied(x, dep))
		return;
	if (forced(x, dep))
		choose(x, pick(x, dep));
	else
		queue_push(&x->choices, dep);
}

static void need_all(struct prefer *x, Id p, Id key)
{
	Queue q;

	queue_init(&q);
	solvable_lookup_deparray(pool_id2solvable(x->pool, p), key, &q, -1);
	for (int i = 0; i < q.count; i++)
		if (q.elements[i] != SOLVABLE_PREREQMARKER)
			need(x, q.elements[i]);
	queue_free(&q);
}

/* Follows what is chosen until nothing is forced, then decides one choice, and so on. */
static void follow(struct prefer *x)
{
	int i_order = 0, i_choice = 0;

	for (;;) {
		if (i_order < x->order->count) {
			Id p = x->order->elements[i_order++];

			need_all(x, p, SOLVABLE_REQUIRES);
			if (x->weak)
				need_all(x, p, SOLVABLE_RECOMMENDS);
		} else if (i_choice < x->choices.count) {
			Id dep = x->choices.elements[i_choice++];

			if (!satisfied(x, dep))
				choose(x, pick(x, dep));
		} else {
			return;
		}
	}
}

void universe_prefer(const struct universe *u, const Queue *job, bool weak, Queue *ret)
{
	struct prefer x = { .u = u, .pool = u->pool, .weak = weak, .order = ret };
	Pool *pool = u->pool;
	Id p, pp;

	map_init(&x.chosen, pool->nsolvables);
	map_init(&x.excluded, pool->nsolvables);
	queue_init(&x.choices);
	for (int i = 0; i < job->count; i += 2) {
		Id how = job->elements[i], what = job->elements[i + 1],
		   select = how & SOLVER_SELECTMASK;

		if ((how & SOLVER_JOBMASK) != SOLVER_LOCK)
			continue;
		FOR_JOB_SELECT(p, pp, select, what)
		MAPSET(&x.excluded, p);
	}
	for (int i = 0; i < job->count; i += 2) {
		Id how = job->elements[i], what = job->elements[i + 1];

		if ((how & SOLVER_JOBMASK) != SOLVER_INSTALL)
			continue;
		if ((how & SOLVER_SELECTMASK) == SOLVER_SOLVABLE_NAME)
			choose(&x,
			       pick(&x, what)); /* of this very name, whoever else provides it */
		else
			need(&x, what);
	}
	follow(&x);
	map_free(&x.chosen);
	map_free(&x.excluded);
	queue_free(&x.choices);
}
