/* SPDX-License-Identifier: MIT */
/* A state's life with swtpm: the volume is a file, and what runs programs or asks the kernel is
 * here. */
#include "agent/common/run.h"
#include "agent/init/dm.h"
#include "agent/init/state_work.h"
#include "agent/init/swtpm_test.h"

enum { VOLUME_BYTES = 4096 };

/* What was last run, of all that is. */
static struct {
	const char *program, *unlock;
} ran;
static const char *fails; /* a program */

int run(struct arena *a, const char *const *argv, struct str input, int most, struct str *ret_out,
	struct err *e)
{
	(void)a, (void)input, (void)most, (void)ret_out;
	ran.program = argv[0];
	ran.unlock = argv[1];
	return fails && strcmp(fails, argv[0]) == 0 ? err_set(e, -EIO, "%s fails", fails) : 0;
}

int dm_table(struct arena *a, const char *name, struct state_table *ret, struct err *e)
{
	(void)name, (void)e;
	*ret = (struct state_table){
		1,
		0,
		967232,
		STR("crypt"),
		str_dup(a, STR("aes-xts-plain64 :64:logon:cryptsetup:b0-d0 0 253:5 32768")),
		STR("254:1")
	};
	return 0;
}

const char *state_device(struct work *s, struct str name)
{
	(void)s, (void)name;
	return "/dev/vda5";
}

const char *state_pcrs(const struct work *s)
{
	return s->w->status->secure_boot ? "--tpm2-pcrs=7" : "--tpm2-pcrs=";
}

/* A machine, and one boot of it. */
struct life {
	struct machine m;
	struct cmdline cmdline;
	struct boot_status status;
	struct state_wish wish;
	struct work s;
	bool has_old_header; /* from before Secure Boot was on */
};

/* As own_start() does, with a TPM that is no device. */
static void boot(struct life *l)
{
	struct err e = { 0 };

	l->status = (struct boot_status){ .secure_boot = l->m.policy.secure_boot,
					  .state = "encrypted-tpm" };
	l->wish = (struct state_wish){ .cmdline = &l->cmdline, .status = &l->status };
	l->s = (struct work){ .a = &l->m.a,
			      .w = &l->wish,
			      .partition = STR("vda5"),
			      .devno = STR("253:5"),
			      .size_bytes = 512000000,
			      .asks_pcr7 = l->m.policy.secure_boot && !l->has_old_header,
			      .volume = l->s.volume,
			      .dir = l->s.dir,
			      .tpm = l->m.tpm,
			      .policy = l->m.policy };
	l->s.anchor = (struct anchor){ .tpm = &l->s.tpm, .policy = &l->s.policy };
	assert_ok(anchor_read(&l->s.anchor, &e), &e);
}

static void volume_blank(struct life *l)
{
	static const char blank[VOLUME_BYTES];
	struct err e = { 0 };

	assert_ok(file_write(l->s.volume, 0600, blank, sizeof(blank), &e), &e);
}

static bool life_begin(struct life *l)
{
	struct err e = { 0 };

	*l = (struct life){ .cmdline = { .generation = 3 } };
	if (!machine_start(&l->m))
		return false;
	l->s.dir = test_dir(&l->m.a);
	l->s.volume = path_join(&l->m.a, l->s.dir, "volume");
	volume_blank(l);
	boot(l);
	assert_ok(own_begin(&l->s, &e), &e);
	assert_ok(own_new(&l->s, &e), &e);
	assert_string_equal(l->s.how, "new");
	return true;
}

/* The next boot: what is found, and that it is taken. */
static void next(struct life *l, bool by_tpm, enum state_verdict want, const char *how)
{
	enum state_verdict verdict;
	struct err e = { 0 };

	boot(l);
	ran.program = NULL;
	assert_ok(own_look(&l->s, by_tpm, &verdict, &e), &e);
	assert_int_equal(verdict, want);
	own_settle(&l->s, verdict, by_tpm ? STR("") : STR("typed"));
	own_accept(&l->s);
	assert_string_equal(l->s.how, how);
}

static void refused(struct life *l, bool by_tpm)
{
	enum state_verdict verdict;
	struct err e = { 0 };

	boot(l);
	assert_err(own_look(&l->s, by_tpm, &verdict, &e), &e,
		   "the state on vda5 is not this machine's: somebody may have put it there");
}

static void missing(struct life *l, const char *text)
{
	if (!text)
		assert_int_equal(l->status.missing.n, 0);
	else
		assert_true(str_has(l->status.missing.p[l->status.missing.n - 1], text));
}

static struct str volume_keep(struct life *l)
{
	struct err e = { 0 };
	struct str bytes;

	assert_ok(file_read(&l->m.a, l->s.volume, VOLUME_BYTES, &bytes, &e), &e);
	return bytes;
}

