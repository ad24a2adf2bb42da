/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "keys/keys_work.h"

static const char *const extensions[] = { "pem", "uri", "asc", "crt" };

const char *retired_base(struct arena *a, const struct role *role, const struct key_certificate *c)
{
	struct str digits = hex_encode(a, c->x.sha256, RETIRED_DIGITS / 2);

	return str_z(a, str_printf(a, "retired/%s-%.*s", role->name, STR_FMT(digits)));
}

/* The present files go to retired/ as they are, but for the OpenPGP key: there it stands alone. */
static int retire_present(struct keys_work *w, enum key_role role, struct err *e)
{
	struct key_certificate *c = w->roles[role].certificates.p;
	const char *old = c->base, *base = retired_base(&w->a, &key_roles[role], c);
	int r = 0;

	for (size_t i = 0; r == 0 && i < sizeof(extensions) / sizeof(*extensions); i++) {
		struct str text = c->armor;

		if (strcmp(extensions[i], "asc") != 0)
			r = file_read(&w->a, key_path(&w->a, w->g->dir, old, extensions[i]),
				      KEY_BYTES_MAX, &text, e);
		if (r == -ENOENT || (r == 0 && text.n == 0)) {
			r = 0;
			continue;
		}
		if (r == 0)
			r = keys_work_put(w, base, extensions[i], text, e);
		if (r == 0)
			r = keys_work_remove(w, old, extensions[i], e);
	}
	c->base = base;
	return r;
}

/* Where the successor's private key shall be: as asked for, else where the present one is. */
static int token_of(struct keys_work *w, enum key_role role, struct str *ret, struct err *e)
{
	int r = 0;

	*ret = str_c(w->g->token);
	if (!w->g->token)
		r = key_uri_read(&w->a, w->g->dir, key_roles[role].name, ret, e);
	return r == -ENOENT ? 0 : r;
}

/* What the former db issued, and what signed its own certificate in an earlier version: the same
 * keys, with certificates by the new db. */
static int issue_all_again(struct keys_work *w, struct err *e)
{
	int r = 0;

	for (enum key_role i = 0; r == 0 && i < KEY_ROLES; i++)
		if (key_roles[i].issued && key_present(&w->roles[i].certificates))
			r = keys_work_issue_again(w, i, e);
	return r;
}

static int rotate(struct keys_work *w, enum key_role role, struct err *e)
{
	struct str token;
	int r;

	if (!key_present(&w->roles[role].certificates))
		return err_set(e, -ENOENT, "no key '%s' in '%s': `ashlar key generate` makes one",
			       key_roles[role].name, w->g->dir);
	r = token_of(w, role, &token, e);
	if (r == 0)
		r = retire_present(w, role, e);
	if (r == 0)
		r = keys_work_new_key(w, role, token, e);
	if (r == 0)
		r = keys_work_certify(w, role, STR(""), e);
	if (r == 0 && role == KEY_DB)
		r = issue_all_again(w, e);
	return r < 0 ? r : keys_work_commit(w, e);
}

int keys_rotate(const struct key_generate *g, enum key_role role, struct err *e)
{
	struct keys_work w;
	int r;

	if (!file_exists(g->dir))
		return keys_none(g->dir, e);
	r = keys_work_begin(&w, g, e);

	if (r == 0)
		r = rotate(&w, role, e);
	keys_work_end(&w);
	return r;
}

/* Whether it begins with these digits, of either case. */
static bool fits(struct arena *a, const struct key_certificate *c, struct str digits)
{
	struct str all = hex_encode(a, c->x.sha256, sizeof(c->x.sha256));

	return digits.n <= all.n && strncasecmp(all.p, digits.p, digits.n) == 0;
}

static int retired_find(struct keys_work *w, enum key_role role, struct str digits, size_t *ret,
			struct err *e)
{
	const vec_key_certificate *all = &w->roles[role].certificates;
	size_t n = 0;

