/* SPDX-License-Identifier: MIT */
#include "agent/init/state_plan.h"

#include "base/rd.h"

enum {
	LUKS_JSON_BYTES = 4096, /* where it begins */
	LUKS_VERSION = 2,
	EXT_MAGIC_BYTES = 1024 + 56,
	EXT_MAGIC = 0xef53,
	RECOVERY_KEY_DIGITS = 64,
	RECOVERY_KEY_GROUP = 8
};

static bool is_luks2(struct str head)
{
	struct rd r = { (const uint8_t *)head.p, head.n, 0, false };

	return str_eq(rd_str(&r, 6), STR("LUKS\xba\xbe")) && rd_be16(&r) == LUKS_VERSION;
}

static bool is_ext(struct str head)
{
	struct rd r = { (const uint8_t *)head.p, head.n, 0, false };

	rd_seek(&r, EXT_MAGIC_BYTES);
	return rd_le16(&r) == EXT_MAGIC;
}

/* Which way to open it is only a hint, so that the JSON need not be parsed. */
enum state_kind state_kind(struct str head)
{
	struct str json = str_from(head, LUKS_JSON_BYTES);

	if (!is_luks2(head))
		return is_ext(head) ? STATE_PLAIN : STATE_FOREIGN;
	/* Only state of a TPM has a recovery key; while it is bound again it has only that. */
	return str_has(json, "\"systemd-tpm2\"") || str_has(json, "\"systemd-recovery\"")
		       ? STATE_LUKS_TPM
		       : STATE_LUKS;
}

static int refuse_without_tpm(const struct state_facts *f, struct err *e)
{
	return err_set(e, -EPERM,
		       "this image encrypts its state to a TPM 2.0, but %s; other ways are for the "
		       "image's definition to allow ('state-without-tpm: passphrase' or 'plain')",
		       f->no_tpm);
}

/* Nothing is lost by choosing anything: there is no state yet. */
static int plan_create(const struct state_facts *f, enum state_action *ret, struct err *e)
{
	static const enum state_action without[] = {
		[WITHOUT_TPM_PASSPHRASE] = STATE_CREATE_PASSPHRASE,
		[WITHOUT_TPM_PLAIN] = STATE_CREATE_PLAIN,
	};

	if (f->no_tpm && f->without_tpm == WITHOUT_TPM_REFUSE)
		return refuse_without_tpm(f, e);
	*ret = f->no_tpm ? without[f->without_tpm] : STATE_CREATE_TPM;
	return 0;
}

/* Who had the disk can put anything there, so it is taken only where the definition says that such
 * state is good enough. */
static int plan_plain(const struct state_facts *f, enum state_action *ret, struct err *e)
{
	if (f->no_tpm && f->without_tpm == WITHOUT_TPM_REFUSE)
		return refuse_without_tpm(f, e);
	if (!f->no_tpm || f->without_tpm != WITHOUT_TPM_PLAIN)
		return err_set(
			e, -EPERM,
			"the state on %.*s is not encrypted, as this image wants it: somebody may "
			"have put it there; remove the partition to begin with empty state",
			STR_FMT(f->partition));
	*ret = STATE_OPEN_PLAIN;
	return 0;
}

static int plan_passphrase(const struct state_facts *f, enum state_action *ret, struct err *e)
{
	if (f->without_tpm != WITHOUT_TPM_PASSPHRASE)
		return err_set(
			e, -EPERM,
			"the state on %.*s is encrypted, but to no TPM, as this image wants it: "
			"somebody may have put it there; remove the partition to begin with empty "
			"state",
			STR_FMT(f->partition));
	*ret = STATE_OPEN_PASSPHRASE;
	return 0;
}

int state_plan(const struct state_facts *f, enum state_action *ret, struct err *e)
{
	if (f->state == STATE_MEMORY) {
		*ret = STATE_USE_MEMORY;
		return 0;
	}
	switch (f->kind) {
	case STATE_ABSENT:
		return plan_create(f, ret, e);
	case STATE_PLAIN:
		return plan_plain(f, ret, e);
	case STATE_LUKS:
		return plan_passphrase(f, ret, e);
	case STATE_LUKS_TPM:
		/* a broken TPM must not cost the data */
		*ret = f->no_tpm ? STATE_OPEN_RECOVERY : STATE_OPEN_TPM;
		return 0;
	case STATE_FOREIGN:
		break;
	}
	return err_set(e, -EPERM,
		       "the partition %.*s is for state, but holds neither LUKS2 nor ext4; "
		       "remove it to begin with empty state",
		       STR_FMT(f->partition));
}

bool state_is_unfinished(enum state_kind kind, enum state_integrity integrity, bool being_made)
{
	return integrity == STATE_INTEGRITY_HMAC && being_made &&
	       (kind == STATE_FOREIGN || kind == STATE_LUKS);
}

static bool is_ours(enum anchor_policy policy)
{
	return policy == ANCHOR_NOW || policy == ANCHOR_LATE || policy == ANCHOR_RETIRED;
}

/* Between its making and the index that remembers it nobody has used it, and nobody was shown a
 * recovery key. (Whoever may define an index without writing it may as well remove the state.) */
static bool is_half_made(const struct state_found *f)
{
	return f->being_made && f->by_tpm && !f->has_recovery_key && !f->matches &&
	       (!f->has_block || f->block_generation == 0);
}

enum state_verdict state_recognise(const struct state_found *f)
{
	if (is_half_made(f))
		return STATE_REMAKE;
	if (f->anchor == ANCHOR_ABSENT)
		return f->by_tpm ? STATE_ASK : STATE_ADOPT;
	if (!f->matches)
		return STATE_REFUSE;
	/* he who made the index could have made the state as well */
	if (!is_ours(f->anchor))
		return f->by_tpm ? STATE_ASK : STATE_ADOPT;
	return f->by_tpm && f->anchor == ANCHOR_NOW ? STATE_OWN : STATE_OWN_BIND;
}

bool state_is_rolled_back(const struct state_found *f)
{
	uint64_t behind = f->anchor_generation - f->block_generation;

	return f->matches && behind != 0 && !(f->writing && behind == 1);
}

/* Its digits are those that lie at the same place on most keyboards. */
struct str state_recovery_key(struct arena *a, struct str typed)
{
	struct buf b = { .a = a };
	size_t digits = 0;

	for (size_t i = 0; i < typed.n; i++) {
		char c = typed.p[i];

		if (c == '-' || c == ' ')
			continue;
		if (c >= 'A' && c <= 'Z')
			c = (char)(c - 'A' + 'a');
		if (str_find(STR("cbdefghijklnrtuv"), c) < 0)
			return typed;
		if (digits > 0 && digits % RECOVERY_KEY_GROUP == 0)
			buf_u8(&b, '-');
		buf_u8(&b, (uint8_t)c);
		digits++;
	}
	return digits == RECOVERY_KEY_DIGITS ? (struct str){ (const char *)b.v.p, b.v.n } : typed;
}
