/* SPDX-License-Identifier: MIT */
#include "rpm/rpmdb.h"

#include "rpm/rpm_test.h"

enum { INSTALL_TIME = 1720000000 };

static struct str other_bytes(struct arena *a, const char *name)
{
	_cleanup_openpgp_ struct openpgp_key *key = test_key(a);
	struct rpm_package p = test_package(a);
	struct str bytes;
	struct err e;

	p.meta.name = str_c(name);
	assert_ok(rpm_write(a, &p, key, 3, &bytes, &e), &e);
	return bytes;
}

static struct str database(struct arena *a)
{
	static const bool not_installed[13] = { [8] = true };
	struct rpmdb_package packages[] = { { other_bytes(a, "hello"), not_installed, 13 },
					    { other_bytes(a, "apple"), NULL, 13 } };
	struct str bytes;
	struct err e;

	assert_ok(rpmdb_write(a, packages, 2, INSTALL_TIME, &bytes, &e), &e);
	return bytes;
}

static void test_same_bytes(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct str first, second;

	(void)state;
	first = database(&a);
	/* Neither the user's configuration nor the place for temporary files may show. */
	setenv("HOME", test_dir(&a), 1);
	setenv("TMPDIR", test_dir(&a), 1);
	second = database(&a);
	assert_true(str_eq(first, second));
}

/* In a folder without anything else, so that nothing but the file is needed. */
static const char *database_dir(struct arena *a)
{
	const char *dir = test_dir(a);
	struct str bytes = database(a);
	struct err e;

	assert_ok(file_write(path_join(a, dir, "rpmdb.sqlite"), 0444, bytes.p, bytes.n, &e), &e);
	assert_int_equal(chmod(dir, 0555), 0);
	return dir;
}

static void test_rpm_queries(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	const char *dir = database_dir(&a);
	struct str out;

	(void)state;
	if (access("/usr/bin/rpm", X_OK) < 0)
		skip();
	out = test_run(&a, (const char *[]){ "rpm", "--dbpath", dir, "-qa", "--qf",
					     "%{NAME} %{SIGMD5} %{INSTALLTIME}\n", NULL });
	assert_has(out, "hello ");
	assert_has(out, " 1720000000\n");
	assert_false(str_has(out, "(none)"));
	assert_has(test_run(&a, (const char *[]){ "rpm", "--dbpath", dir, "-qf", "/usr/bin/ping",
						  NULL }),
		   "hello-2.10~rc1-3+b1.x86_64\napple-2.10~rc1-3+b1.x86_64\n");
	assert_has(test_run(&a, (const char *[]){ "rpm", "--dbpath", dir, "-q", "--whatprovides",
						  "greeter", NULL }),
		   "hello-2.10~rc1-3+b1.x86_64\n");
	out = test_run(&a, (const char *[]){ "rpm", "--dbpath", dir, "-qs", "hello", NULL });
	assert_has(out, "normal        /usr/bin/ping\n");
	assert_has(out, "not installed /usr/share/doc/hello/changelog\n");
	test_run(&a, (const char *[]){ "rpm", "--dbpath", dir, "-V", "--nofiles", "--nodeps",
				       "hello", NULL });
	test_run(&a, (const char *[]){ "rpmdb", "--dbpath", dir, "--verifydb", NULL });
}

/* Headers in the database are still what was signed. */
static void test_rpm_checks_signatures(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	_cleanup_openpgp_ struct openpgp_key *key = test_key(&a);
	const char *dir = test_dir(&a), *asc = path_join(&a, dir, "key.asc");
	struct str bytes = database(&a), armor = openpgp_public_armor(&a, key), out;
	struct err e;

	(void)state;
	if (access("/usr/bin/rpm", X_OK) < 0)
		skip();
	assert_ok(file_write(path_join(&a, dir, "rpmdb.sqlite"), 0644, bytes.p, bytes.n, &e), &e);
	assert_ok(file_write(asc, 0644, armor.p, armor.n, &e), &e);
	/* A writing rpm takes the database over. */
	test_run(&a, (const char *[]){ "rpmkeys", "--dbpath", dir, "--import", asc, NULL });
	out = test_run(&a, (const char *[]){ "rpm", "--dbpath", dir, "-V", "-vv", "--nofiles",
					     "--nodeps", "hello", NULL });
	assert_has(out, "Header V4 RSA/SHA256 Signature, key ID c77fc697: OK");
	assert_has(test_run(&a, (const char *[]){ "rpm", "--dbpath", dir, "-q", "apple", NULL }),
		   "apple-2.10");
}

static void test_empty(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct str bytes;
	struct err e;

	(void)state;
	assert_ok(rpmdb_write(&a, NULL, 0, INSTALL_TIME, &bytes, &e), &e);
	assert_true(str_starts(bytes, "SQLite format 3"));
}

static void test_errors(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	static const bool not_installed[2];
	struct rpmdb_package p = { other_bytes(&a, "hello"), not_installed, 2 };
	struct str bytes = { 0 };
	struct err e;

	(void)state;
	assert_err(rpmdb_write(&a, &p, 1, INSTALL_TIME, &bytes, &e), &e,
		   "package 'hello': states of 2 files, the header has 13");
	p.rpm = STR("text");
	assert_err(rpmdb_write(&a, &p, 1, INSTALL_TIME, &bytes, &e), &e, "not an RPM package");
	setenv("TMPDIR", "/nonexistent", 1);
	assert_err(rpmdb_write(&a, &p, 1, INSTALL_TIME, &bytes, &e), &e,
		   "cannot make the folder '/nonexistent/ashlar-rpmdb-");
	assert_null(bytes.p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rpm_queries), cmocka_unit_test(test_rpm_checks_signatures),
		cmocka_unit_test(test_empty),       cmocka_unit_test(test_same_bytes),
		cmocka_unit_test(test_errors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
