/* SPDX-License-Identifier: MIT */
#include "base/test.h"

#include "agent/common/run.h"
#include "agent/init/state_plan.h"
#include "agent/init/tpm.h"

#define NO_TPM "the machine has no TPM 2.0"

static void test_kind(void **state)
{
	char head[STATE_HEAD_BYTES] = { 0 };
	struct str text = { head, sizeof(head) };

	(void)state;
	assert_int_equal(state_kind(text), STATE_FOREIGN);
	assert_int_equal(state_kind(str_head(text, 0)), STATE_FOREIGN);
	memcpy(head + 1080, "\x53\xef", 2);
	assert_int_equal(state_kind(text), STATE_PLAIN);
	assert_int_equal(state_kind(str_head(text, 1081)), STATE_FOREIGN);
	memcpy(head, "LUKS\xba\xbe\0\1", 8);
	assert_int_equal(state_kind(str_head(text, 1024)), STATE_FOREIGN);
	head[7] = 2;
	assert_int_equal(state_kind(text), STATE_LUKS);
	assert_int_equal(state_kind(str_head(text, 8)), STATE_LUKS);
	memcpy(head + 5000, "{\"type\":\"systemd-tpm2\",", 22);
	assert_int_equal(state_kind(text), STATE_LUKS_TPM);
	memcpy(head + 5000, "{\"type\":\"systemd-recovery\",", 26);
	assert_int_equal(state_kind(text), STATE_LUKS_TPM);
}

/* Each row: what the definition says, what the machine has, what is on the disk. */
static const struct plan_row {
	unsigned without_tpm;
	const char *no_tpm;
	enum state_kind kind;
	int action; /* or a refusal, which says: */
	const char *text;
} rows[] = {
	{ WITHOUT_TPM_REFUSE, NULL, STATE_ABSENT, STATE_CREATE_TPM, NULL },
	{ WITHOUT_TPM_PLAIN, NULL, STATE_ABSENT, STATE_CREATE_TPM, NULL },
	{ WITHOUT_TPM_REFUSE, NO_TPM, STATE_ABSENT, -1,
	  "encrypts its state to a TPM 2.0, but " NO_TPM "; other ways" },
	{ WITHOUT_TPM_PASSPHRASE, NO_TPM, STATE_ABSENT, STATE_CREATE_PASSPHRASE, NULL },
	{ WITHOUT_TPM_PLAIN, NO_TPM, STATE_ABSENT, STATE_CREATE_PLAIN, NULL },
	{ WITHOUT_TPM_REFUSE, NULL, STATE_LUKS_TPM, STATE_OPEN_TPM, NULL },
	{ WITHOUT_TPM_REFUSE, NO_TPM, STATE_LUKS_TPM, STATE_OPEN_RECOVERY, NULL },
	{ WITHOUT_TPM_PLAIN, NO_TPM, STATE_LUKS_TPM, STATE_OPEN_RECOVERY, NULL },
	{ WITHOUT_TPM_PASSPHRASE, NO_TPM, STATE_LUKS, STATE_OPEN_PASSPHRASE, NULL },
	{ WITHOUT_TPM_PASSPHRASE, NULL, STATE_LUKS, STATE_OPEN_PASSPHRASE, NULL },
	{ WITHOUT_TPM_REFUSE, NULL, STATE_LUKS, -1,
	  "the state on vda5 is encrypted, but to no TPM" },
	{ WITHOUT_TPM_PLAIN, NO_TPM, STATE_LUKS, -1, "encrypted, but to no TPM" },
	{ WITHOUT_TPM_PLAIN, NO_TPM, STATE_PLAIN, STATE_OPEN_PLAIN, NULL },
	{ WITHOUT_TPM_PLAIN, NULL, STATE_PLAIN, -1, "the state on vda5 is not encrypted" },
	{ WITHOUT_TPM_PASSPHRASE, NO_TPM, STATE_PLAIN, -1, "the state on vda5 is not encrypted" },
	{ WITHOUT_TPM_REFUSE, NO_TPM, STATE_PLAIN, -1, NO_TPM },
	{ WITHOUT_TPM_REFUSE, NULL, STATE_FOREIGN, -1, "vda5 is for state, but holds neither" },
	{ WITHOUT_TPM_PLAIN, NO_TPM, STATE_FOREIGN, -1, "holds neither LUKS2 nor ext4" },
};

