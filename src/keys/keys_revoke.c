/* SPDX-License-Identifier: MIT */
/* dbx.esl is what is kept: entries that others put there, such as a vendor's list, stay. */
#include "keys/keys_work.h"
#include "keys/secure_boot.h"

/* Adds to dbx what is not there yet; *ret: how many. */
static int dbx_add(struct keys_work *w, const vec_efi_revocation *revocations, size_t *ret,
		   struct err *e)
{
	vec_efi_revocation all, added = { 0 };
	int r = efi_revocation_lists_parse(&w->a, w->dbx, &all, e);

	if (r < 0)
		return err_wrap(e, r, "'%s/enrol/dbx.esl'", w->g->dir);
	vec_each(one, revocations)
		if (!efi_is_revoked(&all, *one) && !efi_is_revoked(&added, *one))
			vec_push(&w->a, &added) = *one;
	w->dbx = str_cat(&w->a, w->dbx, efi_revocation_lists(&w->a, secure_boot_owner, &added));
	*ret = added.n;
	return 0;
}

int keys_revoke(const char *dir, const vec_efi_revocation *revocations, uint64_t time_sec,
		size_t *ret, struct err *e)
{
	struct key_generate g = { .dir = dir, .time_sec = time_sec };
	struct keys_work w;
	size_t n = 0;
	int r;

	if (!file_exists(dir))
		return keys_none(dir, e);
	r = keys_work_begin(&w, &g, e);
	if (r == 0 && !key_present(&w.roles[KEY_KEK].certificates))
		r = keys_none(dir, e);
	if (r == 0)
		r = dbx_add(&w, revocations, &n, e);
	if (r == 0)
		r = keys_work_commit(&w, e);
	keys_work_end(&w);
	if (r == 0)
		*ret = n;
	return r;
}

int keys_revoked(struct arena *a, const char *dir, vec_efi_revocation *ret, struct err *e)
{
	struct str lists = { 0 };
	int r = keys_dbx_read(a, dir, &lists, e);

	return r < 0 ? r : efi_revocation_lists_parse(a, lists, ret, e);
}
