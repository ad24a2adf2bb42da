/* SPDX-License-Identifier: MIT */
/* An archive of three suites with two packages, signed with a key made for the occasion; no network
 * but the loopback. */
#include "upstream/upstream.h"

#include "base/proc.h"
#include "base/test.h"
#include "upstream/debian/release.h"
#include "upstream/debian/suites.h"
#include "upstream/transfer.h"

#include <arpa/inet.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#define DEB "not really a package, but its digest is right\n"

/* What the tests share: made once, because keys take time. */
static struct arena shared;
static char *home, *keyring, *other_keyring;
static struct progress *quiet;

static struct str run_in(struct arena *a, const char *const *argv, struct str input)
{
	struct proc_result r = { 0 };
	struct err e;

	assert_ok(proc_run(a, argv, input, NULL, &r, &e), &e);
	if (r.status != 0)
		fail_msg("%s: status %d: %.*s", argv[0], r.status, STR_FMT(r.err));
	return r.out;
}

static void put_file(struct arena *a, const char *dir, const char *name, struct str text)
{
	const char *path = path_join(a, dir, name);
	char *folder = str_z(a, str_c(path));
	struct err e;

	*strrchr(folder, '/') = '\0';
	assert_ok(dir_make(folder, &e), &e);
	assert_ok(file_write(path, 0644, text.p, text.n, &e), &e);
}

static struct str signed_with(struct arena *a, const char *user, const char *digest,
			      struct str text)
{
	const char *argv[] = { "gpg", "--homedir",     home,   "--batch",     "--local-user",
			       user,  "--digest-algo", digest, "--clearsign", NULL };

	return run_in(a, argv, text);
}

static struct str signed_by(struct arena *a, const char *user, struct str text)
{
	return signed_with(a, user, "SHA256", text);
}

static void key_make(const char *user, const char *path)
{
	const char *make[] = { "gpg",
			       "--homedir",
			       home,
			       "--batch",
			       "--passphrase",
			       "",
			       "--quick-gen-key",
			       user,
			       "ed25519",
			       "sign",
			       "never",
			       NULL };
	const char *export[] = { "gpg", "--homedir", home, "--batch", "--output",
				 path,  "--export",  user, NULL };

	run_in(&shared, make, (struct str){ 0 });
	run_in(&shared, export, (struct str){ 0 });
}

static int setup(void **state)
{
	char template[] = "/tmp/ashlar-gpg-XXXXXX";

	(void)state;
	if (system("command -v gpg gpgv gpg-agent >/dev/null") != 0)
		return 0;
	/* Not test_dir(): gpg-agent's socket must have a short path. */
	home = str_z(&shared, str_c(mkdtemp(template)));
	keyring = path_join(&shared, home, "archive.gpg");
	other_keyring = path_join(&shared, home, "other.gpg");
	key_make("archive@example.org", keyring);
	key_make("other@example.org", other_keyring);
	return 0;
}

static int teardown(void **state)
{
	const char *kill[] = { "gpgconf", "--homedir", home, "--kill", "all", NULL };
	struct err e;

	(void)state;
	if (home) {
		run_in(&shared, kill, (struct str){ 0 });
		assert_ok(dir_remove(home, &e), &e);
	}
	progress_free(quiet);
	arena_done(&shared);
	return 0;
}

struct archive {
	struct arena a;
	char *dir, *cache;
	struct conf_upstream conf;
};

static struct str stanza(struct arena *a, const char *name, const char *version)
{
	struct str deb = STR(DEB);

	return str_printf(
		a,
		"Package: %s\nVersion: %s\nArchitecture: amd64\nFilename: pool/%s.deb\nSize: %zu\nSHA256: %.*s\n"
		"Description: a test\n\n",
		name, version, name, deb.n, STR_FMT(sha256_hex(a, deb.p, deb.n)));
}

static void release_put(struct archive *t, const char *suite, struct str packages,
			const char *extra, const char *user)
{
	struct arena *a = &t->a;
	struct str text = str_printf(
		a,
		"Origin: Test\nSuite: stable\nCodename: %s\nDate: Sat, 12 Sep 2026 07:55:41 UTC\n"
		"Architectures: amd64\n%sSHA256:\n %.*s %zu main/binary-amd64/Packages\n",
		suite, extra, STR_FMT(sha256_hex(a, packages.p, packages.n)), packages.n);
	const char *dir = str_z(a, str_printf(a, "%s/dists/%s", t->dir, suite));

	put_file(a, dir, "main/binary-amd64/Packages", packages);
	put_file(a, dir, "InRelease", signed_by(a, user, text));
}

