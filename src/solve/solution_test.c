/* SPDX-License-Identifier: MIT */
#include "base/test.h"

#include "solve/solve.h"

struct made {
	struct arena a;
	struct solution solution;
	vec_rpm_meta metas;
	struct str bytes;
	struct err e;
};

static struct rpm_meta package(const char *name, const char *version)
{
	return (struct rpm_meta){
		.name = str_c(name),
		.version = str_c(version),
		.release = STR("1"),
		.arch = STR("x86_64"),
		.epoch = 3,
		.size_bytes = 1ULL << 33,
		.installed_bytes = 7,
		.essential = true,
		.description = STR("of several\nlines"),
		.sha256 = { 1, 2, 3 },
	};
}

/* "app" needs "(lib or other)"; "lib" was number 7 of the universe, as two others come first. */
static void make(struct made *m)
{
	static struct dep dep = { .name = STR("(lib or other)") };
	struct universe *u;
	struct solve_request request = { .what = "image 'test'" };
	struct solution found;
	vec_rpm_meta all = { 0 };

	*m = (struct made){ 0 };
	vec_push(&m->a, &all) = package("zebra", "1");
	vec_push(&m->a, &all) = package("lib", "2");
	vec_push(&m->a, &all) = package("app", "5");
	vec_push(&m->a, &all.p[2].requires) = dep;
	vec_push(&m->a, &request.packages) = STR("app");
	assert_ok(universe_build(&all, &arch_x86_64, &u, &m->e), &m->e);
	assert_ok(solve(&m->a, u, &request, &found, &m->e), &m->e);
	solution_detach(&m->a, u, &found, &m->solution, &m->metas);
	universe_free(u);
	m->bytes = solution_encode(&m->a, &m->solution, &m->metas);
}

static void check(const struct solution *s, const vec_rpm_meta *metas)
{
	assert_int_equal(metas->n, 2);
	assert_int_equal(s->packages.n, 2);
	assert_int_equal(s->reasons.n, 2);
	assert_str(metas->p[0].name, "app");
	assert_str(metas->p[1].name, "lib");
	assert_str(metas->p[0].description, "of several\nlines");
	assert_int_equal(metas->p[1].epoch, 3);
	assert_int_equal(metas->p[1].size_bytes, 1ULL << 33);
	assert_true(metas->p[1].essential);
	assert_int_equal(metas->p[1].sha256[2], 3);
	assert_int_equal(metas->p[0].requires.n, 1);
	assert_str(metas->p[0].requires.p[0].name, "(lib or other)");
	for (uint32_t i = 0; i < 2; i++) {
		assert_int_equal(s->packages.p[i], i);
		assert_int_equal(s->reasons.p[i].package, i);
		assert_false(s->reasons.p[i].weak);
	}
	assert_int_equal(s->reasons.p[0].by, UINT32_MAX);
	assert_str(s->reasons.p[0].dep, "app");
	assert_int_equal(s->reasons.p[1].by, 0);
	assert_str(s->reasons.p[1].dep, "(lib or other)");
}

static void test_roundtrip(void **state)
{
	struct solution again;
	struct made m;
	vec_rpm_meta metas;

	(void)state;
	make(&m);
	check(&m.solution, &m.metas);
	assert_ok(solution_decode(&m.a, m.bytes, &again, &metas, &m.e), &m.e);
	check(&again, &metas);
	assert_true(str_eq(solution_encode(&m.a, &again, &metas), m.bytes));
	arena_done(&m.a);
}

static void test_damage(void **state)
{
	struct solution s;
	struct made m;
	vec_rpm_meta metas;
	char *bytes;

	(void)state;
	make(&m);
	for (size_t n = 0; n < m.bytes.n; n++)
		assert_err(solution_decode(&m.a, str_head(m.bytes, n), &s, &metas, &m.e), &m.e,
			   n < SHA256_BYTES ? "(too short)" : "(its checksum differs)");
	bytes = arena_copy(&m.a, m.bytes.p, m.bytes.n);
	for (size_t i = 0; i < m.bytes.n; i++) {
		bytes[i] ^= 0x10;
		assert_err(solution_decode(&m.a, (struct str){ bytes, m.bytes.n }, &s, &metas,
					   &m.e),
			   &m.e, "the cached solution is damaged (its checksum differs)");
		bytes[i] ^= 0x10;
	}
	arena_done(&m.a);
}

/* What a checksum made right does not help against. */
static void test_hostile(void **state)
{
	static const struct {
		size_t at;
		uint8_t value;
		const char *says;
	} tests[] = {
		{ 0, 'B', "(another format)" },
		{ 8, 99, "(another format)" },
		{ 14, 0xff, "(too many packages)" },
		{ 12, 3, "damaged (" },
		{ 16, 9, "(a reason)" },
		{ 20, 2, "(a reason)" },
		{ 27, 0x80, "(too short)" },
	};
	struct solution s;
	struct made m;
	vec_rpm_meta metas;

	(void)state;
	make(&m);
	for (size_t i = 0; i < sizeof(tests) / sizeof(*tests); i++) {
		uint8_t *bytes = arena_copy(&m.a, m.bytes.p, m.bytes.n);

		bytes[tests[i].at] = tests[i].value;
		if (tests[i].at == 16)
			memset(bytes + 17, 0, 3);
		sha256(bytes, m.bytes.n - SHA256_BYTES, bytes + m.bytes.n - SHA256_BYTES);
		assert_err(solution_decode(&m.a, (struct str){ (char *)bytes, m.bytes.n }, &s,
					   &metas, &m.e),
			   &m.e, tests[i].says);
	}
	arena_done(&m.a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_roundtrip),
		cmocka_unit_test(test_damage),
		cmocka_unit_test(test_hostile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
