/* SPDX-License-Identifier: MIT */
#include "rpm/rpmdb.h"

#include <sqlite3.h>

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
	setenv("HOME", test_dir(&a), 1); /* the user's configuration may not show */
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
	p.front = STR("text");
	assert_err(rpmdb_write(&a, &p, 1, INSTALL_TIME, &bytes, &e), &e, "not an RPM package");
	assert_null(bytes.p);
}

/* All rows of a database, table by table, and how each table and index was made. */
static struct str dump(struct arena *a, const char *path)
{
	struct buf b = { .a = a };
	sqlite3_stmt *tables, *rows;
	sqlite3 *db;

	assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
	assert_int_equal(
		sqlite3_prepare_v2(db, "SELECT type, name, sql FROM sqlite_master ORDER BY name",
				   -1, &tables, NULL),
		SQLITE_OK);
	while (sqlite3_step(tables) == SQLITE_ROW) {
		const char *name = (const char *)sqlite3_column_text(tables, 1);

		buf_printf(&b, "%s\n", sqlite3_column_text(tables, 2));
		if (strcmp((const char *)sqlite3_column_text(tables, 0), "table") != 0)
			continue;
		assert_int_equal(sqlite3_prepare_v2(db,
						    str_z(a,
							  str_printf(a, "SELECT rowid, * FROM '%s'",
								     name)),
						    -1, &rows, NULL),
				 SQLITE_OK);
		while (sqlite3_step(rows) == SQLITE_ROW) {
			for (int i = 0; i < sqlite3_column_count(rows); i++) {
				int n = sqlite3_column_bytes(rows, i);

				buf_printf(&b, "%d:%d:", sqlite3_column_type(rows, i), n);
				buf_put(&b, sqlite3_column_blob(rows, i), (size_t)n);
			}
			buf_u8(&b, '\n');
		}
		sqlite3_finalize(rows);
	}
	sqlite3_finalize(tables);
	sqlite3_close(db);
	return (struct str){ (char *)b.v.p, b.v.n };
}

static void assert_same(struct str x, struct str y)
{
	size_t i = 0;

	while (i < x.n && i < y.n && x.p[i] == y.p[i])
		i++;
	if (i < x.n || i < y.n)
		fail_msg("'%.*s', but '%.*s'",
			 STR_FMT(str_head(str_from(x, i > 40 ? i - 40 : 0), 90)),
			 STR_FMT(str_head(str_from(y, i > 40 ? i - 40 : 0), 90)));
}

static void rich_add(struct arena *a, vec_dep *deps, const char *text)
{
	vec_push(a, deps) = (struct dep){ str_c(text), STR(""), DEP_ANY };
}

/* rpm itself makes a database of the headers in ours: it has the same in every table. */
static void test_as_rpm_does(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	_cleanup_openpgp_ struct openpgp_key *key = test_key(&a);
	const char *ours = test_dir(&a), *theirs = test_dir(&a);
	struct rpm_package p = test_package(&a);
	struct rpmdb_package packages[3] = { { other_bytes(&a, "hello"), NULL, 0 },
					     { other_bytes(&a, "apple"), NULL, 0 } };
	struct str bytes;
	struct err e;

	(void)state;
	if (access("/usr/bin/rpmdb", X_OK) < 0)
		skip();
	p.meta.name = STR("rich");
	p.meta.group = STR("");
	rich_add(&a, &p.meta.requires, "(b or a or b)");
	rich_add(&a, &p.meta.requires, "(a >= 1 with a < 2)");
	rich_add(&a, &p.meta.requires, "(a if (b and c))");
	rich_add(&a, &p.meta.requires, "(a if b else c)");
	rich_add(&a, &p.meta.requires,
		 "((a if b else c) and d and (e if (f or g) else (h and i)))");
	rich_add(&a, &p.meta.requires, "(broken");
	rich_add(&a, &p.meta.conflicts, "(a unless b)");
	rich_add(&a, &p.meta.conflicts, "(a unless (b or c) else d)");
	rich_add(&a, &p.meta.recommends, "(a without b)");
	assert_ok(rpm_write(&a, &p, key, 3, &packages[2].front, &e), &e);
	assert_ok(rpmdb_write(&a, packages, 3, INSTALL_TIME, &bytes, &e), &e);
	assert_ok(file_write(path_join(&a, ours, "rpmdb.sqlite"), 0644, bytes.p, bytes.n, &e), &e);
	test_run(&a, (const char *[]){ "sh", "-c",
				       "rpmdb --dbpath \"$0\" --exportdb | rpmdb --dbpath \"$1\" "
				       "--define '_db_backend sqlite' --importdb",
				       ours, theirs, NULL });
	assert_same(dump(&a, path_join(&a, ours, "rpmdb.sqlite")),
		    dump(&a, path_join(&a, theirs, "rpmdb.sqlite")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rpm_queries), cmocka_unit_test(test_rpm_checks_signatures),
		cmocka_unit_test(test_empty),       cmocka_unit_test(test_same_bytes),
		cmocka_unit_test(test_errors),      cmocka_unit_test(test_as_rpm_does),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
