/* SPDX-License-Identifier: MIT */
#include "upstream/apt.h"

#include "base/test.h"

static void mirror_is(const char *list, const char *suite, const char *want)
{
	_cleanup_arena_ struct arena a = { 0 };
	vec_apt_source sources = { 0 };
	struct str mirror;
	struct err e;

	assert_ok(apt_list_parse(&a, str_c(list), "sources.list", &sources, &e), &e);
	assert_ok(apt_mirror(&a, &sources, str_c(suite), &mirror, &e), &e);
	assert_str(mirror, want);
}

static void mirror_fails(const char *list, const char *suite, const char *message)
{
	_cleanup_arena_ struct arena a = { 0 };
	vec_apt_source sources = { 0 };
	struct str mirror;
	struct err e;

	assert_ok(apt_list_parse(&a, str_c(list), "sources.list", &sources, &e), &e);
	assert_err(apt_mirror(&a, &sources, str_c(suite), &mirror, &e), &e, message);
}

#define CLASSIC                                                                   \
	"# comment\n"                                                             \
	"deb http://ftp.example.org/debian/ bookworm main contrib # the mirror\n" \
	"deb-src http://ftp.example.org/debian/ bookworm main\n"                  \
	"deb http://security.example.org/debian-security bookworm-security main\n"

static void test_mirror(void **state)
{
	(void)state;
	mirror_is(CLASSIC, "trixie", "http://ftp.example.org/debian");
	mirror_is(CLASSIC, "trixie-updates", "http://ftp.example.org/debian");
	mirror_is(CLASSIC, "trixie-security", "http://security.example.org/debian-security");
	mirror_is("deb [arch=amd64 signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] "
		  "https://snapshot.example.org/archive/debian/20250520T000000Z bookworm main\n",
		  "trixie", "https://snapshot.example.org/archive/debian/20250520T000000Z");
	mirror_is("deb file:/srv/debian stable main\n", "trixie", "file:/srv/debian");
}

static void test_third_parties(void **state)
{
	(void)state;
	mirror_fails(
		"deb https://containers.example.com/linux/debian bookworm stable\n"
		"deb https://database.example.com/apt/debian bookworm/database-org/7.0 main\n"
		"deb https://apt.example.net/pub/repos/apt bookworm-pgdg main\n"
		"deb [signed-by=/etc/apt/keyrings/z.gpg] https://monitor.example.com/monitor/6.4/debian bookworm main\n"
		"deb http://archive.example.net/ubuntu noble main\n"
		"deb http://security.example.org/debian-security bookworm-security main\n",
		"trixie",
		"suite 'trixie': mirror 'system', but the machine's apt sources name no mirror of Debian's main archive; "
		"give the suite's mirror as a URL in upstreams.yaml");
	/* A third party that cannot be told from a mirror stands behind what certainly is one. */
	mirror_is("deb https://monitor.example.com/monitor/6.4/debian bookworm main\n"
		  "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] "
		  "http://deb.example.org/debian bookworm main\n",
		  "trixie", "http://deb.example.org/debian");
	mirror_fails("deb http://deb.example.org/debian bookworm main\n", "trixie-security",
		     "Debian's security archive");
	mirror_fails(
		"deb tor+http://x.onion/debian bookworm main\n", "trixie",
		"is 'tor+http://x.onion/debian' in the machine's apt sources, which is neither http, https, file nor");
}