/* As tests begin: suites "one" and "two", with package a in both, in "two" also in a newer version.
 */
static void archive_make(struct archive *t)
{
	struct arena *a;

	if (!home)
		skip();
	/* Each has room for a command's stages only. */
	progress_free(quiet);
	quiet = progress_new(PROGRESS_QUIET);
	*t = (struct archive){ .conf = { .name = STR("test"),
					 .keyring = str_c(keyring),
					 .check_valid_until = VALID_UNTIL_YES } };
	a = &t->a;
	t->dir = path_join(a, test_dir(a), "mirror");
	t->cache = path_join(a, test_dir(a), "cache");
	release_put(t, "one", stanza(a, "a", "1-1"), "", "archive@example.org");
	release_put(t, "two", str_cat(a, stanza(a, "a", "1-1"), stanza(a, "a", "2~rc1-1")), "",
		    "archive@example.org");
	put_file(a, t->dir, "pool/a.deb", STR(DEB));
	t->conf.mirror = str_printf(a, "file://%s/", t->dir);
	vec_push(a, &t->conf.suites) = (struct conf_suite){ .name = STR("one") };
	vec_push(a, &t->conf.suites) = (struct conf_suite){ .name = STR("two") };
	vec_push(a, &t->conf.components) = STR("main");
}

static int refresh(struct archive *t, struct upstream_state *ret, struct err *e)
{
	return upstream_refresh(&t->a, &t->conf, 1, &arch_x86_64, t->cache, quiet, ret, e);
}

struct taken {
	struct arena *a;
	vec_rpm_meta metas;
	size_t parts;
};

static int take(void *arg, size_t part, const vec_rpm_meta *metas, struct err *e)
{
	struct taken *t = arg;

	(void)e;
	assert_int_equal(part, t->parts++); /* with one thread they come in order */
	vec_each(m, metas)
		vec_push(t->a, &t->metas) = (struct rpm_meta){
			.name = str_dup(t->a, m->name),
			.version = str_dup(t->a, m->version),
			.release = str_dup(t->a, m->release),
			.arch = str_dup(t->a, m->arch),
			.location = str_dup(t->a, m->location),
			.vendor = str_dup(t->a, m->vendor),
			.upstream = str_dup(t->a, m->upstream),
			.mirror = str_dup(t->a, m->mirror),
		};
	return 0;
}

static void there(void *arg, size_t i, const char *path)
{
	(void)arg;
	(void)i;
	(void)path;
}

/* What all indexes say. */
static int packages(struct archive *t, const struct upstream_state *s, vec_rpm_meta *ret,
		    struct err *e)
{
	struct taken taken = { .a = &t->a };
	vec_upstream_index indexes = { 0 };
	int rc = upstream_indexes(&t->a, s, &indexes, e);

	for (size_t i = 0; i < indexes.n && rc >= 0; i++) {
		struct upstream_index *index = &indexes.p[i];

		rc = upstream_indexes_fetch(&index, 1, t->cache, quiet, e);
		taken.parts = 0;
		if (rc >= 0)
			rc = upstream_index_read(s, &indexes.p[i], 1, take, &taken, e);
	}
	*ret = taken.metas;
	return rc;
}

static void test_packages(void **state)
{
	struct archive t;
	struct upstream_state s;
	vec_rpm_meta metas = { 0 };
	struct err e;

	(void)state;
	archive_make(&t);
	assert_ok(refresh(&t, &s, &e), &e);
	assert_int_equal(s.time_sec, 1789199741);
	assert_ok(packages(&t, &s, &metas, &e), &e);
	assert_int_equal(metas.n, 3);
	assert_str(rpm_nevra(&t.a, &metas.p[0]), "a-1-1.x86_64");
	assert_str(rpm_nevra(&t.a, &metas.p[1]), "a-1-1.x86_64");
	assert_str(rpm_nevra(&t.a, &metas.p[2]), "a-2~rc1-1.x86_64");
	assert_str(metas.p[2].location, "pool/a.deb");
	assert_str(metas.p[2].vendor, "Test");
	assert_str(metas.p[2].upstream, "test");
	assert_true(str_ends(metas.p[2].mirror, "/mirror"));
	arena_done(&t.a);
}

