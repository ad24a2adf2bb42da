/* SPDX-License-Identifier: MIT */
#include "base/test.h"

#include <stdlib.h>

#include "base/proc.h"
#include "solve/universe.h"

/* A universe as text: "NAME [EPOCH:]VERSION-RELEASE" and below it, indented, "KEY DEPENDENCY" or
 * "essential". */
static vec_rpm_meta metas_parse(struct arena *a, const char *text)
{
	static const char *const keys[] = { "requires",  "provides",   "conflicts",
					    "obsoletes", "recommends", "suggests" };
	struct str rest = str_c(text);
	vec_rpm_meta metas = { 0 };

	while (rest.n > 0) {
		struct str row = str_cut(&rest, '\n'), word, evr;
		bool indented = str_starts(row, " ");
		struct rpm_meta *m;

		word = str_word(&row);
		if (!indented) {
			m = &vec_push(a, &metas);
			*m = (struct rpm_meta){ .name = word,
						.arch = STR("x86_64"),
						.upstream = STR("test") };
			evr = str_word(&row);
			if (str_find(evr, ':') >= 0)
				assert_true(str_u64(str_cut(&evr, ':'), 99, &m->epoch));
			m->version = str_cut(&evr, '-');
			m->release = evr;
			m->location = str_printf(a, "pool/%.*s_%.*s.deb", STR_FMT(word),
						 STR_FMT(m->version));
			sha256(m->location.p, m->location.n, m->sha256);
			continue;
		}
		m = &metas.p[metas.n - 1];
		if (str_eqz(word, "essential"))
			m->essential = true;
		for (size_t i = 0; i < UNIVERSE_LISTS; i++)
			if (str_eqz(word, keys[i]))
				assert_true(
					dep_parse(row, &vec_push(a, (vec_dep *)((char *)m +
										universe_lists[i]
											.offset))));
	}
	return metas;
}

struct world {
	struct arena a;
	vec_rpm_meta metas;
	struct universe *u;
	struct solve_request request;
	struct solution solution;
	struct err e;
};

static void world_open(struct world *w, const char *text)
{
	*w = (struct world){ 0 };
	w->metas = metas_parse(&w->a, text);
	w->request.what = "image 'test'";
	assert_ok(universe_build(&w->metas, &arch_x86_64, &w->u, &w->e), &w->e);
}

static void world_done(struct world *w)
{
	universe_free(w->u);
	arena_done(&w->a);
}

/* Items apart by commas. */
static vec_str items(struct arena *a, const char *text)
{
	struct str rest = str_c(text);
	vec_str all = { 0 };

	while (rest.n > 0)
		vec_push(a, &all) = str_trim(str_cut(&rest, ','));
	return all;
}

static struct str chosen(struct world *w)
{
	struct buf b = { .a = &w->a };

	vec_each(p, &w->solution.packages) {
		struct rpm_meta m;

		universe_package(&w->a, w->u, *p, &m);
		buf_printf(&b, "%s%.*s-%.*s", b.v.n ? " " : "", STR_FMT(m.name),
			   STR_FMT(rpm_evr(&w->a, &m)));
	}
	return (struct str){ (char *)b.v.p, b.v.n };
}

#define assert_chosen(text, request_, want)                                       \
	do {                                                                      \
		struct world w;                                                   \
		world_open(&w, (text));                                           \
		w.request.packages = items(&w.a, (request_));                     \
		assert_ok(solve(&w.a, w.u, &w.request, &w.solution, &w.e), &w.e); \
		assert_str(chosen(&w), (want));                                   \
		world_done(&w);                                                   \
	} while (0)

#define assert_says(text, request_, exclude_, want)                               \
	do {                                                                      \
		struct world w;                                                   \
		world_open(&w, (text));                                           \
		w.request.packages = items(&w.a, (request_));                     \
		w.request.exclude = items(&w.a, (exclude_));                      \
		assert_true(solve(&w.a, w.u, &w.request, &w.solution, &w.e) < 0); \
		assert_string_equal(w.e.msg, (want));                             \
		world_done(&w);                                                   \
	} while (0)

