/* SPDX-License-Identifier: MIT */
#include "upstream/debian/translate.h"

#include "base/test.h"
#include "upstream/debian/relation.h"
#include "upstream/upstream.h"

#include <rpm/rpmds.h>
#include <rpm/rpmtag.h>

#define DIGEST "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define STANZA                                                                                                  \
	"Package: bash\nVersion: 5.2.37-2+b1\nArchitecture: amd64\nSource: bash (5.2.37-2)\nEssential: yes\n"   \
	"Installed-Size: 7191\nFilename: pool/main/b/bash/bash_5.2.37-2_amd64.deb\nSize: 1500\nSHA256: " DIGEST \
	"\n"                                                                                                    \
	"Description: GNU Bourne Again SHell\nHomepage: http://x/\nSection: shells\n"

static int translate(struct arena *a, const char *text, struct rpm_meta *ret, struct err *e)
{
	struct str rest = str_c(text);
	struct stanza s;

	assert_ok(stanza_next(&rest, &s, e), e);
	return meta_translate(a, &s, STR("amd64"), ret, e);
}

static struct rpm_meta translated(struct arena *a, const char *text)
{
	struct rpm_meta m = { 0 };
	struct err e;

	assert_ok(translate(a, text, &m, &e), &e);
	return m;
}

/* The dependencies, one after another, as rpm prints them. */
static void assert_deps(const vec_dep *deps, const char *want)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct str got = { 0 };

	vec_each(d, deps)
		got = str_printf(&a, "%.*s%s%.*s", STR_FMT(got), got.n ? "; " : "",
				 STR_FMT(dep_text(&a, d)));
	assert_str(got, want);
}

static void test_identity(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct rpm_meta m = translated(&a, STANZA);

	(void)state;
	assert_str(rpm_nevra(&a, &m), "bash-5.2.37-2+b1.x86_64");
	assert_str(m.source_name, "bash");
	assert_str(m.source_version, "5.2.37-2");
	assert_str(m.origin_version, "5.2.37-2+b1");
	assert_str(m.summary, "GNU Bourne Again SHell");
	assert_str(m.location, "pool/main/b/bash/bash_5.2.37-2_amd64.deb");
	assert_int_equal(m.size_bytes, 1500);
	assert_int_equal(m.installed_bytes, 7191 * 1024);
	assert_int_equal(m.sha256[1], 0x11);
	assert_true(m.essential);
	assert_deps(&m.provides, "bash = 5.2.37-2+b1");
}

static void test_requires(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct rpm_meta m = translated(
		&a, STANZA
		"Pre-Depends: libc6 (>= 2.38)\n"
		"Depends: debconf (>= 0.5) | debconf-2.0, python3:any (<< 3.14),\n base-files,"
		" wine:i386, x:amd64 (>> 1:2-3), y ( = 1 )\n"
		"Recommends: a | b\nSuggests: c\n");

	(void)state;
	assert_deps(
		&m.requires,
		"libc6 >= 2.38-0; (debconf >= 0.5-0 or debconf-2.0); python3 < 3.14-0; base-files; wine:i386; "
		"x > 1:2-3; y = 1-0");
	assert_deps(&m.recommends, "(a or b)");
	assert_deps(&m.suggests, "c");
}

static void test_provides(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct rpm_meta m = translated(
		&a, STANZA
		"Provides: sh, bash-abi (= 5.2)\nConflicts: sh\nBreaks: dash (<< 1), ksh (= 2)\n");

	(void)state;
	assert_deps(&m.provides, "bash = 5.2.37-2+b1; sh = ~virtual; bash-abi = 5.2-0");
	assert_deps(&m.conflicts, "sh; (dash < 1-0 with dash > ~virtual); ksh = 2-0");
	assert_deps(&m.obsoletes, "");
}

static void test_obsoletes(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	/* old is taken over; moved gave files; agent is virtual. */
	struct rpm_meta m = translated(
		&a, STANZA
		"Replaces: old (<< 2), moved (<< 3), agent\nBreaks: old (<< 2), moved (<< 3)\n"
		"Conflicts: agent\nProvides: old (= 5), agent\n");

	(void)state;
	assert_deps(&m.obsoletes, "old < 2-0");
}

/* What RPM itself makes of it: "~virtual" satisfies a requirement of the name, and none with a
 * version. */
static void test_virtual(void **state)
{
	static const struct {
		const char *evr;
		rpmsenseFlags flags;
		int want;
	} rows[] = {
		{ "", 0, 1 },
		{ "0-0", RPMSENSE_GREATER | RPMSENSE_EQUAL, 0 },
		{ "0~~-0", RPMSENSE_GREATER | RPMSENSE_EQUAL, 0 },
		{ "1-1", RPMSENSE_EQUAL, 0 },
		{ "~virtual", RPMSENSE_GREATER, 0 },
	};
	rpmds provide = rpmdsSingle(RPMTAG_PROVIDENAME, "x", "~virtual", RPMSENSE_EQUAL);

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		rpmds need = rpmdsSingle(RPMTAG_REQUIRENAME, "x", rows[i].evr, rows[i].flags);

		assert_int_equal(rpmdsCompare(provide, need), rows[i].want);
		rpmdsFree(need);
	}
	rpmdsFree(provide);
}