static struct str recipe_of(struct archive *t, size_t i)
{
	vec_upstream_index indexes = { 0 };
	struct upstream_state s;
	struct err e;

	assert_ok(refresh(t, &s, &e), &e);
	assert_ok(upstream_indexes(&t->a, &s, &indexes, &e), &e);
	return indexes.p[i].recipe;
}

/* An index's recipe changes with all that its packages depend on, and with nothing else. */
static void test_index_recipe(void **state)
{
	struct archive t;
	struct str one, two;

	(void)state;
	archive_make(&t);
	one = recipe_of(&t, 0);
	two = recipe_of(&t, 1);
	release_put(&t, "two", stanza(&t.a, "a", "3-1"), "", "archive@example.org");
	assert_true(str_eq(recipe_of(&t, 0), one));
	assert_false(str_eq(recipe_of(&t, 1), two));
	vec_push(&t.a, &t.conf.drop_requires) = STR("a\nb");
	assert_true(str_has(recipe_of(&t, 0), "\ndrop-requires a\\0ab\n"));
	t.conf.drop_requires.n = 0;
	t.conf.name = STR("other");
	assert_false(str_eq(recipe_of(&t, 0), one));
	t.conf.name = STR("test");
	assert_true(str_eq(recipe_of(&t, 0), one));
	arena_done(&t.a);
}

/* However an index comes, its parts end behind the same packages. */
static void test_index_parts(void **state)
{
	struct buf text = { 0 };
	struct archive t;
	struct upstream_state s;
	struct taken plain = { 0 }, packed = { 0 };
	vec_upstream_index indexes = { 0 };
	const char *xz[] = { "xz", "-0", "-c", NULL };
	struct str xz_text;
	struct err e;

	(void)state;
	archive_make(&t);
	text.a = plain.a = packed.a = &t.a;
	while (text.v.n < 9 << 20) {
		struct str one =
			stanza(&t.a, str_z(&t.a, str_printf(&t.a, "p%zu", text.v.n)), "1-1");

		buf_put(&text, one.p, one.n);
	}
	release_put(&t, "one", (struct str){ (char *)text.v.p, text.v.n }, "",
		    "archive@example.org");
	assert_ok(refresh(&t, &s, &e), &e);
	assert_ok(upstream_indexes(&t.a, &s, &indexes, &e), &e);
	assert_ok(transfer_all(&indexes.p[0].file, 1, t.cache, quiet, there, NULL, &e), &e);
	assert_ok(upstream_index_read(&s, &indexes.p[0], 1, take, &plain, &e), &e);
	assert_int_equal(plain.parts, 3);
	/* the same, compressed */
	xz_text = run_in(&t.a, xz, (struct str){ (char *)text.v.p, text.v.n });
	sha256(xz_text.p, xz_text.n, indexes.p[0].file.sha256);
	put_file(&t.a, path_join(&t.a, t.cache, "downloads"),
		 str_z(&t.a, sha256_hex(&t.a, xz_text.p, xz_text.n)), xz_text);
	assert_ok(upstream_index_read(&s, &indexes.p[0], 1, take, &packed, &e), &e);
	assert_int_equal(packed.parts, 3);
	assert_int_equal(packed.metas.n, plain.metas.n);
	for (size_t i = 0; i < plain.metas.n; i++)
		assert_true(str_eq(packed.metas.p[i].name, plain.metas.p[i].name));
	arena_done(&t.a);
}