static void test_plan(void **state)
{
	enum state_action action;
	struct err e = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct state_facts f = { STATE_TPM, rows[i].without_tpm, rows[i].no_tpm,
					 rows[i].kind, STR("vda5") };

		if (rows[i].action < 0) {
			assert_err(state_plan(&f, &action, &e), &e, rows[i].text);
		} else {
			assert_ok(state_plan(&f, &action, &e), &e);
			assert_int_equal(action, rows[i].action);
		}
		f.state = STATE_MEMORY;
		assert_ok(state_plan(&f, &action, &e), &e);
		assert_int_equal(action, STATE_USE_MEMORY);
	}
}

static void test_recovery_key(void **state)
{
#define GROUPS "cbdefghi-jklnrtuv-cbdefghi-jklnrtuv-cbdefghi-jklnrtuv-cbdefghi-jklnrtuv"
	_cleanup_arena_ struct arena a = { 0 };

	(void)state;
	assert_str(state_recovery_key(&a, STR(GROUPS)), GROUPS);
	assert_str(state_recovery_key(&a, STR("CBDEFGHIJKLNRTUVcbdefghijklnrtuv cbde fghi jklnrtuv-"
					      "cbdefghi-jklnrtuv")),
		   GROUPS);
	assert_str(state_recovery_key(&a, STR("a passphrase")), "a passphrase");
	assert_str(state_recovery_key(&a, STR("Cbdefghi-")), "Cbdefghi-");
	assert_str(state_recovery_key(&a, STR("")), "");
}

static void test_tpm(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	const char *root = test_dir(&a);
	struct err e = { 0 };
	struct tpm tpm = { 0 };
	static const struct {
		const char *dir, *file, *text, *why;
	} steps[] = {
		{ "/sys/class/tpm/tpm0", "tpm_version_major", "1\n", "has no TPM 2.0" },
		{ "/sys/class/tpm/tpm0", "tpm_version_major", "2\n", "was not told" },
		{ "/run/systemd", "tpm2-pcr-signature.json", "{}", "no signed PCR values" },
		{ "/run/systemd", "tpm2-pcr-public-key.pem", "x", NULL },
	};

	(void)state;
	tpm_look(&a, root, &tpm);
	assert_non_null(strstr(tpm_why_not(&tpm), "has no TPM 2.0"));
	for (size_t i = 0; i < sizeof(steps) / sizeof(*steps); i++) {
		const char *dir = str_z(&a, str_printf(&a, "%s%s", root, steps[i].dir));

		assert_ok(dir_make(dir, &e), &e);
		assert_ok(file_write(path_join(&a, dir, steps[i].file), 0644, steps[i].text,
				     strlen(steps[i].text), &e),
			  &e);
		tpm_look(&a, root, &tpm);
		if (steps[i].why)
			assert_non_null(strstr(tpm_why_not(&tpm), steps[i].why));
		else
			assert_null(tpm_why_not(&tpm));
		tpm.measured = i > 0;
	}
}

static void test_run(void **state)
{
	static const char *const good[] = { "cat", RUN_INPUT, NULL };
	static const char *const bad[] = {
		"sh", "-c", "echo nothing; echo one >&2; echo; echo ' two ' >&2; exit 3", NULL
	};
	_cleanup_arena_ struct arena a = { 0 };
	struct err e = { 0 };
	struct str out;

	(void)state;
	assert_ok(run(&a, good, STR("secret"), 0, &out, &e), &e);
	assert_str(out, "secret");
	assert_ok(run(&a, bad, STR(""), 3, NULL, &e), &e);
	assert_err(run(&a, bad, STR(""), 2, NULL, &e), &e, "sh failed with status 3: one; two");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kind),         cmocka_unit_test(test_plan),
		cmocka_unit_test(test_recovery_key), cmocka_unit_test(test_tpm),
		cmocka_unit_test(test_run),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
