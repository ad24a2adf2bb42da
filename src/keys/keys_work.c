/* SPDX-License-Identifier: MIT */
#include "keys/keys_work.h"

#include <openssl/rand.h>
#include <sys/stat.h>

#include "trust/secret.h"

enum { YEAR_SEC = 31556952 /* of the Gregorian calendar, on average */, TOKEN_ID_BYTES = 8 };

/* Private from its first moment on, whatever the umask, lest somebody puts a key of his there; and
 * nothing that git would take along. */
static int folder_make(struct arena *a, const char *dir, struct err *e)
{
	const char *ignore = path_join(a, dir, ".gitignore"), *slash = strrchr(dir, '/');
	int r = 0;

	if (slash)
		r = dir_make(str_z(a, (struct str){ dir, (size_t)(slash - dir) + 1 }), e);
	if (r < 0)
		return r;
	if (mkdir(dir, 0700) < 0 && errno != EEXIST)
		return err_sys(e, "cannot make the folder '%s'", dir);
	if (chmod(dir, 0700) < 0)
		return err_sys(e, "cannot make '%s' private", dir);
	return file_exists(ignore) ? 0 : file_write(ignore, 0600, "*\n", 2, e);
}

/* Whose keys they are: as asked for, else as those that are there say. */
static struct str organisation(const struct keys_work *w)
{
	if (w->g->organisation)
		return str_c(w->g->organisation);
	for (size_t i = 0; i < KEY_ROLES; i++) {
		const struct key_certificate *c = key_present(&w->roles[i].certificates);

		if (c && !str_has(c->x.subject, development_mark))
			return c->x.organisation;
	}
	return (struct str){ 0 };
}

int keys_work_begin(struct keys_work *w, const struct key_generate *g, struct err *e)
{
	int r;

	*w = (struct keys_work){ .g = g, .lock = -1, .change.fd = -1 };
	r = folder_make(&w->a, g->dir, e);
	if (r == 0)
		r = file_lock(path_join(&w->a, g->dir, ".lock"), &w->lock, e);
	if (r == 0)
		r = keys_change_finish(g->dir, e);
	for (size_t i = 0; r == 0 && i < KEY_ROLES; i++)
		r = key_certificates_read(&w->a, g->dir, &key_roles[i], &w->roles[i].certificates,
					  e);
	if (r == 0)
		r = keys_dbx_read(&w->a, g->dir, &w->dbx, e);
	if (r == 0)
		r = keys_change_begin(&w->change, &w->a, g->dir, e);
	w->dbx_before = w->dbx;
	w->db_before = keys_enrol_db(w);
	w->organisation = r == 0 ? organisation(w) : (struct str){ 0 };
	return r;
}

void keys_work_end(struct keys_work *w)
{
	keys_change_discard(&w->change);
	for (size_t i = 0; i < KEY_ROLES; i++)
		signer_free(w->roles[i].signer);
	close_p(&w->lock);
	arena_done(&w->a);
}

int keys_work_put(struct keys_work *w, const char *base, const char *extension, struct str bytes,
		  struct err *e)
{
	const char *name = str_z(&w->a, str_printf(&w->a, "%s.%s", base, extension));

	return keys_change_put(&w->change, name, bytes, e);
}

int keys_work_remove(struct keys_work *w, const char *base, const char *extension, struct err *e)
{
	const char *name = str_z(&w->a, str_printf(&w->a, "%s.%s", base, extension));

	return keys_change_remove(&w->change, name, e);
}

/* The id tells it from the role's former keys, which have the same label. */
int keys_work_token_uri(struct keys_work *w, enum key_role role, struct str token, struct str *ret,
			struct err *e)
{
	char id[TOKEN_ID_BYTES];

	if (RAND_bytes((uint8_t *)id, sizeof(id)) != 1)
		return err_set(e, -EIO, "no randomness for a key's id");
	return signer_pkcs11_uri(&w->a, token, key_roles[role].name, (struct str){ id, sizeof(id) },
				 ret, e);
}

static int token_key_new(struct keys_work *w, enum key_role role, struct str token, struct err *e)
{
	const struct role *is = &key_roles[role];
	struct str uri;
	int r = keys_work_token_uri(w, role, token, &uri, e);

	if (r == 0)
		r = signer_pkcs11_generate(uri, is->bits, &w->roles[role].signer, e);
	return r < 0 ? r : keys_work_put(w, is->name, "uri", str_cat(&w->a, uri, STR("\n")), e);
}

int keys_work_new_key(struct keys_work *w, enum key_role role, struct str token, struct err *e)
{
	struct str pem;
	int r;

	if (token.n > 0)
		return token_key_new(w, role, token, e);
	r = signer_generate(&w->a, key_roles[role].bits, &w->roles[role].signer, &pem, e);
	if (r < 0)
		return r;
	r = keys_work_put(w, key_roles[role].name, "pem", pem, e);
	secret_wipe(pem);
	return r;
}

/* Who signs the certificate of the role's key: it itself, or db. */
static int certificate_signer(struct keys_work *w, enum key_role role, const struct signer **ret,
			      struct str *ret_issuer, struct err *e)
{
	const struct key_certificate *db = key_present(&w->roles[KEY_DB].certificates);