static void test_signature(void **state)
{
	struct archive t;
	struct upstream_state s;
	struct str text;
	struct err e;
	char *at;

	(void)state;
	archive_make(&t);
	assert_ok(refresh(&t, &s, &e), &e);
	assert_ok(file_read(&t.a, path_join(&t.a, t.dir, "dists/two/InRelease"), 1 << 20, &text,
			    &e),
		  &e);
	at = memmem(text.p, text.n, "amd64", 5);
	*at = 'A';
	put_file(&t.a, t.dir, "dists/two/InRelease", text);
	assert_err(refresh(&t, &s, &e), &e, "suite 'two': file:///");
	assert_non_null(
		strstr(e.msg, "/dists/two/InRelease: the signature is wrong (gpgv says BADSIG)"));

	release_put(&t, "two", stanza(&t.a, "a", "1"), "", "other@example.org");
	assert_err(refresh(&t, &s, &e), &e, "which keyring '");
	assert_non_null(strstr(e.msg, "' does not hold as a valid one"));

	text = ((struct debian_suites *)s.own)->p[1].text;
	put_file(&t.a, t.dir, "dists/two/InRelease",
		 signed_with(&t.a, "archive@example.org", "SHA1", text));
	assert_err(refresh(&t, &s, &e), &e, "suite 'two': file:///");
	assert_non_null(strstr(e.msg, "no valid signature"));

	/* A key that goes takes what it signed with it: the cache does not vouch for it. */
	release_put(&t, "two", stanza(&t.a, "a", "1"), "", "archive@example.org");
	assert_ok(refresh(&t, &s, &e), &e);
	t.conf.keyring = str_c(other_keyring);
	assert_err(refresh(&t, &s, &e), &e, "suite 'one'");
	t.conf.keyring = STR("/nonexistent/keyring.gpg");
	assert_err(refresh(&t, &s, &e), &e,
		   "keyring (Debian's is in package debian-archive-keyring): ");
	arena_done(&t.a);
}

static void test_validity(void **state)
{
	struct archive t;
	struct upstream_state s;
	struct err e;

	(void)state;
	archive_make(&t);
	release_put(&t, "two", stanza(&t.a, "a", "1"),
		    "Valid-Until: Wed, 01 Jan 2020 00:00:00 UTC\n", "archive@example.org");
	assert_err(
		refresh(&t, &s, &e), &e,
		"/mirror: it was valid until 2020-01-01 00:00:00 UTC, so the mirror is out of date; use another one, or "
		"accept old files with 'check-valid-until: no' in upstreams.yaml");
	t.conf.check_valid_until = VALID_UNTIL_NO;
	assert_ok(refresh(&t, &s, &e), &e);
	release_put(&t, "three", stanza(&t.a, "a", "1"), "", "archive@example.org");
	t.conf.suites.p[1].name = STR("four");
	assert_int_equal(rename(path_join(&t.a, t.dir, "dists/three"),
				path_join(&t.a, t.dir, "dists/four")),
			 0);
	assert_err(
		refresh(&t, &s, &e), &e,
		"it is about suite 'stable', codename 'three', not 'four'; is the mirror right?");
	arena_done(&t.a);
}

static bool recall(struct archive *t, struct upstream_state *ret)
{
	return upstream_recall(&t->a, &t->conf, 1, &arch_x86_64, t->cache, ret);
}

static void test_recall(void **state)
{
	struct archive t;
	struct upstream_state s, again;
	struct err e;

	(void)state;
	archive_make(&t);
	assert_false(recall(&t, &again));
	assert_ok(refresh(&t, &s, &e), &e);
	assert_true(recall(&t, &again));
	assert_memory_equal(again.digest, s.digest, sizeof(s.digest));
	assert_int_equal(again.time_sec, s.time_sec);

	/* news are not known before they are fetched */
	release_put(&t, "two", stanza(&t.a, "a", "2"), "", "archive@example.org");
	assert_true(recall(&t, &again));
	assert_memory_equal(again.digest, s.digest, sizeof(s.digest));
	assert_ok(refresh(&t, &s, &e), &e);
	assert_memory_not_equal(again.digest, s.digest, sizeof(s.digest));

	/* what is not valid, or not by a key of today */
	t.conf.check_valid_until = VALID_UNTIL_NO;
	release_put(&t, "two", stanza(&t.a, "a", "1"),
		    "Valid-Until: Wed, 01 Jan 2020 00:00:00 UTC\n", "archive@example.org");
	assert_ok(refresh(&t, &s, &e), &e);
	assert_true(recall(&t, &again));
	t.conf.check_valid_until = VALID_UNTIL_YES;
	assert_false(recall(&t, &again));
	t.conf.check_valid_until = VALID_UNTIL_NO;
	t.conf.keyring = str_c(other_keyring);
	assert_false(recall(&t, &again));
	arena_done(&t.a);
}

