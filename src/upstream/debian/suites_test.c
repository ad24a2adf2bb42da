/* SPDX-License-Identifier: MIT */
/* Release files as mirrors give them: played back, from the future, of another name, signed by
 * several, detached, flat. Keys are made for the occasion; no network. */
#include "upstream/debian/suites.h"

#include "base/proc.h"
#include "base/test.h"
#include "upstream/debian/date.h"
#include "upstream/debian/release.h"
#include "upstream/seen.h"

#include <time.h>

/* What the tests share: made once, because keys take time. */
static struct arena shared;
static char *home;
static struct progress *quiet;

#define GOOD    "good@example.org"
#define OTHER   "other@example.org"
#define EXPIRED "expired@example.org"
#define REVOKED "revoked@example.org"

static struct str run(struct arena *a, const char *const *argv, struct str input)
{
	struct proc_result r = { 0 };
	struct err e;

	assert_ok(proc_run(a, argv, input, NULL, &r, &e), &e);
	if (r.status != 0)
		fail_msg("%s: status %d: %.*s", argv[0], r.status, STR_FMT(r.err));
	return r.out;
}

/* gpg with a line of words. */
static struct str gpg(struct arena *a, const char *words, struct str input)
{
	VEC(const char *) argv = { 0 };
	struct str rest = str_c(words), word;

	vec_push(a, &argv) = "gpg";
	vec_push(a, &argv) = "--homedir";
	vec_push(a, &argv) = home;
	vec_push(a, &argv) = "--batch";
	vec_push(a, &argv) = "--yes";
	while ((word = str_word(&rest)).n > 0)
		vec_push(a, &argv) = str_z(a, word);
	vec_push(a, &argv) = NULL;
	return run(a, argv.p, input);
}

static void key_make(const char *how, const char *user, const char *expires)
{
	const char *argv[] = { "gpg",
			       "--homedir",
			       home,
			       "--batch",
			       "--pinentry-mode",
			       "loopback",
			       "--faked-system-time",
			       how,
			       "--passphrase",
			       "",
			       "--quick-gen-key",
			       user,
			       "ed25519",
			       "sign",
			       expires,
			       NULL };

	run(&shared, argv, (struct str){ 0 });
}

/* The certificate that GnuPG makes with each key, its guard taken off. */
static void key_revoke(const char *user)
{
	struct arena *a = &shared;
	struct str list = gpg(a, str_z(a, str_printf(a, "--with-colons --fingerprint %s", user)),
			      STR("")),
		   text;
	char *at = memmem(list.p, list.n, "\nfpr:::::::::", 13);
	const char *path = str_z(a, str_printf(a, "%s/openpgp-revocs.d/%.40s.rev", home, at + 13));
	struct err e;

	assert_ok(file_read(a, path, 1 << 16, &text, &e), &e);
	at = memmem(text.p, text.n, ":-----BEGIN", 11);
	*at = ' ';
	gpg(a, "--import", str_from(text, (size_t)(at - text.p) + 1));
}

static int setup(void **state)
{
	char template[] = "/tmp/ashlar-gpg-XXXXXX";

	(void)state;
	quiet = progress_new(PROGRESS_QUIET);
	if (system("command -v gpg gpgv gpg-agent >/dev/null") != 0)
		return 0;
	/* Not test_dir(): gpg-agent's socket must have a short path. */
	home = str_z(&shared, str_c(mkdtemp(template)));
	key_make("20200101T000000", GOOD, "never");
	key_make("20200101T000000", OTHER, "never");
	key_make("20200101T000000", REVOKED, "never");
	key_make("20200101T000000", EXPIRED, "30d");
	return 0;
}

