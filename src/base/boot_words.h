/* SPDX-License-Identifier: MIT */
/* boot_words.h - the words of the kernel command line by which an image's definition tells
 * agent/init what to insist on. Definitions, the image builder and init have them from the one
 * table here: what is written is what is obeyed. The first value of each is the default. */
#pragma once

#include "base/str.h"

/* When a machine insists on the signatures of the root hash and of the execution policy:
 * secure-boot: when Secure Boot is on, for only then can the kernel check them. */
#define BOOT_SIGNATURES(X)                       \
	X(SIGNATURES_SECURE_BOOT, "secure-boot") \
	X(SIGNATURES_REQUIRED, "required")

/* From where programs, libraries and kernel modules may be loaded. root: from the image's root
 * only; signed: also from volumes and files with a signature that the kernel checks; anywhere:
 * programs from anywhere, modules and firmware from the root only. */
#define BOOT_EXECUTE_FROM(X)        \
	X(EXECUTE_ROOT, "root")     \
	X(EXECUTE_SIGNED, "signed") \
	X(EXECUTE_ANYWHERE, "anywhere")

/* What /var is: kept until the machine stops, or encrypted to its TPM. */
#define BOOT_STATES(X)            \
	X(STATE_MEMORY, "memory") \
	X(STATE_TPM, "tpm")

/* What becomes of "tpm" on a machine that has none. */
#define BOOT_WITHOUT_TPM(X)                     \
	X(WITHOUT_TPM_REFUSE, "refuse")         \
	X(WITHOUT_TPM_PASSPHRASE, "passphrase") \
	X(WITHOUT_TPM_PLAIN, "plain")

/* Where the recovery key of encrypted state is shown, once. */
#define BOOT_RECOVERY_KEYS(X)              \
	X(RECOVERY_KEY_CONSOLE, "console") \
	X(RECOVERY_KEY_NONE, "none")

/* Whether each block of that state is authenticated, too: hmac, by HMAC-SHA-256. */
#define BOOT_STATE_INTEGRITIES(X)       \
	X(STATE_INTEGRITY_NONE, "none") \
	X(STATE_INTEGRITY_HMAC, "hmac")

/* X(member of struct boot_words, its word, its values) */
#define BOOT_WORDS(X)                                              \
	X(signatures, "ashlar.signatures", BOOT_SIGNATURES)        \
	X(execute_from, "ashlar.execute", BOOT_EXECUTE_FROM)       \
	X(state, "ashlar.state", BOOT_STATES)                      \
	X(without_tpm, "ashlar.without-tpm", BOOT_WITHOUT_TPM)     \
	X(recovery_key, "ashlar.recovery-key", BOOT_RECOVERY_KEYS) \
	X(state_integrity, "ashlar.state-integrity", BOOT_STATE_INTEGRITIES)

#define BOOT_ENUMERATOR(name, value) name,

enum signatures_when { BOOT_SIGNATURES(BOOT_ENUMERATOR) };
enum execute_from { BOOT_EXECUTE_FROM(BOOT_ENUMERATOR) };
enum state { BOOT_STATES(BOOT_ENUMERATOR) };
enum without_tpm { BOOT_WITHOUT_TPM(BOOT_ENUMERATOR) };
enum recovery_key { BOOT_RECOVERY_KEYS(BOOT_ENUMERATOR) };
enum state_integrity { BOOT_STATE_INTEGRITIES(BOOT_ENUMERATOR) };

struct boot_words {
	enum signatures_when signatures;
	enum execute_from execute_from;
	enum state state;
	enum without_tpm without_tpm;         /* of STATE_TPM only */
	enum recovery_key recovery_key;       /* of STATE_TPM only */
	enum state_integrity state_integrity; /* of STATE_TPM only */
};

/* "ashlar.signatures=secure-boot ashlar.execute=root ...": each word, also where it says what is
 * the default. */
struct str boot_words_text(struct arena *a, const struct boot_words *words);

/* Takes @value where @key is one of these words; others are left to others. *seen has a bit for
 * each that was taken: none is taken twice, so that nobody can append a weaker one. Errors read
 * "KEY=VALUE: want ..." */
must_check int boot_words_take(struct boot_words *words, unsigned *seen, struct str key,
			       struct str value, struct err *e);

/* The last word of every image's command line; its value fills what the kernel takes. */
#define BOOT_END "ashlar.end"
/* A command line as people read it: of a last word that only fills, how it begins. */
struct str boot_line_shown(struct arena *a, struct str line);

/* A word of the kernel command line. */
struct boot_param {
	struct str key, value;
};

/* As the kernel splits it (lib/cmdline.c): blanks separate, double quotes protect them. False at
 * the end, and at "--", behind which words are for others. */
must_check bool boot_param_next(struct str *text, struct boot_param *ret);

/* The definition's sbat-generation, of images whose state a TPM keeps; once. */
#define BOOT_GENERATION "ashlar.generation"
enum { BOOT_GENERATION_MAX = 0x7fffffff };

/* Of ashlar.timeout= and ashlar.failure=reboot:SEC. */
enum { BOOT_SEC_MAX = 86400 };

/* As many pcr-signing keys, present and retired, an image may tell agent/init of. */
enum { BOOT_PCR_KEYS_MAX = 8 };
