/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <time.h>
#include <unistd.h>

#include "base/trace.h"
#include "keys/keys_change.h"
#include "keys/keys_dir.h"

enum { ENROL_BYTES_MAX = 1 << 20 };

static const char *const enrol[ENROL_VARIABLES] = { "enrol/PK.auth", "enrol/KEK.auth",
						    "enrol/db.auth", "enrol/dbx.auth" };

/* "2026-01-31" */
static struct str date(struct arena *a, uint64_t sec)
{
	time_t t = (time_t)sec;
	struct tm tm;
	char text[32];

	if (!gmtime_r(&t, &tm) || strftime(text, sizeof(text), "%Y-%m-%d", &tm) == 0)
		return str_printf(a, "%" PRIu64, sec);
	return str_dup(a, str_c(text));
}

static int validity_check(struct arena *a, const char *path, const struct role *role,
			  const struct x509 *c, uint64_t time_sec, struct err *e)
{
	if (time_sec < c->not_before_sec)
		return err_set(e, -EKEYEXPIRED,
			       "'%s' is valid only from %.*s on: is this machine's clock right?",
			       path, STR_FMT(date(a, c->not_before_sec)));
	if (time_sec > c->not_after_sec)
		return err_set(e, -EKEYEXPIRED,
			       "'%s' has expired on %.*s: 'ashlar key rotate %s' makes a successor",
			       path, STR_FMT(date(a, c->not_after_sec)), role->name);
	return 0;
}

/* What no build signs with may be on a token that is not at hand. */
static bool is_wanted(struct arena *a, const char *dir, const struct role *role)
{
	return role->build || file_exists(key_path(a, dir, role->name, "pem"));
}

static int role_read(struct arena *a, const char *dir, uint64_t time_sec, struct key *key,
		     vec_str *trusted, struct err *e)
{
	const struct role *role = &key_roles[key->role];
	const char *path = key_path(a, dir, role->name, "crt");
	const struct key_certificate *present;
	vec_key_certificate all;
	int r = key_certificates_read(a, dir, role, &all, e);

	if (r < 0)
		return r;
	vec_each(c, &all)
		vec_push(a, trusted) = c->der;
	present = key_present(&all);
	if (!present)
		return 0;
	key->certificate = present->der;
	key->development = str_has(present->x.subject, development_mark);
	r = validity_check(a, path, role, &present->x, time_sec, e);
	if (r == 0 && is_wanted(a, dir, role))
		r = key_signer_open(a, dir, role->name, &key->signer, e);
	if (r == 0 && key->signer && !str_eq(signer_public_key(key->signer), present->x.public_key))
		r = err_set(e, -EKEYREJECTED, "'%s' is not the certificate of its private key",
			    path);
	return r;
}

static int pcr_read(struct arena *a, const char *dir, struct keys *keys, struct err *e)
{
	vec_key_certificate all;
	int r = key_certificates_read(a, dir, &key_roles[KEY_PCR], &all, e);

	if (r < 0)
		return r;
	vec_each(c, &all) {
		struct key key = { .role = KEY_PCR, .certificate = c->der };

		if (c == key_present(&all)) {
			vec_push(a, &keys->pcr) = keys->k[KEY_PCR];
			continue;
		}
		r = key_signer_open(a, dir, c->now, &key.signer, e);
		if (r < 0)
			return r;
		vec_push(a, &keys->pcr) = key;
	}
	return 0;
}

static int package_key_read(struct arena *a, const char *dir, struct keys *keys, struct err *e)
{
	const char *path = key_path(a, dir, key_roles[KEY_PACKAGE].name, "asc");
	const struct signer *signer = keys->k[KEY_PACKAGE].signer;
	struct str armor;
	int r = file_read(a, path, KEY_BYTES_MAX, &armor, e);

	if (r == -ENOENT && !signer)
		return 0;
	if (r < 0)
		return r;
	r = openpgp_public_parse(armor, &keys->package_signing, e);
	if (r == 0 && signer)
		r = openpgp_signer_set(keys->package_signing, signer, e);
	return r < 0 ? err_wrap(e, r, "'%s'", path) : 0;
}

