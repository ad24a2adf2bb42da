/* SPDX-License-Identifier: MIT */
#include "artifact/manifest.h"

#include "base/test.h"

static struct manifest sample(struct arena *a)
{
	struct manifest m = {
		.manifest_version = MANIFEST_VERSION,
		.image = STR("server"),
		.distribution = STR("ashlar"),
		.version = STR("1.0.20261126"),
		.arch = STR("x86_64"),
		.source_date_epoch = 1795542232,
		.kernel = STR("6.12"),
		.root_hash = { 0xab },
		.command_line = STR("roothash=\"x\" ro"),
		.uki = STR("EFI/Linux/a.efi"),
		.files_bytes = 1,
		.root_bytes = 4096,
		.image_bytes = 1 << 20,
		.stored_bytes = 77,
		.signing = { .complete = true, .certificates = { { 1 }, { 2 } } },
		.measurements = { .pcr4_known = true, .pcr4 = { 4 }, .pcr7 = { 7 } },
		.budgets = { .max_packages = 3 },
	};

	vec_push(a, &m.partitions) = (struct manifest_partition){ STR("root"), STR("root-x86-64"),
								  STR("00"), 4096, 8192 };
	vec_push(a, &m.packages) = (struct manifest_package){ .name = STR("bash"),
							      .evr = STR("5-1"),
							      .origin.upstream = STR("debian") };
	return m;
}

static void test_round_trip(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct manifest m = sample(&a), again;
	struct str text = manifest_dump(&a, &m);
	struct err e;

	(void)state;
	assert_int_equal(manifest_parse(&a, text, &again, &e), 0);
	assert_str(manifest_dump(&a, &again), text.p);
	assert_int_equal(manifest_same(&a, &again, &m, &e), 0);
	m.measurements.pcr4_known = false;
	m.signing.complete = false;
	text = manifest_dump(&a, &m);
	assert_false(str_has(text, "pcr-4\""));
	assert_int_equal(manifest_parse(&a, text, &again, &e), 0);
	assert_str(manifest_dump(&a, &again), text.p);
}

static void test_refused(void **state)
{
	static const struct {
		const char *old, *new, *said;
	} cases[] = {
		{ "\"manifest-version\": 1", "\"manifest-version\": 2",
		  "manifest-version is 2; this ashlar reads 1" },
		{ "\"arch\": \"x86_64\"", "\"arch\": 1", "no 'arch' of its type" },
		{ "\"root-hash\": \"ab", "\"root-hash\": \"xb", "'root-hash' is 'xb" },
		{ "\"stored-bytes\": 77", "\"stored-bytes\": 7.5",
		  "'stored-bytes' is 7.5; want a whole number" },
		{ "\"complete\": true", "\"complete\": 1", "signing: no 'complete' of its type" },
		{ "\"pcr-11\": {", "\"pcr-12\": \"\", \"pcr-11\": {",
		  "measurements: 4 members, want 3" },
		{ "\"max-packages\": 3", "\"max-packages\": -3",
		  "budgets: 'max-packages' is -3; want" },
		{ "\"label\": \"root\"", "\"label\": null", "partitions: no 'label'" },
		{ "\"upstream\": \"debian\"", "\"upstream\": []", "packages: no 'upstream'" },
		{ "\"budgets\"", "\"budget\"", "no 'budgets' of its type" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		_cleanup_arena_ struct arena a = { 0 };
		struct manifest m = sample(&a), again;
		struct str text = manifest_dump(&a, &m);
		const char *whole = str_z(&a, text), *at = strstr(whole, cases[i].old);
		struct err e;

		assert_non_null(at);
		text = str_printf(&a, "%.*s%s%s", (int)(at - whole), whole, cases[i].new,
				  at + strlen(cases[i].old));
		assert_true(manifest_parse(&a, text, &again, &e) < 0);
		assert_true(str_has(str_c(e.msg), cases[i].said));
	}
}

static void test_differences(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct manifest image = sample(&a), said;
	struct err e;

	(void)state;
	said = image;
	said.kernel = STR("6.13");
	assert_int_equal(manifest_same(&a, &said, &image, &e), -EBADMSG);
	assert_string_equal(e.msg, "'kernel' is '6.13'; the image has '6.12'");
	said = image;
	said.measurements.pcr11[3][0] = 1;
	assert_int_equal(manifest_same(&a, &said, &image, &e), -EBADMSG);
	assert_true(str_starts(str_c(e.msg), "measurements: 'ready' is '01"));
	said = image;
	said.signing.certificates[1][0] = 9;
	assert_int_equal(manifest_same(&a, &said, &image, &e), -EBADMSG);
	assert_true(str_starts(str_c(e.msg), "signing: 'verity-signing' is '09"));
	said = image;
	said.partitions.n = 0;
	assert_int_equal(manifest_same(&a, &said, &image, &e), -EBADMSG);
	assert_string_equal(e.msg, "0 partitions; the image has 1");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_differences),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