/* Of several upstreams, a message names the one. */
static void test_two_upstreams(void **state)
{
	struct conf_upstream both[2];
	struct upstream_state s[2];
	struct archive t;
	struct err e;

	(void)state;
	archive_make(&t);
	both[0] = both[1] = t.conf;
	both[0].name = STR("first");
	both[1].name = STR("second");
	assert_ok(upstream_refresh(&t.a, both, 2, &arch_x86_64, t.cache, quiet, s, &e), &e);
	assert_memory_equal(s[0].digest, s[1].digest, SHA256_BYTES);
	both[1].mirror = STR("file:///nonexistent");
	assert_err(upstream_refresh(&t.a, both, 2, &arch_x86_64, t.cache, quiet, s, &e), &e,
		   "upstream 'second': suite 'one': file:///nonexistent/");
	arena_done(&t.a);
}

static void test_index(void **state)
{
	struct archive t;
	struct upstream_state s;
	vec_rpm_meta metas = { 0 };
	struct str good;
	struct err e;

	(void)state;
	archive_make(&t);
	good = stanza(&t.a, "a", "1-1");
	assert_ok(refresh(&t, &s, &e), &e);
	put_file(&t.a, t.dir, "dists/one/main/binary-amd64/Packages", stanza(&t.a, "a", "1-2"));
	assert_err(packages(&t, &s, &metas, &e), &e,
		   "suite 'one': main/binary-amd64/Packages: file:///");
	assert_non_null(strstr(e.msg, ": SHA-256 is "));
	put_file(&t.a, t.dir, "dists/one/main/binary-amd64/Packages", good);
	assert_ok(packages(&t, &s, &metas, &e), &e);
	t.conf.components.p[0] = STR("contrib");
	assert_err(
		packages(&t, &s, &metas, &e), &e,
		"it lists no 'contrib/binary-amd64/Packages' as .xz, .zst, .gz, .bz2, .lzma or plain");
	arena_done(&t.a);
}

/* Replaces suite "one" by a Release with @fields and a row for each of @n files, which it puts
 * where they have @bytes. */
struct listed {
	const char *path;
	struct str bytes;
	bool absent;
};

static void listed_put(struct archive *t, const char *fields, const struct listed *files, size_t n)
{
	struct arena *a = &t->a;
	struct buf b = { .a = a };

	buf_printf(&b, "Suite: one\nDate: Sat, 12 Sep 2026 07:55:41 UTC\n%sSHA256:\n", fields);
	for (size_t i = 0; i < n; i++) {
		buf_printf(&b, " %.*s %zu %s\n",
			   STR_FMT(sha256_hex(a, files[i].bytes.p, files[i].bytes.n)),
			   files[i].bytes.n, files[i].path);
		if (!files[i].absent)
			put_file(a, path_join(a, t->dir, "dists/one"), files[i].path,
				 files[i].bytes);
	}
	put_file(a, t->dir, "dists/one/InRelease",
		 signed_by(a, "archive@example.org", (struct str){ (const char *)b.v.p, b.v.n }));
	t->conf.suites.n = 1;
}

static void packages_are(struct archive *t, const char *name)
{
	struct upstream_state s;
	vec_rpm_meta metas = { 0 };
	struct err e;

	assert_ok(refresh(t, &s, &e), &e);
	assert_ok(packages(t, &s, &metas, &e), &e);
	assert_int_equal(metas.n, 1);
	assert_str(metas.p[0].name, name);
}