static int teardown(void **state)
{
	const char *kill[] = { "gpgconf", "--homedir", home, "--kill", "all", NULL };
	struct err e;

	(void)state;
	if (home) {
		run(&shared, kill, (struct str){ 0 });
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

static void export(struct archive *t, const char *name, const char *words)
{
	test_file_put(&t->a, t->dir, name, gpg(&t->a, words, STR("")));
}

#define PACKAGES                                                                            \
	"Package: a\nVersion: 1\nArchitecture: amd64\nFilename: ./a.deb\nSize: 0\nSHA256: " \
	"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\nDescription: x\n\n"

/* A Release; @fields: all but the digests. */
static struct str release_text(struct arena *a, const char *fields, const char *index)
{
	struct str packages = STR(PACKAGES);

	return str_printf(a, "%sSHA256:\n %.*s %zu %s\n", fields,
			  STR_FMT(sha256_hex(a, packages.p, packages.n)), packages.n, index);
}

#define DATE  "Date: Sat, 12 Sep 2026 07:55:41 UTC\n"
#define INDEX "main/binary-amd64/Packages"

static void put(struct archive *t, const char *fields, const char *signers)
{
	struct str text = release_text(&t->a, fields, INDEX);

	test_file_put(&t->a, t->dir, "mirror/dists/one/InRelease",
		      gpg(&t->a, str_z(&t->a, str_printf(&t->a, "%s --clearsign", signers)), text));
}

static void archive_make(struct archive *t)
{
	struct arena *a;

	if (!home)
		skip();
	*t = (struct archive){ .conf = { .name = STR("test"),
					 .check_valid_until = VALID_UNTIL_YES } };
	a = &t->a;
	t->dir = str_z(a, str_c(test_dir(a)));
	t->cache = path_join(a, t->dir, "cache");
	t->conf.mirror = str_printf(a, "file://%s/mirror/", t->dir);
	t->conf.keyring = str_c(path_join(a, t->dir, "good.gpg"));
	vec_push(a, &t->conf.suites) = (struct conf_suite){ .name = STR("one") };
	vec_push(a, &t->conf.components) = STR("main");
	export(t, "good.gpg", "--export " GOOD);
	test_file_put(a, t->dir, "mirror/dists/one/" INDEX, STR(PACKAGES));
	put(t, "Suite: stable\nCodename: one\n" DATE, "-u " GOOD);
}

static int refresh(struct archive *t, struct err *e)
{
	struct upstream_state s;

	return upstream_refresh(&t->a, &t->conf, 1, &arch_x86_64, t->cache, quiet, &s, e);
}

static bool recall(struct archive *t)
{
	struct upstream_state s;

	return upstream_recall(&t->a, &t->conf, 1, &arch_x86_64, t->cache, &s);
}

/* The day before the day before: what a mirror says after it said more. */
static void test_older(void **state)
{
	struct conf_suite *suite;
	struct archive t;
	struct err e;

	(void)state;
	archive_make(&t);
	suite = &t.conf.suites.p[0];
	assert_ok(refresh(&t, &e), &e);
	put(&t, "Suite: stable\nCodename: one\nDate: Fri, 11 Sep 2026 07:55:41 UTC\n", "-u " GOOD);
	assert_err(
		refresh(&t, &e), &e,
		"InRelease: it is dated 2026-09-11 07:55:41 UTC, older than that of 2026-09-12 07:55:41 UTC, which "
		"this mirror gave before");
	assert_non_null(
		strstr(e.msg,
		       "'accept-older: 2026-09-11 07:55:41 UTC' for this suite in upstreams.yaml"));
	/* what is there stays in use */
	assert_true(recall(&t));

	/* all that a pruned cache has left; and it is damaged */
	assert_ok(dir_remove(path_join(&t.a, t.cache, "upstream/test"), &e), &e);
	assert_err(refresh(&t, &e), &e, "older than that of");
	suite->accept_older = STR("2026-09-12");
	assert_err(refresh(&t, &e), &e, "older than that of");
	suite->accept_older = STR("2026-09-11 07:55:41 UTC");
	assert_ok(refresh(&t, &e), &e);
	/* once taken, it is what was there before */
	suite->accept_older = STR("");
	assert_ok(refresh(&t, &e), &e);
	assert_true(recall(&t));

	/* of another mirror nothing is known */
	put(&t, "Suite: stable\nCodename: one\nDate: Thu, 10 Sep 2026 07:55:41 UTC\n", "-u " GOOD);
	assert_err(refresh(&t, &e), &e, "older than that of");
	assert_int_equal(rename(path_join(&t.a, t.dir, "mirror"), path_join(&t.a, t.dir, "m2")), 0);
	t.conf.mirror = str_printf(&t.a, "file://%s/m2", t.dir);
	assert_ok(refresh(&t, &e), &e);
	arena_done(&t.a);
}

static void test_place(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };

	(void)state;
	assert_str(seen_place(&a, STR("https://h:8443/debian/dists/x")), "h/debian/dists/x");
	assert_str(seen_place(&a, STR("http://h/debian/dists/x")), "h/debian/dists/x");
	assert_str(seen_place(&a, STR("file:///srv/dists/x")), "/srv/dists/x");
}

static struct str date_field(struct arena *a, int64_t from_now_sec)
{
	time_t t = time(NULL) + from_now_sec;
	char text[64];
	struct tm tm;

	strftime(text, sizeof(text), "Date: %a, %d %b %Y %H:%M:%S UTC\n", gmtime_r(&t, &tm));
	return str_cat(a, STR("Suite: one\n"), str_c(text));
}

static void test_future(void **state)
{
	struct archive t;
	struct err e;

	(void)state;
	archive_make(&t);
	put(&t, date_field(&t.a, 5).p, "-u " GOOD);
	assert_ok(refresh(&t, &e), &e);
	put(&t, date_field(&t.a, 600).p, "-u " GOOD);
	assert_err(refresh(&t, &e), &e, "which is in the future: this machine's clock says ");
	assert_non_null(strstr(e.msg, "'check-date: no' in upstreams.yaml takes such files"));
	t.conf.check_date = CHECK_DATE_NO;
	assert_ok(refresh(&t, &e), &e);
	t.conf.check_date = CHECK_DATE_YES;
	assert_false(recall(&t));
	arena_done(&t.a);
}

static void test_renamed(void **state)
{
	struct conf_suite *suite;
	struct archive t;
	struct err e;

	(void)state;
	archive_make(&t);
	suite = &t.conf.suites.p[0];
	suite->name = STR("stable");
	assert_int_equal(rename(path_join(&t.a, t.dir, "mirror/dists/one"),
				path_join(&t.a, t.dir, "mirror/dists/stable")),
			 0);
	assert_ok(refresh(&t, &e), &e);
	put(&t, "Suite: stable\nCodename: two\n" DATE, "-u " GOOD);
	assert_int_equal(rename(path_join(&t.a, t.dir, "mirror/dists/one/InRelease"),
				path_join(&t.a, t.dir, "mirror/dists/stable/InRelease")),
			 0);
	assert_err(
		refresh(&t, &e), &e,
		"it calls itself 'two' now, and 'one' before: is it another release? When that is wanted, say "
		"'codename: two' for this suite in upstreams.yaml");
	suite->codename = STR("two");
	assert_ok(refresh(&t, &e), &e);
	suite->codename = STR("one");
	assert_err(refresh(&t, &e), &e, "it is about suite 'stable', codename 'two', not 'one'");
	arena_done(&t.a);
}

static int check(const char *suite, const char *codename, const char *fields, struct err *e)
{
	_cleanup_arena_ struct arena a = { 0 };
	const struct release_want want = { .suite = str_c(suite), .codename = str_c(codename) };
	struct str text = str_printf(&a, "%s" DATE "SHA256:\n x\n", fields);
	struct release r;
	int rc = release_parse(text, &r, e);

	return rc < 0 ? rc : release_check(&r, &want, e);
}

static void test_names(void **state)
{
	struct err e;

	(void)state;
	assert_ok(check("stable", "", "Suite: stable\n", &e), &e);
	assert_ok(check("stable/updates", "", "Suite: stable\nCodename: x\n", &e), &e);
	assert_ok(check("jammy/database-org/7.0", "", "Codename: jammy/database-org\n", &e), &e);
	assert_ok(check("anything", "", "Origin: x\n", &e), &e);
	assert_ok(check("./", "", "Suite: x\n", &e), &e);
	assert_ok(check("prod", "x", "Suite: x\nCodename: y\n", &e), &e);
	assert_err(
		check("prod", "", "Suite: x\nCodename: y\n", &e), &e,
		"it is about suite 'x', codename 'y', not 'prod'; is the mirror right? If so, say 'codename: NAME'");
	assert_err(check("prod", "z", "Suite: x\n", &e), &e, "codename '', not 'z'");
	assert_err(check("stable/updates", "", "Suite: updates\n", &e), &e, "not 'stable/updates'");
	assert_ok(check("x", "", "MD5Sum:\n x\n", &e), &e); /* other digests do no harm */
}

static void test_dates(void **state)
{
	static const char *const same[] = {
		"Thu, 02 Jan 2025 12:00:00 +0000",  "Thu, 2 Jan 2025 12:00:00 UTC",
		"2 Jan 2025 12:00:00 GMT",          "Thu, 02 Jan 2025 12:00:00 Z",
		"Thursday, 02-Jan-25 12:00:00 GMT", "Thu Jan  2 12:00:00 2025",
		"Thu, 02 Jan 2025 13:30:00 +0130",
	};
	static const char *const wrong[] = {
		"",
		"Thu",
		"Thu, 02 Foo 2025 12:00:00 UTC",
		"Thu, 02 Jan 2025 12:00 UTC",
		"Thu, 02 Jan 2025 12:00:00",
		"Thu, 02 Jan 2025 12:00:00 CEST",
		"yesterday",
		"Thu Jan 2 2025",
	};
	uint64_t sec;

	(void)state;
	for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++) {
		assert_true(date_parse(str_c(same[i]), &sec));
		assert_int_equal(sec, 1735819200);
	}
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_false(date_parse(str_c(wrong[i]), &sec));
	assert_true(date_iso_parse(STR("2025-01-02 12:00:00 UTC"), &sec));
	assert_int_equal(sec, 1735819200);
	assert_true(date_iso_parse(STR("2025-01-02"), &sec));
	assert_false(date_iso_parse(STR("2025-00-02"), &sec));
}

