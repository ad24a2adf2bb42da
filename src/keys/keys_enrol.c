/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "keys/keys_work.h"
#include "keys/secure_boot.h"
#include "trust/efi_variable.h"

static const struct variable {
	const char *name;
	const uint8_t *guid;
	enum key_role signer;
} variables[ENROL_VARIABLES] = {
	[ENROL_PK] = { "PK", efi_global_guid, KEY_PK },
	[ENROL_KEK] = { "KEK", efi_global_guid, KEY_PK },
	[ENROL_DB] = { "db", efi_security_guid, KEY_KEK },
	[ENROL_DBX] = { "dbx", efi_security_guid, KEY_KEK },
};

static struct str list(struct keys_work *w, enum enrol_variable v)
{
	vec_str trusted[KEY_ROLES] = { 0 };

	if (v == ENROL_DBX)
		return w->dbx;
	for (size_t i = 0; i < KEY_ROLES; i++)
		vec_each(c, &w->roles[i].certificates)
			vec_push(&w->a, &trusted[i]) = c->der;
	return secure_boot_list(&w->a, trusted, (enum key_role)v);
}

struct str keys_enrol_db(struct keys_work *w)
{
	return list(w, ENROL_DB);
}

/* What another key signed must be signed again, even when it says the same. */
static bool is_concerned(struct keys_work *w, enum enrol_variable v)
{
	bool ret = w->roles[variables[v].signer].changed;

	if (v == ENROL_KEK)
		ret |= w->roles[KEY_KEK].changed;
	if (v == ENROL_DB)
		ret |= !str_eq(list(w, v), w->db_before);
	if (v == ENROL_DBX)
		ret = w->dbx.n > 0 && (ret || !str_eq(w->dbx, w->dbx_before));
	return ret && key_present(&w->roles[variables[v].signer].certificates);
}

static int auth_put(struct keys_work *w, enum enrol_variable v, const struct signer *signer,
		    struct str certificate, const char *base, struct err *e)
{
	struct str auth;
	int r = efi_variable_sign(&w->a, variables[v].name, variables[v].guid, list(w, v),
				  w->g->time_sec, signer, certificate, &auth, e);

	return r < 0 ? r : keys_work_put(w, base, "auth", auth, e);
}

static int variable_put(struct keys_work *w, enum enrol_variable v, struct err *e)
{
	const char *base = path_join(&w->a, "enrol", variables[v].name);
	enum key_role by = variables[v].signer;
	const struct signer *signer;
	int r = keys_work_signer(w, by, &signer, e);

	if (r == 0)
		r = keys_work_put(w, base, "esl", list(w, v), e);
	return r < 0 ? r : auth_put(w, v, signer, w->roles[by].certificates.p[0].der, base, e);
}

/* Firmware that is not in setup mode takes a new PK only from the one that it has (UEFI 2.10,
 * 8.2.2): enrol/update/PK-XXXXXXXX.auth is for one that has the retired PK of that name. */
static int update_put(struct keys_work *w, const struct key_certificate *retired, struct err *e)
{
	_cleanup_signer_ struct signer *signer = NULL;
	const char *base = path_join(&w->a, "enrol/update", retired->base + strlen("retired/"));
	int r = key_signer_open(&w->a, w->g->dir, retired->now, &signer, e);

	if (r < 0 || !signer)
		return r;
	return auth_put(w, ENROL_PK, signer, retired->der, base, e);
}

int keys_enrol_put(struct keys_work *w, struct err *e)
{
	const struct work_role *pk = &w->roles[KEY_PK];
	int r = 0;

	for (enum enrol_variable v = 0; r == 0 && v < ENROL_VARIABLES; v++)
		if (is_concerned(w, v))
			r = variable_put(w, v, e);
	vec_each(c, &pk->certificates) {
		if (r == 0 && pk->changed && strchr(c->base, '/'))
			r = update_put(w, c, e);
	}
	return r;
}

bool keys_enrol_complete(struct arena *a, const char *dir)
{
	bool ret = true;

	for (enum enrol_variable v = 0; v < ENROL_DBX; v++)
		ret = ret && file_exists(key_path(a, path_join(a, dir, "enrol"), variables[v].name,
						  "auth"));
	return ret;
}
