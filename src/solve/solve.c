/* SPDX-License-Identifier: MIT */
#include "solve/solve.h"

#include <stdlib.h>

#include <solv/solver.h>
#include <solv/testcase.h>

#include "base/io.h"
#include "solve/universe.h"

static int unknown(struct arena *a, const struct universe *u, struct str text, struct str name,
		   struct err *e)
{
	vec_str names = universe_names(a, u);
	const struct str *near = str_nearest(names.p, names.n, name);

	if (near && str_eq(*near, name))
		return err_set(e, -ENOENT, "package '%.*s': not in any upstream in this version",
			       STR_FMT(text));
	return err_set(e, -ENOENT, "package '%.*s': not in any upstream%s%.*s%s", STR_FMT(text),
		       near ? "; did you mean '" : "", STR_FMT(near ? *near : STR("")),
		       near ? "'?" : "");
}

/* Finds what @text selects: packages of that name, else such as provide it. */
static int select_find(struct arena *a, const struct universe *u, struct str text, Id *ret_select,
		       Id *ret_what, struct err *e)
{
	Pool *pool = u->pool;
	struct dep dep;
	Id what, p, pp;
	bool any = false;

	if (!dep_parse(text, &dep))
		return err_set(
			e, -EINVAL,
			"package '%.*s': want NAME or NAME OP VERSION, where OP is <, <=, =, >= or >",
			STR_FMT(text));
	what = universe_dep_id(u, &dep);
	if (what == 0)
		return err_set(
			e, -EINVAL,
			"package '%.*s': not a dependency; want (a or b), with versions as (a or b >= 1)",
			STR_FMT(text));
	/* the pool learnt new names here: let it have room for their providers */
	FOR_PROVIDES(p, pp, what)
	{
		any = true;
		if (pool_match_nevr(pool, pool_id2solvable(pool, p), what)) {
			*ret_select = SOLVER_SOLVABLE_NAME;
			*ret_what = what;
			return 0;
		}
	}
	if (!any)
		return unknown(a, u, text, dep.name, e);
	*ret_select = SOLVER_SOLVABLE_PROVIDES;
	*ret_what = what;
	return 0;
}

static int jobs_make(struct arena *a, const struct universe *u, const vec_str *texts, Id how,
		     Queue *job, struct err *e)
{
	vec_each(text, texts) {
		Id select = 0, what = 0;
		int r = select_find(a, u, *text, &select, &what, e);

		if (r < 0)
			return r;
		queue_push2(job, how | select, what);
	}
	return 0;
}

static int chosen_cmp(const void *ap, const void *bp, void *arg)
{
	Pool *pool = arg;
	Id x = *(const Id *)ap, y = *(const Id *)bp;
	int r = strcmp(pool_id2str(pool, pool_id2solvable(pool, x)->name),
		       pool_id2str(pool, pool_id2solvable(pool, y)->name));

	return r ? r : (x > y) - (x < y);
}

static void solution_fill(struct arena *a, const struct universe *u, Solver *solver,
			  const Queue *job, const vec_str *texts, struct solution *ret)
{
	struct solution solution = { 0 };
	Queue decisions, chosen;

	queue_init(&decisions);
	queue_init(&chosen);
	solver_get_decisionqueue(solver, &decisions);
	for (int i = 0; i < decisions.count; i++)
		if (decisions.elements[i] >= u->first)
			queue_push(&chosen, decisions.elements[i]);
	if (chosen.count > 1)
		qsort_r(chosen.elements, (size_t)chosen.count, sizeof(Id), chosen_cmp, u->pool);
	for (int i = 0; i < chosen.count; i++)
		vec_push(a, &solution.packages) = universe_number(u, chosen.elements[i]);
	reasons_find(a, u, job, texts, &chosen, &solution);
	queue_free(&decisions);
	queue_free(&chosen);
	*ret = solution;
}

/* libsolv opens files by their names in the folder, wherever these lead: so in a new one, which
 * then takes the place of whatever is there. */
static int testcase_put(struct arena *a, const struct universe *u, Solver *solver, const char *dir,
			struct err *e)
{
	_cleanup_close_ int fd = -1;
	struct err ignored;
	char *temp;
	int r = dir_make_parent(a, dir, e);

	if (r == 0)
		r = dir_temp(a, dir, &fd, &temp, e);
	if (r < 0)
		return r;
	if (!testcase_write(solver, temp, TESTCASE_RESULT_PROBLEMS, NULL, NULL))
		r = err_set(e, -EIO, "%s", pool_errstr(u->pool));
	if (r == 0)
		r = dir_commit(temp, dir, e);
	if (r < 0)
		(void)!dir_remove(temp, &ignored);
	return r;
}

static int unsolvable(struct arena *a, const struct universe *u, Solver *solver, const Queue *job,
		      const char *dir, struct err *e)
{
	struct str sentence = problem_sentence(a, u, solver, job);
	struct err why;

	if (!dir)
		return err_set(e, -ENOTUNIQ, "%.*s", STR_FMT(sentence));
	if (testcase_put(a, u, solver, dir, &why) < 0)
		return err_set(e, -ENOTUNIQ, "%.*s; no test case was written: %s",
			       STR_FMT(sentence), why.msg);
	return err_set(e, -ENOTUNIQ, "%.*s; replay with: testsolv %s/testcase.t", STR_FMT(sentence),
		       dir);
}

static int run(struct arena *a, struct universe *u, const struct solve_request *request, Queue *job,
	       struct solution *ret, struct err *e)
{
	Solver *solver;
	Queue favourites;
	int r = jobs_make(a, u, &request->packages, SOLVER_INSTALL, job, e);

	if (r == 0)
		r = jobs_make(a, u, &request->exclude, SOLVER_LOCK, job, e);
	if (r < 0)
		return r;
	queue_init(&favourites);
	universe_prefer(u, job, request->weak_dependencies, &favourites);
	for (int i = favourites.count; i-- > 0;) /* the later of two favourites wins */
		queue_push2(job, SOLVER_FAVOR | SOLVER_SOLVABLE, favourites.elements[i]);
	queue_free(&favourites);
	solver = solver_create(u->pool);
	solver_set_flag(solver, SOLVER_FLAG_IGNORE_RECOMMENDED, !request->weak_dependencies);
	if (solver_solve(solver, job) > 0)
		r = unsolvable(a, u, solver, job, request->testcase_dir, e);
	else
		solution_fill(a, u, solver, job, &request->packages, ret);
	solver_free(solver);
	return r;
}

int solve(struct arena *a, struct universe *u, const struct solve_request *request,
	  struct solution *ret, struct err *e)
{
	Queue job;
	int r;

	queue_init(&job);
	r = run(a, u, request, &job, ret, e);
	queue_free(&job);
	return r < 0 ? err_wrap(e, r, "%s", request->what) : 0;
}