/* What a mirror lists, but does not have, in the form that is best; and the forms of old. */
static void test_index_forms(void **state)
{
	static const char *const bzip2[] = { "bzip2", NULL }, *const xz[] = { "xz", "--format=lzma",
									      NULL };
	struct archive t;
	struct str text;
	struct upstream_state s;
	vec_rpm_meta metas = { 0 };
	struct err e;

	(void)state;
	archive_make(&t);
#define I "main/binary-amd64/Packages"
	text = stanza(&t.a, "plain", "1");
	listed_put(&t, "",
		   (struct listed[]){ { I, text, false },
				      { I ".xz", STR("not there"), true },
				      { I ".gz", STR("neither"), true } },
		   3);
	packages_are(&t, "plain");
	listed_put(&t, "",
		   (struct listed[]){ { I ".xz", STR("not there"), true },
				      { I ".gz", STR("neither"), true } },
		   2);
	assert_ok(refresh(&t, &s, &e), &e);
	assert_err(packages(&t, &s, &metas, &e), &e,
		   "suite 'one': main/binary-amd64/Packages.gz: file:///");

	text = run_in(&t.a, bzip2, stanza(&t.a, "bzip2", "1"));
	listed_put(&t, "", (struct listed[]){ { I ".bz2", text, false } }, 1);
	packages_are(&t, "bzip2");
	text = run_in(&t.a, xz, stanza(&t.a, "lzma", "1"));
	listed_put(&t, "", (struct listed[]){ { I ".lzma", text, false } }, 1);
	packages_are(&t, "lzma");
	arena_done(&t.a);
}

/* Packages of another architecture are nobody's business; those for all may have an index alone. */
static void test_index_archs(void **state)
{
	struct archive t;
	struct str foreign, own;

	(void)state;
	archive_make(&t);
	own = stanza(&t.a, "own", "1");
	foreign = stanza(&t.a, "foreign", "1");
	memcpy(memmem(foreign.p, foreign.n, "amd64", 5), "riscv", 5);
	listed_put(&t, "", (struct listed[]){ { I, str_cat(&t.a, foreign, own), false } }, 1);
	packages_are(&t, "own");
	listed_put(&t, "Architectures: all\n",
		   (struct listed[]){ { "main/binary-all/Packages", own, false } }, 1);
	packages_are(&t, "own");
	/* "all" is promised, but has no index of its own */
	listed_put(&t, "Architectures: amd64 all\n", (struct listed[]){ { I, own, false } }, 1);
	packages_are(&t, "own");
	t.conf.components.p[0] = STR("updates/main");
	listed_put(&t, "Components: updates/main\n",
		   (struct listed[]){ { "updates/" I, own, false } }, 1);
	packages_are(&t, "own");
#undef I
	t.conf.suites.p[0].name = STR("flat/");
	t.conf.components.n = 0;
	listed_put(&t, "", (struct listed[]){ { "./Packages", own, false } }, 1);
	assert_int_equal(rename(path_join(&t.a, t.dir, "dists/one"),
				path_join(&t.a, t.dir, "flat")),
			 0);
	packages_are(&t, "own");
	arena_done(&t.a);
}

/* A copy of an archive that says "by-hash" but has it not, and one that has. */
static void test_by_hash(void **state)
{
	struct archive t;
	struct upstream_state s;
	vec_rpm_meta metas = { 0 };
	struct str text;
	struct err e;

	(void)state;
	archive_make(&t);
	text = stanza(&t.a, "b", "1");
	release_put(&t, "two", text, "Acquire-By-Hash: yes\n", "archive@example.org");
	assert_ok(refresh(&t, &s, &e), &e);
	assert_ok(packages(&t, &s, &metas, &e), &e);
	assert_int_equal(metas.n, 2);
	text = stanza(&t.a, "b", "2");
	release_put(&t, "two", text, "Acquire-By-Hash: yes\n", "archive@example.org");
	put_file(&t.a, t.dir,
		 str_z(&t.a, str_printf(&t.a, "dists/two/main/binary-amd64/by-hash/SHA256/%.*s",
					STR_FMT(sha256_hex(&t.a, text.p, text.n)))),
		 text);
	put_file(&t.a, t.dir, "dists/two/main/binary-amd64/Packages", STR("newer"));
	assert_ok(refresh(&t, &s, &e), &e);
	assert_ok(packages(&t, &s, &metas, &e), &e);
	assert_str(metas.p[1].version, "2");
	arena_done(&t.a);
}

static void count_done(void *arg, size_t i, const char *path)
{
	assert_int_equal(i, 0);
	assert_true(file_exists(path));
	++*(unsigned *)arg;
}

static struct transfer deb_transfer(struct archive *t, const char *base)
{
	struct transfer x = { .url = str_printf(&t->a, "%s/pool/a.deb", base),
			      .name = STR("package 'a'"),
			      .size_bytes = sizeof(DEB) - 1 };

