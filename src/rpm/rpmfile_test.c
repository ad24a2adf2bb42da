/* SPDX-License-Identifier: MIT */
#include "rpm/rpmfile.h"

#include "rpm/rpm_test.h"

enum { PAYLOAD_MAX = 1 << 20, LEVEL = 3 };

static struct str package_bytes(struct arena *a, const struct rpm_package *p)
{
	_cleanup_openpgp_ struct openpgp_key *key = test_key(a);
	struct str bytes;
	struct err e;

	assert_ok(rpm_write(a, p, key, LEVEL, &bytes, &e), &e);
	return bytes;
}

/* The package's file and the key's, in a folder of their own. */
static const char *package_file(struct arena *a, const char *dir)
{
	_cleanup_openpgp_ struct openpgp_key *key = test_key(a);
	struct rpm_package p = test_package(a);
	const char *path = path_join(a, dir, "hello.rpm");
	struct str bytes = package_bytes(a, &p), armor = openpgp_public_armor(a, key);
	struct err e;

	assert_ok(file_write(path, 0644, bytes.p, bytes.n, &e), &e);
	assert_ok(file_write(path_join(a, dir, "key.asc"), 0644, armor.p, armor.n, &e), &e);
	return path;
}

static void assert_deps(const vec_dep *x, const vec_dep *y)
{
	assert_int_equal(x->n, y->n);
	for (size_t i = 0; i < x->n; i++) {
		assert_true(str_eq(x->p[i].name, y->p[i].name));
		assert_true(str_eq(x->p[i].evr, y->p[i].evr));
		assert_int_equal(x->p[i].op, y->p[i].op);
	}
}

static void assert_files(const vec_rpm_file *x, const vec_rpm_file *y)
{
	assert_int_equal(x->n, y->n);
	for (size_t i = 0; i < x->n; i++) {
		const struct rpm_file *f = &x->p[i], *g = &y->p[i];

		assert_true(str_eq(f->path, g->path) && str_eq(f->user, g->user) &&
			    str_eq(f->group, g->group));
		assert_true(str_eq(f->data, g->data) && xattrs_same(&f->xattrs, &g->xattrs) &&
			    str_eq(f->lang, g->lang));
		assert_true(f->mode == g->mode && f->flags == g->flags &&
			    f->mtime_sec == g->mtime_sec);
		assert_true(f->rdev_major == g->rdev_major && f->rdev_minor == g->rdev_minor);
		assert_true((f->link_group > 0) == (g->link_group > 0));
	}
}

static void assert_meta(const struct rpm_meta *x, const struct rpm_meta *y)
{
	assert_true(str_eq(x->name, y->name) && str_eq(x->version, y->version) &&
		    str_eq(x->release, y->release));
	assert_true(str_eq(x->arch, y->arch) && x->epoch == y->epoch && str_eq(x->group, y->group));
	assert_true(str_eq(x->summary, y->summary) && str_eq(x->description, y->description) &&
		    str_eq(x->url, y->url));
	assert_true(str_eq(x->license, y->license) && str_eq(x->vendor, y->vendor));
	assert_true(str_eq(x->upstream, y->upstream));
	assert_int_equal(y->location.n, 0); /* packages move between a mirror's folders */
	assert_true(str_eq(x->source_name, y->source_name) &&
		    str_eq(x->source_version, y->source_version));
	assert_true(str_eq(x->origin_name, y->origin_name) &&
		    str_eq(x->origin_version, y->origin_version));
	assert_true(str_eq(x->origin_arch, y->origin_arch) && x->size_bytes == y->size_bytes);
	assert_true(x->essential == y->essential);
	assert_memory_equal(x->sha256, y->sha256, sizeof(x->sha256));
	assert_deps(&x->conflicts, &y->conflicts);
	assert_deps(&x->obsoletes, &y->obsoletes);
	assert_deps(&x->recommends, &y->recommends);
	assert_deps(&x->suggests, &y->suggests);
}