	*ret = w->roles[role].signer;
	*ret_issuer = (struct str){ 0 };
	if (!key_roles[role].issued)
		return 0;
	if (!db)
		return err_set(e, -ENOENT,
			       "no key 'db' in '%s', which is to sign the certificate of '%s'",
			       w->g->dir, key_roles[role].name);
	*ret_issuer = db->der;
	return keys_work_signer(w, KEY_DB, ret, e);
}

static struct x509_make certificate_of(struct keys_work *w, enum key_role role,
				       struct str public_key)
{
	const struct role *is = &key_roles[role];
	struct str name = str_c(is->common_name);
	bool development = w->organisation.n == 0;

	return (struct x509_make){
		.common_name =
			development ? str_printf(&w->a, "%.*s %s", STR_FMT(name), development_mark)
				    : name,
		.organisation = development ? STR("Ashlar") : w->organisation,
		.public_key = public_key,
		.not_before_sec = w->g->time_sec,
		.not_after_sec = w->g->time_sec + (uint64_t)is->years * YEAR_SEC,
		.code_signing = is->code_signing,
	};
}

static int certificate_make(struct keys_work *w, enum key_role role, struct str public_key,
			    struct err *e)
{
	const struct role *is = &key_roles[role];
	struct x509_make m = certificate_of(w, role, public_key);
	struct key_certificate c = { .base = is->name, .now = is->name };
	vec_key_certificate all = { 0 };
	const struct signer *signer;
	int r = certificate_signer(w, role, &signer, &m.issuer, e);

	if (r == 0)
		r = x509_make(&w->a, &m, signer, &c.der, e);
	if (r == 0)
		r = x509_parse(&w->a, c.der, &c.x, e);
	if (r == 0)
		r = keys_work_put(w, is->name, "crt", x509_pem(&w->a, c.der), e);
	if (r < 0)
		return r;
	vec_push(&w->a, &all) = c;
	vec_each(old, &w->roles[role].certificates)
		vec_push(&w->a, &all) = *old;
	w->roles[role].certificates = all;
	return 0;
}

int keys_work_issue_again(struct keys_work *w, enum key_role role, struct err *e)
{
	struct key_certificate *c = w->roles[role].certificates.p;
	int r;

	c->base = retired_base(&w->a, &key_roles[role], c);
	r = keys_work_put(w, c->base, "crt", x509_pem(&w->a, c->der), e);
	return r < 0 ? r : certificate_make(w, role, c->x.public_key, e);
}

static int openpgp_make(struct keys_work *w, enum key_role role, struct err *e)
{
	_cleanup_openpgp_ struct openpgp_key *key = NULL;
	struct key_certificate *present = w->roles[role].certificates.p;
	const char *name = key_roles[role].common_name;
	struct str user_id = w->organisation.n > 0
				     ? str_printf(&w->a, "%.*s, %s", STR_FMT(w->organisation), name)
				     : str_printf(&w->a, "Ashlar %s %s", name, development_mark);
	int r = openpgp_new(w->roles[role].signer, user_id, present->x.not_before_sec, &key, e);

	if (r == 0)
		present->armor = openpgp_public_armor(&w->a, key);
	return r;
}

int keys_work_certify(struct keys_work *w, enum key_role role, struct str armor, struct err *e)
{
	struct work_role *own = &w->roles[role];
	int r = 0;

	own->changed = true;
	if (!key_present(&own->certificates))
		r = certificate_make(w, role, signer_public_key(own->signer), e);
	if (r == 0 && armor.n > 0)
		own->certificates.p->armor = armor;
	else if (r == 0 && key_roles[role].openpgp)
		r = openpgp_make(w, role, e);
	return r;
}

int keys_work_signer(struct keys_work *w, enum key_role role, const struct signer **ret,
		     struct err *e)
{
	struct work_role *own = &w->roles[role];
	const struct key_certificate *c = key_present(&own->certificates);
	int r = 0;

	if (!own->signer)
		r = key_signer_open(&w->a, w->g->dir, key_roles[role].name, &own->signer, e);
	if (r < 0)
		return r;
	if (!own->signer)
		return err_set(e, -ENOKEY,
			       "the private key '%s' is not in '%s', but must sign this change",
			       key_roles[role].name, w->g->dir);
	if (c && !str_eq(c->x.public_key, signer_public_key(own->signer)))
		return err_set(e, -EKEYREJECTED, "'%s/%s.crt' is not its private key's certificate",
			       w->g->dir, key_roles[role].name);
	*ret = own->signer;
	return 0;
}

/* Block behind block: rpm and gpg import all of them. */
static int armor_put(struct keys_work *w, enum key_role role, struct err *e)
{
	struct buf b = { .a = &w->a };

	vec_each(c, &w->roles[role].certificates)
		buf_put(&b, c->armor.p, c->armor.n);
	return keys_work_put(w, key_roles[role].name, "asc",
			     (struct str){ (const char *)b.v.p, b.v.n }, e);
}

int keys_work_commit(struct keys_work *w, struct err *e)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < KEY_ROLES; i++)
		if (w->roles[i].changed && key_roles[i].openpgp)
			r = armor_put(w, (enum key_role)i, e);
	if (r == 0)
		r = keys_enrol_put(w, e);
	return r < 0 ? r : keys_change_commit(&w->change, e);
}
