/* SPDX-License-Identifier: MIT */
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "agent/common/report.h"
#include "agent/common/run.h"
#include "agent/init/dm.h"
#include "agent/init/state_work.h"
#include "base/io.h"

enum { PCR_SYSTEM_IDENTITY = 15, ACCEPT_BYTES_MAX = 128 };

#define ACCEPT "accept"

static bool has_anchor(const struct work *s)
{
	return s->tpm.a != NULL;
}

/* Each file stands in /run since the initrd. */
static int policy_read(struct work *s, struct err *e)
{
	struct str keys;
	int r = file_read(s->a, TPM_KEYS, PCR_KEYS_BYTES_MAX, &keys, e);

	if (r == 0)
		r = pcr_keys_parse(s->a, keys, &s->policy.keys, e);
	if (r == 0)
		r = file_read(s->a, TPM_SIGNATURE, PCR_SIGNATURES_BYTES_MAX, &s->policy.signatures,
			      e);
	s->policy.secure_boot = s->w->status->secure_boot;
	return r;
}

static bool is_believed(const struct work *s)
{
	return s->anchor.found != ANCHOR_ABSENT && s->anchor.found != ANCHOR_FOREIGN;
}

static int generation_check(const struct work *s, struct err *e)
{
	uint32_t seen = is_believed(s) ? s->anchor.content.image_generation : 0;
	uint32_t ours = s->w->cmdline->generation;

	if (seen > ours)
		return err_set(
			e, -EPERM,
			"this image is older than one that this machine has run (its "
			"sbat-generation is %u, that of the other %u): it may have faults that the "
			"other mended, and does not get the state; start a newer image",
			ours, seen);
	return 0;
}

int own_start(struct work *s, struct err *e)
{
	int r;

	s->tpm.fd = -1;
	if (s->no_tpm)
		return 0;
	r = tpm2_open(s->a, TPM2_DEVICE, &s->tpm, e);
	if (r == 0)
		r = policy_read(s, e);
	s->anchor = (struct anchor){ .tpm = &s->tpm, .policy = &s->policy };
	if (r == 0)
		r = anchor_read(&s->anchor, e);
	return r < 0 ? r : generation_check(s, e);
}

int own_refuse_others(const struct work *s, struct err *e)
{
	if (s->anchor.found == ANCHOR_ABSENT && !s->anchor.being_made)
		return 0;
	return err_set(e, -EPERM,
		       "the state on %.*s is encrypted to no TPM, but this machine's is: somebody "
		       "may have put it there; remove the partition to begin with empty state",
		       STR_FMT(s->partition));
}

void own_done(struct work *s)
{
	tpm2_close(&s->tpm);
	explicit_bzero(&s->block, sizeof(s->block));
}

int own_begin(struct work *s, struct err *e)
{
	if (s->anchor.found != ANCHOR_ABSENT)
		boot_status_missing(s->a, s->w->status,
				    "this machine had state, which is gone: a new one was made");
	return anchor_begin(&s->anchor, e);
}

static int tables_check(struct work *s, const struct state_table *table, struct err *e)
{
	struct state_table below;
	int r;

	if (!state_is_authenticated(s))
		return state_table_check(table, s->devno, s->size_bytes, e);
	r = dm_table(s->a, STATE_NAME "_dif", &below, e); /* libcryptsetup's name for it */
	if (r == 0)
		r = state_tables_check(table, &below, s->devno, e);
	s->w->status->state_authenticated = r == 0;
	return r;
}

int own_table_check(struct work *s, struct err *e)
{
	struct state_table table;
	int r = dm_table(s->a, STATE_NAME, &table, e);

	if (r < 0)
		return r;
	r = tables_check(s, &table, e);
	explicit_bzero((char *)table.params.p, table.params.n);
	return r < 0 ? err_wrap(e, r, "the state on %.*s", STR_FMT(s->partition)) : 0;
}

static int id_of(struct work *s, uint8_t ret[TPM2_DIGEST_BYTES], struct err *e)
{
	return tpm2_hash(&s->tpm,
			 (struct str){ (const char *)s->block.secret, sizeof(s->block.secret) },
			 ret, e);
}

static uint32_t image_generation(const struct work *s)
{
	uint32_t seen = is_believed(s) ? s->anchor.content.image_generation : 0,
		 ours = s->w->cmdline->generation;

	return ours > seen ? ours : seen;
}

int own_new(struct work *s, struct err *e)
{
	struct anchor_content c = { .image_generation = image_generation(s) };
	int r = own_table_check(s, e);

	if (r == 0)
		r = state_block_new(&s->block, e);
	if (r == 0)
		r = state_block_write(s->volume, &s->block, e);
	if (r == 0)
		r = id_of(s, c.id, e);
	s->how = "new";
	return r < 0 ? r : anchor_write(&s->anchor, &c, e);
}

