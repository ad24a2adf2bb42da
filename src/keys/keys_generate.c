/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "keys/keys_work.h"

/* Before any key is made inside the token: whoever is interrupted then finds it by its URI. */
static int uris_put(struct keys_work *w, struct err *e)
{
	for (size_t i = 0; i < KEY_ROLES; i++) {
		const char *name = key_roles[i].name, *dir = w->g->dir;
		struct str uri;
		int r;

		if (key_present(&w->roles[i].certificates) ||
		    file_exists(key_path(&w->a, dir, name, "pem")) ||
		    file_exists(key_path(&w->a, dir, name, "uri")))
			continue;
		r = keys_work_token_uri(w, (enum key_role)i, str_c(w->g->token), &uri, e);
		if (r < 0)
			return r;
		r = keys_work_put(w, name, "uri", str_cat(&w->a, uri, STR("\n")), e);
		if (r < 0)
			return r;
	}
	return 0;
}

static int intend(const struct key_generate *g, struct err *e)
{
	struct keys_work w;
	int r = signer_pkcs11_check(str_c(g->token), e);

	if (r < 0)
		return r;
	r = keys_work_begin(&w, g, e);
	if (r == 0)
		r = uris_put(&w, e);
	if (r == 0)
		r = keys_change_commit(&w.change, e);
	keys_work_end(&w);
	return r;
}

/* A private key that is there already stays: an earlier version made one without a certificate, or
 * somebody made it in the token himself. */
static int signer_get(struct keys_work *w, enum key_role role, struct err *e)
{
	struct signer **signer = &w->roles[role].signer;
	const struct role *is = &key_roles[role];
	struct str uri;
	int r = w->g->token ? key_uri_read(&w->a, w->g->dir, is->name, &uri, e) : -ENOENT;

	if (r == 0)
		return signer_pkcs11_generate(uri, is->bits, signer, e);
	if (r == -ENOENT)
		r = key_signer_open(&w->a, w->g->dir, is->name, signer, e);
	if (r == 0 && !*signer)
		r = keys_work_new_key(w, role, STR(""), e);
	return r;
}

static bool is_complete(const struct keys_work *w, enum key_role role)
{
	const struct key_certificate *c = key_present(&w->roles[role].certificates);

	return c && (!key_roles[role].openpgp || c->armor.n > 0);
}

static int role_make(struct keys_work *w, enum key_role role, struct err *e)
{
	const struct role *is = &key_roles[role];
	struct str armor = { 0 };
	const struct signer *its;
	int r = key_present(&w->roles[role].certificates) ? keys_work_signer(w, role, &its, e)
							  : signer_get(w, role, e);

	if (r == 0 && is->openpgp)
		r = key_armor_read(&w->a, key_path(&w->a, w->g->dir, is->name, "asc"), &armor, e);
	return r < 0 ? r : keys_work_certify(w, role, armor, e);
}

static int generate(struct keys_work *w, struct err *e)
{
	bool enrolled = keys_enrol_complete(&w->a, w->g->dir);
	unsigned n_made = !enrolled;
	int r = 0;

	for (size_t i = 0; r == 0 && i < KEY_ROLES; i++) {
		enum key_role role = (enum key_role)i;

		if (is_complete(w, role))
			continue;
		n_made++;
		r = role_make(w, role, e);
	}
	if (r == 0 && n_made == 0)
		r = err_set(e, -EEXIST, "'%s' has every key: 'ashlar key rotate' makes a successor",
			    w->g->dir);
	/* As of an earlier version: firmware's files of keys that are there. */
	w->roles[KEY_PK].changed |= !enrolled;
	w->roles[KEY_KEK].changed |= !enrolled;
	return r < 0 ? r : keys_work_commit(w, e);
}

int keys_generate(const struct key_generate *g, struct err *e)
{
	struct keys_work w;
	int r = g->token ? intend(g, e) : 0;

	if (r < 0)
		return r;
	r = keys_work_begin(&w, g, e);
	if (r == 0)
		r = generate(&w, e);
	keys_work_end(&w);
	return r;
}