	if (digits.n < RETIRED_DIGITS)
		return err_set(e, -EINVAL, "fingerprint '%.*s'; want at least %d digits of it",
			       STR_FMT(digits), RETIRED_DIGITS);
	vec_each(c, all) {
		if (!fits(&w->a, c, digits))
			continue;
		if (!strchr(c->base, '/'))
			return err_set(e, -EBUSY,
				       "that is the present key '%s': 'ashlar key rotate %s' first",
				       key_roles[role].name, key_roles[role].name);
		*ret = (size_t)(c - all->p);
		n++;
	}
	if (n == 1)
		return 0;
	return err_set(e, -ENOENT, "%s retired key '%s' has a fingerprint that begins with '%.*s'",
		       n == 0 ? "no" : "more than one", key_roles[role].name, STR_FMT(digits));
}

/* enrol/update/PK-XXXXXXXX, which there is for a PK only. */
static const char *update_base(struct arena *a, const char *retired)
{
	return path_join(a, "enrol/update", strrchr(retired, '/') + 1);
}

static int certificate_remove(struct keys_work *w, enum key_role role, size_t at, struct err *e)
{
	vec_key_certificate *all = &w->roles[role].certificates;
	int r = 0;

	for (size_t i = 0; r == 0 && i < sizeof(extensions) / sizeof(*extensions); i++)
		r = keys_work_remove(w, all->p[at].base, extensions[i], e);
	if (r == 0)
		r = keys_work_remove(w, update_base(&w->a, all->p[at].base), "auth", e);
	memmove(&all->p[at], &all->p[at + 1], (all->n - at - 1) * sizeof(*all->p));
	all->n--;
	return r;
}

/* NULL: by none that is trusted. */
static const struct key_certificate *issuer_find(const struct keys_work *w,
						 const struct key_certificate *c)
{
	vec_each(db, &w->roles[KEY_DB].certificates)
		if (!c->x.self_signed && x509_issued_by(c->der, db->der))
			return db;
	return NULL;
}

/* With a db goes what it issued. */
static int issued_remove(struct keys_work *w, struct err *e)
{
	int r = 0;

	for (enum key_role role = 0; role < KEY_ROLES; role++) {
		vec_key_certificate *all = &w->roles[role].certificates;

		for (size_t i = all->n; key_roles[role].issued && r == 0 && i > 0; i--)
			if (strchr(all->p[i - 1].base, '/') && !all->p[i - 1].x.self_signed &&
			    !issuer_find(w, &all->p[i - 1]))
				r = certificate_remove(w, role, i - 1, e);
	}
	return r;
}

/* The kernel takes what a db issued that it trusts, and cannot be told otherwise: to say that it
 * does no longer would be a lie. */
static int not_trusted_by_db(const struct keys_work *w, enum key_role role, size_t at,
			     struct err *e)
{
	const struct key_certificate *c = &w->roles[role].certificates.p[at],
				     *db = issuer_find(w, c);

	if (!db || !key_roles[role].issued)
		return 0;
	if (strchr(db->base, '/'))
		return err_set(e, -EBUSY,
			       "machines trust this certificate as long as they trust the retired "
			       "'db' that issued it: 'ashlar key retire db %.*s' ends both",
			       STR_FMT(str_from(str_c(db->base), strlen("retired/db-"))));
	return err_set(e, -EBUSY,
		       "machines trust this certificate as long as they trust the 'db' that issued "
		       "it: 'ashlar key rotate db', and retiring that one then, ends both");
}

static int retire(struct keys_work *w, enum key_role role, struct str digits, struct err *e)
{
	size_t at = 0;
	int r = retired_find(w, role, digits, &at, e);

	if (r == 0)
		r = not_trusted_by_db(w, role, at, e);
	if (r == 0)
		r = certificate_remove(w, role, at, e);
	if (r == 0 && role == KEY_DB)
		r = issued_remove(w, e);
	w->roles[role].changed = role != KEY_PK; /* of which firmware knows only the present one */
	return r < 0 ? r : keys_work_commit(w, e);
}

int keys_retire(const char *dir, enum key_role role, struct str fingerprint, uint64_t time_sec,
		struct err *e)
{
	struct key_generate g = { .dir = dir, .time_sec = time_sec };
	struct keys_work w;
	int r;

	if (!file_exists(dir))
		return keys_none(dir, e);
	r = keys_work_begin(&w, &g, e);

	if (r == 0)
		r = retire(&w, role, fingerprint, e);
	keys_work_end(&w);
	return r;
}
