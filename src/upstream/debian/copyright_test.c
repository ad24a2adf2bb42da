/* SPDX-License-Identifier: MIT */
#include "base/test.h"

#include "upstream/debian/changelog.h"
#include "upstream/debian/copyright.h"

#define DEP5 "Format: https://example.org/copyright-format/1.0/\n"

static void test_license(void **state)
{
	static const struct {
		const char *text, *license;
	} cases[] = {
		{ "", "LicenseRef-Debian-copyright" },
		{ "This package was made by hand.\n", "LicenseRef-Debian-copyright" },
		{ "Files: *\nLicense: MIT\n", "LicenseRef-Debian-copyright" },
		{ DEP5, "LicenseRef-Debian-copyright" },
		{ DEP5 "\nFiles: *\nLicense: GPL-3+\n text\n", "GPL-3.0-or-later" },
		{ DEP5 "License: Expat\n", "MIT" },
		{ DEP5 "License: ISC\n\nFiles: *\nLicense: expat\n", "MIT" },
		{ DEP5
		  "\nFiles: *\nLicense: GPL-2\n\nFiles: debian/*\nLicense: GPL-2+\n\nFiles: x\nLicense: GPL-2\n",
		  "GPL-2.0-only AND GPL-2.0-or-later" },
		/* a paragraph of its own holds a text that others name */
		{ DEP5 "\nFiles: *\nLicense: ISC\n\nLicense: X\n text\n", "ISC" },
		{ DEP5 "\nFiles: *\nLicense: GPL-2+ or Artistic\n",
		  "GPL-2.0-or-later OR Artistic-1.0-Perl" },
		{ DEP5 "\nFiles: *\nLicense: GPL-2+ or MIT\n\nFiles: x\nLicense: ISC and Zlib\n",
		  "(GPL-2.0-or-later OR MIT) AND ISC AND Zlib" },
		{ DEP5 "\nFiles: *\nLicense: GPL-2 or MIT, and ISC\n\nFiles: y\nLicense: ISC\n",
		  "((GPL-2.0-only OR MIT) AND ISC) AND ISC" },
		{ DEP5 "\nFiles: *\nLicense: GPL-2+ with OpenSSL exception\n",
		  "LicenseRef-Debian-GPL-2-or-later-with-OpenSSL-exception" },
		{ DEP5 "\nFiles: *\nLicense: public/domain \xc3\xa9\n",
		  "LicenseRef-Debian-public-domain---" },
	};
	_cleanup_arena_ struct arena a = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_str(copyright_license(&a, str_c(cases[i].text)), cases[i].license);
}

static void test_changelog(void **state)
{
	static const char text[] =
		"hello (1.2-3) unstable; urgency=medium\n\n  * Two\n    lines.\n\n  * One.\n\n"
		" -- A. Person <a@x>  Thu, 02 Jan 2025 12:00:00 +0130\n\n"
		"hello (1:1.2-2) unstable; urgency=low\n\n  * Old.\n\n -- B <b@y>  2 Jan 2024 00:00:00 -0000\n";
	_cleanup_arena_ struct arena a = { 0 };
	vec_changelog log = { 0 };

	(void)state;
	changelog_parse(&a, STR(""), &log);
	changelog_parse(&a, STR("Version 7\n=========\n"), &log);
	assert_int_equal(log.n, 0);
	changelog_parse(&a, str_c(text), &log);
	assert_int_equal(log.n, 2);
	assert_str(log.p[0].author, "A. Person <a@x> 1.2-3");
	assert_str(log.p[0].text, "* Two\n  lines.\n\n* One.");
	assert_int_equal(log.p[0].time_sec, 1735813800);
	assert_str(log.p[1].author, "B <b@y> 1:1.2-2");
	assert_int_equal(log.p[1].time_sec, 1704153600);
}

static void test_changelog_bad(void **state)
{
	static const char *const bad[] = {
		"hello (1) x; urgency=low\n\n  * No end.\n",
		"hello (1) x; urgency=low\n -- A <a>  Thu, 32\n",
		"hello (1) x; urgency=low\n -- A <a>  Thu, 02 Foo 2025 12:00:00 +0000\n",
		"hello (1) x; urgency=low\n -- A <a>  Thu, 02 Jan 1960 12:00:00 +0000\n",
		"hello (1) x; urgency=low\n -- A <a>  Thu, 02 Jan 2025 12:00:00 CEST\n",
		"hello (1) x; urgency=low\n -- A  Thu, 02 Jan 2025 12:00:00 +0000\n",
		"hello 1 x; urgency=low\n -- A <a>  Thu, 02 Jan 2025 12:00:00 +0000\n",
	};
	_cleanup_arena_ struct arena a = { 0 };
	struct buf many = { .a = &a };
	vec_changelog log = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		changelog_parse(&a, str_c(bad[i]), &log);
	assert_int_equal(log.n, 0);
	for (int i = 0; i < 2 * CHANGELOG_ENTRIES_MAX; i++)
		buf_printf(&many, "x (%d) y; z\n -- A <a>  Thu, 02 Jan 2025 12:00:00 +0000\n", i);
	changelog_parse(&a, (struct str){ (const char *)many.v.p, many.v.n }, &log);
	assert_int_equal(log.n, CHANGELOG_ENTRIES_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_license),
		cmocka_unit_test(test_changelog),
		cmocka_unit_test(test_changelog_bad),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