static int missing_check(const char *dir, const struct keys *keys, bool need_private, struct err *e)
{
	bool any = false;

	for (size_t i = 0; i < KEY_ROLES; i++)
		any |= keys->k[i].certificate.n > 0;
	if (!any)
		return keys_none(dir, e);
	for (size_t i = 0; need_private && i < KEY_ROLES; i++) {
		if (!key_roles[i].build || keys->k[i].signer)
			continue;
		if (keys->k[i].certificate.n == 0)
			return err_set(e, -ENOENT,
				       "no key '%s' in '%s': `ashlar key generate --keys %s` makes "
				       "what is missing",
				       key_roles[i].name, dir, dir);
		return err_set(e, -ENOKEY, "'%s' has a certificate, but no private key '%s'", dir,
			       key_roles[i].name);
	}
	vec_each(key, &keys->pcr)
		if (need_private && !key->signer)
			return err_set(
				e, -ENOKEY,
				"a retired pcr-signing key in '%s' has no private key: state "
				"bound to it would no longer open; 'ashlar key retire' gives it up",
				dir);
	return 0;
}

static int all_read(struct arena *a, const char *dir, uint64_t time_sec, bool need_private,
		    struct keys *keys, struct err *e)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < KEY_ROLES; i++) {
		struct key *key = &keys->k[i];

		key->role = (enum key_role)i;
		r = role_read(a, dir, time_sec, key, &keys->trusted[i], e);
		keys->development |= key->development;
	}
	if (r == 0)
		r = pcr_read(a, dir, keys, e);
	if (r == 0)
		r = missing_check(dir, keys, need_private, e);
	if (r == 0)
		r = package_key_read(a, dir, keys, e);
	if (r == 0)
		r = keys_dbx_read(a, dir, &keys->dbx, e);
	for (size_t i = 0; r == 0 && i < ENROL_VARIABLES; i++) {
		r = file_read(a, path_join(a, dir, enrol[i]), ENROL_BYTES_MAX, &keys->enrol[i], e);
		if (r == -ENOENT)
			r = 0;
	}
	return r;
}

int keys_read(struct arena *a, const char *dir, uint64_t time_sec, bool need_private,
	      struct keys *ret, struct err *e)
{
	TRACE("read keys");
	_cleanup_close_ int lock = -1;
	struct keys keys = { 0 };
	int r = keys_place_check(a, dir, e);

	/* Not while somebody changes them. Who cannot write here cannot do that, either. */
	if (r == 0 && access(dir, W_OK) == 0) {
		r = file_lock(path_join(a, dir, ".lock"), &lock, e);
		if (r == 0)
			r = keys_change_finish(dir, e);
	}
	if (r == 0)
		r = all_read(a, dir, time_sec, need_private, &keys, e);
	if (r < 0) {
		keys_done(&keys);
		return r;
	}
	*ret = keys;
	return 0;
}

void keys_done(struct keys *k)
{
	openpgp_free(k->package_signing);
	k->package_signing = NULL;
	for (size_t i = 1; i < k->pcr.n; i++) /* the first is k[KEY_PCR] */
		signer_free(k->pcr.p[i].signer);
	k->pcr.n = 0;
	for (size_t i = 0; i < KEY_ROLES; i++) {
		signer_free(k->k[i].signer);
		k->k[i].signer = NULL;
	}
}

int keys_trusted(struct arena *a, const char *dir, vec_str ret[KEY_ROLES], struct err *e)
{
	vec_str trusted[KEY_ROLES] = { 0 };
	bool any = false;
	int r = keys_place_check(a, dir, e);

	if (r < 0)
		return r;
	for (size_t i = 0; i < KEY_ROLES; i++) {
		vec_key_certificate all;

		r = key_certificates_read(a, dir, &key_roles[i], &all, e);

		if (r < 0)
			return r;
		vec_each(c, &all)
			vec_push(a, &trusted[i]) = c->der;
		any |= all.n > 0;
	}
	if (!any)
		return keys_none(dir, e);
	memcpy(ret, trusted, sizeof(trusted));
	return 0;
}