static void test_versions(void **state)
{
	(void)state;
	assert_chosen("a 1-1\n requires b\nb 1-1\nb 2-1\nb 1:0.5-1\nc 1-1\n", "a",
		      "a-1-1 b-1:0.5-1");
	assert_chosen("a 1-1\n requires b < 2\nb 1.9-1\nb 2-1\nb 1-1\n", "a", "a-1-1 b-1.9-1");
	/* '~' is before, '^' is after */
	assert_chosen("a 1~rc1-1\na 1-1\na 1~rc2-1\n", "a", "a-1-1");
	assert_chosen("a 1^git1-1\na 1-1\na 1~rc2-1\n", "a", "a-1^git1-1");
	assert_chosen("a 1-1\n requires b < 1\nb 1-1\nb 1~rc2-1\nb 1~rc1-9\n", "a",
		      "a-1-1 b-1~rc2-1");
	assert_chosen("a 1-1\n requires b > 1-1\n requires b < 1.0.1\nb 1-1\nb 1^p2-1\nb 1.1-1\n",
		      "a", "a-1-1 b-1^p2-1");
	assert_chosen("a 1-1\nb 1-1\nb 2-1\nb 3-1\n", "a, b <= 2", "a-1-1 b-2-1");
	/* a version without release matches every release */
	assert_chosen("a 1-1\n requires b = 2\nb 2-7\nb 3-1\n", "a", "a-1-1 b-2-7");
}

static void test_alternatives(void **state)
{
	(void)state;
	/* the first alternative, not the first by name */
	assert_chosen("a 1-1\n requires (z or b)\nb 1-1\nz 1-1\n", "a", "a-1-1 z-1-1");
	assert_chosen("a 1-1\n requires (z or y or b)\nb 1-1\ny 1-1\nz 1-1\n", "a", "a-1-1 z-1-1");
	assert_chosen("a 1-1\n requires (z >= 2 or b)\nb 1-1\nz 1-1\n", "a", "a-1-1 b-1-1");
	assert_chosen("a 1-1\n requires (z or (b >= 2))\nb 3-1\n", "a", "a-1-1 b-3-1");
	/* not what is there anyway, however late that is seen */
	assert_chosen(
		"a 1-1\n requires (z or b)\n requires c\nb 1-1\nc 1-1\n requires d\nd 1-1\n requires b\nz 1-1\n",
		"a", "a-1-1 b-1-1 c-1-1 d-1-1");
	/* the first alternative as a real package before those that only provide it */
	assert_chosen("a 1-1\n requires mta\nb 1-1\n provides mta\nmta 1-1\n", "a",
		      "a-1-1 mta-1-1");
	/* of mere providers: an essential one, then the one that brings less, then by name */
	assert_chosen(
		"a 1-1\n requires awk\nb 1-1\n provides awk\nc 1-1\n provides awk\n essential\n",
		"a", "a-1-1 c-1-1");
	assert_chosen(
		"a 1-1\n requires awk\nb 1-1\n provides awk\n requires d\nc 1-1\n provides awk\nd 1-1\n",
		"a", "a-1-1 c-1-1");
	assert_chosen("a 1-1\n requires awk\nc 1-1\n provides awk\nb 1-1\n provides awk\n", "a",
		      "a-1-1 b-1-1");
	/* where the first cannot be, the next */
	assert_chosen("a 1-1\n requires (z or b)\nb 1-1\nz 1-1\n conflicts a\n", "a",
		      "a-1-1 b-1-1");
	assert_chosen("a 1-1\n requires (z or b)\nb 1-1\nz 1-1\n requires gone\n", "a",
		      "a-1-1 b-1-1");
	assert_chosen("a 1-1\n requires (b and c)\nb 1-1\nc 1-1\n", "a", "a-1-1 b-1-1 c-1-1");
	assert_chosen("a 1-1\n requires (b if c)\nb 1-1\nc 1-1\n", "a", "a-1-1");
	assert_chosen("a 1-1\n requires (b if c)\nb 1-1\nc 1-1\n", "a, c", "a-1-1 b-1-1 c-1-1");
}

