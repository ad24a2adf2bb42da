/* SPDX-License-Identifier: MIT */
#include <solv/bitmap.h>
#include <solv/knownid.h>
#include <solv/solver.h>

#include "solve/universe.h"

struct finder {
	struct arena *a;
	const struct universe *u;
	Pool *pool;
	Map chosen, reached;
	Queue order;                  /* reached solvables, breadth first */
	struct solve_reason *reasons; /* by record */
};

static uint32_t number_of(const struct finder *x, Id p)
{
	return universe_number(x->u, p);
}

static void reach(struct finder *x, Id p, uint32_t by, struct str dep, bool weak)
{
	MAPSET(&x->reached, p);
	queue_push(&x->order, p);
	x->reasons[p - x->u->first] = (struct solve_reason){ number_of(x, p), by, dep, weak };
}

static struct str id_text(const struct finder *x, Id dep)
{
	return str_dup(x->a, str_c(pool_dep2str(x->pool, dep)));
}

static bool met(const struct finder *x, Id dep)
{
	Pool *pool = x->pool;
	Id p, pp;

	FOR_PROVIDES(p, pp, dep)
	if (p >= x->u->first && MAPTST(&x->reached, p))
		return true;
	return false;
}

/* A chosen package that satisfies @dep and is not reached yet; of the first alternative that has
 * one. */
static Id candidate(const struct finder *x, Id dep)
{
	Pool *pool = x->pool;
	Queue alternatives;
	Id found = 0, p, pp;

	queue_init(&alternatives);
	dep_alternatives(pool, dep, &alternatives);
	for (int i = 0; !found && i < alternatives.count; i++)
		FOR_PROVIDES(p, pp, alternatives.elements[i])
	if (!found && p >= x->u->first && MAPTST(&x->chosen, p) && !MAPTST(&x->reached, p))
		found = p;
	queue_free(&alternatives);
	return found;
}

/* Which dependencies bring something in: those without a choice; all that no reached package
 * satisfies; all. */
enum kind { KIND_PLAIN, KIND_UNMET, KIND_ANY };

static bool of_kind(const struct finder *x, Id dep, enum kind kind)
{
	bool choice = ISRELDEP(dep) && GETRELDEP(x->pool, dep)->flags == REL_OR;

	if (dep == SOLVABLE_PREREQMARKER || (kind == KIND_PLAIN && choice))
		return false;
	return kind == KIND_ANY || !met(x, dep);
}

/* Reaches what @by brings in; true when there was any. Of the plain ones all, of others the first
 * only, because plain ones that follow from it come before the next. */
static bool reach_from(struct finder *x, Id by, Id key, enum kind kind)
{
	bool any = false;
	Queue q;
	Id p;

	queue_init(&q);
	solvable_lookup_deparray(pool_id2solvable(x->pool, by), key, &q, -1);
	for (int i = 0; i < q.count && (kind == KIND_PLAIN || !any); i++) {
		if (!of_kind(x, q.elements[i], kind))
			continue;
		p = candidate(x, q.elements[i]);
		if (p)
			reach(x, p, number_of(x, by), id_text(x, q.elements[i]),
			      key == SOLVABLE_RECOMMENDS);
		any = any || p;
	}
	queue_free(&q);
	return any;
}

static bool reach_left(struct finder *x, Id key, enum kind kind)
{
	for (int i = 0; i < x->order.count; i++)
		if (reach_from(x, x->order.elements[i], key, kind))
			return true;
	return false;
}

static void reach_all(struct finder *x)
{
	int done = 0;

	do {
		while (done < x->order.count)
			reach_from(x, x->order.elements[done++], SOLVABLE_REQUIRES, KIND_PLAIN);
	} while (reach_left(x, SOLVABLE_REQUIRES, KIND_UNMET) ||
		 reach_left(x, SOLVABLE_REQUIRES, KIND_ANY) ||
		 reach_left(x, SOLVABLE_RECOMMENDS, KIND_ANY));
}

static void reach_requested(struct finder *x, const Queue *job, const vec_str *texts)
{
	Pool *pool = x->pool;
	Id p, pp;

	for (size_t i = 0; i < texts->n; i++) {
		Id select = job->elements[2 * i] & SOLVER_SELECTMASK,
		   what = job->elements[2 * i + 1];

		FOR_JOB_SELECT(p, pp, select, what)
		if (MAPTST(&x->chosen, p) && !MAPTST(&x->reached, p))
			reach(x, p, UINT32_MAX, str_dup(x->a, texts->p[i]), false);
	}
}

void reasons_find(struct arena *a, const struct universe *u, const Queue *job, const vec_str *texts,
		  const Queue *chosen, struct solution *ret)
{
	struct finder x = { .a = a, .u = u, .pool = u->pool };

	map_init(&x.chosen, u->pool->nsolvables);
	map_init(&x.reached, u->pool->nsolvables);
	queue_init(&x.order);
	x.reasons = arena_array(a, u->n, sizeof(*x.reasons));
	for (int i = 0; i < chosen->count; i++)
		MAPSET(&x.chosen, chosen->elements[i]);
	reach_requested(&x, job, texts);
	reach_all(&x);
	for (int i = 0; i < chosen->count; i++) {
		struct solve_reason *reason = &x.reasons[chosen->elements[i] - u->first];

		if (!MAPTST(&x.reached, chosen->elements[i]))
			*reason = (struct solve_reason){ number_of(&x, chosen->elements[i]),
							 UINT32_MAX, STR(""), true };
		vec_push(a, &ret->reasons) = *reason;
	}
	map_free(&x.chosen);
	map_free(&x.reached);
	queue_free(&x.order);
}
