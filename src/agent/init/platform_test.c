/* SPDX-License-Identifier: MIT */
#include "agent/init/platform.h"
#include "agent/init/smbios.h"

#include "base/boot_words.h"
#include "base/test.h"

#define IMAGE "roothash=00 console=ttyS0 ashlar.end=----"

static void test_words(void **state)
{
	struct err e = { 0 };

	(void)state;
	assert_str(platform_words(STR(IMAGE "\n")), "");
	assert_str(platform_words(STR(IMAGE " rdinit=/none  root=/dev/vda\n")),
		   "rdinit=/none  root=/dev/vda");
	/* only the first one is the image's; behind "--" there are words, too */
	assert_str(platform_words(STR(IMAGE " init=/sh ashlar.end=")), "init=/sh ashlar.end=");
	assert_str(platform_words(STR("ro -- single ashlar.end=- 1")), "1");
	assert_str(platform_words(STR(IMAGE " -- 1")), "-- 1");
	/* one that is part of a longer word, or stands between quotes, is none */
	assert_str(platform_words(STR("a=\"x ashlar.end=- y\"")), "a=\"x ashlar.end=- y\"");
	assert_str(platform_words(STR("ashlar.ending=1 b")), "ashlar.ending=1 b");
	assert_ok(platform_words_check(STR(IMAGE), "Secure Boot is on", &e), &e);
	assert_ok(platform_words_check(STR("ro"), NULL, &e), &e);
	assert_err(
		platform_words_check(STR(IMAGE " lockdown=none"), "Secure Boot is on", &e), &e,
		"Secure Boot is on, but the kernel's command line goes on behind the image's last "
		"word (ashlar.end): lockdown=none");
	assert_err(platform_words_check(STR("ro quiet"), "Secure Boot is on", &e), &e,
		   "(ashlar.end): ro quiet");
}

#define PATTERNS "ssh.authorized_keys.root\nnetwork.network.*\n"

static struct offers judged(struct arena *a, const char *const *strings, struct boot_status *status)
{
	struct offers o = { .a = a }, taken;

	offers_add_cmdline(&o, STR("ro systemd.set_credential=mine:1 " BOOT_END
				   "=- systemd.set_credential=no:2"));
	for (; *strings; strings++)
		offers_add_string(&o, str_c(*strings));
	offers_judge(&o, STR(PATTERNS), status, &taken);
	return taken;
}

static void test_credentials(void **state)
{
	static const char *const strings[] = {
		"io.systemd.credential:ssh.authorized_keys.root=ssh-ed25519 A=",
		"io.systemd.credential.binary:network.network.10-x=W01hdGNoXQo=",
		"io.systemd.credential:ssh.authorized_keys.root=another",
		"io.systemd.credential:ssh.authorized_keys.rootx=1",
		"io.systemd.credential:systemd.extra-unit.evil.service=[Service]",
		"io.systemd.credential.binary:network.network.20-y=not base64",
		"io.systemd.credential:network.network.../../../../etc/shadow=1",
		"io.systemd.credential:network.network.=a",
		"io.systemd.stub.kernel-cmdline-extra=rdinit=/none \"root=/dev/sda\" -- 1",
		"io.systemd.boot.kernel-cmdline-extra=lockdown=none",
		"something of the vendor's",
		NULL
	};
	_cleanup_arena_ struct arena a = { 0 };
	struct boot_status status = { 0 };
	struct offers taken = judged(&a, strings, &status);

	(void)state;
	assert_int_equal(taken.credentials.n, 4);
	assert_str(taken.credentials.p[0].name, "mine");
	assert_str(taken.credentials.p[1].value, "ssh-ed25519 A=");
	assert_str(taken.credentials.p[2].value, "[Match]\n");
	assert_str(taken.credentials.p[3].name, "network.network.");
	assert_int_equal(status.credentials_taken.n, 3);
	assert_int_equal(status.credentials_ignored.n, 2);
	assert_str(status.credentials_ignored.p[0], "ssh.authorized_keys.rootx");
	assert_str(status.credentials_ignored.p[1], "systemd.extra-unit.evil.service");
	assert_int_equal(status.words_ignored.n, 4);
	assert_str(status.words_ignored.p[0], "rdinit");
	assert_str(status.words_ignored.p[1], "root");
	assert_str(status.words_ignored.p[2], "1");
	assert_str(status.words_ignored.p[3], "lockdown");
}

/* However much is said: a bounded part is taken, and named. */
static void test_bounds(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct boot_status status = { 0 };
	struct offers o = { .a = &a }, taken;
	char *large = arena_alloc(&a, CREDENTIALS_BYTES_MAX);

	(void)state;
	memset(large, 'x', CREDENTIALS_BYTES_MAX);
	offers_add(&o, STR("network.network.a"), (struct str){ large, CREDENTIALS_BYTES_MAX - 1 });
	offers_add(&o, STR("network.network.b"), STR("12"));
	offers_add(&o, STR("network.network.c"), STR("1"));
	offers_judge(&o, STR(PATTERNS), &status, &taken);
	assert_int_equal(taken.credentials.n, 2);
	assert_str(status.credentials_ignored.p[0], "network.network.b");
	for (int i = 0; i < 10000; i++)
		offers_add(&o, str_printf(&a, "evil.%d", i), STR(""));
	status = (struct boot_status){ 0 };
	offers_judge(&o, STR(PATTERNS "evil.1*\n"), &status, &taken);
	assert_int_equal(taken.credentials.n, CREDENTIALS_MAX);
	assert_int_equal(status.credentials_ignored.n, 33);
	assert_str(status.credentials_ignored.p[32], "...");
}

/* A structure of SMBIOS with these texts, which end in two zeroes. */
#define OEM(texts) STR("\x0b\x05\x01\x02\x03" texts "\0")

static void test_smbios(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct err e = { 0 };
	vec_str strings;

	(void)state;
	assert_ok(smbios_oem_strings(&a, OEM("one\0two\0"), &strings, &e), &e);
	assert_int_equal(strings.n, 2);
	assert_str(strings.p[1], "two");
	/* of type 1, none of type 11, the end, and what is no table any more */
	assert_ok(smbios_oem_strings(&a,
				     STR("\1\4\0\0name\0\0\x0b\5\0\0\0\0\0\x7f\4\0\0\0\0\x0b\1"),
				     &strings, &e),
		  &e);
	assert_int_equal(strings.n, 0);
	assert_err(smbios_oem_strings(&a, STR("\x0b\5\0\0\1open"), &strings, &e), &e,
		   "SMBIOS tables end within a structure, at byte 0");
	assert_err(smbios_oem_strings(&a, STR("\x0b\3\0\0\0\0"), &strings, &e), &e, "at byte 0");
	assert_err(smbios_oem_strings(&a, STR("\x0b\xff\0\0\0\0"), &strings, &e), &e, "at byte 0");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_credentials),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_smbios),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