/* As apt decides. */
static void test_signatures(void **state)
{
	struct str own, text;
	struct archive t;
	struct err e;

	(void)state;
	archive_make(&t);
	put(&t, "Suite: one\n" DATE, "-u " GOOD " -u " OTHER);
	assert_ok(refresh(&t, &e), &e); /* one unknown */
	put(&t, "Suite: one\n" DATE,
	    "--faked-system-time 20200102T000000 -u " EXPIRED " -u " REVOKED " -u " GOOD);
	key_revoke(REVOKED);
	export(&t, "good.gpg", "--export " GOOD " " REVOKED " " EXPIRED);
	assert_ok(refresh(&t, &e), &e);
	put(&t, "Suite: one\nLabel: x\n" DATE, "--faked-system-time 20200102T000000 -u " EXPIRED);
	assert_err(refresh(&t, &e), &e, "does not hold as a valid one: it has expired");
	put(&t, "Suite: one\nLabel: y\n" DATE, "-u " OTHER);
	assert_err(refresh(&t, &e), &e, "does not hold as a valid one");

	/* beside a good one, a wrong one by a key that is known: two texts, the second's signature
	 * in both */
	export(&t, "good.gpg", "--export " GOOD " " OTHER);
	text = release_text(&t.a, "Suite: one\nLabel: z\n" DATE, INDEX);
	own = gpg(&t.a, "-u " GOOD " --detach-sign", text);
	text = str_cat(&t.a, own, gpg(&t.a, "-u " OTHER " --detach-sign", STR("another text\n")));
	test_file_put(&t.a, t.dir, "mirror/dists/one/Release",
		      release_text(&t.a, "Suite: one\nLabel: z\n" DATE, INDEX));
	test_file_put(&t.a, t.dir, "mirror/dists/one/Release.gpg", text);
	unlink(path_join(&t.a, t.dir, "mirror/dists/one/InRelease"));
	assert_err(refresh(&t, &e), &e, "/Release: the signature is wrong (gpgv says BADSIG)");
	test_file_put(&t.a, t.dir, "mirror/dists/one/Release.gpg", own);
	assert_ok(refresh(&t, &e), &e);
	arena_done(&t.a);
}