	sha256(DEB, sizeof(DEB) - 1, x.sha256);
	return x;
}

/* A file cut short, an altered one, then the right one; at last the cached one rots. */
static void test_transfer(void **state)
{
	struct archive t;
	struct transfer x;
	unsigned n = 0;
	struct str text;
	struct err e;

	(void)state;
	archive_make(&t);
	x = deb_transfer(&t, str_z(&t.a, str_head(t.conf.mirror, t.conf.mirror.n - 1)));
	put_file(&t.a, t.dir, "pool/a.deb", STR("not really"));
	assert_err(transfer_all(&x, 1, t.cache, quiet, count_done, &n, &e), &e,
		   "package 'a': file:///");
	assert_non_null(strstr(e.msg, "/pool/a.deb: 10 bytes came, want 46 (1 try)"));
	assert_int_equal(n, 0);
	put_file(&t.a, t.dir, "pool/a.deb", STR(DEB));
	assert_ok(transfer_all(&x, 1, t.cache, quiet, count_done, &n, &e), &e);
	assert_ok(file_read(&t.a, transfer_path(&t.a, t.cache, x.sha256), 1 << 20, &text, &e), &e);
	assert_str(text, DEB);

	put_file(&t.a, t.cache,
		 str_z(&t.a, str_printf(&t.a, "downloads/%.*s",
					STR_FMT(sha256_hex(&t.a, DEB, sizeof(DEB) - 1)))),
		 STR("NOT really a package, but its digest is right\n"));
	assert_ok(transfer_all(&x, 1, t.cache, quiet, count_done, &n, &e), &e);
	assert_ok(file_read(&t.a, transfer_path(&t.a, t.cache, x.sha256), 1 << 20, &text, &e), &e);
	assert_str(text, DEB);
	assert_ok(transfer_all(&x, 1, t.cache, quiet, count_done, &n, &e), &e);
	assert_int_equal(n, 3);

	x.url = STR("file:///nonexistent/a.deb");
	x.sha256[0] ^= 1;
	assert_err(
		transfer_all(&x, 1, t.cache, quiet, count_done, &n, &e), &e,
		"package 'a': file:///nonexistent/a.deb: Couldn't open file /nonexistent/a.deb (1 try)");
	arena_done(&t.a);
}

/* A loopback port on which nobody listens. */
static unsigned closed_port(void)
{
	struct sockaddr_in sa = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t n = sizeof(sa);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&sa, n), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&sa, &n), 0);
	close(fd);
	return ntohs(sa.sin_port);
}

static void test_unreachable(void **state)
{
	struct archive t;
	struct transfer x;
	unsigned n = 0;
	struct err e;

	(void)state;
	archive_make(&t);
	x = deb_transfer(&t, str_z(&t.a, str_printf(&t.a, "http://127.0.0.1:%u", closed_port())));
	assert_err(transfer_run(&x, 1, t.cache, 1, quiet, count_done, &n, &e), &e,
		   "package 'a': http://127.0.0.1:");
	assert_non_null(strstr(e.msg, "/pool/a.deb: Failed to connect to 127.0.0.1"));
	assert_non_null(strstr(e.msg, "(4 tries); is the mirror reachable, or is a proxy needed?"));
	arena_done(&t.a);
}

/* Serves @dir; *ret_port. The server dies with this process. */
static pid_t serve(const char *dir, const char *log, unsigned *ret_port)
{
	char line[256] = { 0 };
	int out[2];
	pid_t pid;
	FILE *f;

	assert_int_equal(pipe(out), 0);
	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		dup2(out[1], 1);
		if (!freopen(log, "w", stderr))
			_exit(1);
		execlp("python3", "python3", "-u", "-m", "http.server", "--bind", "127.0.0.1",
		       "--directory", dir, "0", NULL);
		_exit(1);
	}
	close(out[1]);
	f = fdopen(out[0], "r");
	assert_non_null(fgets(line, sizeof(line), f));
	fclose(f);
	assert_int_equal(sscanf(line, "Serving HTTP on 127.0.0.1 port %u", ret_port), 1);
	return pid;
}

/* The second time, the server says that nothing has changed. Missing and cut files are told apart.
 */