static void volume_put(struct life *l, struct str bytes)
{
	struct err e = { 0 };

	assert_ok(file_write(l->s.volume, 0600, bytes.p, bytes.n, &e), &e);
}

/* What the sentence says is written. */
static void accept_by(struct life *l, struct str nonce)
{
	struct err e = { 0 };

	assert_ok(file_write(path_join(&l->m.a, l->s.dir, "accept"), 0600, nonce.p, nonce.n, &e),
		  &e);
}

static struct str nonce_of(struct life *l)
{
	struct str text = l->status.missing.p[l->status.missing.n - 1];
	struct str word;

	while ((word = str_word(&text)).n > 0)
		if (str_eqz(word, "write"))
			return str_word(&text);
	fail_msg("no nonce");
	return word;
}

static void test_own(void **state)
{
	struct life l;

	(void)state;
	if (!life_begin(&l))
		skip();
	for (uint64_t i = 1; i < 4; i++) {
		next(&l, true, STATE_OWN, "own");
		missing(&l, NULL);
		assert_null(ran.program);
		assert_int_equal(l.s.anchor.content.generation, i);
		assert_int_equal(l.s.anchor.content.image_generation, 3);
	}
	next(&l, false, STATE_OWN_BIND, "recovery");
	assert_string_equal(ran.unlock, "--unlock-key-file=/proc/self/fd/0");
	machine_stop(&l.m);
}

/* The next boot, with the power cut after the first @writes of its writes to volume and TPM. */
static void cut_after(struct life *l, int writes)
{
	struct anchor_content c;
	enum state_verdict verdict;
	struct err e = { 0 };

	boot(l);
	assert_ok(own_look(&l->s, true, &verdict, &e), &e);
	c = l->s.anchor.content;
	if (!l->s.is_cut)
		c.generation++;
	c.flags |= ANCHOR_WRITING;
	l->s.block.generation = c.generation;
	if (writes > 0)
		assert_ok(anchor_write(&l->s.anchor, &c, &e), &e);
	if (writes > 1)
		assert_ok(state_block_write(l->s.volume, &l->s.block, &e), &e);
}

static void test_power_cuts(void **state)
{
	struct life l;
	struct str old;

	(void)state;
	if (!life_begin(&l))
		skip();
	next(&l, true, STATE_OWN, "own");
	for (int writes = 0; writes <= 2; writes++) {
		cut_after(&l, writes);
		cut_after(&l, writes);
		next(&l, true, STATE_OWN, "own");
		missing(&l, NULL);
	}
	/* an old copy stays one, whatever is cut or fails when it is found */
	old = volume_keep(&l);
	next(&l, true, STATE_OWN, "own");
	volume_put(&l, old);
	fails = "systemd-cryptenroll";
	next(&l, true, STATE_OWN, "rolled-back");
	fails = NULL;
	next(&l, true, STATE_OWN, "rolled-back");
	missing(&l, "an older copy of this state was put in its place");
	accept_by(&l, nonce_of(&l));
	next(&l, true, STATE_OWN, "own");
	/* and one that was run ahead */
	l.s.block.generation += 10;
	assert_ok(state_block_write(l.s.volume, &l.s.block, &(struct err){ 0 }),
		  &(struct err){ 0 });
	next(&l, true, STATE_OWN, "rolled-back");
	machine_stop(&l.m);
}

static void test_somebody_elses(void **state)
{
	struct state_block his;
	struct err e = { 0 };
	struct life l;

	(void)state;
	if (!life_begin(&l))
		skip();
	volume_blank(&l);
	refused(&l, true);
	refused(&l, false);
	assert_ok(state_block_new(&his, &e), &e);
	his.generation = 99;
	assert_ok(state_block_write(l.s.volume, &his, &e), &e);
	refused(&l, true);
	refused(&l, false);
	machine_stop(&l.m);
}

static void test_old_copy(void **state)
{
	struct life l;
	struct str old;

	(void)state;
	if (!life_begin(&l))
		skip();
	next(&l, true, STATE_OWN, "own");
	old = volume_keep(&l);
	next(&l, true, STATE_OWN, "own");
	volume_put(&l, old);
	next(&l, true, STATE_OWN, "rolled-back");
	missing(&l, "an older copy of this state was put in its place");
	assert_string_equal(ran.unlock, "--unlock-tpm2-device=auto");
	assert_int_equal(l.s.anchor.content.generation, 3);
	/* until it is accepted, and by the right word */
	next(&l, true, STATE_OWN, "rolled-back");
	accept_by(&l, STR("0000000000000000"));
	next(&l, true, STATE_OWN, "rolled-back");
	missing(&l, "an older copy of this state was put in its place");
	accept_by(&l, nonce_of(&l));
	next(&l, true, STATE_OWN, "own");
	missing(&l, NULL);
	next(&l, true, STATE_OWN, "own");
	missing(&l, NULL);
	/* a word that was right once is no more */
	volume_put(&l, old);
	next(&l, true, STATE_OWN, "rolled-back");
	machine_stop(&l.m);
}

