/* SPDX-License-Identifier: MIT */
#include "agent/init/anchor.h"

#include "base/rd.h"

enum {
	VERSION = 1,
	ATTRIBUTES = TPM2_NV_POLICYWRITE | TPM2_NV_WRITEALL | TPM2_NV_OWNERREAD | TPM2_NV_AUTHREAD |
		     TPM2_NV_NO_DA,
};

#define MAGIC "ash1"

void anchor_content_format(const struct anchor_content *c, struct buf *b)
{
	buf_put(b, MAGIC, 4);
	buf_le32(b, VERSION);
	buf_le64(b, c->sequence);
	buf_le32(b, c->flags);
	buf_le32(b, c->image_generation);
	buf_le64(b, c->generation);
	buf_put(b, c->id, sizeof(c->id));
	buf_put(b, c->nonce, sizeof(c->nonce));
}

int anchor_content_parse(struct str bytes, struct anchor_content *ret, struct err *e)
{
	struct rd r = { (const uint8_t *)bytes.p, bytes.n, 0, false };
	struct str magic = rd_str(&r, 4);
	uint32_t version = rd_le32(&r);
	struct anchor_content c = { 0 };
	struct str id, nonce;

	c.sequence = rd_le64(&r);
	c.flags = rd_le32(&r);
	c.image_generation = rd_le32(&r);
	c.generation = rd_le64(&r);
	id = rd_str(&r, sizeof(c.id));
	nonce = rd_str(&r, sizeof(c.nonce));
	if (r.bad || r.pos != r.n || !str_eqz(magic, MAGIC) || version != VERSION ||
	    c.flags & ~(uint32_t)ANCHOR_FLAGS)
		return err_set(e, -EBADMSG,
			       "what the TPM keeps about the state was not written by this image");
	memcpy(c.id, id.p, id.n);
	memcpy(c.nonce, nonce.p, nonce.n);
	*ret = c;
	return 0;
}

/* The part of its definition that all of them share. */
static bool is_ours(const struct tpm2_nv *nv)
{
	return (nv->attributes & ~(uint32_t)TPM2_NV_WRITTEN) == ATTRIBUTES && nv->sha256 &&
	       nv->size_bytes == ANCHOR_BYTES && nv->policy.n == TPM2_DIGEST_BYTES;
}

static int policy_is(struct anchor *an, const struct tpm2_nv *nv, size_t key, bool pcr7,
		     struct err *e)
{
	uint8_t digest[TPM2_DIGEST_BYTES];
	int r = pcr_policy_digest(an->tpm, an->policy, key, pcr7, digest, e);

	return r < 0 ? r : memcmp(digest, nv->policy.p, sizeof(digest)) == 0;
}

static int policy_find(struct anchor *an, const struct tpm2_nv *nv, enum anchor_policy *ret,
		       struct err *e)
{
	bool secure_boot = an->policy->secure_boot;

	for (size_t key = 0; key < an->policy->keys.n; key++) {
		int r = policy_is(an, nv, key, secure_boot, e);

		if (r > 0)
			*ret = key == 0 ? ANCHOR_NOW : ANCHOR_RETIRED;
		if (r == 0 && secure_boot) {
			r = policy_is(an, nv, key, false, e);
			if (r > 0)
				*ret = ANCHOR_LATE;
		}
		if (r != 0)
			return r < 0 ? r : 0;
	}
	*ret = ANCHOR_FOREIGN;
	return 0;
}

struct found {
	enum anchor_policy policy;
	bool is_known;
	struct anchor_content content;
};

/* What cannot be read or understood is somebody else's: ours asks for no password. */
static int content_read(struct anchor *an, const struct tpm2_nv *nv, struct found *f, struct err *e)
{
	struct str bytes;
	int r = tpm2_nv_read(an->tpm, nv, &bytes, e);

	if (r == 0)
		r = anchor_content_parse(bytes, &f->content, e);
	f->is_known = r == 0;
	if (r == -EACCES || r == -EBADMSG)
		f->policy = ANCHOR_FOREIGN;
	return f->policy == ANCHOR_FOREIGN ? 0 : r;
}

