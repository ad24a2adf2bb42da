/* SPDX-License-Identifier: MIT */
/* state_plan.h - what to do about the state partition: decided from facts alone. */
#pragma once

#include "agent/init/anchor.h"
#include "agent/init/cmdline.h"

enum state_kind {
	STATE_ABSENT,
	STATE_PLAIN,    /* ext4 */
	STATE_LUKS,     /* LUKS2, opened by what people know */
	STATE_LUKS_TPM, /* LUKS2, opened by the TPM, too */
	STATE_FOREIGN,  /* anything else */
};

/* LUKS2 keeps its JSON area behind a binary header of 4096 bytes; systemd's are 16 KiB together
 * (LUKS2 On-Disk Format 1.1.3, 2). The superblock of ext4 is at byte 1024. */
enum { STATE_HEAD_BYTES = 16 << 10 };

/* What a partition holds, by its first bytes (fewer than STATE_HEAD_BYTES when it is smaller). */
enum state_kind state_kind(struct str head);

enum state_action {
	STATE_USE_MEMORY,
	STATE_CREATE_TPM,
	STATE_CREATE_PASSPHRASE,
	STATE_CREATE_PLAIN,
	STATE_OPEN_TPM, /* and when that fails, with the recovery key */
	STATE_OPEN_RECOVERY,
	STATE_OPEN_PASSPHRASE,
	STATE_OPEN_PLAIN,
};

struct state_facts {
	enum state state;
	enum without_tpm without_tpm;
	const char *no_tpm; /* why a TPM cannot be used; NULL: it can */
	enum state_kind kind;
	struct str partition; /* its name, unless absent */
};

/* Refuses with a sentence what the image's definition does not allow. Nothing here ever makes a
 * partition again that is there, whatever it holds: that takes state_recognise(). */
must_check int state_plan(const struct state_facts *f, enum state_action *ret, struct err *e);

/* Authenticated state is made in several steps, with the TPM's index that says so before the first
 * and the TPM's key slot after the last (what comes then is state_recognise()'s to say): whether
 * one was cut, so that the partition has nothing of anybody's. */
bool state_is_unfinished(enum state_kind kind, enum state_integrity integrity, bool being_made);

/* What was found once the volume could be opened: by whom, what the TPM remembers (anchor.h), and
 * what lies in the volume's first block. */
struct state_found {
	enum anchor_policy anchor;
	bool being_made;         /* an index of ours that nothing was written to */
	bool by_tpm;             /* else by the recovery key */
	bool has_recovery_key;   /* which is made when all else is done */
	bool has_block, matches; /* a secret; and it is the one that the index means */
	bool writing;            /* the TPM was told of a generation that the volume may not have */
	uint64_t block_generation, anchor_generation;
};

enum state_verdict {
	STATE_OWN,
	STATE_OWN_BIND, /* and what it is bound to is not what this image wants */
	STATE_ADOPT,    /* a recovery key speaks for it, and nothing else */
	STATE_ASK,      /* the TPM opens it, which proves nothing: only a recovery key may */
	STATE_REMAKE,   /* a first boot was cut: nothing of anybody's is in it */
	STATE_REFUSE,
};

/* Opening a volume proves nothing: anybody can encrypt one to this TPM with its public key, and
 * with a recovery key that he knows. */
enum state_verdict state_recognise(const struct state_found *f);
/* It is not as this machine left it: an old copy, or one that was run ahead by boots that were cut.
 */
bool state_is_rolled_back(const struct state_found *f);

/* The recovery key as systemd-cryptenroll made it, from how people type it: capitals, without
 * dashes, with blanks. What cannot be one is returned as it is. */
struct str state_recovery_key(struct arena *a, struct str typed);