static void test_round_trip(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	_cleanup_openpgp_ struct openpgp_key *key = test_key(&a);
	struct rpm_package p = test_package(&a), q, r;
	struct str bytes = package_bytes(&a, &p), again = package_bytes(&a, &p);
	struct err e;

	(void)state;
	assert_true(str_eq(bytes, again));
	assert_ok(rpm_read(&a, bytes, key, PAYLOAD_MAX, &q, &e), &e);
	assert_meta(&p.meta, &q.meta);
	assert_files(&p.files, &q.files);
	assert_int_equal(q.meta.installed_bytes, 76);
	assert_int_equal(q.build_time_sec, p.build_time_sec);
	assert_str(q.changelog.p[0].author, "A. Person <a@example.invalid> - 2.10~rc1-3");
	/* Sorted, with the package's own name and without the file format's needs. */
	assert_str(dep_text(&a, &q.meta.requires.p[0]), "(awk or gawk >= 1)");
	assert_str(dep_text(&a, &q.meta.requires.p[1]), "libc6 >= 2.38");
	assert_int_equal(q.meta.requires.n, 2);
	assert_str(dep_text(&a, &q.meta.provides.p[1]), "hello = 1:2.10~rc1-3+b1");
	/* Claims of others' files are no provides, but stand there. */
	assert_int_equal(q.meta.provides.n, 2);
	assert_deps(&p.replaces, &q.replaces);
	assert_int_equal(q.diverts.n, 1);
	assert_str(q.diverts.p[0].package, "hello");
	assert_str(q.diverts.p[0].from, "/usr/bin/hi");
	assert_str(q.diverts.p[0].to, "/usr/bin/hi.distrib");
	/* What was read can be written: the same bytes. */
	assert_true(str_eq(bytes, package_bytes(&a, &q)));
	assert_ok(rpm_read(&a, bytes, NULL, PAYLOAD_MAX, &r, &e), &e);
	assert_memory_equal(q.header_sha256, r.header_sha256, sizeof(q.header_sha256));
}

static void test_empty(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct rpm_package p = test_package(&a), q;
	struct err e;

	(void)state;
	p.files.n = p.changelog.n = 0;
	p.meta.origin_name = STR("");
	assert_ok(rpm_read(&a, package_bytes(&a, &p), NULL, PAYLOAD_MAX, &q, &e), &e);
	assert_int_equal(q.files.n, 0);
	assert_int_equal(q.meta.origin_version.n, 0);
}

static void test_write_errors(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	_cleanup_openpgp_ struct openpgp_key *key = test_key(&a);
	struct rpm_package p = test_package(&a);
	struct str bytes;
	struct err e;

	(void)state;
	p.files.p[1].path = STR("/usr/../bin/x");
	assert_err(
		rpm_write(&a, &p, key, LEVEL, &bytes, &e), &e,
		"package 'hello-1:2.10~rc1-3+b1.x86_64': '/usr/../bin/x': path is not absolute and normalised");
	p.files.p[1].path = p.files.p[0].path;
	assert_err(rpm_write(&a, &p, key, LEVEL, &bytes, &e), &e,
		   "'/etc/hello.conf': listed twice or not in order");
	p = test_package(&a);
	p.files.p[5].data = STR("another size");
	assert_err(
		rpm_write(&a, &p, key, LEVEL, &bytes, &e), &e,
		"'/usr/lib/hello/two' is not the same file as '/usr/lib/hello/one', whose hard link it is");
	p = test_package(&a);
	p.meta.summary = STR("a\0b");
	assert_err(rpm_write(&a, &p, key, LEVEL, &bytes, &e), &e,
		   "header tag Summary: text with a NUL inside");
}

static void flip(struct str bytes, size_t at)
{
	((char *)(uintptr_t)bytes.p)[at] ^= 1;
}

