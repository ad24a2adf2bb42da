/* SPDX-License-Identifier: MIT */
/* From the rules that libsolv could not meet together to a sentence: what cannot be, and how the
 * request led there. */
#include <solv/evr.h>
#include <solv/solver.h>

#include "solve/universe.h"

enum { CAUSES_MAX = 3 };

struct info {
	SolverRuleinfo type;
	Id source, target, dep;
};

struct problem {
	struct arena *a;
	const struct universe *u;
	Pool *pool;
	const Queue *job;
	VEC(struct info) infos;
	Queue excluded, path;
};

static struct str package_text(const struct problem *x, Id p)
{
	return str_dup(x->a, str_c(pool_solvid2str(x->pool, p)));
}

static struct str dep_str(const struct problem *x, Id dep)
{
	return str_dup(x->a, str_c(pool_dep2str(x->pool, dep)));
}

static bool provides(Pool *pool, Id p, Id dep)
{
	Id q, pp;

	FOR_PROVIDES(q, pp, dep)
	if (q == p)
		return true;
	return false;
}

static void infos_collect(struct problem *x, Solver *solver)
{
	Queue rules, four;

	queue_init(&rules);
	queue_init(&four);
	solver_findallproblemrules(solver, 1, &rules);
	for (int i = 0; i < rules.count; i++) {
		Id what, how = solver_rule2job(solver, rules.elements[i], &what);

		if ((how & SOLVER_JOBMASK) == SOLVER_LOCK)
			queue_push(&x->excluded, what);
		queue_empty(&four);
		solver_allruleinfos(solver, rules.elements[i], &four);
		for (int k = 0; k + 3 < four.count; k += 4)
			vec_push(x->a, &x->infos) =
				(struct info){ (SolverRuleinfo)four.elements[k],
					       four.elements[k + 1], four.elements[k + 2],
					       four.elements[k + 3] };
	}
	queue_free(&rules);
	queue_free(&four);
}

static bool asked_for(const struct problem *x, Id p)
{
	Pool *pool = x->pool;
	Id q, pp;

	for (int i = 0; i < x->job->count; i += 2) {
		Id how = x->job->elements[i], select = how & SOLVER_SELECTMASK;

		if ((how & SOLVER_JOBMASK) != SOLVER_INSTALL)
			continue;
		FOR_JOB_SELECT(q, pp, select, x->job->elements[i + 1])
		if (q == p)
			return true;
	}
	return false;
}

static bool excluded(const struct problem *x, Id p)
{
	Pool *pool = x->pool;

	for (int i = 0; i < x->excluded.count; i++)
		if (pool_match_nevr(pool, pool_id2solvable(pool, p), x->excluded.elements[i]))
			return true;
	return false;
}

/* Walks from @p towards the request, by the requirements of the problem: x->path becomes pairs of a
 * package and what it needs, @p's own need of nothing not included. Breadth first, so the shortest
 * way. */
static void path_find(struct problem *x, Id p)
{
	Queue seen; /* triples: package, dependency by which it needs the one at index, that index
		     */
	int i = 0;

	queue_empty(&x->path);
	queue_init(&seen);
	queue_push2(&seen, p, 0);
	queue_push(&seen, -1);
	while (i < seen.count && !asked_for(x, seen.elements[i])) {
		vec_each(info, &x->infos) {
			bool known = false;

			for (int k = 0; k < seen.count; k += 3)
				known = known || seen.elements[k] == info->source;
			if (known || info->type != SOLVER_RULE_PKG_REQUIRES ||
			    !provides(x->pool, seen.elements[i], info->dep))
				continue;
			queue_push2(&seen, info->source, info->dep);
			queue_push(&seen, i);
		}
		i += 3;
	}
	while (i >= 0 && i < seen.count && seen.elements[i + 2] >= 0) {
		queue_push2(&x->path, seen.elements[i], seen.elements[i + 1]);
		i = seen.elements[i + 2];
	}
	queue_free(&seen);
}

