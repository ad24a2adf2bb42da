/* SPDX-License-Identifier: MIT */
/* keys.h - the folder of keys that a build signs with.
 *
 * For each role NAME.crt (X.509, PEM) and its private key: NAME.pem (PKCS#8), or NAME.uri (one
 * line, a PKCS#11 URI), or neither on a machine that only verifies or whose signatures are made
 * elsewhere. db's key signs the certificates of verity-, ipe- and module-signing; the others sign
 * their own. Packages and updates also have NAME.asc, the key as OpenPGP, with the retired ones
 * behind it. retired/NAME-XXXXXXXX.* (first 8 digits of the certificate's fingerprint): former
 * keys, still trusted. enrol/{PK,KEK,db}.auth and .esl: for firmware in setup mode, and dbx.auth
 * and .esl once something was revoked; enrol/update/PK-XXXXXXXX.auth: for firmware that has that
 * retired PK. What changes together does so in one step (keys_change.h). */
#pragma once

#include "trust/efi_variable.h"
#include "trust/openpgp.h"
#include "trust/signer.h"

enum key_role {
	KEY_PK,      /* "PK": owner of the machine's Secure Boot (UEFI 2.10, 32.3) */
	KEY_KEK,     /* "KEK": may change db */
	KEY_DB,      /* "db": boot loader and UKI (Authenticode) */
	KEY_VERITY,  /* "verity-signing": root hashes */
	KEY_IPE,     /* "ipe-signing": execution policies */
	KEY_MODULE,  /* "module-signing": kernel modules of our own */
	KEY_PCR,     /* "pcr-signing": expected PCR 11, to which state is bound */
	KEY_PACKAGE, /* "package-signing": RPMs and repositories */
	KEY_UPDATE,  /* "update-signing" */
	KEY_ROLES
};

/* Secure Boot's variables (UEFI 2.10, 32.3), the first three as the roles they are named after. */
enum enrol_variable { ENROL_PK, ENROL_KEK, ENROL_DB, ENROL_DBX, ENROL_VARIABLES };

struct key {
	enum key_role role;
	struct str certificate; /* DER; empty: there is none */
	struct signer *signer;  /* NULL: not here, or not opened */
	bool development;       /* its subject says so */
};

struct keys {
	struct key k[KEY_ROLES];
	struct openpgp_key *package_signing; /* signs with k[KEY_PACKAGE].signer */
	/* Every pcr-signing key, the current first: a build signs with all of them, because state
	 * stays bound to the one with which it was made. */
	VEC(struct key) pcr;
	vec_str trusted[KEY_ROLES];        /* DER of current and retired certificates, the
					      current first */
	bool development;                  /* any of the current ones */
	struct str enrol[ENROL_VARIABLES]; /* the files NAME.auth; dbx's may be empty */
	struct str dbx;                    /* what dbx will hold: signature lists */
};

const char *key_role_name(enum key_role role);
/* Whether firmware's db holds that @certificate of the role: db's own, and of earlier versions the
 * self-signed ones of what the kernel checks. The kernel trusts what db issued, too. */
bool key_in_db(enum key_role role, struct str certificate);
/* What whoever stole the key can do with it on somebody's machine, and what keeps him from it: a
 * clause each. */
const char *key_role_may(enum key_role role);
const char *key_role_unless(enum key_role role);
must_check int key_role_parse(struct str name, enum key_role *ret, struct err *e);

struct key_generate {
	const char *dir;
	const char *organisation; /* NULL: as the keys that are there, or else development
					keys, marked so in every subject */
	const char *token;        /* NULL: files; else a PKCS#11 URI of a token: keys are
				     made in it */
	uint64_t time_sec;
};

/* Makes what @g->dir (created, mode 0700; files 0600) lacks: all of it, or nothing (in a token, the
 * next call finds what an interrupted one made). -EEXIST when it lacks nothing. */
must_check int keys_generate(const struct key_generate *g, struct err *e);
/* A successor for @role; the present key moves to retired/ and stays trusted. In g->token, or else
 * where the present one is. */
must_check int keys_rotate(const struct key_generate *g, enum key_role role, struct err *e);
/* Ends the trust in a retired key; @fingerprint: at least 8 hexadecimal digits of it. -EBUSY for
 * one that a db issued which is trusted: it goes with that. */
must_check int keys_retire(const char *dir, enum key_role role, struct str fingerprint,
			   uint64_t time_sec, struct err *e);

/* Puts on dbx what is not there yet. *ret: how many that were. */
must_check int keys_revoke(const char *dir, const vec_efi_revocation *revocations,
			   uint64_t time_sec, size_t *ret, struct err *e);

/* Certificates, and the private keys that are here: all files, and on tokens those that every build
 * signs with. A missing folder is -ENOENT, with a sentence that says how to make one. Fails on a
 * key that does not match its certificate, on a certificate that is not valid at @time_sec, and on
 * a token that does not answer: before anything is written. @need_private: each role that every
 * build signs with must have its private key. */
must_check int keys_read(struct arena *a, const char *dir, uint64_t time_sec, bool need_private,
			 struct keys *ret, struct err *e);
void keys_done(struct keys *k);

/* The certificates alone, current and retired, by role: for who verifies, and has no private keys
 * nor asks what day it is. */
must_check int keys_trusted(struct arena *a, const char *dir, vec_str ret[KEY_ROLES],
			    struct err *e);

/* What dbx will hold, and no more than that. */
must_check int keys_revoked(struct arena *a, const char *dir, vec_efi_revocation *ret,
			    struct err *e);

/* One line of `ashlar key show`. */
struct key_info {
	enum key_role role;
	bool retired, development;
	bool in_db;                    /* firmware starts what it signs */
	struct str subject, algorithm; /* "RSA 4096" */
	struct str where;              /* "file", the token's URI without PIN, or "none" */
	uint8_t sha256[32];            /* of the DER certificate */
	uint64_t not_before_sec, not_after_sec;
};
typedef VEC(struct key_info) vec_key_info;
/* In the order of the roles, current before retired; opens no token. */
must_check int keys_list(struct arena *a, const char *dir, vec_key_info *ret, struct err *e);