static void test_read_errors(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	_cleanup_openpgp_ struct openpgp_key *key = test_key(&a);
	struct rpm_package p = test_package(&a), q = { 0 };
	struct str bytes = package_bytes(&a, &p);
	const char *summary = memmem(bytes.p, bytes.n, "Greets", 6);
	struct err e;

	(void)state;
	assert_err(rpm_read(&a, STR("hello"), key, PAYLOAD_MAX, &q, &e), &e, "not an RPM package");
	assert_err(rpm_read(&a, str_head(bytes, 100), key, PAYLOAD_MAX, &q, &e), &e,
		   "signature header does not begin");
	assert_err(
		rpm_read(&a, str_head(bytes, bytes.n - 1), key, PAYLOAD_MAX, &q, &e), &e,
		"package 'hello-1:2.10~rc1-3+b1.x86_64': the payload does not match its SHA-256 digest");
	assert_err(rpm_read(&a, bytes, key, 100, &q, &e), &e, "expands beyond 100 bytes");
	flip(bytes, (size_t)(summary - bytes.p));
	assert_err(rpm_read(&a, bytes, key, PAYLOAD_MAX, &q, &e), &e,
		   "the header does not match its SHA-256 digest");
	assert_null(q.files.p);
}

static void test_wrong_key(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	_cleanup_openpgp_ struct openpgp_key *key = NULL;
	struct rpm_package p = test_package(&a), q;
	struct str armor;
	struct err e;

	(void)state;
	assert_ok(file_read(&a, "test/fuzz/corpus/openpgp_public/gpg.asc", 1 << 20, &armor, &e),
		  &e);
	assert_ok(openpgp_public_parse(armor, &key, &e), &e);
	assert_err(rpm_read(&a, package_bytes(&a, &p), key, PAYLOAD_MAX, &q, &e), &e,
		   "header: signature was made by key 932883dbc77fc697, not by ");
}

/* Whatever byte is changed behind the lead and outside of the weaker digests and paddings, it is
 * noticed. */
static void test_every_byte(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	_cleanup_openpgp_ struct openpgp_key *key = test_key(&a);
	struct rpm_package p = test_package(&a), q;
	struct str bytes = package_bytes(&a, &p);
	const char *header = memmem(bytes.p + 200, bytes.n - 200, "\x8e\xad\xe8\x01", 4);
	struct err e;

	(void)state;
	for (size_t i = (size_t)(header - bytes.p); i < bytes.n; i += 13) {
		_cleanup_arena_ struct arena scratch = { 0 };

		flip(bytes, i);
		assert_true(rpm_read(&scratch, bytes, key, PAYLOAD_MAX, &q, &e) < 0);
		flip(bytes, i);
	}
}

static void test_rpm_verifies(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	const char *dir = test_dir(&a), *rpm = package_file(&a, dir),
		   *key = path_join(&a, dir, "key.asc");

	(void)state;
	if (access("/usr/bin/rpmkeys", X_OK) < 0)
		skip();
	test_run(&a, (const char *[]){ "rpmkeys", "--dbpath", dir, "--import", key, NULL });
	assert_has(test_run(&a, (const char *[]){ "rpmkeys", "--dbpath", dir, "-K", rpm, NULL }),
		   "hello.rpm: digests signatures OK");
	assert_has(test_run(&a, (const char *[]){ "rpmkeys", "--dbpath", dir, "-D",
						  "_pkgverify_level all", "-Kv", rpm, NULL }),
		   "RSA/SHA256 Signature, key ID c77fc697: OK");
}