/* "'web-1-1.x86_64' needs 'b', 'b-2-1.x86_64' needs 'c'"; empty when @p is asked for. */
static struct str because(struct problem *x, Id p)
{
	struct str text = { 0 };

	path_find(x, p);
	for (int i = 0; i < x->path.count; i += 2)
		text = str_printf(x->a, "%.*s%s'%.*s' needs '%.*s'", STR_FMT(text), i ? ", " : "",
				  STR_FMT(package_text(x, x->path.elements[i])),
				  STR_FMT(dep_str(x, x->path.elements[i + 1])));
	return text;
}

/* What there is of a name that nothing provides as wanted. */
static struct str versions_of(struct problem *x, Id name)
{
	Pool *pool = x->pool;
	struct str text = { 0 };
	const struct str *near;
	vec_str names;
	Id p, pp;

	FOR_PROVIDES(p, pp, name)
	{
		const Solvable *s = pool_id2solvable(pool, p);

		if (s->name == name)
			text = str_printf(x->a, "%.*s%s%s", STR_FMT(text), text.n ? " and " : "",
					  pool_id2str(pool, s->evr));
		else
			text = str_printf(x->a, "%.*s%s'%.*s'", STR_FMT(text),
					  text.n ? " and " : "", STR_FMT(package_text(x, p)));
	}
	if (text.n > 0)
		return str_printf(x->a, "there is '%s' %.*s", pool_id2str(pool, name),
				  STR_FMT(text));
	names = universe_names(x->a, x->u);
	near = str_nearest(names.p, names.n, str_c(pool_id2str(pool, name)));
	return near ? str_printf(x->a, "the nearest name is '%.*s'", STR_FMT(*near))
		    : (struct str){ 0 };
}

static struct str nothing_provides(struct problem *x, const struct info *info)
{
	struct str text = { 0 };
	Queue alternatives;

	queue_init(&alternatives);
	dep_alternatives(x->pool, info->dep, &alternatives);
	for (int i = 0; i < alternatives.count; i++) {
		Id name = alternatives.elements[i];
		struct str there;

		while (ISRELDEP(name))
			name = GETRELDEP(x->pool, name)->name;
		there = versions_of(x, name);
		if (there.n > 0)
			text = str_printf(x->a, "%.*s%s%.*s", STR_FMT(text), text.n ? ", " : "",
					  STR_FMT(there));
	}
	queue_free(&alternatives);
	return str_printf(x->a, "'%.*s' needs '%.*s', which no package provides%s%.*s%s",
			  STR_FMT(package_text(x, info->source)), STR_FMT(dep_str(x, info->dep)),
			  text.n ? " (" : "", STR_FMT(text), text.n ? ")" : "");
}

/* Names an excluded package that would satisfy the requirement; empty when there is none. */
static struct str excluded_provider(struct problem *x, const struct info *info)
{
	Pool *pool = x->pool;
	Id p, pp;

	FOR_PROVIDES(p, pp, info->dep)
	if (excluded(x, p))
		return str_printf(x->a, "'%.*s' needs '%.*s', but '%.*s' is excluded",
				  STR_FMT(package_text(x, info->source)),
				  STR_FMT(dep_str(x, info->dep)), STR_FMT(package_text(x, p)));
	return (struct str){ 0 };
}

static struct str clash(struct problem *x, const struct info *info, const char *verb)
{
	struct str why = because(x, info->target);

	return str_printf(x->a, "'%.*s' %s '%.*s', which '%.*s' is%s%.*s%s",
			  STR_FMT(package_text(x, info->source)), verb,
			  STR_FMT(dep_str(x, info->dep)), STR_FMT(package_text(x, info->target)),
			  why.n ? " (" : " and which is asked for", STR_FMT(why), why.n ? ")" : "");
}

