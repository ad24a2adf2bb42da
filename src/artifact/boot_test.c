/* SPDX-License-Identifier: MIT */
#include "artifact/boot.h"

#include "artifact/policy.h"
#include "base/test.h"
#include "disk/ipe_policy.h"

static const uint8_t hash[SHA256_BYTES] = { 0xab, 0xcd };
#define HASH "abcd000000000000000000000000000000000000000000000000000000000000"

static void test_command_line(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct str words[] = { STR("ro"), STR("quiet") };
	struct conf_image image = { .kernel_command_line = { .p = words, .n = 2 },
				    .source = STR("x.yaml") };
	struct conf_release release = { 0 };
	struct err e = { 0 };
	struct str line;
	char *many;

	(void)state;
	assert_ok(boot_command_line(&a, &release, &image, hash, &line, &e), &e);
	assert_true(str_starts(line, "roothash=" HASH
				     " ashlar.signatures=secure-boot ashlar.execute=root "
				     "ashlar.state=memory ro quiet ashlar.end=--"));
	/* it fills what the kernel takes: nothing can be appended */
	assert_int_equal(line.n, 2047);
	assert_true(str_ends(line, "--"));
	assert_ok(boot_command_line_check(line, &e), &e);
	assert_err(
		boot_command_line_check(str_head(line, 2046), &e), &e,
		"the kernel's command line has 2046 bytes, and 'ashlar.end=' does not fill it to 2047: "
		"whoever runs the machine could append words");
	assert_err(boot_command_line_check(str_cat(&a, str_from(line, 2), STR(" x")), &e), &e,
		   "has 2047 bytes");
	image.boot.signatures = SIGNATURES_REQUIRED;
	image.boot.execute_from = EXECUTE_SIGNED;
	image.boot.state = STATE_TPM;
	image.boot.without_tpm = WITHOUT_TPM_PLAIN;
	image.boot.recovery_key = RECOVERY_KEY_NONE;
	image.boot.state_integrity = STATE_INTEGRITY_HMAC;
	image.kernel_command_line.n = 0;
	release.sbat_generation = 7;
	assert_ok(boot_command_line(&a, &release, &image, hash, &line, &e), &e);
	assert_true(str_starts(line,
			       "roothash=" HASH " ashlar.signatures=required ashlar.execute=signed "
			       "ashlar.state=tpm ashlar.without-tpm=plain ashlar.recovery-key=none "
			       "ashlar.state-integrity=hmac ashlar.generation=7 ashlar.end=-"));
	/* to the byte that the kernel takes */
	many = arena_alloc(&a, 2048);
	memset(many, 'x', 2048);
	image.kernel_command_line.n = 1;
	words[0] = (struct str){ many, 2047 - 249 - 1 };
	assert_ok(boot_command_line(&a, &release, &image, hash, &line, &e), &e);
	assert_int_equal(line.n, 2047);
	words[0].n++;
	assert_err(
		boot_command_line(&a, &release, &image, hash, &line, &e), &e,
		"x.yaml: the kernel's command line has 2048 bytes, 249 of which are the build's own; the "
		"kernel takes 2047 and would leave out the last words; shorten 'kernel-command-line' by 1");
}

static void test_policy(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct str root, text;

	(void)state;
	root = ipe_policy_text(&a, policy_template(&a, EXECUTE_ROOT), hash);
	assert_true(str_starts(root,
			       "policy_name=ashlar policy_version=1.0.0\n"
			       "DEFAULT action=DENY\n"
			       "op=EXECUTE dmverity_roothash=sha256:" HASH " action=ALLOW\n"));
	assert_true(str_has(root, "\nop=KMODULE dmverity_roothash=sha256:" HASH " action=ALLOW\n"));
	assert_false(str_has(root, "@"));
	assert_false(str_has(root, "signature"));
	text = ipe_policy_text(&a, policy_template(&a, EXECUTE_SIGNED), hash);
	assert_true(str_starts(text, str_z(&a, root)));
	assert_str(str_from(text, root.n), "op=EXECUTE dmverity_signature=TRUE action=ALLOW\n");
	text = ipe_policy_text(&a, policy_template(&a, EXECUTE_ANYWHERE), hash);
	assert_true(str_has(text, "DEFAULT action=DENY\nDEFAULT op=EXECUTE action=ALLOW\n"));
	assert_false(str_has(text, "op=KMODULE action"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_command_line),
		cmocka_unit_test(test_policy),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