static void test_rpm_shows(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	const char *dir = test_dir(&a), *rpm = package_file(&a, dir);
	struct str out;

	(void)state;
	if (access("/usr/bin/rpm", X_OK) < 0)
		skip();
	out = test_run(&a, (const char *[]){ "rpm", "--dbpath", dir, "-qp", "--info", "--requires",
					     "--provides", "--changelog", "--dump", rpm, NULL });
	assert_has(out, "Source RPM  : hello-src-2.10~rc1-3.src.rpm\n");
	assert_has(out, "Greets the world.\nÜber alles.\n");
	assert_has(out, "(awk or gawk >= 1)\nlibc6 >= 2.38\n");
	assert_has(out, "rpmlib(RichDependencies) <= 4.12.0-1\n");
	assert_has(out, "rpmlib(TildeInVersions) <= 4.10.0-1\n");
	assert_has(out, "hello = 1:2.10~rc1-3+b1\n");
	assert_has(out, "* Tue Nov 14 2023 A. Person <a@example.invalid> - 2.10~rc1-3\n- New.\n");
	assert_has(out, "/var/lib/hello/console 0 1700000001 ");
	out = test_run(&a, (const char *[]){ "rpm", "--dbpath", dir, "-qp", "--docfiles",
					     "--configfiles", "--licensefiles", "--filecaps", rpm,
					     NULL });
	assert_has(out, "/usr/bin/ping\tcap_net_raw=ep\n");
	assert_has(
		out,
		"/etc/hello.conf\n/usr/share/doc/hello/changelog\n/usr/share/doc/hello/copyright\n");
	out = test_run(&a, (const char *[]){ "rpm", "--dbpath", dir, "-qp", "--qf", "%{VCS}", rpm,
					     NULL });
	assert_has(out, "pkg:deb/debian/hello@1:2.10~rc1-3%2Bb1?arch=amd64&checksum=sha256:abab");
}

static void test_rpm_installs(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	const char *dir = test_dir(&a), *rpm = package_file(&a, dir),
		   *root = path_join(&a, dir, "root");
	struct stat one, two;
	struct err e;

	(void)state;
	if (geteuid() != 0 || access("/usr/bin/rpm", X_OK) < 0)
		skip();
	assert_ok(dir_make(root, &e), &e);
	test_run(&a,
		 (const char *[]){ "rpm", "--root", root, "-D", "_dbpath /db", "-i", "--nodeps",
				   "--nosignature", "--excludepath", "/var/lib/hello", rpm, NULL });
	assert_int_equal(stat(path_join(&a, root, "usr/lib/hello/one"), &one), 0);
	assert_int_equal(stat(path_join(&a, root, "usr/lib/hello/two"), &two), 0);
	assert_int_equal(one.st_ino, two.st_ino);
	assert_int_equal(one.st_size, 14);
	test_run(&a, (const char *[]){ "rpm", "--root", root, "-D", "_dbpath /db", "-V", "--nodeps",
				       "--nouser", "--nogroup", "hello", NULL });
}

static void test_dnf_lists(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	const char *dir = test_dir(&a), *rpm = package_file(&a, dir),
		   *cache = path_join(&a, dir, "cache");
	char *repo = str_z(&a, str_printf(&a, "--repofrompath=test,file://%s", dir));

	(void)state;
	(void)rpm;
	if (access("/usr/bin/dnf", X_OK) < 0 || access("/usr/bin/createrepo_c", X_OK) < 0)
		skip();
	test_run(&a, (const char *[]){ "createrepo_c", "-q", dir, NULL });
	assert_has(test_run(&a,
			    (const char *[]){ "dnf", "-q", "--setopt=reposdir=/nonexistent", repo,
					      "--repo=test", "--forcearch=x86_64", "--setopt",
					      str_z(&a, str_printf(&a, "cachedir=%s", cache)),
					      "repoquery", "--requires", "hello", NULL }),
		   "(awk or gawk >= 1)\nlibc6 >= 2.38\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),   cmocka_unit_test(test_empty),
		cmocka_unit_test(test_write_errors), cmocka_unit_test(test_read_errors),
		cmocka_unit_test(test_wrong_key),    cmocka_unit_test(test_every_byte),
		cmocka_unit_test(test_rpm_verifies), cmocka_unit_test(test_rpm_shows),
		cmocka_unit_test(test_rpm_installs), cmocka_unit_test(test_dnf_lists),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