/* Why this rule alone cannot be met, or empty for a rule that is only on the way. */
static struct str cause_text(struct problem *x, const struct info *info)
{
	switch (info->type) {
	case SOLVER_RULE_PKG_NOTHING_PROVIDES_DEP:
		return nothing_provides(x, info);
	case SOLVER_RULE_PKG_REQUIRES:
		return excluded_provider(x, info);
	case SOLVER_RULE_PKG_CONFLICTS:
		return clash(x, info, "conflicts with");
	case SOLVER_RULE_PKG_OBSOLETES:
		return clash(x, info, "replaces");
	case SOLVER_RULE_PKG_SAME_NAME:
		return str_printf(
			x->a, "'%.*s' and '%.*s' are versions of one package, and both are needed",
			STR_FMT(package_text(x, info->source)),
			STR_FMT(package_text(x, info->target)));
	case SOLVER_RULE_PKG_SELF_CONFLICT:
		return str_printf(x->a, "'%.*s' conflicts with '%.*s', which it provides itself",
				  STR_FMT(package_text(x, info->source)),
				  STR_FMT(dep_str(x, info->dep)));
	case SOLVER_RULE_PKG_NOT_INSTALLABLE:
		return str_printf(x->a, "'%.*s' is for another architecture",
				  STR_FMT(package_text(x, info->source)));
	default:
		return (struct str){ 0 };
	}
}

static Id name_of(const struct problem *x, Id p)
{
	return p > 0 ? pool_id2solvable(x->pool, p)->name : 0;
}

static int evr_cmp(const struct problem *x, Id p, Id q)
{
	Pool *pool = x->pool;

	if (p <= 0 || q <= 0)
		return 0;
	return pool_evrcmp(pool, pool_id2solvable(pool, p)->evr, pool_id2solvable(pool, q)->evr,
			   EVRCMP_COMPARE);
}

/* Whether another info says the same of newer versions, or of these again. */
static bool repeated(const struct problem *x, const struct info *info)
{
	vec_each(other, &x->infos) {
		int r = evr_cmp(x, other->source, info->source);

		if (other == info || other->type != info->type || other->dep != info->dep ||
		    name_of(x, other->source) != name_of(x, info->source) ||
		    name_of(x, other->target) != name_of(x, info->target))
			continue;
		if (r == 0)
			r = evr_cmp(x, other->target, info->target);
		if (r > 0 || (r == 0 && other < info))
			return true;
	}
	return false;
}

static struct str causes_text(struct problem *x)
{
	struct str text = { 0 };
	int n = 0;

	vec_each(info, &x->infos) {
		struct str cause = { 0 }, why;

		if (!repeated(x, info))
			cause = cause_text(x, info);
		if (cause.n == 0)
			continue;
		if (++n > CAUSES_MAX)
			return str_printf(x->a, "%.*s; and more", STR_FMT(text));
		why = because(x, info->source);
		text = str_printf(x->a, "%.*s%s%.*s%s%.*s", STR_FMT(text), n > 1 ? "; and " : "",
				  STR_FMT(why), why.n ? ", and " : "", STR_FMT(cause));
	}
	return text;
}

/* A request that is excluded at once shows no requirement at all. */
static struct str excluded_request(struct problem *x)
{
	Pool *pool = x->pool;
	Id p, pp;

	for (int i = 0; i < x->excluded.count; i++)
		FOR_PROVIDES(p, pp, x->excluded.elements[i])
	if (asked_for(x, p))
		return str_printf(x->a, "'%.*s' is asked for, but it is excluded",
				  STR_FMT(package_text(x, p)));
	return (struct str){ 0 };
}

struct str problem_sentence(struct arena *a, const struct universe *u, Solver *solver,
			    const Queue *job)
{
	struct problem x = { .a = a, .u = u, .pool = u->pool, .job = job };
	struct str text;

	queue_init(&x.excluded);
	queue_init(&x.path);
	infos_collect(&x, solver);
	text = causes_text(&x);
	if (text.n == 0)
		text = excluded_request(&x);
	if (text.n == 0)
		text = str_dup(a, str_c(solver_problem2str(solver, 1)));
	queue_free(&x.excluded);
	queue_free(&x.path);
	return text;
}