static void test_obsoletes(void **state)
{
	(void)state;
	assert_chosen(
		"a 1-1\n requires old\nnew 2-1\n provides old = 2\n obsoletes old < 2\nold 1-1\n",
		"a", "a-1-1 new-2-1");
	assert_chosen("a 1-1\nvirtual 1-1\nb 1-1\n provides mail\n", "mail", "b-1-1");
}

static void test_weak(void **state)
{
	struct world w;

	(void)state;
	world_open(
		&w,
		"a 1-1\n recommends b\n suggests c\nb 1-1\n recommends (y or x)\nc 1-1\nx 1-1\ny 1-1\n");
	w.request.packages = items(&w.a, "a");
	assert_ok(solve(&w.a, w.u, &w.request, &w.solution, &w.e), &w.e);
	assert_str(chosen(&w), "a-1-1");
	w.request.weak_dependencies = true;
	assert_ok(solve(&w.a, w.u, &w.request, &w.solution, &w.e), &w.e);
	assert_str(chosen(&w), "a-1-1 b-1-1 y-1-1");
	assert_true(w.solution.reasons.p[1].weak);
	assert_int_equal(w.solution.reasons.p[1].by, 0);
	assert_str(w.solution.reasons.p[2].dep, "(y or x)");
	world_done(&w);
}

static void test_unsolvable(void **state)
{
	(void)state;
	assert_says(
		"openssh-server 1-1\nbash 1-1\n", "opensh-server", "",
		"image 'test': package 'opensh-server': not in any upstream; did you mean 'openssh-server'?");
	assert_says("a 1-1\n", "utterly-unknown", "",
		    "image 'test': package 'utterly-unknown': not in any upstream");
	assert_says("a 1-1\n", "a >= 2", "",
		    "image 'test': package 'a >= 2': not in any upstream in this version");
	assert_says(
		"a 1-1\n", "a => 2", "",
		"image 'test': package 'a => 2': want NAME or NAME OP VERSION, where OP is <, <=, =, >= or >");
	assert_says(
		"a 1-1\n", "(a or", "",
		"image 'test': package '(a or': not a dependency; want (a or b), with versions as (a or b >= 1)");
	assert_says(
		"a 1-2\n requires b >= 3\nb 2-1\n", "a", "",
		"image 'test': 'a-1-2.x86_64' needs 'b >= 3', which no package provides (there is 'b' 2-1)");
	assert_says(
		"a 1-2\n requires bb\nb 2-1\nbbb 1-1\n", "a", "",
		"image 'test': 'a-1-2.x86_64' needs 'bb', which no package provides (the nearest name is 'b')");
	assert_says(
		"web 1-1\n requires a\na 1-2\n requires (b >= 3 or c >= 4)\nb 2-1\nc 1-1\n", "web",
		"",
		"image 'test': 'web-1-1.x86_64' needs 'a', and 'a-1-2.x86_64' needs '(b >= 3 or c >= 4)', which no "
		"package provides (there is 'b' 2-1, there is 'c' 1-1)");
	assert_says(
		"a 1-1\n requires (b or c)\nb 1-1\n requires x\nc 1-1\n requires y\n", "a", "",
		"image 'test': 'a-1-1.x86_64' needs '(b or c)', and 'b-1-1.x86_64' needs 'x', which no package "
		"provides (the nearest name is 'a'); and 'a-1-1.x86_64' needs '(b or c)', and 'c-1-1.x86_64' needs "
		"'y', which no package provides (the nearest name is 'a')");
	assert_says(
		"a 1-1\n conflicts b\nb 1-1\n", "a, b", "",
		"image 'test': 'a-1-1.x86_64' conflicts with 'b', which 'b-1-1.x86_64' is and which is asked for");
	assert_says(
		"a 1-1\n requires c\nb 1-1\n requires d\nc 1-1\n conflicts virt\nd 2-1\n provides virt = 7\n",
		"a, b", "",
		"image 'test': 'a-1-1.x86_64' needs 'c', and 'c-1-1.x86_64' conflicts with 'virt', which "
		"'d-2-1.x86_64' is ('b-1-1.x86_64' needs 'd')");
	assert_says(
		"a 1-1\n requires c = 1\nb 1-1\n requires c = 2\nc 1-1\nc 2-1\n", "a, b", "",
		"image 'test': 'b-1-1.x86_64' needs 'c = 2', and 'c-2-1.x86_64' and 'c-1-1.x86_64' are versions of "
		"one package, and both are needed");
	assert_says("a 1-1\n requires b\nb 1-1\n", "a", "b",
		    "image 'test': 'a-1-1.x86_64' needs 'b', but 'b-1-1.x86_64' is excluded");
	assert_says("a 1-1\n", "a", "a",
		    "image 'test': 'a-1-1.x86_64' is asked for, but it is excluded");
	assert_says("a 1-1\nbash 1-1\n", "a", "bahs",
		    "image 'test': package 'bahs': not in any upstream; did you mean 'bash'?");
	assert_says(
		"old 1-1\nnew 2-1\n obsoletes old\n", "new, old", "",
		"image 'test': 'new-2-1.x86_64' replaces 'old', which 'old-1-1.x86_64' is and which is asked for");
}