static void test_detached(void **state)
{
	struct archive t;
	struct str text;
	struct err e;

	(void)state;
	archive_make(&t);
	text = release_text(&t.a, "Suite: one\n" DATE, INDEX);
	unlink(path_join(&t.a, t.dir, "mirror/dists/one/InRelease"));
	assert_err(refresh(&t, &e), &e, "/InRelease: Couldn't open file");
	assert_non_null(strstr(e.msg, "; there is no Release either"));
	test_file_put(&t.a, t.dir, "mirror/dists/one/Release", text);
	assert_err(refresh(&t, &e), &e, "without a signature anybody could have written it");
	test_file_put(&t.a, t.dir, "mirror/dists/one/Release.gpg", STR(""));
	assert_err(refresh(&t, &e), &e, "/Release.gpg: is empty");
	test_file_put(&t.a, t.dir, "mirror/dists/one/Release.gpg",
		      gpg(&t.a, "-u " GOOD " --armor --detach-sign", text));
	assert_ok(refresh(&t, &e), &e);
	assert_ok(refresh(&t, &e), &e);
	assert_true(recall(&t));
	test_file_put(&t.a, t.dir, "mirror/dists/one/Release", str_cat(&t.a, text, STR("X: y\n")));
	assert_err(refresh(&t, &e), &e, "/Release: the signature is wrong (gpgv says BADSIG)");
	arena_done(&t.a);
}

static void keyrings_are(struct archive *t, const char *keyring, const char *more, const char *text)
{
	t->conf.keyring = keyring ? str_c(path_join(&t->a, t->dir, keyring)) : STR("");
	t->conf.keyrings.n = 0;
	if (more)
		vec_push(&t->a, &t->conf.keyrings) = str_c(path_join(&t->a, t->dir, more));
	t->conf.signed_by = str_c(text);
}