static void test_deb822(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	vec_apt_source sources = { 0 };
	struct str mirror;
	struct err e;

	(void)state;
	assert_ok(
		apt_sources_parse(
			&a,
			STR("Types: deb deb-src\n# frozen\nURIs: http://deb.example.org/debian\n"
			    "Suites: bookworm\n# more\n bookworm-updates\nComponents: main\n"
			    "Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg\n\n\n"
			    "Types: deb\nURIs: http://x/debian-security\nSuites: bookworm-security\n"
			    "Components: main\nEnabled: no\n\n"
			    "Types: deb\nURIs: https://scripts.example.com/node_20.x\nSuites: nodistro\n"
			    "Components: main\nSigned-By:\n -----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n mQ\n"),
			"debian.sources", &sources, &e),
		&e);
	assert_int_equal(sources.n, 2);
	assert_int_equal(sources.p[0].suites.n, 2);
	assert_str(sources.p[0].suites.p[1], "bookworm-updates");
	assert_ok(apt_mirror(&a, &sources, STR("trixie"), &mirror, &e), &e);
	assert_str(mirror, "http://deb.example.org/debian");
	assert_err(apt_sources_parse(&a, STR("Types: deb\nSuites: x\n"), "a.sources", &sources, &e),
		   &e, "a.sources: a stanza of type 'deb' has no URIs");
	assert_err(apt_sources_parse(&a, STR("nonsense\n"), "a.sources", &sources, &e), &e,
		   "a.sources: 'nonsense' is no field; want 'Name: value'");
	assert_err(apt_list_parse(&a, STR("\ndeb http://x\n"), "a.list", &sources, &e), &e,
		   "a.list:2: 'deb http://x'; want 'deb URI SUITE COMPONENTS'");
}

/* As Debian's cloud images have it. */
static void test_mirror_file(void **state)
{
	static const char list[] =
		"http://cdn.example.org/debian\tpriority:1\nhttp://deb.example.org/debian\n";
	_cleanup_arena_ struct arena a = { 0 };
	char *dir = test_dir(&a), *parts = path_join(&a, dir, "sources.list.d");
	const char *path = path_join(&a, dir, "debian.list");
	vec_apt_source sources = { 0 };
	struct str text, mirror;
	struct err e;

	(void)state;
	assert_ok(dir_make(parts, &e), &e);
	text = str_printf(
		&a, "Types: deb\nURIs: mirror+file://%s\nSuites: bookworm\nComponents: main\n",
		path);
	assert_ok(file_write(path_join(&a, parts, "debian.sources"), 0644, text.p, text.n, &e), &e);
	assert_ok(file_write(path_join(&a, parts, "old.sources.bak"), 0644, "x", 1, &e), &e);
	assert_ok(apt_sources_read(&a, dir, &sources, &e), &e);
	assert_int_equal(sources.n, 1);
	assert_err(apt_mirror(&a, &sources, STR("trixie"), &mirror, &e), &e, "debian.list");
	assert_ok(file_write(path, 0644, list, sizeof(list) - 1, &e), &e);
	assert_ok(apt_mirror(&a, &sources, STR("trixie"), &mirror, &e), &e);
	assert_str(mirror, "http://cdn.example.org/debian");
}

static void test_conf(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct apt_conf conf = { .text = STR("Acquire::Check-Valid-Until \"false\";\n"
					     "Acquire::http::Proxy \"http://proxy:3128\";\n"
					     "Acquire::http::Proxy::near.example \"direct\";\n") };
	struct apt_conf none = { 0 };

	(void)state;
	assert_false(apt_conf_valid_until(&conf));
	assert_true(apt_conf_valid_until(&none));
	assert_str(apt_conf_proxy(&a, &conf, STR("http://deb.example.org/debian")),
		   "http://proxy:3128");
	assert_str(apt_conf_proxy(&a, &conf, STR("https://deb.example.org/debian")),
		   "http://proxy:3128");
	assert_str(apt_conf_proxy(&a, &conf, STR("http://near.example:80/debian")), "DIRECT");
	assert_str(apt_conf_proxy(&a, &conf, STR("file:///srv")), "DIRECT");
	assert_str(apt_conf_proxy(&a, &none, STR("http://deb.example.org/debian")), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mirror), cmocka_unit_test(test_third_parties),
		cmocka_unit_test(test_deb822), cmocka_unit_test(test_mirror_file),
		cmocka_unit_test(test_conf),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
