/* SPDX-License-Identifier: MIT */
#include <sys/stat.h>

#include "trust/keys_change.h"
#include "trust/keys_dir.h"

enum { YEAR_SEC = 31556952 }; /* of the Gregorian calendar, on average */

struct work {
	struct arena a;
	const struct key_generate *g;
	struct keys_change change;
	unsigned n_made;
};

static int put(struct work *w, const struct role *role, const char *extension, struct str bytes,
	       struct err *e)
{
	const char *name = str_z(&w->a, str_printf(&w->a, "%s.%s", role->name, extension));

	w->n_made++;
	return keys_change_put(&w->change, name, bytes, e);
}

static int certificate_make(struct work *w, const struct role *role, const struct signer *signer,
			    struct err *e)
{
	const struct key_generate *g = w->g;
	struct x509_make m = {
		.common_name = g->organisation ? str_c(role->common_name)
					       : str_printf(&w->a, "%s %s", role->common_name,
							    development_mark),
		.organisation = str_c(g->organisation ? g->organisation : "Ashlar"),
		.not_before_sec = g->time_sec,
		.not_after_sec = g->time_sec + (uint64_t)role->years * YEAR_SEC,
		.code_signing = role->code_signing,
	};
	struct str der;
	int r = x509_make(&w->a, &m, signer, &der, e);

	return r < 0 ? r : put(w, role, "crt", x509_pem(&w->a, der), e);
}

static int openpgp_make(struct work *w, const struct role *role, const struct signer *signer,
			struct err *e)
{
	_cleanup_openpgp_ struct openpgp_key *key = NULL;
	const char *organisation = w->g->organisation, *mark = development_mark;
	struct str user_id = organisation
				     ? str_printf(&w->a, "%s, %s", organisation, role->common_name)
				     : str_printf(&w->a, "Ashlar %s %s", role->common_name, mark);
	int r = openpgp_new(signer, user_id, w->g->time_sec, &key, e);

	return r < 0 ? r : put(w, role, "asc", openpgp_public_armor(&w->a, key), e);
}

/* A private key that is there already stays: an earlier version made one without a certificate. */
static int role_generate(struct work *w, const struct role *role, struct err *e)
{
	_cleanup_signer_ struct signer *signer = NULL;
	struct str pem;
	int r;

	if (file_exists(key_path(&w->a, w->g->dir, role->name, "crt")))
		return 0;
	r = key_signer_open(&w->a, w->g->dir, role->name, &signer, e);
	if (r == 0 && !signer) {
		r = signer_generate(&w->a, role->bits, &signer, &pem, e);
		if (r == 0)
			r = put(w, role, "pem", pem, e);
	}
	if (r == 0)
		r = certificate_make(w, role, signer, e);
	if (r == 0 && role->openpgp && !file_exists(key_path(&w->a, w->g->dir, role->name, "asc")))
		r = openpgp_make(w, role, signer, e);
	return r;
}

static int change(struct work *w, struct err *e)
{
	int r = keys_change_begin(&w->change, &w->a, w->g->dir, e);

	if (r < 0)
		return r;
	for (size_t i = 0; r == 0 && i < KEY_ROLES; i++)
		r = role_generate(w, &key_roles[i], e);
	if (r == 0 && w->n_made == 0)
		r = err_set(e, -EEXIST, "'%s' has every key: 'ashlar key rotate' makes a successor",
			    w->g->dir);
	if (r == 0)
		return keys_change_commit(&w->change, e);
	keys_change_discard(&w->change);
	return r;
}

/* Private, and nothing that git would take along. */
static int folder_make(struct arena *a, const char *dir, struct err *e)
{
	const char *ignore = path_join(a, dir, ".gitignore");
	int r = dir_make(dir, e);

	if (r < 0)
		return r;
	if (chmod(dir, 0700) < 0)
		return err_sys(e, "cannot make '%s' private", dir);
	return file_exists(ignore) ? 0 : file_write(ignore, 0600, "*\n", 2, e);
}

int keys_generate(const struct key_generate *g, struct err *e)
{
	struct work w = { .g = g };
	_cleanup_close_ int lock = -1;
	int r = folder_make(&w.a, g->dir, e);

	if (r == 0)
		r = file_lock(path_join(&w.a, g->dir, ".lock"), &lock, e);
	if (r == 0)
		r = keys_change_finish(g->dir, e);
	if (r == 0)
		r = change(&w, e);
	arena_done(&w.a);
	return r;
}