static void test_testcase(void **state)
{
	struct world w;
	struct proc_result result;
	const char *dir;

	(void)state;
	world_open(
		&w,
		"web 1-1\n requires (a or b)\na 1-1\n requires x >= 1^p\nb 1~r-1\n conflicts web\nx 1-1\n");
	w.request.packages = items(&w.a, "web");
	dir = path_join(&w.a, test_dir(&w.a), "deep/case");
	w.request.testcase_dir = dir;
	assert_err(solve(&w.a, w.u, &w.request, &w.solution, &w.e), &w.e,
		   str_printf(&w.a, "; replay with: testsolv %s/testcase.t", dir).p);
	if (access("/usr/bin/testsolv", X_OK) < 0) {
		world_done(&w);
		skip();
	}
	{
		const char *const argv[] = { "testsolv", path_join(&w.a, dir, "testcase.t"), NULL };
		struct str problems;

		/* it says something only when it comes to another result than the one beside the
		 * test case */
		assert_ok(proc_run(&w.a, argv, STR(""), "libsolv-tools", &result, &w.e), &w.e);
		assert_str(result.out, "");
		assert_int_equal(result.status, 0);
		assert_ok(file_read(&w.a, path_join(&w.a, dir, "solver.result"), 1 << 16, &problems,
				    &w.e),
			  &w.e);
		assert_true(str_has(problems, "nothing provides x >= 1^p needed by a-1-1.x86_64"));
		assert_ok(file_write(path_join(&w.a, dir, "solver.result"), 0644, "", 0, &w.e),
			  &w.e);
		assert_ok(proc_run(&w.a, argv, STR(""), "libsolv-tools", &result, &w.e), &w.e);
		assert_true(
			str_has(result.out, "nothing provides x >= 1^p needed by a-1-1.x86_64"));
	}
	world_done(&w);
}

static void test_reasons(void **state)
{
	static const char text[] =
		"a 1-1\n requires b\n requires (d or c)\nb 1-1\n requires c >= 1\nc 1-1\nd 1-1\nlib 1-1\n"
		"web 1-1\n requires a\n requires lib\n";
	static const struct {
		uint32_t by;
		const char *dep;
	} want[] = { { 5, "a" }, { 0, "b" }, { 1, "c >= 1" }, { 5, "lib" }, { UINT32_MAX, "web" } };
	struct world w;

	(void)state;
	world_open(&w, text);
	w.request.packages = items(&w.a, "web");
	assert_ok(solve(&w.a, w.u, &w.request, &w.solution, &w.e), &w.e);
	assert_str(chosen(&w), "a-1-1 b-1-1 c-1-1 lib-1-1 web-1-1");
	assert_int_equal(w.solution.reasons.n, 5);
	for (size_t i = 0; i < 5; i++) {
		assert_int_equal(w.solution.reasons.p[i].package, w.solution.packages.p[i]);
		assert_int_equal(w.solution.reasons.p[i].by, want[i].by);
		assert_str(w.solution.reasons.p[i].dep, want[i].dep);
	}
	world_done(&w);
}

