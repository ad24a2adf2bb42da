/* SPDX-License-Identifier: MIT */
#include "tree/state_needs.h"

#include "base/test.h"

#define CRYPTSETUP "f 0755 root root - 0 /usr/sbin/cryptsetup <x>\n"
#define MKE2FS     "f 0755 root root - 0 /usr/sbin/mke2fs <x>\n"
#define PARTITION  "f 0644 root root - 0 /usr/lib/ashlar/state/integrity/50-state.conf <x>\n"

static const struct {
	enum state state;
	enum state_integrity integrity;
	const char *tree, *refused;
} rows[] = {
	{ STATE_TPM, STATE_INTEGRITY_NONE, "", NULL },
	{ STATE_MEMORY, STATE_INTEGRITY_NONE, "", NULL },
	{ STATE_TPM, STATE_INTEGRITY_HMAC, PARTITION MKE2FS CRYPTSETUP, NULL },
	{ STATE_MEMORY, STATE_INTEGRITY_HMAC, PARTITION MKE2FS CRYPTSETUP,
	  "images/x.yaml: 'state-integrity: hmac' is for state on a disk; want 'state: tpm', too" },
	{ STATE_TPM, STATE_INTEGRITY_HMAC, PARTITION MKE2FS,
	  "images/x.yaml: 'state-integrity: hmac' takes '/usr/sbin/cryptsetup', which is not in "
	  "the image; add the feature 'state-integrity'" },
	{ STATE_TPM, STATE_INTEGRITY_HMAC, PARTITION CRYPTSETUP, "takes '/usr/sbin/mke2fs'" },
	{ STATE_TPM, STATE_INTEGRITY_HMAC, MKE2FS CRYPTSETUP,
	  "takes '/usr/lib/ashlar/state/integrity'" },
};

static void test_needs(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct err e = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct conf_image image = { .source = STR("images/x.yaml"),
					    .boot = { .state = rows[i].state,
						      .state_integrity = rows[i].integrity } };
		struct str text =
			str_cat(&a, STR("d 0755 root root - 0 /usr\n"), str_c(rows[i].tree));
		struct tree t;

		assert_ok(tree_parse(&a, text, "tree", &t, &e), &e);
		if (rows[i].refused)
			assert_err(image_check_state(&image, &t, &e), &e, rows[i].refused);
		else
			assert_ok(image_check_state(&image, &t, &e), &e);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_needs) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
