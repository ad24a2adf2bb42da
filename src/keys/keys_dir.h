/* SPDX-License-Identifier: MIT */
/* keys_dir.h - what lies where in a folder of keys; for the files of this folder only. */
#pragma once

#include "keys/keys.h"
#include "trust/x509.h"

enum { KEY_BYTES_MAX = 1 << 20, RETIRED_DIGITS = 8 };

struct role {
	const char *name, *common_name;
	const char *may, *unless; /* see key_role_may() */
	unsigned bits, years;
	bool code_signing; /* its certificate says so */
	bool openpgp;      /* has NAME.asc */
	bool build;        /* every build signs with it */
	bool issued;       /* db's key signs its certificate, not its own */
};

extern const struct role key_roles[KEY_ROLES];
extern const char development_mark[];

/* A certificate that is there, and what it says. */
struct key_certificate {
	const char *base; /* its file without ".crt": "db", "retired/db-12345678" */
	const char *now;  /* the same, until a change that is being made counts */
	struct str der;
	struct x509 x;
	struct str armor; /* its OpenPGP key alone; empty when it has none */
};

/* The present one first, then the retired ones by name; none: an empty vector. The first is a
 * retired one when there is no present one. */
typedef VEC(struct key_certificate) vec_key_certificate;
must_check int key_certificates_read(struct arena *a, const char *dir, const struct role *role,
				     vec_key_certificate *ret, struct err *e);
/* NULL when there is none. */
const struct key_certificate *key_present(const vec_key_certificate *certificates);

/* Says that there are none, and how to make them; returns -ENOENT. */
int keys_none(const char *dir, struct err *e);
/* The first block of a file of OpenPGP keys, empty when there is no such file: NAME.asc holds the
 * present key, then the retired ones. */
must_check int key_armor_read(struct arena *a, const char *path, struct str *ret, struct err *e);

/* enrol/dbx.esl; empty when there is none. */
must_check int keys_dbx_read(struct arena *a, const char *dir, struct str *ret, struct err *e);
/* That nobody but the caller and root may put a key there. */
must_check int keys_place_check(struct arena *a, const char *dir, struct err *e);
/* DIR/BASE.EXTENSION */
char *key_path(struct arena *a, const char *dir, const char *base, const char *extension);
/* The PKCS#11 URI of a private key; -ENOENT when it has none. */
must_check int key_uri_read(struct arena *a, const char *dir, const char *base, struct str *ret,
			    struct err *e);
/* *ret NULL: no private key is here. Refuses one that every user of the machine may read. */
must_check int key_signer_open(struct arena *a, const char *dir, const char *base,
			       struct signer **ret, struct err *e);