static void test_keyrings(void **state)
{
	struct archive t;
	struct str good, other, secret;
	struct err e;

	(void)state;
	archive_make(&t);
	good = gpg(&t.a, "--armor --export " GOOD, STR(""));
	other = gpg(&t.a, "--armor --export " OTHER, STR(""));
	test_file_put(&t.a, t.dir, "two.asc",
		      str_cat(&t.a, str_cat(&t.a, STR("our keys\n"), other), good));
	test_file_put(&t.a, t.dir, "folder/other.asc", other);
	test_file_put(&t.a, t.dir, "folder/README", STR("no key"));
	keyrings_are(&t, "two.asc", NULL, "");
	assert_ok(refresh(&t, &e), &e);
	keyrings_are(&t, "folder", NULL, "");
	assert_err(refresh(&t, &e), &e, "/folder' does not hold as a valid one");
	keyrings_are(&t, "folder", "good.gpg", "");
	assert_ok(refresh(&t, &e), &e);
	keyrings_are(&t, NULL, NULL, str_z(&t.a, good));
	assert_ok(refresh(&t, &e), &e);
	test_file_put(&t.a, t.dir, "folder/good.asc", good);
	keyrings_are(&t, NULL, "folder", "");
	assert_ok(refresh(&t, &e), &e);

	secret = gpg(&t.a, "--pinentry-mode loopback --export-secret-keys " GOOD, STR(""));
	test_file_put(&t.a, t.dir, "secret.gpg", secret);
	keyrings_are(&t, "secret.gpg", NULL, "");
	assert_err(refresh(&t, &e), &e,
		   "/secret.gpg': holds no public key of OpenPGP; want what 'gpg --export' writes");
	keyrings_are(&t, NULL, NULL, "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nmDMEX\n");
	assert_err(refresh(&t, &e), &e, "'signed-by': a block of text without '-----END");
	assert_ok(dir_make(path_join(&t.a, t.dir, "none"), &e), &e);
	keyrings_are(&t, "none", NULL, "");
	assert_err(refresh(&t, &e), &e, "/none': a folder without *.gpg and *.asc");
	test_file_put(&t.a, t.dir, "box.gpg", STR("\0\0\0\x20\1\1\0\2KBXf\0\0\0\0"));
	keyrings_are(&t, "box.gpg", NULL, "");
	assert_err(refresh(&t, &e), &e, "/box.gpg': is a keybox, which is GnuPG's own");
	arena_done(&t.a);
}

/* Where "/", "./" and "name/" are looked for; each suite is its own in the cache. */
static void test_flat(void **state)
{
	struct upstream_state s;
	vec_rpm_meta metas = { 0 };
	struct archive t;
	struct str text;
	struct err e;

	(void)state;
	archive_make(&t);
	t.conf.components.n = 0;
	t.conf.suites.n = 0;
	vec_push(&t.a, &t.conf.suites) = (struct conf_suite){ .name = STR("/") };
	vec_push(&t.a, &t.conf.suites) = (struct conf_suite){ .name = STR("./") };
	vec_push(&t.a, &t.conf.suites) = (struct conf_suite){ .name = STR("sub/dir/") };
	vec_push(&t.a, &t.conf.suites) =
		(struct conf_suite){ .name = STR("/"),
				     .mirror = str_printf(&t.a, "file://%s/mirror/other", t.dir) };
	text = release_text(&t.a, "Origin: flat\n" DATE, "./Packages");
	text = gpg(&t.a, "-u " GOOD " --clearsign", text);
	for (int i = 0; i < 3; i++) {
		static const char *const dirs[] = { "mirror", "mirror/sub/dir", "mirror/other" };

		test_file_put(&t.a, path_join(&t.a, t.dir, dirs[i]), "InRelease", text);
		test_file_put(&t.a, path_join(&t.a, t.dir, dirs[i]), "Packages", STR(PACKAGES));
	}
	assert_ok(upstream_refresh(&t.a, &t.conf, 1, &arch_x86_64, t.cache, quiet, &s, &e), &e);
	assert_true(recall(&t));
	(void)metas;
	assert_true(file_exists(path_join(&t.a, t.cache, "upstream/test/%2F.release")));
	assert_true(file_exists(path_join(&t.a, t.cache, "upstream/test/%2F@3.release")));
	assert_true(file_exists(path_join(&t.a, t.cache, "upstream/test/sub%2Fdir%2F.release")));
	arena_done(&t.a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_older),      cmocka_unit_test(test_place),
		cmocka_unit_test(test_future),     cmocka_unit_test(test_renamed),
		cmocka_unit_test(test_names),      cmocka_unit_test(test_dates),
		cmocka_unit_test(test_signatures), cmocka_unit_test(test_detached),
		cmocka_unit_test(test_keyrings),   cmocka_unit_test(test_flat),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
