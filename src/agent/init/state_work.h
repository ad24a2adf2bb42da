/* SPDX-License-Identifier: MIT */
/* state_work.h - the state on its way to /var; for state*.c only. */
#pragma once

#include "agent/init/anchor.h"
#include "agent/init/ask.h"
#include "agent/init/state.h"
#include "agent/init/state_block.h"
#include "agent/init/state_plan.h"

#define STATE_NAME   "state"
#define STATE_MAPPED "/dev/mapper/" STATE_NAME
/* What is about the state itself; inside, so that it comes and goes with it. */
#define STATE_DIR "/var/lib/ashlar"

/* To whatever values of PCR 11 the key signs that the running UKI came with: the next image's, too.
 */
#define STATE_SIGNED_POLICY ("--tpm2-public-key=" TPM_PUBLIC_KEY), "--tpm2-public-key-pcrs=11"

struct work {
	struct arena *a;
	const struct state_wish *w;
	struct consoles consoles;
	struct str partition, devno; /* "vda5", "253:5" */
	uint64_t size_bytes;
	enum state_kind kind;
	bool has_recovery_key; /* its header says so */
	bool asks_pcr7;        /* the same */
	const char *no_tpm;
	const char *volume; /* STATE_MAPPED */
	const char *dir;    /* STATE_DIR */
	/* with a TPM only */
	struct tpm2 tpm;
	struct pcr_policy policy;
	struct anchor anchor;
	struct state_block block;
	bool is_rolled_back, is_adopted;
	bool is_cut;     /* the TPM was told of a generation that the volume has not got yet */
	bool is_late;    /* bound to the TPM without Secure Boot, which is on */
	const char *how; /* "own", "adopted", ...: what is measured */
};

/* For ashlar-status: what /var is, and why it is not better. */
void state_is(struct work *s, const char *what, const char *reason);
const char *state_device(struct work *s, struct str name);
/* Anybody's own system can measure into PCR 11 what ours does, so where Secure Boot is on the key
 * is bound to that as well: PCR 7 changes when it is switched off or gets other keys, not with an
 * image. */
const char *state_pcrs(const struct work *s);

/* Whether the image wants that of encrypted state. */
static inline bool state_is_authenticated(const struct work *s)
{
	return s->w->cmdline->words.state_integrity == STATE_INTEGRITY_HMAC;
}
/* Makes the partition as STATE_DEFINITIONS/@definitions says. 1 when made, 0 when there is no room
 * for it; then nothing has changed, and *ret_why says so. */
must_check int state_repart(struct work *s, const char *definitions, const char *const *more,
			    struct str input, const char **ret_why, struct err *e);

/* state_open.c - with what the volume is opened, as STATE_MAPPED. */

/* Asks until the same one is typed twice. */
must_check int open_passphrase_new(struct work *s, char secret[ASK_SECRET_BYTES_MAX],
				   struct str *ret, struct err *e);
must_check int open_secret(struct work *s, struct str secret, struct err *e);
/* Asks for it at the consoles, and judges what it opened. */
must_check int open_asking(struct work *s, const char *prompt, const char *why, struct err *e);
must_check int open_recovery(struct work *s, const char *why, struct err *e);
/* By the TPM. Nothing is said about whose it is. */
must_check int open_attach(struct work *s, struct err *e);
must_check int open_detach(struct work *s, struct err *e);

/* state_own.c - whether the state is this machine's own. */

/* Asks the TPM what it remembers; refuses an image that is older than one that has opened the
 * state. Does nothing without a TPM. */
must_check int own_start(struct work *s, struct err *e);
void own_done(struct work *s);
/* State that no TPM opens is no state of a machine whose TPM remembers one. */
must_check int own_refuse_others(const struct work *s, struct err *e);
/* Before the partition is made: so that a cut first boot is known as one. */
must_check int own_begin(struct work *s, struct err *e);
/* The opened volume was made by this boot: gives it its secret, and lets the TPM remember it. */
must_check int own_new(struct work *s, struct err *e);
/* That the opened volume is one of ours by its form. */
must_check int own_table_check(struct work *s, struct err *e);
/* What the opened volume is; fills s->block. Nothing of it is mounted yet. */
must_check int own_look(struct work *s, bool by_tpm, enum state_verdict *ret, struct err *e);
/* Takes note of a volume that is taken: @verdict is STATE_OWN, _BIND or _ADOPT. @secret: the
 * recovery key that opened it; empty: the TPM did. */
void own_settle(struct work *s, enum state_verdict verdict, struct str secret);
/* When it is mounted: an administrator may have accepted what was said. */
void own_accept(struct work *s);
/* Tells remote verifiers, and ashlar-status. */
must_check int own_measure(struct work *s, struct err *e);

/* state_integrity.c - authenticated state, which systemd-repart cannot make. As state_repart(). */

#define INTEGRITY_UNREADABLE                                                        \
	" (each block of it is authenticated: one that cannot be read is not what " \
	"this machine wrote there, as somebody changed it or the disk is broken)"

/* Bound to the TPM. @reset: for systemd-repart. */
must_check int integrity_create_tpm(struct work *s, const char *reset, const char **ret_why,
				    struct err *e);
must_check int integrity_create_passphrase(struct work *s, struct str passphrase,
					   const char **ret_why, struct err *e);
/* While e2fsck reads the opened volume the kernel is not to read ahead, beyond what e2fsck wants
 * and so beyond what was ever written: it would say of each such block that it was changed. Returns
 * what _end() is to be given. */
unsigned long integrity_check_begin(void);
void integrity_check_end(unsigned long before);