static void assert_meta_equal(struct arena *a, const struct rpm_meta *x, const struct rpm_meta *y)
{
	for (size_t i = 0; i < UNIVERSE_TEXTS; i++)
		assert_true(str_eq(*(const struct str *)((const char *)x + universe_texts[i]),
				   *(const struct str *)((const char *)y + universe_texts[i])));
	for (size_t i = 0; i < UNIVERSE_LISTS; i++) {
		const vec_dep *l = (const vec_dep *)((const char *)x + universe_lists[i].offset);
		const vec_dep *k = (const vec_dep *)((const char *)y + universe_lists[i].offset);

		assert_int_equal(l->n, k->n);
		for (size_t n = 0; n < l->n; n++)
			assert_true(str_eq(dep_text(a, &l->p[n]), dep_text(a, &k->p[n])));
	}
	assert_int_equal(x->epoch, y->epoch);
	assert_int_equal(x->size_bytes, y->size_bytes);
	assert_int_equal(x->installed_bytes, y->installed_bytes);
	assert_int_equal(x->essential, y->essential);
	assert_memory_equal(x->sha256, y->sha256, SHA256_BYTES);
}

static const char round_text[] =
	"zsh 1:5-1\n requires (libc >= 2 or musl)\n requires base\n provides sh = 5\n"
	" conflicts dash < 1~\n obsoletes ksh\n recommends doc\n suggests zsh-doc\n"
	"base 1-1\n essential\nlibc 2.1-3\nmusl 9-1\n";

/* What a file with these metas as one part each says; @bytes end in it. */
static struct str file_of(struct world *w, const vec_rpm_meta *metas, size_t n)
{
	vec_str parts = { 0 };

	for (size_t i = 0; i < n; i++)
		vec_push(&w->a, &parts) = universe_encode(&w->a, &metas[i]);
	return universe_parts_encode(&w->a, &parts);
}

/* The world's universe made anew from the parts of @file. */
static void world_again(struct world *w, struct str file, const struct universe_change *change)
{
	vec_universe_part parts = { 0 };

	universe_free(w->u);
	assert_ok(universe_parts_decode(&w->a, file, 2, &parts, &w->e), &w->e);
	assert_ok(universe_open(&parts, change, &arch_x86_64, &w->u, &w->e), &w->e);
}

static void test_file(void **state)
{
	struct world w;

	(void)state;
	world_open(&w, round_text);
	w.metas.p[0].size_bytes = 1ULL << 40;
	w.metas.p[0].summary = STR("a shell");
	world_again(&w, file_of(&w, &w.metas, 1), NULL);
	assert_int_equal(universe_size(w.u), 4);
	for (uint32_t i = 0; i < 4; i++) {
		struct rpm_meta m;

		universe_package(&w.a, w.u, i, &m);
		assert_meta_equal(&w.a, &w.metas.p[i], &m);
	}
	w.request.packages = items(&w.a, "zsh");
	assert_ok(solve(&w.a, w.u, &w.request, &w.solution, &w.e), &w.e);
	assert_str(chosen(&w), "base-1-1 libc-2.1-3 zsh-1:5-1");
	world_done(&w);
}