static int block_read(struct work *s, struct err *e)
{
	int r = state_block_read(s->volume, &s->block, e);

	return r < 0 && s->w->status->state_authenticated
		       ? err_wrap(e, r, "the state on %.*s%s", STR_FMT(s->partition),
				  INTEGRITY_UNREADABLE)
		       : r;
}

int own_look(struct work *s, bool by_tpm, enum state_verdict *ret, struct err *e)
{
	const struct anchor *an = &s->anchor;
	uint8_t id[TPM2_DIGEST_BYTES] = { 0 };
	struct state_found f = { .anchor = an->found,
				 .being_made = an->being_made != 0,
				 .by_tpm = by_tpm,
				 .has_recovery_key = s->has_recovery_key };
	int r = own_table_check(s, e);

	if (r == 0)
		r = block_read(s, e);
	f.has_block = r > 0;
	f.block_generation = s->block.generation;
	f.anchor_generation = an->content.generation;
	f.writing = an->content.flags & ANCHOR_WRITING;
	if (r > 0)
		r = id_of(s, id, e);
	if (r < 0)
		return r;
	f.matches = f.has_block && an->is_known && memcmp(id, an->content.id, sizeof(id)) == 0;
	*ret = state_recognise(&f);
	if (*ret == STATE_REFUSE)
		return err_set(
			e, -EPERM,
			"the state on %.*s is not this machine's: somebody may have put it there; "
			"to begin with empty state remove the partition, to take this one over with "
			"its recovery key clear the TPM in the firmware's menu",
			STR_FMT(s->partition));
	s->is_rolled_back = state_is_rolled_back(&f);
	s->is_cut = f.writing && !s->is_rolled_back && f.block_generation != f.anchor_generation;
	s->is_late =
		an->found == ANCHOR_LATE || (s->w->status->secure_boot && by_tpm && !s->asks_pcr7);
	if (*ret == STATE_OWN && s->is_late)
		*ret = STATE_OWN_BIND;
	return 0;
}

/* By the recovery key: its token keeps a state that was cut here one of a TPM. Alone, and first: a
 * policy that is there already is not enrolled again, even when the TPM is another one. */
static int bind_by_key(struct work *s, struct str secret, struct err *e)
{
	const char *node = state_device(s, s->partition);
	const char *const wipe[] = { "systemd-cryptenroll", "--wipe-slot=tpm2", node, NULL };
	const char *const bind[] = { "systemd-cryptenroll",
				     ("--unlock-key-file=" RUN_INPUT),
				     "--tpm2-device=auto",
				     state_pcrs(s),
				     STATE_SIGNED_POLICY,
				     node,
				     NULL };
	int r = run(s->a, wipe, STR(""), 0, NULL, e);

	return r < 0 ? r : run(s->a, bind, secret, 0, NULL, e);
}

/* By the TPM that it is bound to: the new one is there before the old one goes. */
static int bind_by_tpm(struct work *s, struct err *e)
{
	const char *const bind[] = { "systemd-cryptenroll",         "--unlock-tpm2-device=auto",
				     "--tpm2-device=auto",          state_pcrs(s),
				     STATE_SIGNED_POLICY,           "--wipe-slot=tpm2",
				     state_device(s, s->partition), NULL };

	return run(s->a, bind, STR(""), 0, NULL, e);
}

/* Whoever has the recovery key has been asked for it because the TPM or the keys of Secure Boot are
 * new: without this, every boot would ask. Secure Boot vouches for what asks; where it is off, what
 * was bound to it stays so. */
static bool may_bind(const struct work *s)
{
	return s->w->status->secure_boot || s->anchor.found != ANCHOR_FOREIGN;
}

static int nonce_new(struct anchor_content *c, uint32_t flag, struct err *e)
{
	c->flags |= flag;
	return getrandom(c->nonce, sizeof(c->nonce), 0) == sizeof(c->nonce)
		       ? 0
		       : err_sys(e, "get random bytes");
}

/* What the TPM is to remember of a volume that is taken. */
static int content_next(struct work *s, enum state_verdict verdict, struct anchor_content *ret,
			struct err *e)
{
	struct anchor_content c = is_believed(s) ? s->anchor.content : (struct anchor_content){ 0 };
	int r = 0;

	c.image_generation = image_generation(s);
	c.flags &= ~(uint32_t)ANCHOR_WRITING;
	/* a secret that another machine knew is none; one that the TPM knows stays, so that a power
	 * cut here leaves the two alike */
	if (verdict == STATE_ADOPT && s->anchor.found == ANCHOR_ABSENT)
		r = state_block_new(&s->block, e);
	if (r == 0 && verdict == STATE_ADOPT)
		r = nonce_new(&c, ANCHOR_ADOPTED, e);
	if (r == 0 && s->is_rolled_back)
		r = nonce_new(&c, ANCHOR_ROLLED_BACK, e);
	/* what was cut is done again, so that another cut leaves the two as near */
	if (s->block.generation < c.generation)
		s->block.generation = c.generation;
	if (!s->is_cut)
		s->block.generation++;
	c.generation = s->block.generation;
	if (r == 0)
		r = id_of(s, c.id, e);
	*ret = c;
	return r;
}