static bool is_better(const struct anchor *an, const struct found *f)
{
	if (an->found == ANCHOR_ABSENT || f->policy != an->found)
		return an->found == ANCHOR_ABSENT || f->policy < an->found;
	return f->content.sequence > an->content.sequence;
}

static int index_look(struct anchor *an, uint32_t index, struct err *e)
{
	struct found f = { .policy = ANCHOR_FOREIGN };
	struct tpm2_nv nv;
	int r = tpm2_nv_public(an->tpm, index, &nv, e);

	if (r == -ENOENT)
		return 0;
	if (r == 0 && is_ours(&nv))
		r = policy_find(an, &nv, &f.policy, e);
	if (r < 0)
		return r;
	if (!(nv.attributes & TPM2_NV_WRITTEN)) {
		if (f.policy == ANCHOR_NOW)
			an->being_made = index;
		return 0;
	}
	if (is_ours(&nv))
		r = content_read(an, &nv, &f, e);
	if (r == 0 && is_better(an, &f)) {
		an->found = f.policy;
		an->index = index;
		an->is_known = f.is_known;
		an->content = f.content;
	}
	return r;
}

int anchor_read(struct anchor *an, struct err *e)
{
	int r;

	*an = (struct anchor){ .tpm = an->tpm, .policy = an->policy };
	r = index_look(an, ANCHOR_INDEX, e);
	if (r == 0)
		r = index_look(an, ANCHOR_INDEX_OTHER, e);
	return r < 0 ? err_wrap(e, r, "ask the TPM for what it keeps about the state") : 0;
}

static int undefine(struct anchor *an, uint32_t index, struct err *e)
{
	int r = tpm2_nv_undefine(an->tpm, index, e);

	return r == -ENOENT ? 0 : r;
}

void anchor_cancel(struct anchor *an)
{
	struct err ignored;

	if (an->being_made)
		(void)!undefine(an, an->being_made, &ignored);
	an->being_made = 0;
}

int anchor_begin(struct anchor *an, struct err *e)
{
	uint8_t policy[TPM2_DIGEST_BYTES];
	struct tpm2_nv nv = { .index =
				      an->index == ANCHOR_INDEX ? ANCHOR_INDEX_OTHER : ANCHOR_INDEX,
			      .attributes = ATTRIBUTES,
			      .policy = { (const char *)policy, sizeof(policy) },
			      .size_bytes = ANCHOR_BYTES };
	int r;

	if (an->being_made && an->being_made != an->index)
		return 0;
	r = pcr_policy_digest(an->tpm, an->policy, 0, an->policy->secure_boot, policy, e);
	if (r == 0)
		r = undefine(an, nv.index, e);
	if (r == 0)
		r = tpm2_nv_define(an->tpm, &nv, e);
	if (r < 0)
		return err_wrap(e, r,
				"let the TPM remember this machine's state (if it has an owner's "
				"password, or no room, clear it in the firmware's menu)");
	an->being_made = nv.index;
	return 0;
}

static int write_to(struct anchor *an, uint32_t index, const struct anchor_content *c,
		    struct err *e)
{
	struct buf b = { .a = an->tpm->a };
	uint32_t session;
	int r = pcr_policy_meet(an->tpm, an->policy, &session, e);

	if (r < 0)
		return r;
	anchor_content_format(c, &b);
	r = tpm2_nv_write(an->tpm, index, session, (struct str){ (const char *)b.v.p, b.v.n }, e);
	if (r < 0)
		tpm2_flush(an->tpm, session);
	return r;
}

int anchor_write(struct anchor *an, const struct anchor_content *c, struct err *e)
{
	bool in_place = an->found == ANCHOR_NOW && !an->being_made;
	struct anchor_content content = *c;
	uint32_t index, old = an->index;
	int r = in_place ? 0 : anchor_begin(an, e);

	if (r < 0)
		return r;
	index = in_place ? an->index : an->being_made;
	content.sequence = an->content.sequence + 1;
	r = write_to(an, index, &content, e);
	if (r < 0)
		return err_wrap(e, r, "let the TPM remember this machine's state");
	an->found = ANCHOR_NOW;
	an->index = index;
	an->is_known = true;
	an->content = content;
	an->being_made = 0;
	if (!in_place && old && old != index)
		r = undefine(an, old, e);
	return r;
}
