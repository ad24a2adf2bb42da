/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "trust/efi_variable.h"
#include "trust/keys_work.h"

/* Says in firmware's lists whose entries these are: 40e3fa40-ecc6-4c30-a5c8-702aa796d330. */
static const uint8_t owner[16] = { 0x40, 0xe3, 0xfa, 0x40, 0xec, 0xc6, 0x4c, 0x30,
				   0xa5, 0xc8, 0x70, 0x2a, 0xa7, 0x96, 0xd3, 0x30 };

struct variable {
	const char *name;
	const uint8_t *guid;
	enum key_role signer;
};

static const struct variable variables[] = {
	{ "PK", efi_global_guid, KEY_PK },
	{ "KEK", efi_global_guid, KEY_PK },
	{ "db", efi_security_guid, KEY_KEK },
};
enum { N_VARIABLES = sizeof(variables) / sizeof(*variables) };

/* Whether a certificate of @role stands in the variable. PK has room for one (UEFI 2.10, 32.3). */
static bool holds(const struct variable *v, enum key_role role)
{
	return strcmp(v->name, "db") == 0 ? key_roles[role].in_db
					  : strcmp(v->name, key_roles[role].name) == 0;
}

static vec_str certificates(struct keys_work *w, const struct variable *v)
{
	vec_str ret = { 0 };

	for (size_t i = 0; i < KEY_ROLES; i++) {
		if (!holds(v, (enum key_role)i))
			continue;
		vec_each(c, &w->roles[i].certificates) {
			if (i != KEY_PK || !strchr(c->base, '/'))
				vec_push(&w->a, &ret) = c->der;
		}
	}
	return ret;
}

static bool is_concerned(const struct keys_work *w, const struct variable *v)
{
	bool ret = w->roles[v->signer].changed;

	for (size_t i = 0; i < KEY_ROLES; i++)
		ret |= w->roles[i].changed && holds(v, (enum key_role)i);
	return ret && key_present(&w->roles[v->signer].certificates);
}

static int auth_put(struct keys_work *w, const struct variable *v, struct str list,
		    const struct signer *signer, struct str certificate, const char *base,
		    struct err *e)
{
	struct str auth;
	int r = efi_variable_sign(&w->a, v->name, v->guid, list, w->g->time_sec, signer,
				  certificate, &auth, e);

	return r < 0 ? r : keys_work_put(w, base, "auth", auth, e);
}

static int variable_put(struct keys_work *w, const struct variable *v, struct err *e)
{
	const char *base = path_join(&w->a, "enrol", v->name);
	vec_str all = certificates(w, v);
	struct str list = efi_signature_lists(&w->a, owner, &all);
	const struct signer *signer;
	int r = keys_work_signer(w, v->signer, &signer, e);

	if (r == 0)
		r = keys_work_put(w, base, "esl", list, e);
	return r < 0 ? r
		     : auth_put(w, v, list, signer, w->roles[v->signer].certificates.p[0].der, base,
				e);
}

/* Firmware that is not in setup mode takes a new PK only from the one that it has (UEFI 2.10,
 * 8.2.2): enrol/update/PK-XXXXXXXX.auth is for one that has the retired PK of that name. */
static int update_put(struct keys_work *w, const struct key_certificate *retired, struct err *e)
{
	_cleanup_signer_ struct signer *signer = NULL;
	const struct variable *pk = &variables[0];
	vec_str all = certificates(w, pk);
	struct str list = efi_signature_lists(&w->a, owner, &all);
	const char *base = path_join(&w->a, "enrol/update", retired->base + strlen("retired/"));
	int r = key_signer_open(&w->a, w->g->dir, retired->now, &signer, e);

	if (r < 0 || !signer)
		return r;
	return auth_put(w, pk, list, signer, retired->der, base, e);
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
		ret = ret && file_exists(key_path(a, path_join(a, dir, "enrol"), variables[i].name,
						  "auth"));
	return ret;
}
