/* SPDX-License-Identifier: MIT */
/* anchor.h - what a machine's TPM remembers of its state, so that it recognises it.
 *
 * An NV index says the digest of a secret that lies inside the encrypted volume. Everybody may read
 * it; only a verified image may write it, and only while the state is being opened: that is its
 * policy (pcr_policy.h), which the TPM keeps with it. Whoever defines it anew, for the owner's
 * password is empty, can give it this policy or content of his own, but not both. So an index is
 * believed only when its policy is the one that is computed here.
 *
 * There are two places for it. What is to take another policy is defined in the other one, written,
 * and only then is the old one removed: a power cut leaves one that is whole. One that is defined
 * and not yet written means that a state is being made. */
#pragma once

#include "agent/init/pcr_policy.h"

/* In the owner's range (0x01800000 to 0x01bfffff), not at its begin, where tools look for a place
 * that is free. */
enum { ANCHOR_INDEX = 0x018a5410, ANCHOR_INDEX_OTHER = 0x018a5411 };

/* Adopted, rolled back: said at every boot until an administrator accepts it, by the nonce.
 * Writing: the volume may still have the generation before this one, as a power cut leaves it. */
enum { ANCHOR_ADOPTED = 1 << 0, ANCHOR_ROLLED_BACK = 1 << 1, ANCHOR_WRITING = 1 << 2 };
enum {
	ANCHOR_SAID = ANCHOR_ADOPTED | ANCHOR_ROLLED_BACK,
	ANCHOR_FLAGS = ANCHOR_SAID | ANCHOR_WRITING,
	ANCHOR_NONCE_BYTES = 8
};

struct anchor_content {
	uint64_t sequence; /* of writes; of two indices that are whole the later one counts */
	uint32_t flags;
	uint32_t image_generation;     /* the highest that has opened the state */
	uint64_t generation;           /* counts boots: an old copy of the state has an older one */
	uint8_t id[TPM2_DIGEST_BYTES]; /* SHA-256 of the secret inside */
	uint8_t nonce[ANCHOR_NONCE_BYTES];
};

enum { ANCHOR_BYTES = 8 + 8 + 4 + 4 + 8 + TPM2_DIGEST_BYTES + ANCHOR_NONCE_BYTES };
void anchor_content_format(const struct anchor_content *c, struct buf *b);
must_check int anchor_content_parse(struct str bytes, struct anchor_content *ret, struct err *e);

enum anchor_policy {
	ANCHOR_ABSENT,
	ANCHOR_NOW,     /* the policy of now: the present key, and PCR 7 under Secure Boot */
	ANCHOR_LATE,    /* without PCR 7, though Secure Boot is on now */
	ANCHOR_RETIRED, /* of a retired key */
	ANCHOR_FOREIGN, /* another policy, or none: PCR 7 was another one, or somebody wrote it */
};

struct anchor {
	struct tpm2 *tpm;
	const struct pcr_policy *policy;
	/* what was found */
	enum anchor_policy found;
	uint32_t index; /* unless ANCHOR_ABSENT */
	bool is_known;  /* it holds something that could be ours: @content */
	struct anchor_content content;
	uint32_t being_made; /* the index that is defined and not written; 0: none */
};

/* Finds the machine's index; a written one of the policy of now before all others. */
must_check int anchor_read(struct anchor *an, struct err *e);
/* Defines an index with the policy of now and nothing in it. */
must_check int anchor_begin(struct anchor *an, struct err *e);
/* Writes @c but for its sequence, the commit point: into the index that is there when it has the
 * policy of now, else into one that anchor_begin() made, and removes the other. */
must_check int anchor_write(struct anchor *an, const struct anchor_content *c, struct err *e);
/* Removes the index that is being made, when nothing is made after all. */
void anchor_cancel(struct anchor *an);
