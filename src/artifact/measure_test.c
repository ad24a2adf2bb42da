/* SPDX-License-Identifier: MIT */
#include "artifact/measure.h"

#include "base/test.h"

/* The values come from systemd-measure 257 over files with these contents (it takes its options
 * --dtbauto and --hwids for each other); in test/image/measure.sh it looks at the image itself. */
static const struct pe_section sections[] = {
	{ .name = STR(".text"), .data = STR("the stub's own"), .virtual_size = 14 },
	{ .name = STR(".sbat"), .data = STR("sbat,1,SBAT Version,sbat,1,x\n"), .virtual_size = 29 },
	{ .name = STR(".osrel"), .data = STR("ID=x\n"), .virtual_size = 5 },
	{ .name = STR(".cmdline"), .data = STR("roothash=00 a"), .virtual_size = 13 },
	{ .name = STR(".uname"), .data = STR("6.12.0-test"), .virtual_size = 11 },
	{ .name = STR(".pcrpkey"), .data = STR("PUBLIC KEY\n"), .virtual_size = 11 },
	{ .name = STR(".initrd"), .data = STR("initrd-bytes"), .virtual_size = 12 },
	{ .name = STR(".linux"), .data = STR("linux-bytes"), .virtual_size = 11 },
	{ .name = STR(".pcrsig"), .data = STR("not measured"), .virtual_size = 12 },
	{ .name = STR(".ucode"), .data = STR("ucode"), .virtual_size = 5 },
	{ .name = STR(".splash"), .data = STR("splash"), .virtual_size = 6 },
	{ .name = STR(".dtb"), .data = STR("dtb"), .virtual_size = 3 },
	{ .name = STR(".profile"), .data = STR("profile"), .virtual_size = 7 },
	{ .name = STR(".dtbauto"), .data = STR("dtbauto"), .virtual_size = 7 },
	{ .name = STR(".hwids"), .data = STR("hwids"), .virtual_size = 5 },
};

static void check_pcr11(const struct pe *pe, const char *const *phases, const char *want)
{
	_cleanup_arena_ struct arena a = { 0 };
	uint8_t pcr[SHA256_BYTES];

	measure_pcr11(pe, pcr);
	for (; *phases; phases++)
		measure_phase(pcr, *phases);
	assert_str(hex_encode(&a, pcr, sizeof(pcr)), want);
}

static void test_pcr11(void **state)
{
	struct pe pe = { .sections = sections, .n_sections = 9 };

	(void)state;
	check_pcr11(&pe, (const char *[]){ "enter-initrd", NULL },
		    "92cb77267ac662af464d5a0d099a281516a8c33fae4f774c9f1000b01fc2f85d");
	check_pcr11(&pe, (const char *[]){ "enter-initrd", "leave-initrd", NULL },
		    "acbf28e07d54f6ac78800f5e3db07e433a25fa63950ec8bd3aef894075d3bbee");
	pe.n_sections = sizeof(sections) / sizeof(*sections);
	check_pcr11(&pe, (const char *[]){ "enter-initrd", NULL },
		    "252ddd01eb77b2113dfd697372a036be2bae08ba1ecd2272d70d3188a773a7dc");
}

/* What the file does not hold of a section is zero in memory; an empty one is none. */
static void test_sizes(void **state)
{
	struct pe_section some[] = {
		{ .name = STR(".linux"), .data = STR("ab"), .virtual_size = 5000 },
		{ .name = STR(".osrel") },
	};
	struct pe pe = { .sections = some, .n_sections = 2 };
	uint8_t padded[SHA256_BYTES], whole[SHA256_BYTES];
	char bytes[5000] = "ab";

	(void)state;
	measure_pcr11(&pe, padded);
	some[0].data = (struct str){ bytes, sizeof(bytes) };
	pe.n_sections = 1;
	measure_pcr11(&pe, whole);
	assert_memory_equal(padded, whole, SHA256_BYTES);
}

static void test_policy(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct pe pe = { .sections = sections, .n_sections = sizeof(sections) / sizeof(*sections) };
	uint8_t pcr[SHA256_BYTES], policy[SHA256_BYTES];
	const struct pcr_signature signature = { STR("key"), STR("signature") };
	struct str json;

	(void)state;
	measure_pcr11(&pe, pcr);
	measure_phase(pcr, "enter-initrd");
	measure_policy_pcr11(pcr, policy);
	assert_str(hex_encode(&a, policy, sizeof(policy)),
		   "02581269024df33fb59852e2ae53f14e44cfbda7826758265f5460cdf13f4d12");
	json = measure_pcrsig(&a, policy, &signature, 1);
	assert_str(json,
		   "{\"sha256\":[{\"pcrs\":[11],"
		   "\"pkfp\":\"2c70e12b7a0646f92279f427c7b38e7334d8e5389cff167a1dc30e73f826b683\","
		   "\"pol\":\"02581269024df33fb59852e2ae53f14e44cfbda7826758265f5460cdf13f4d12\","
		   "\"sig\":\"c2lnbmF0dXJl\"}]}\n");
}

/* Computed once by another hand from 3.3.4.8 and 10.4.2.1 of the Profile; a boot with a TPM agrees
 * (test/boot). */
static void test_pcr7(void **state)
{
	static const uint8_t owner[16] = { 0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77,
					   0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff };
	_cleanup_arena_ struct arena a = { 0 };
	struct str lists[ENROL_VARIABLES] = { STR("pk list"), STR("kek list") };
	struct str db = STR("list\x33\x22\x11\x00\x55\x44\x77\x66\x88\x99\xaa\xbb\xcc\xdd\xee"
			    "\xff"
			    "certificate");
	uint8_t pcr[SHA256_BYTES];
	struct err e;

	(void)state;
	lists[ENROL_DB] = db;
	assert_ok(measure_pcr7(lists, owner, STR("certificate"), pcr, &e), &e);
	assert_str(hex_encode(&a, pcr, sizeof(pcr)),
		   "1aad957a86beaf1994e40e4f3f85392aae76ee2f084c37dd7602e68b43a1d2d2");
	assert_err(measure_pcr7(lists, owner, STR("another"), pcr, &e), &e,
		   "db does not hold the certificate that starts the boot loader");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pcr11),
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_policy),
		cmocka_unit_test(test_pcr7),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
