/* SPDX-License-Identifier: MIT */
#include "disk/verity_sig.h"

#include "base/test.h"

#define HASH "00112233445566778899aabbccddeeff0123456789abcdef0123456789abcdef"

static struct str partition(struct arena *a, const char *text)
{
	uint8_t *p = arena_alloc(a, VERITY_SIG_BYTES);

	memcpy(p, text, strlen(text));
	return (struct str){ (char *)p, VERITY_SIG_BYTES };
}

static void test_there_and_back(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct verity_sig v = { .signature = STR("0\x82 signature"),
				.ipe_policy = STR("0\x82 policy") },
			  back;
	struct err e = { 0 };
	struct str text;

	(void)state;
	memset(v.root_hash, 0xab, sizeof(v.root_hash));
	memset(v.fingerprint, 0xcd, sizeof(v.fingerprint));
	assert_ok(verity_sig_write(&a, &v, &text, &e), &e);
	assert_int_equal(text.n, VERITY_SIG_BYTES);
	assert_true(str_starts(text, "{\"rootHash\":\"abababab"));
	assert_ok(verity_sig_parse(&a, text, &back, &e), &e);
	assert_memory_equal(back.root_hash, v.root_hash, SHA256_BYTES);
	assert_memory_equal(back.fingerprint, v.fingerprint, SHA256_BYTES);
	assert_str(back.signature, "0\x82 signature");
	assert_str(back.ipe_policy, "0\x82 policy");
	v.ipe_policy.n = 0;
	assert_ok(verity_sig_write(&a, &v, &text, &e), &e);
	assert_false(str_has(text, "ashlar"));
	assert_ok(verity_sig_parse(&a, text, &back, &e), &e);
	assert_int_equal(back.ipe_policy.n, 0);
	v.signature = (struct str){ arena_alloc(&a, VERITY_SIG_BYTES), VERITY_SIG_BYTES };
	assert_err(verity_sig_write(&a, &v, &text, &e), &e, "do not fit the signature partition");
}

static void test_bad(void **state)
{
	static const struct {
		const char *text, *error;
	} rows[] = {
		{ "", "verity signature partition: JSON, byte 0: want an object" },
		{ "{}", "no member \"rootHash\" that is a string" },
		{ "{\"rootHash\":null}", "no member \"rootHash\" that is a string" },
		{ "{\"rootHash\":\"00\"}", "\"rootHash\": want 64 hexadecimal digits" },
		{ "{\"rootHash\":\"" HASH "\"}", "no member \"certificateFingerprint\"" },
		{ "{\"rootHash\":\"" HASH "\",\"certificateFingerprint\":\"" HASH
		  "\",\"signature\":\"a\"}",
		  "\"signature\": want base64" },
		{ "{\"rootHash\":\"" HASH "\",\"certificateFingerprint\":\"" HASH
		  "\",\"signature\":\"aaaa\",\"ashlar.ipePolicy\":1}",
		  "no member \"ashlar.ipePolicy\" that is a string" },
	};
	_cleanup_arena_ struct arena a = { 0 };
	struct err e = { 0 };
	struct verity_sig v;
	char *behind;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		assert_err(verity_sig_parse(&a, partition(&a, rows[i].text), &v, &e), &e,
			   rows[i].error);
	assert_err(verity_sig_parse(&a, STR("{}"), &v, &e), &e, "2 bytes, want at least 16384");
	behind = (char *)partition(&a, "{}").p;
	behind[100] = 1;
	assert_err(verity_sig_parse(&a, (struct str){ behind, VERITY_SIG_BYTES }, &v, &e), &e,
		   "byte 100: want zeroes");
}

/* As systemd's tools write it: other members, other order, line breaks. */
static void test_others(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct err e = { 0 };
	struct verity_sig v;

	(void)state;
	assert_ok(verity_sig_parse(&a,
				   partition(&a, "{\n\t\"signature\" : \"aaaa\", \"x\":[{\"y\":1}],"
						 "\"certificateFingerprint\":\"" HASH
						 "\",\n\"rootHash\":\"" HASH "\"\n}\n"),
				   &v, &e),
		  &e);
	assert_int_equal(v.signature.n, 3);
	assert_int_equal(v.root_hash[1], 0x11);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_there_and_back),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
