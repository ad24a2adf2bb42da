/* SPDX-License-Identifier: MIT */
#include "rpm/repodata.h"

#include <fcntl.h>

#include "disk/codec.h"
#include "rpm/rpm_test.h"

enum { REVISION = 1720000000, XML_BYTES_MAX = 1 << 20 };

static struct rpm_package strange(struct arena *a)
{
	struct rpm_package p = test_package(a);
	struct rpm_meta *m = &p.meta;

	m->name = STR("libc6");
	m->epoch = 0;
	m->summary = STR("<&>\"' of G\303\266del");
	m->description = STR("one\ttwo \"three\"\r\n\n  four\n\xe2\x82\xac\xf0\x9f\x90\xa7");
	m->vendor = STR("A \"B\" <a@b>");
	m->url = m->group = STR("");
	vec_push(a, &m->requires) = (struct dep){ STR("libc.so.6(GLIBC_2.9)(64bit)"), STR(""), 0 };
	vec_push(a, &m->requires) = (struct dep){ STR("libc.so.6(GLIBC_2.38)(64bit)"), STR(""), 0 };
	vec_push(a, &m->requires) = (struct dep){ STR("libc.so.6()(64bit)"), STR(""), 0 };
	vec_push(a, &m->requires) = (struct dep){ STR("greeter"), STR(""), DEP_ANY };
	vec_push(a, &m->requires) = (struct dep){ STR("x"), STR("1:2-3-4"), DEP_LESS | DEP_EQUAL };
	vec_push(a, &m->requires) = (struct dep){ STR("x"), STR("0:2"), DEP_GREATER };
	vec_push(a, &m->requires) = (struct dep){ STR("/etc/hello.conf"), STR(""), DEP_ANY };
	vec_push(a, &m->requires) = (struct dep){ STR("/usr/bin/env"), STR(""), DEP_ANY };
	vec_push(a, &p.files) =
		test_file("/z/\xc3\xa4 & <b> \"c\"", S_IFREG | 0644, "with a strange name");
	/* more than are told; two of one time; not in order; no ASCII in an attribute */
	for (unsigned i = 0; i < 12; i++)
		vec_push(a, &p.changelog) =
			(struct changelog_entry){ 1690000000 - i / 2 * 86400,
						  STR("\xc3\x96 \"q\" <o@x>\t- 1"),
						  STR("- a & b\n- c") };
	p.changelog.p[3].time_sec = 1600000000;
	return p;
}

/* Only what it gives away and itself: what is asked for is provided. */
static struct rpm_package plain(struct arena *a)
{
	struct rpm_package p = { .build_time_sec = 1700000000 };

	p.meta = (struct rpm_meta){ .name = STR("plain"),
				    .version = STR("1"),
				    .release = STR("2"),
				    .arch = STR("noarch"),
				    .license = STR("MIT"),
				    .summary = STR("s"),
				    .description = STR("d") };
	vec_push(a, &p.meta.requires) = (struct dep){ STR("plain"), STR(""), DEP_ANY };
	return p;
}

static struct repodata_package put(struct arena *a, const char *dir, const struct rpm_package *p)
{
	_cleanup_openpgp_ struct openpgp_key *key = test_key(a);
	struct repodata_package ret = { .time_sec = p->build_time_sec };
	const char *path;
	struct rpm_package again;
	struct str bytes;
	struct err e;

	assert_ok(rpm_write(a, p, key, 3, &bytes, &e), &e);
	assert_ok(rpm_read(a, bytes, key, XML_BYTES_MAX, &again, &e), &e);
	ret.file_name = str_printf(a, "%.*s.rpm", STR_FMT(p->meta.name));
	ret.front = str_head(bytes, again.front_bytes);
	ret.size_bytes = bytes.n;
	sha256(bytes.p, bytes.n, ret.sha256);
	path = path_join(a, dir, str_z(a, ret.file_name));
	assert_ok(file_write(path, 0644, bytes.p, bytes.n, &e), &e);
	assert_int_equal(utimensat(AT_FDCWD, path,
				   (const struct timespec[]){ { .tv_sec = 1 },
							      { .tv_sec = (time_t)ret.time_sec } },
				   0),
			 0);
	return ret;
}

static struct str theirs(struct arena *a, const char *dir, const char *name)
{
	struct str gz, text;
	struct err e;

	assert_ok(file_read(a, path_join(a, path_join(a, dir, "repodata"), name), XML_BYTES_MAX,
			    &gz, &e),
		  &e);
	assert_ok(decompress(a, gz, XML_BYTES_MAX, &text, &e), &e);
	return text;
}

static void assert_same(struct str ours, struct str other)
{
	size_t i = 0;

	while (i < ours.n && i < other.n && ours.p[i] == other.p[i])
		i++;
	if (i < ours.n || i < other.n)
		fail_msg("'%.*s', but createrepo_c '%.*s'",
			 STR_FMT(str_head(str_from(ours, i > 60 ? i - 60 : 0), 160)),
			 STR_FMT(str_head(str_from(other, i > 60 ? i - 60 : 0), 160)));
}

/* Byte for byte, but for how well it is compressed. */
static void test_as_createrepo_does(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	const char *dir = test_dir(&a);
	const struct rpm_package packages[] = { test_package(&a), strange(&a), plain(&a) };
	struct repodata_file files[REPODATA_FILES];
	struct repodata_package told[3];
	struct err e;

	(void)state;
	if (access("/usr/bin/createrepo_c", X_OK) < 0)
		skip();
	for (size_t i = 0; i < 3; i++)
		told[i] = put(&a, dir, &packages[i]);
	test_run(&a,
		 (const char *[]){ "createrepo_c", "-q", "--no-database", "--simple-md-filenames",
				   "--general-compress-type=gz", "--revision", "1720000000",
				   "--set-timestamp-to-revision", dir, NULL });
	for (size_t i = 0; i < REPODATA_FILES; i++) {
		const char *name = str_z(&a, str_printf(&a, "%s.xml.gz", repodata_name(i)));
		const char *path = path_join(&a, path_join(&a, dir, "repodata"), name);

		assert_ok(repodata_write(&a, i, told, 3, &files[i].text, &e), &e);
		assert_same(files[i].text, theirs(&a, dir, name));
		assert_ok(file_read(&a, path, XML_BYTES_MAX, &files[i].compressed, &e), &e);
	}
	assert_same(repodata_index(&a, files, REVISION), theirs(&a, dir, "repomd.xml"));
}

static void test_errors(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct repodata_package p = { .front = STR("text"), .file_name = STR("x.rpm") };
	struct str text;
	struct err e;

	(void)state;
	assert_err(repodata_write(&a, REPODATA_OTHER, &p, 1, &text, &e), &e,
		   "package file 'x.rpm': not an RPM package");
	assert_ok(repodata_write(&a, REPODATA_OTHER, NULL, 0, &text, &e), &e);
	assert_true(str_ends(text, " packages=\"0\">\n</otherdata>"));
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_as_createrepo_does),
					    cmocka_unit_test(test_errors) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
