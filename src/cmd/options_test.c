/* SPDX-License-Identifier: MIT */
#include "base/test.h"
#include "cmd/cmd.h"

struct options {
	struct common_options common;
	const char *image;
	uint64_t times, size_bytes;
	bool secure;
};

static const struct option_def own[] = {
	{ "image", 'i', OPTION_TEXT, "FILE", "that image", offsetof(struct options, image), false },
	{ "times", 't', OPTION_NUMBER, "N", "so often", offsetof(struct options, times), false },
	{ "disk-size", 0, OPTION_SIZE, "SIZE", "so large", offsetof(struct options, size_bytes),
	  false },
	{ "secure", 's', OPTION_FLAG, NULL, "safely", offsetof(struct options, secure), false },
	{ 0 },
};
static const struct verb verb = { .name = "try",
				  .args = "THING",
				  .options = own,
				  .options_size = sizeof(struct options),
				  .min_args = 1,
				  .max_args = 2 };

struct parsed {
	struct options o;
	char **args;
	struct err e;
	int r;
};

/* Up to eight arguments. */
#define PARSE(a, ...) parse(a, (const char *[9]){ __VA_ARGS__ })

static struct parsed parse(struct arena *a, const char *const argv[9])
{
	struct parsed p = { 0 };
	char *copy[9] = { 0 };

	for (size_t i = 0; argv[i]; i++)
		copy[i] = str_z(a, str_c(argv[i]));
	p.r = options_parse(a, &verb, copy, &p.o, &p.args, &p.e);
	return p;
}

static void refused(const char *text, struct parsed p)
{
	assert_int_equal(p.r, -EINVAL);
	assert_string_equal(p.e.msg, text);
}

static int no_variables(void **state)
{
	(void)state;
	for (const struct option_def *d = common_option_defs; d->name; d++) {
		char name[32];

		snprintf(name, sizeof(name), "ASHLAR_%s", d->name);
		for (char *c = name; *c; c++)
			if (*c >= 'a' && *c <= 'z')
				*c = (char)(*c - 'a' + 'A');
		unsetenv(name);
	}
	return 0;
}

static void test_values(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct parsed p = PARSE(&a, "x", "--image", "f", "--times=7", "--disk-size", "4GiB", "-s");

	(void)state;
	assert_int_equal(p.r, 0);
	assert_string_equal(p.o.image, "f");
	assert_int_equal(p.o.times, 7);
	assert_int_equal(p.o.size_bytes, 4ull << 30);
	assert_true(p.o.secure);
	assert_string_equal(p.args[0], "x");
	assert_null(p.args[1]);
}

static void test_letters(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct parsed p = PARSE(&a, "-i", "f", "-t3", "-j", "2", "x", "-q");

	(void)state;
	assert_int_equal(p.r, 0);
	assert_string_equal(p.o.image, "f");
	assert_int_equal(p.o.times, 3);
	assert_int_equal(p.o.common.jobs, 2);
	assert_true(p.o.common.quiet);
	assert_false(p.o.secure);
}

/* A value may look like an option; "-" is an argument; behind "--" everything is. */
static void test_arguments(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct parsed p = PARSE(&a, "-", "--image", "--secure", "--", "-q");

	(void)state;
	assert_int_equal(p.r, 0);
	assert_string_equal(p.o.image, "--secure");
	assert_false(p.o.secure);
	assert_false(p.o.common.quiet);
	assert_string_equal(p.args[0], "-");
	assert_string_equal(p.args[1], "-q");
	assert_null(p.args[2]);
}

static void test_last_wins(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct parsed p = PARSE(&a, "x", "-t1", "--times", "2");

	(void)state;
	assert_int_equal(p.r, 0);
	assert_int_equal(p.o.times, 2);
}

static void test_refused(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };

	(void)state;
	refused("want 'ashlar try THING'", PARSE(&a, "-s"));
	refused("want 'ashlar try THING'", PARSE(&a, "x", "y", "z"));
	refused("try: no option '--imagine'; did you mean '--image'?", PARSE(&a, "x", "--imagine"));
	refused("try: no option '--zzzzzz'; 'ashlar try --help' lists them",
		PARSE(&a, "x", "--zzzzzz"));
	refused("try: no option '-z'; 'ashlar try --help' lists them", PARSE(&a, "x", "-z"));
	refused("try: '--image' needs FILE", PARSE(&a, "x", "--image"));
	refused("try: '--image' is empty; want FILE", PARSE(&a, "x", "--image="));
	refused("try: '--times' is '-1'; want a number", PARSE(&a, "x", "--times", "-1"));
	refused("try: '--times' is '1073741825'; want a number",
		PARSE(&a, "x", "--times=1073741825"));
	refused("try: '--disk-size' is 'big'; want a size like 4GiB",
		PARSE(&a, "x", "--disk-size=big"));
	refused("try: '--secure' takes no value", PARSE(&a, "x", "--secure=yes"));
	refused("try: '--secure' takes no value", PARSE(&a, "x", "-sq"));
	refused("'--arch' is 'vax'; want x86_64 or aarch64", PARSE(&a, "x", "--arch", "vax"));
}