/* Whatever byte changes does no harm, and none can be missing without notice. */
static void test_damaged(void **state)
{
	vec_universe_part parts = { 0 };
	struct world w;
	struct str bytes;

	(void)state;
	world_open(&w, round_text);
	bytes = file_of(&w, &w.metas, 1);
	for (size_t i = 0; i < bytes.n; i++) {
		universe_free(w.u);
		w.u = NULL;
		parts.n = 0;
		((char *)bytes.p)[i] ^= 0x20;
		if (universe_parts_decode(&w.a, bytes, 1, &parts, &w.e) < 0 ||
		    universe_open(&parts, NULL, &arch_x86_64, &w.u, &w.e) < 0)
			w.u = NULL;
		((char *)bytes.p)[i] ^= 0x20;
		assert_err(universe_parts_decode(&w.a, str_head(bytes, i), 1, &parts, &w.e), &w.e,
			   "is damaged");
	}
	w.metas.p[0].requires.p[0].name = STR("(libc or");
	universe_free(w.u);
	assert_err(universe_build(&w.metas, &arch_x86_64, &w.u, &w.e), &w.e,
		   "'(libc or' is not a dependency");
	w.u = NULL;
	world_done(&w);
}

/* Bytes cut where a part ends have fewer parts than they say. */
static void test_parts_missing(void **state)
{
	vec_universe_part parts = { 0 };
	struct world w;
	vec_rpm_meta two[2];
	struct str bytes;

	(void)state;
	world_open(&w, round_text);
	two[0] = two[1] = w.metas;
	bytes = file_of(&w, two, 2);
	bytes.n -= sizeof(uint64_t) + universe_encode(&w.a, &w.metas).n;
	assert_err(universe_parts_decode(&w.a, bytes, 1, &parts, &w.e), &w.e,
		   "the cached index of packages is damaged (another length than it says)");
	assert_int_equal(parts.n, 0);
	world_done(&w);
}

static vec_rpm_meta metas_of(struct world *w, const char *text, const char *mirror)
{
	vec_rpm_meta metas = metas_parse(&w->a, text);

	vec_each(m, &metas) {
		m->origin_name = m->name;
		m->origin_version = m->version;
		m->origin_arch = m->arch;
		m->mirror = str_c(mirror);
	}
	return metas;
}

/* Of the same package in several parts, the first part's stays; of several versions, all. */
static void test_twins(void **state)
{
	struct world w;
	vec_rpm_meta three[3];
	struct rpm_meta m;

	(void)state;
	world_open(&w, "a 1-1\n");
	three[0] = metas_of(&w, "b 2-1\nb 1-1\nz 1-1\n", "main");
	three[1] = metas_of(&w, "a 1-1\nb 2-1\nb 3-1\n", "another"); /* before "main" in order */
	three[2] = metas_of(&w, "b 2-1\n", "another");
	three[2].p[0].upstream = STR("third");
	world_again(&w, file_of(&w, three, 3), NULL);
	assert_int_equal(universe_size(w.u), 6);
	w.request.packages = items(&w.a, "b = 2, a");
	w.request.exclude = items(&w.a, "b = 3");
	assert_ok(solve(&w.a, w.u, &w.request, &w.solution, &w.e), &w.e);
	assert_str(chosen(&w), "a-1-1 b-2-1");
	for (uint32_t i = 0; i < 7; i++)
		universe_package(&w.a, w.u, i, &m); /* numbers stay */
	assert_str(m.upstream, "third");
	world_done(&w);
}

static void change_b(const void *arg, struct arena *a, struct rpm_meta *m)
{
	vec_push(a, &m->requires) = (struct dep){ .name = str_c(arg) };
}

static void test_change(void **state)
{
	vec_str names = { 0 };
	struct universe_change change = { &names, change_b, "c" };
	struct world w;
	struct rpm_meta m;

	(void)state;
	world_open(&w, "a 1-1\n requires b\nb 1-1\n essential\nb 2-1\nc 1-1\nd 1-1\n");
	vec_push(&w.a, &names) = STR("b");
	vec_push(&w.a, &names) = STR("gone");
	world_again(&w, file_of(&w, &w.metas, 1), &change);
	w.request.packages = items(&w.a, "a, b = 1");
	assert_ok(solve(&w.a, w.u, &w.request, &w.solution, &w.e), &w.e);
	assert_str(chosen(&w), "a-1-1 b-1-1 c-1-1");
	universe_package(&w.a, w.u, w.solution.packages.p[1], &m);
	assert_str(m.requires.p[0].name, "c");
	assert_true(m.essential);
	assert_int_equal(w.solution.reasons.p[2].by, w.solution.packages.p[1]);
	world_done(&w);
}