/* Tells the TPM what comes, writes the volume, tells the TPM that it is done: whatever is cut, the
 * volume is never ahead, and what the TPM is to say of an old copy it says before the copy looks
 * like new. */
static int generation_next(struct work *s, const struct anchor_content *c, struct err *e)
{
	struct anchor_content begun = *c;
	int r;

	begun.flags |= ANCHOR_WRITING;
	r = anchor_write(&s->anchor, &begun, e);
	if (r == 0)
		r = state_block_write(s->volume, &s->block, e);
	return r < 0 ? r : anchor_write(&s->anchor, c, e);
}

static int remember(struct work *s, enum state_verdict verdict, struct str secret, struct err *e)
{
	bool is_new = verdict == STATE_ADOPT && s->anchor.found == ANCHOR_ABSENT;
	struct anchor_content c;
	int r = content_next(s, verdict, &c, e);

	/* what the TPM does not know yet it must find in the volume */
	if (r == 0 && is_new)
		r = state_block_write(s->volume, &s->block, e);
	/* an old copy's header may be bound to less as well */
	if (r == 0 && (verdict != STATE_OWN || s->is_rolled_back))
		r = secret.n > 0 ? bind_by_key(s, secret, e) : bind_by_tpm(s, e);
	if (r < 0)
		return r;
	return is_new ? anchor_write(&s->anchor, &c, e) : generation_next(s, &c, e);
}

void own_settle(struct work *s, enum state_verdict verdict, struct str secret)
{
	struct err e;

	s->how = verdict == STATE_ADOPT ? "adopted" : secret.n > 0 ? "recovery" : "own";
	s->is_adopted = verdict == STATE_ADOPT;
	if (verdict != STATE_OWN && !may_bind(s))
		return;
	if (remember(s, verdict, secret, &e) < 0) {
		boot_status_missing(s->a, s->w->status,
				    "the state is not bound to the TPM as it should be: %s", e.msg);
		if (s->is_rolled_back) {
			s->how = "rolled-back";
			boot_status_missing(s->a, s->w->status,
					    "an older copy of this state was put in its place");
		}
		return;
	}
	if (!s->is_late)
		return;
	s->how = "late";
	boot_status_missing(s->a, s->w->status,
			    "until this boot the state was bound to the TPM without Secure Boot, "
			    "which is on now: it is bound to both from now on");
}

/* Written by an administrator; a state that was made beforehand cannot know the nonce. */
static bool is_accepted(struct work *s, struct str nonce)
{
	struct err ignored;
	struct str said;

	return file_read_below(s->a, s->dir, ACCEPT, ACCEPT_BYTES_MAX, &said, &ignored) == 0 &&
	       str_eq(str_trim(said), nonce);
}

static void flags_tell(struct work *s, struct str nonce)
{
	uint32_t flags = s->anchor.content.flags;

	if (flags & ANCHOR_ADOPTED) {
		s->how = "adopted";
		s->is_adopted = true;
		boot_status_missing(
			s->a, s->w->status,
			"this state was taken over with a recovery key; if that was you, "
			"write %.*s into " STATE_DIR "/" ACCEPT " and restart",
			STR_FMT(nonce));
	}
	if (flags & ANCHOR_ROLLED_BACK) {
		s->how = "rolled-back";
		boot_status_missing(s->a, s->w->status,
				    "an older copy of this state was put in its place; if that was "
				    "you, write %.*s into " STATE_DIR "/" ACCEPT " and restart",
				    STR_FMT(nonce));
	}
}

void own_accept(struct work *s)
{
	struct anchor_content c = s->anchor.content;
	struct str nonce = hex_encode(s->a, c.nonce, sizeof(c.nonce));
	struct err e;

	if (!has_anchor(s) || !is_believed(s) || !(c.flags & ANCHOR_SAID))
		return;
	if (!is_accepted(s, nonce)) {
		flags_tell(s, nonce);
		return;
	}
	c.flags &= ~(uint32_t)ANCHOR_SAID;
	if (anchor_write(&s->anchor, &c, &e) < 0) {
		report(REPORT_WARNING, "the state is not accepted: %s", e.msg);
		flags_tell(s, nonce);
	} else {
		(void)!unlink(path_join(s->a, s->dir, ACCEPT));
	}
}

int own_measure(struct work *s, struct err *e)
{
	struct str id = hex_encode(s->a, s->anchor.content.id, sizeof(s->anchor.content.id)), text;
	int r;

	if (!has_anchor(s))
		return 0;
	if (s->how)
		text = str_printf(s->a, "ashlar-state:%s:%.*s", s->how, STR_FMT(id));
	else
		text = str_printf(s->a, "ashlar-state:%s", s->w->status->state);
	r = tpm2_pcr_event(&s->tpm, PCR_SYSTEM_IDENTITY, text, e);
	if (r < 0)
		return err_wrap(e, r, "measure the state");
	s->w->status->state_measured = str_z(s->a, text);
	return 0;
}
