/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "keys/keys_work.h"
#include "keys/secure_boot.h"
#include "trust/efi_variable.h"

static const struct variable {
	enum key_role role; /* by whose name it goes */
	const uint8_t *guid;
	enum key_role signer;
} variables[] = {
	{ KEY_PK, efi_global_guid, KEY_PK },
	{ KEY_KEK, efi_global_guid, KEY_PK },
	{ KEY_DB, efi_security_guid, KEY_KEK },
};
enum { N_VARIABLES = sizeof(variables) / sizeof(*variables) };

static struct str list(struct keys_work *w, const struct variable *v)
{
	vec_str trusted[KEY_ROLES] = { 0 };

	for (size_t i = 0; i < KEY_ROLES; i++)
		vec_each(c, &w->roles[i].certificates)
			vec_push(&w->a, &trusted[i]) = c->der;
	return secure_boot_list(&w->a, trusted, v->role);
}

static bool is_concerned(const struct keys_work *w, const struct variable *v)
{
	bool ret = w->roles[v->signer].changed || w->roles[v->role].changed;

	for (size_t i = 0; i < KEY_ROLES; i++)
		ret |= v->role == KEY_DB && key_roles[i].in_db && w->roles[i].changed;
	return ret && key_present(&w->roles[v->signer].certificates);
}

static int auth_put(struct keys_work *w, const struct variable *v, const struct signer *signer,
		    struct str certificate, const char *base, struct err *e)
{
	struct str auth;
	int r = efi_variable_sign(&w->a, key_role_name(v->role), v->guid, list(w, v),
				  w->g->time_sec, signer, certificate, &auth, e);

	return r < 0 ? r : keys_work_put(w, base, "auth", auth, e);
}

static int variable_put(struct keys_work *w, const struct variable *v, struct err *e)
{
	const char *base = path_join(&w->a, "enrol", key_role_name(v->role));
	const struct signer *signer;
	int r = keys_work_signer(w, v->signer, &signer, e);

	if (r == 0)
		r = keys_work_put(w, base, "esl", list(w, v), e);
	return r < 0 ? r
		     : auth_put(w, v, signer, w->roles[v->signer].certificates.p[0].der, base, e);
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
	return auth_put(w, &variables[0], signer, retired->der, base, e);
}

int keys_enrol_put(struct keys_work *w, struct err *e)
{
	const struct work_role *pk = &w->roles[KEY_PK];
	int r = 0;

	for (size_t i = 0; r == 0 && i < N_VARIABLES; i++)
		if (is_concerned(w, &variables[i]))
			r = variable_put(w, &variables[i], e);
	vec_each(c, &pk->certificates) {
		if (r == 0 && pk->changed && strchr(c->base, '/'))
			r = update_put(w, c, e);
	}
	return r;
}

bool keys_enrol_complete(struct arena *a, const char *dir)
{
	bool ret = true;

	for (size_t i = 0; i < N_VARIABLES; i++)
		ret = ret && file_exists(key_path(a, path_join(a, dir, "enrol"),
						  key_role_name(variables[i].role), "auth"));
	return ret;
}