/* Asked for help, it wants nothing. */
static void test_help(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct parsed p = PARSE(&a, "--help");

	(void)state;
	assert_int_equal(p.r, 0);
	assert_true(p.o.common.help);
}

static void test_defaults(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct parsed p;

	(void)state;
	setenv("XDG_CACHE_HOME", "/c", 1);
	p = PARSE(&a, "x");
	assert_string_equal(p.o.common.out, "out");
	assert_string_equal(p.o.common.keys, "keys");
	assert_string_equal(p.o.common.distro, "distro");
	assert_string_equal(p.o.common.cache, "/c/ashlar");
	assert_ptr_equal(p.o.common.arch, arch_native());
	assert_in_range(p.o.common.jobs, 1, 256);
	setenv("XDG_CACHE_HOME", "relative", 1); /* which the specification says to ignore */
	setenv("HOME", "/h", 1);
	assert_string_equal(PARSE(&a, "x").o.common.cache, "/h/.cache/ashlar");
	unsetenv("HOME");
	unsetenv("XDG_CACHE_HOME");
	assert_string_equal(PARSE(&a, "x").o.common.cache, "/root/.cache/ashlar");
	assert_int_equal(PARSE(&a, "x", "-j1000").o.common.jobs, 256);
}

static void test_variables(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct parsed p;

	(void)state;
	setenv("ASHLAR_OUT", "o", 1);
	setenv("ASHLAR_QUIET", "yes", 1);
	setenv("ASHLAR_JSON", "off", 1);
	setenv("ASHLAR_KEYS", "", 1); /* as if it were not there */
	p = PARSE(&a, "x");
	assert_int_equal(p.r, 0);
	assert_string_equal(p.o.common.out, "o");
	assert_string_equal(p.o.common.keys, "keys");
	assert_true(p.o.common.quiet);
	assert_false(p.o.common.json);
	assert_string_equal(PARSE(&a, "x", "--out=p").o.common.out, "p");
	setenv("ASHLAR_QUIET", "maybe", 1);
	refused("ASHLAR_QUIET is 'maybe'; want yes or no", PARSE(&a, "x"));
	no_variables(NULL);
	setenv("ASHLAR_JOBS", "x", 1);
	refused("ASHLAR_JOBS is 'x'; want a number", PARSE(&a, "x"));
	no_variables(NULL);
	setenv("ASHLAR_HELP", "yes", 1); /* no verb's usual way */
	assert_false(PARSE(&a, "x").o.common.help);
	unsetenv("ASHLAR_HELP");
}

static int act(struct arena *a, const void *options, char **args, struct err *e)
{
	(void)a;
	(void)options;
	(void)e;
	return args[0] ? 2 : 1;
}

static const struct action actions[] = { { "show", "", 0, true, act },
					 { "rotate", " KEY", 1, false, act },
					 { 0 } };

static int run(struct arena *a, const char *given, const char *name, const char *arg, struct err *e)
{
	char *args[] = { str_z(a, str_c(name)), arg ? str_z(a, str_c(arg)) : NULL, NULL };

	return action_run(a, "key", actions, NULL, given, args, e);
}

static void test_actions(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct err e = { 0 };

	(void)state;
	assert_int_equal(run(&a, NULL, "show", NULL, &e), 1);
	assert_int_equal(run(&a, "--name", "show", NULL, &e), 1);
	assert_int_equal(run(&a, NULL, "rotate", "db", &e), 2);
	assert_err(run(&a, "--name", "rotate", "db", &e), &e,
		   "'ashlar key rotate' takes no --name");
	assert_err(run(&a, NULL, "show", "x", &e), &e, "want 'ashlar key show'");
	assert_err(run(&a, NULL, "rotat", NULL, &e), &e,
		   "no action 'rotat'; did you mean 'ashlar key rotate'?");
	assert_err(run(&a, NULL, "frobnicate", NULL, &e), &e,
		   "no action 'frobnicate'; want show or rotate");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values),    cmocka_unit_test(test_letters),
		cmocka_unit_test(test_arguments), cmocka_unit_test(test_last_wins),
		cmocka_unit_test(test_refused),   cmocka_unit_test(test_help),
		cmocka_unit_test(test_defaults),  cmocka_unit_test(test_variables),
		cmocka_unit_test(test_actions),
	};

	return cmocka_run_group_tests(tests, no_variables, NULL);
}
