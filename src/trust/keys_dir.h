/* SPDX-License-Identifier: MIT */
/* keys_dir.h - what lies where in a folder of keys; for the files of this folder only. */
#pragma once

#include "trust/keys.h"
#include "trust/x509.h"

enum { KEY_BYTES_MAX = 1 << 20 };

struct role {
	const char *name, *common_name;
	unsigned bits, years;
	bool code_signing; /* its certificate says so */
	bool openpgp;      /* has NAME.asc */
	bool build;        /* every build signs with it */
	bool in_db;        /* firmware and kernel trust its certificate */
};

extern const struct role key_roles[KEY_ROLES];
extern const char development_mark[];

/* DIR/BASE.EXTENSION; @base: a role's name, or "retired/NAME-XXXXXXXX". */
char *key_path(struct arena *a, const char *dir, const char *base, const char *extension);
/* -ENOENT when there is none. */
must_check int key_certificate_read(struct arena *a, const char *dir, const char *base,
				    struct str *ret_der, struct err *e);
/* *ret NULL: no private key is here. Refuses one that every user of the machine may read. */
must_check int key_signer_open(struct arena *a, const char *dir, const char *base,
			       struct signer **ret, struct err *e);
