/* SPDX-License-Identifier: MIT */
/* The tables as they are: what parsing, help, man pages and completion take for granted. */
#include "base/test.h"
#include "cmd/cmd.h"

enum { COLUMNS = 80 };

static const size_t sizes[] = { [OPTION_FLAG] = sizeof(bool),
				[OPTION_TEXT] = sizeof(char *),
				[OPTION_NUMBER] = sizeof(uint64_t),
				[OPTION_SIZE] = sizeof(uint64_t) };

static void option_check(const struct verb *v, const struct option_def *d, size_t options_size)
{
	if (strspn(d->name, "abcdefghijklmnopqrstuvwxyz0123456789-") != strlen(d->name) ||
	    d->name[0] == '-')
		fail_msg("%s: the name '%s'", v->name, d->name);
	if ((d->type == OPTION_FLAG) != (d->arg == NULL))
		fail_msg("%s: --%s: a flag has no argument, anything else has one", v->name,
			 d->name);
	if (d->offset + sizes[d->type] > options_size || d->offset % sizes[d->type] != 0)
		fail_msg("%s: --%s lies outside of the options", v->name, d->name);
	if (!d->help || d->help[0] == '\0' || d->help[strlen(d->help) - 1] == '.')
		fail_msg("%s: --%s: its help", v->name, d->name);
}

/* Two names, letters or places that are one. */
static void pair_check(const struct verb *v, const struct option_def *x, const struct option_def *y)
{
	if (strcmp(x->name, y->name) == 0 || (x->letter && x->letter == y->letter) ||
	    x->offset == y->offset)
		fail_msg("%s: --%s and --%s are in each other's way", v->name, x->name, y->name);
}

static void test_options(void **state)
{
	(void)state;
	for (const struct verb *const *v = verbs; *v; v++) {
		const struct option_def *own = (*v)->options;

		assert_true((*v)->options_size >= sizeof(struct common_options));
		for (const struct option_def *d = own; d && d->name; d++) {
			option_check(*v, d, (*v)->options_size);
			assert_false(d->shared); /* variables are of the common ones */
			for (const struct option_def *other = d + 1; other->name; other++)
				pair_check(*v, d, other);
			for (const struct option_def *c = common_option_defs; c->name; c++)
				pair_check(*v, d, c);
		}
		for (const struct option_def *c = common_option_defs; c->name; c++)
			option_check(*v, c, sizeof(struct common_options));
	}
}

static void test_verbs(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct err e;

	(void)state;
	for (const struct verb *const *v = verbs; *v; v++) {
		struct str example = str_printf(&a, "ashlar %s", (*v)->name);

		assert_ptr_equal(verb_find(&a, (*v)->name, &e), *v);
		assert_non_null((*v)->run);
		assert_true((*v)->max_args == -1 || (*v)->max_args >= (*v)->min_args);
		assert_non_null((*v)->description);
		if (!(*v)->example || !str_has(str_c((*v)->example), str_z(&a, example)))
			fail_msg("%s has no example with itself", (*v)->name);
		if ((*v)->failed_status && !(*v)->exit_status)
			fail_msg("%s does not tell its exit status", (*v)->name);
	}
	assert_null(verb_find(&a, "biuld", &e));
	assert_string_equal(e.msg, "no verb 'biuld'; did you mean 'build'?");
	assert_null(verb_find(&a, "frobnicate", &e));
	assert_string_equal(e.msg, "no verb 'frobnicate'; 'ashlar --help' lists them");
}

static void lines_check(struct str text)
{
	while (text.n > 0) {
		struct str line = str_cut(&text, '\n');

		if (line.n > COLUMNS || (line.n > 0 && line.p[line.n - 1] == ' '))
			fail_msg("'%.*s'", STR_FMT(line));
	}
}

static void test_help(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct str all = help_main(&a), completion = completion_bash(&a);

	(void)state;
	lines_check(all);
	for (const struct verb *const *v = verbs; *v; v++) {
		struct str help = help_verb(&a, *v), man = man_verb(&a, *v, "1");

		lines_check(help);
		assert_true(str_has(all, (*v)->help));
		assert_true(
			str_has(completion, str_z(&a, str_printf(&a, "\t%s) list='", (*v)->name))));
		for (const struct option_def *d = (*v)->options; d && d->name; d++) {
			char *name = str_z(&a, str_printf(&a, "--%s", d->name));

			assert_true(str_has(help, name));
			assert_true(str_has(completion, name));
			assert_true(str_has(man, str_z(&a, str_printf(&a, "\\-\\-%s", d->name))));
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_options),
		cmocka_unit_test(test_verbs),
		cmocka_unit_test(test_help),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
