/* SPDX-License-Identifier: MIT */
/* keys_work.h - a change of keys as a whole: the files of the roles it is about, and those that
 * follow from them; for the files of this folder only. */
#pragma once

#include "keys/keys_change.h"
#include "keys/keys_dir.h"
#include "trust/efi_variable.h"

struct keys_work {
	struct arena a;
	const struct key_generate *g;
	struct str organisation; /* empty: development keys */
	int lock;
	struct keys_change change;
	struct work_role {
		vec_key_certificate certificates; /* as they will be */
		struct signer *signer;            /* of the present one, or NULL: not opened */
		bool changed;
	} roles[KEY_ROLES];
	struct str dbx, db_before, dbx_before; /* signature lists, as they will be and were */
};

/* Locks the folder and reads its certificates. keys_work_end() also after a failure. */
must_check int keys_work_begin(struct keys_work *w, const struct key_generate *g, struct err *e);
/* Writes what follows from the changes (NAME.asc, enrol/), and makes them count. */
must_check int keys_work_commit(struct keys_work *w, struct err *e);
void keys_work_end(struct keys_work *w);

/* BASE.EXTENSION. */
must_check int keys_work_put(struct keys_work *w, const char *base, const char *extension,
			     struct str bytes, struct err *e);
must_check int keys_work_remove(struct keys_work *w, const char *base, const char *extension,
				struct err *e);
/* The URI of a new key for the role in the token that @token names. */
must_check int keys_work_token_uri(struct keys_work *w, enum key_role role, struct str token,
				   struct str *ret, struct err *e);
/* A new private key in a file, or with @token in that token. */
must_check int keys_work_new_key(struct keys_work *w, enum key_role role, struct str token,
				 struct err *e);
/* A certificate for the role's signer, unless it has one, and an OpenPGP key: @armor, or a new one
 * where the role has such. What db issues needs db's private key. */
must_check int keys_work_certify(struct keys_work *w, enum key_role role, struct str armor,
				 struct err *e);
/* Another certificate for the role's present key, by the present db: the former one, which an image
 * may hold, goes to retired/. */
must_check int keys_work_issue_again(struct keys_work *w, enum key_role role, struct err *e);
/* The role's signer, opened when it was not; -ENOKEY when it is not here, -EKEYREJECTED when it is
 * not the certificate's. */
must_check int keys_work_signer(struct keys_work *w, enum key_role role, const struct signer **ret,
				struct err *e);

/* keys_rotate.c: "retired/NAME-XXXXXXXX" */
const char *retired_base(struct arena *a, const struct role *role, const struct key_certificate *c);

/* keys_enrol.c: firmware's files, as far as the changes concern them. */
must_check int keys_enrol_put(struct keys_work *w, struct err *e);
/* db's list of the certificates as they are now. */
struct str keys_enrol_db(struct keys_work *w);
bool keys_enrol_complete(struct arena *a, const char *dir);