static rpmRC rich_ignore(void *arg, rpmrichParseType type, const char *n, int nl, const char *e,
			 int el, rpmsenseFlags sense, rpmrichOp op, char **emsg)
{
	(void)arg, (void)type, (void)n, (void)nl, (void)e, (void)el, (void)sense, (void)op,
		(void)emsg;
	return RPMRC_OK;
}

/* RPM reads the rich dependencies that are written here. */
static void test_rich(void **state)
{
	static const struct {
		const char *text;
		rpmTagVal tag;
	} rows[] = {
		{ "(debconf >= 0.5-0 or debconf-2.0)", RPMTAG_REQUIRENAME },
		{ "(a = 1:10.0^p1-7+deb13^u4 or b < 2~-0)", RPMTAG_REQUIRENAME },
		{ "(dash < 1-0 with dash > ~virtual)", RPMTAG_CONFLICTNAME },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *text = rows[i].text;
		char *message = NULL;

		if (rpmrichParseForTag(&text, &message, rich_ignore, NULL, rows[i].tag) != RPMRC_OK)
			fail_msg("%s: %s", rows[i].text, message);
		assert_string_equal(text, "");
	}
}

static void test_errors(void **state)
{
	static const char *const rows[][2] = {
		{ STANZA "Depends: a (2)\n",
		  "package 'bash': Depends: 'a (2)': want '(OPERATOR VERSION)' after the name" },
		{ STANZA "Depends: a (>= )\n", "want '(OPERATOR VERSION)'" },
		{ STANZA "Depends: a b\n",
		  "package 'bash': Depends: 'a b' is not the name of a package" },
		{ STANZA "Depends: a) or (b\n", "Depends: 'a) or (b': want" },
		{ STANZA "Depends: a (>= 1 2)\n", "want '(OPERATOR VERSION)'" },
		{ STANZA "Breaks: a | b\n", "Breaks: 'a': alternatives are for dependencies only" },
		{ STANZA "Provides: a (>= 1)\n",
		  "Provides: 'a': only an exact version can be provided" },
		{ STANZA "Depends: a (>= 1_2)\n", "Depends: 'a': version '1_2': byte 0x5f" },
		{ "Package: b\nVersion: 1\nArchitecture: s390x\n",
		  "package 'b': architecture 's390x' in an index of 'amd64'" },
		{ "Package: b\nVersion: 1\nArchitecture: all\nFilename: ../x\n",
		  "Filename '../x' is not a path below the mirror" },
		{ "Package: b\nVersion: 1\nArchitecture: all\nFilename: x\nSize: -1\n",
		  "Size '-1' is not a number of bytes" },
		{ "Package: b\nVersion: 1\nArchitecture: all\nFilename: x\nSize: 1\nSHA256: 00\n",
		  "SHA256 '00' is not a digest" },
		{ "Version: 1\nArchitecture: all\n",
		  "package '': this is not the name of a package" },
	};
	_cleanup_arena_ struct arena a = { 0 };
	struct rpm_meta m;
	struct err e;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_err(translate(&a, rows[i][0], &m, &e), &e, rows[i][1]);
}

static void test_apply(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct rpm_meta m = translated(
		&a,
		STANZA "Depends: dpkg (>= 1.19), libc6, debconf (>= 0.5) | debconf-2.0, perl:any,"
		       " a | dpkg | b (>= 1), c | perl-base\n");
	struct conf_upstream upstream = { 0 };
	struct conf_package package = { .source = STR("package.yaml") };

	(void)state;
	vec_push(&a, &upstream.drop_requires) = STR("dpkg");
	vec_push(&a, &upstream.drop_requires) = STR("debconf");
	vec_push(&a, &upstream.drop_requires) = STR("debconf-2.0");
	vec_push(&a, &package.drop_requires) = STR("perl*");
	vec_push(&a, &package.add_requires) = STR("libx >= 1.2-3");
	vec_push(&a, &package.add_requires) = STR("(p or q)");
	vec_push(&a, &package.add_provides) = STR("shell");
	meta_apply(&a, &m, &upstream, NULL);
	assert_deps(&m.requires, "libc6; perl; (a or b >= 1-0); (c or perl-base)");
	meta_apply(&a, &m, &upstream, &package);
	assert_deps(&m.requires, "libc6; (a or b >= 1-0); c; libx >= 1.2-3; (p or q)");
	assert_deps(&m.provides, "bash = 5.2.37-2+b1; shell");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_identity), cmocka_unit_test(test_requires),
		cmocka_unit_test(test_provides), cmocka_unit_test(test_obsoletes),
		cmocka_unit_test(test_virtual),  cmocka_unit_test(test_rich),
		cmocka_unit_test(test_errors),   cmocka_unit_test(test_apply),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