static void test_http(void **state)
{
	struct archive t;
	struct upstream_state s, again;
	struct transfer x;
	struct str log;
	const char *log_path, *base;
	unsigned port, n = 0;
	struct err e;
	pid_t pid;

	(void)state;
	archive_make(&t);
	log_path = path_join(&t.a, test_dir(&t.a), "log");
	pid = serve(t.dir, log_path, &port);
	base = str_z(&t.a, str_printf(&t.a, "http://127.0.0.1:%u", port));
	t.conf.mirror = str_c(base);
	assert_ok(refresh(&t, &s, &e), &e);
	assert_ok(refresh(&t, &again, &e), &e);
	assert_memory_equal(s.digest, again.digest, sizeof(s.digest));
	x = deb_transfer(&t, base);
	put_file(&t.a, t.dir, "pool/a.deb", STR("not really"));
	assert_err(transfer_run(&x, 1, t.cache, 1, quiet, count_done, &n, &e), &e,
		   "/pool/a.deb: 10 bytes came, want 46 (4 tries)");
	x.url = str_printf(&t.a, "%s/pool/b.deb", base);
	assert_err(transfer_run(&x, 1, t.cache, 1, quiet, count_done, &n, &e), &e,
		   "/pool/b.deb: the server answers with status 404 (1 try)");
	kill(pid, SIGTERM);
	waitpid(pid, NULL, 0);
	assert_ok(file_read(&t.a, log_path, 1 << 20, &log, &e), &e);
	assert_true(str_has(log, "\"GET /dists/one/InRelease HTTP/1.1\" 304"));
	arena_done(&t.a);
}

static void test_framing(void **state)
{
	static const char good[] =
		"-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\na: b\n- --x\n"
		"-----BEGIN PGP SIGNATURE-----\n\nabc\n-----END PGP SIGNATURE-----\n";
	_cleanup_arena_ struct arena a = { 0 };
	struct err e;

	(void)state;
	assert_ok(release_framed(str_c(good), &e), &e);
	assert_err(release_framed(str_cat(&a, STR("a: c\n"), str_c(good)), &e), &e,
		   "line 1: 'a: c' stands outside the signed message");
	assert_err(release_framed(str_cat(&a, str_c(good), STR("a: c\n")), &e), &e,
		   "line 10: 'a: c' stands outside");
	assert_err(release_framed(str_cat(&a, str_c(good), str_c(good)), &e), &e,
		   "line 10: '-----BEGIN PGP SIGNED MESSAGE-----' stands outside");
	assert_err(
		release_framed(str_head(str_c(good), 59), &e), &e,
		"there is no '-----BEGIN PGP SIGNATURE-----'; it is cut off or not an InRelease");
	assert_err(release_framed(STR("<html>\n"), &e), &e, "line 1: '<html>' stands outside");
}

static void test_release(void **state)
{
	static const char *const rows[][2] = {
		{ "Suite: x\nDate: yesterday\n", "Date 'yesterday'; want a time such as" },
		{ "Suite: x\nDate: Sat, 12 Sep 2026 07:55:41 CEST\n", "want a time such as" },
		{ "Suite: x\nDate: Sat, 12 Sep 2026 07:55:41 UTC\n",
		  "there is no section of SHA256 digests" },
		{ "Suite: x\n\nSuite: y\n", "want exactly one stanza" },
		{ "Suite: x\nDate: Sat, 12 Sep 2026 07:55:41 UTC\nValid-Until: x\n",
		  "Valid-Until 'x' is no time" },
		{ "", "want exactly one stanza" },
	};
	struct release r;
	struct err e;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_err(release_parse(str_c(rows[i][0]), &r, &e), &e, rows[i][1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_packages),      cmocka_unit_test(test_index_recipe),
		cmocka_unit_test(test_index_parts),   cmocka_unit_test(test_signature),
		cmocka_unit_test(test_validity),      cmocka_unit_test(test_recall),
		cmocka_unit_test(test_two_upstreams), cmocka_unit_test(test_index),
		cmocka_unit_test(test_transfer),      cmocka_unit_test(test_unreachable),
		cmocka_unit_test(test_http),          cmocka_unit_test(test_framing),
		cmocka_unit_test(test_release),       cmocka_unit_test(test_by_hash),
		cmocka_unit_test(test_index_forms),   cmocka_unit_test(test_index_archs),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
