/* SPDX-License-Identifier: MIT */
#include "base/boot_words.h"

#include "base/test.h"

/* As the kernel splits them. */
static void take(struct str text, struct boot_words *ret)
{
	struct err e = { 0 };
	unsigned seen = 0;

	while (text.n > 0) {
		struct str value = str_cut(&text, ' '), key = str_cut(&value, '=');

		assert_ok(boot_words_take(ret, &seen, key, value, &e), &e);
	}
}

/* All that can be written is read back as it was meant. */
static void test_round(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };

	(void)state;
	for (unsigned i = 0; i < 2 * 3 * 2 * 3 * 2 * 2; i++) {
		struct boot_words
			in = { i % 2, i / 2 % 3, i / 6 % 2, i / 12 % 3, i / 36 % 2, i / 72 },
			out = { SIGNATURES_REQUIRED, EXECUTE_SIGNED,    STATE_TPM,
				WITHOUT_TPM_PLAIN,   RECOVERY_KEY_NONE, STATE_INTEGRITY_HMAC };

		if (in.state == STATE_MEMORY)
			in.without_tpm = out.without_tpm, in.recovery_key = out.recovery_key,
			in.state_integrity = out.state_integrity;
		take(boot_words_text(&a, &in), &out);
		assert_memory_equal(&in, &out, sizeof(in));
	}
}

static void test_text(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct boot_words words = { .execute_from = EXECUTE_ANYWHERE };

	(void)state;
	assert_str(boot_words_text(&a, &words),
		   "ashlar.signatures=secure-boot ashlar.execute=anywhere ashlar.state=memory");
	words.state = STATE_TPM;
	assert_str(boot_words_text(&a, &words),
		   "ashlar.signatures=secure-boot ashlar.execute=anywhere ashlar.state=tpm "
		   "ashlar.without-tpm=refuse ashlar.recovery-key=console "
		   "ashlar.state-integrity=none");
}

static void test_refused(void **state)
{
	struct boot_words words = { 0 };
	struct err e = { 0 };
	unsigned seen = 0;

	(void)state;
	assert_ok(boot_words_take(&words, &seen, STR("quiet"), STR(""), &e), &e);
	assert_int_equal(seen, 0);
	assert_err(boot_words_take(&words, &seen, STR("ashlar.state"), STR("disk"), &e), &e,
		   "ashlar.state=disk: want memory or tpm");
	assert_err(boot_words_take(&words, &seen, STR("ashlar.state"), STR("tpm"), &e), &e,
		   "ashlar.state= stands there twice");
	assert_err(boot_words_take(&words, &seen, STR("ashlar.execute"), STR(""), &e), &e,
		   "ashlar.execute=: want root, signed or anywhere");
}

static void test_shown(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };

	(void)state;
	assert_str(boot_line_shown(&a, STR("ro a=- " BOOT_END "=-----")),
		   "ro a=- " BOOT_END "=-...");
	/* nothing that means something is left out */
	assert_str(boot_line_shown(&a, STR("ro " BOOT_END "=---x")), "ro " BOOT_END "=---x");
	assert_str(boot_line_shown(&a, STR("ro " BOOT_END "=-- b=--")), "ro " BOOT_END "=-- b=--");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round),
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_shown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