static void test_adopted(void **state)
{
	uint8_t id[TPM2_DIGEST_BYTES];
	enum state_verdict verdict;
	struct err e = { 0 };
	struct life l;

	(void)state;
	if (!life_begin(&l))
		skip();
	memcpy(id, l.s.anchor.content.id, sizeof(id));
	assert_ok(tpm2_nv_undefine(&l.m.tpm, ANCHOR_INDEX, &e), &e);
	boot(&l);
	assert_ok(own_look(&l.s, true, &verdict, &e), &e);
	assert_int_equal(verdict, STATE_ASK);
	next(&l, false, STATE_ADOPT, "adopted");
	missing(&l, "this state was taken over with a recovery key");
	assert_true(l.s.is_adopted);
	/* it has another name from now on, for whoever looks at PCR 15 */
	assert_memory_not_equal(l.s.anchor.content.id, id, sizeof(id));
	next(&l, true, STATE_OWN, "adopted");
	missing(&l, "this state was taken over with a recovery key");
	assert_true(l.s.is_adopted);
	accept_by(&l, nonce_of(&l));
	next(&l, true, STATE_OWN, "own");
	missing(&l, NULL);
	assert_false(l.s.is_adopted);
	machine_stop(&l.m);
}

static void test_late(void **state)
{
	struct life l;
	struct err e = { 0 };

	(void)state;
	if (!life_begin(&l))
		skip();
	l.m.policy.secure_boot = true;
	next(&l, true, STATE_OWN_BIND, "late");
	missing(&l, "until this boot the state was bound to the TPM without Secure Boot");
	assert_string_equal(ran.unlock, "--unlock-tpm2-device=auto");
	next(&l, true, STATE_OWN, "own");
	missing(&l, NULL);
	/* an older copy of its header was put back */
	l.has_old_header = true;
	next(&l, true, STATE_OWN_BIND, "late");
	missing(&l, "until this boot the state was bound to the TPM without Secure Boot");
	l.has_old_header = false;
	next(&l, true, STATE_OWN, "own");
	/* firmware's keys change: by the recovery key, and named */
	assert_ok(tpm2_pcr_event(&l.m.tpm, 7, STR("another"), &e), &e);
	next(&l, false, STATE_ADOPT, "adopted");
	next(&l, true, STATE_OWN, "adopted");
	/* it is switched off: what was bound to it stays so */
	l.m.policy.secure_boot = false;
	next(&l, false, STATE_ADOPT, "adopted");
	assert_null(ran.program);
	l.m.policy.secure_boot = true;
	next(&l, true, STATE_OWN, "adopted");
	machine_stop(&l.m);
}

static void test_cut(void **state)
{
	enum state_verdict verdict;
	struct err e = { 0 };
	struct life l;

	(void)state;
	if (!life_begin(&l))
		skip();
	/* its partition is gone, and the next one was not finished */
	volume_blank(&l);
	boot(&l);
	assert_ok(own_begin(&l.s, &e), &e);
	missing(&l, "this machine had state, which is gone");
	boot(&l);
	assert_ok(own_look(&l.s, true, &verdict, &e), &e);
	assert_int_equal(verdict, STATE_REMAKE);
	l.s.has_recovery_key = true;
	assert_err(own_look(&l.s, true, &verdict, &e), &e, "is not this machine's");
	assert_err(own_look(&l.s, false, &verdict, &e), &e, "is not this machine's");
	/* then it is */
	assert_ok(anchor_begin(&l.s.anchor, &e), &e);
	assert_ok(own_new(&l.s, &e), &e);
	next(&l, true, STATE_OWN, "own");
	missing(&l, NULL);
	machine_stop(&l.m);
}

static void test_others(void **state)
{
	struct err e = { 0 };
	struct life l;

	(void)state;
	if (!life_begin(&l))
		skip();
	assert_err(own_refuse_others(&l.s, &e), &e,
		   "is encrypted to no TPM, but this machine's is");
	/* root's, after the boot: what is remembered cannot be written */
	assert_ok(tpm2_pcr_event(&l.m.tpm, 11, STR("leave-initrd"), &e), &e);
	next(&l, true, STATE_OWN, "own");
	missing(&l, "the state is not bound to the TPM as it should be: let the TPM remember");
	machine_stop(&l.m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_own),     cmocka_unit_test(test_somebody_elses),
		cmocka_unit_test(test_adopted), cmocka_unit_test(test_old_copy),
		cmocka_unit_test(test_late),    cmocka_unit_test(test_cut),
		cmocka_unit_test(test_others),  cmocka_unit_test(test_power_cuts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