/* However packages are spread over parts, the same is chosen. */
static void test_spread(void **state)
{
	static const char *const texts[] = { "a 1-1\n requires awk\n requires (z or y)\n",
					     "b 1-1\n provides awk\n",
					     "c 1-1\n provides awk\n",
					     "d 1-1\n provides pager\n",
					     "e 1-1\n provides pager\n",
					     "y 1-1\n",
					     "z 1-1\n requires pager\n",
					     "z 2-1\n requires pager\n" };
	enum { N = sizeof(texts) / sizeof(texts[0]) };
	uint64_t random = 7;

	(void)state;
	for (int round = 0; round < 50; round++) {
		vec_rpm_meta spread[3] = { 0 };
		struct world w;

		world_open(&w, texts[0]);
		for (size_t i = 0; i < N; i++) {
			vec_rpm_meta one = metas_parse(&w.a, texts[i]);

			random = random * 6364136223846793005u + 1442695040888963407u;
			vec_push(&w.a, &spread[(random >> 33) % 3]) = one.p[0];
		}
		world_again(&w, file_of(&w, spread, 3), NULL);
		w.request.packages = items(&w.a, "a");
		assert_ok(solve(&w.a, w.u, &w.request, &w.solution, &w.e), &w.e);
		assert_str(chosen(&w), "a-1-1 b-1-1 d-1-1 z-2-1");
		world_done(&w);
	}
}

/* The order in which packages come does not matter. */
static void test_order(void **state)
{
	static const char text[] =
		"a 1-1\n requires awk\n requires (z or y)\nb 1-1\n provides awk\nc 1-1\n provides awk\n"
		"d 1-1\n provides pager\ne 1-1\n provides pager\ny 1-1\nz 1-1\n requires pager\nz 2-1\n"
		" requires pager\n";
	struct world w, v;
	uint64_t random = 1;

	(void)state;
	world_open(&w, text);
	w.request.packages = items(&w.a, "a");
	assert_ok(solve(&w.a, w.u, &w.request, &w.solution, &w.e), &w.e);
	assert_str(chosen(&w), "a-1-1 b-1-1 d-1-1 z-2-1");
	for (int round = 0; round < 20; round++) {
		world_open(&v, text);
		for (size_t i = v.metas.n; i-- > 1;) {
			struct rpm_meta m = v.metas.p[i];
			size_t k;

			random = random * 6364136223846793005u + 1442695040888963407u;
			k = (random >> 33) % (i + 1);
			v.metas.p[i] = v.metas.p[k];
			v.metas.p[k] = m;
		}
		universe_free(v.u);
		assert_ok(universe_build(&v.metas, &arch_x86_64, &v.u, &v.e), &v.e);
		v.request = w.request;
		assert_ok(solve(&v.a, v.u, &v.request, &v.solution, &v.e), &v.e);
		assert_true(str_eq(chosen(&v), chosen(&w)));
		world_done(&v);
	}
	world_done(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_versions),   cmocka_unit_test(test_alternatives),
		cmocka_unit_test(test_obsoletes),  cmocka_unit_test(test_weak),
		cmocka_unit_test(test_unsolvable), cmocka_unit_test(test_testcase),
		cmocka_unit_test(test_reasons),    cmocka_unit_test(test_file),
		cmocka_unit_test(test_damaged),    cmocka_unit_test(test_parts_missing),
		cmocka_unit_test(test_twins),      cmocka_unit_test(test_change),
		cmocka_unit_test(test_spread),     cmocka_unit_test(test_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
