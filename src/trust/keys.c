/* SPDX-License-Identifier: MIT */
#include "trust/keys.h"

#include <sys/stat.h>

#include "base/io.h"

enum { KEY_BYTES_MAX = 1 << 20 };

static const char private_name[] = "package-signing.pem", public_name[] = "package-signing.asc";
static const char development_mark[] = "(development key)";

static int package_signing_generate(struct arena *a, const char *dir, uint64_t time_sec,
				    struct err *e)
{
	_cleanup_openpgp_ struct openpgp_key *key = NULL;
	struct str user_id =
		str_printf(a, "Ashlar packages %s <packages@ashlar.invalid>", development_mark);
	const char *private_path = path_join(a, dir, private_name),
		   *public_path = path_join(a, dir, public_name);
	struct str pem, armor;
	int r;

	if (file_exists(private_path))
		return err_set(e, -EEXIST, "'%s' exists: remove it first if you mean to replace it",
			       private_path);
	r = openpgp_generate(user_id, time_sec, &key, e);
	if (r == 0)
		r = openpgp_private_pem(a, key, &pem, e);
	if (r == 0)
		r = openpgp_public_armor(a, key, &armor, e);
	/* The private half last: it is what says that the keys are there. */
	if (r == 0)
		r = file_write(public_path, 0600, armor.p, armor.n, e);
	if (r == 0)
		r = file_write(private_path, 0600, pem.p, pem.n, e);
	return r;
}

int keys_generate(const char *dir, uint64_t time_sec, struct err *e)
{
	_cleanup_arena_ struct arena a = { 0 };
	_cleanup_close_ int lock = -1;
	int r = dir_make(dir, e);

	if (r < 0)
		return r;
	if (chmod(dir, 0700) < 0)
		return err_sys(e, "cannot make '%s' private", dir);
	r = file_lock(path_join(&a, dir, ".lock"), &lock, e);
	if (r == 0)
		r = package_signing_generate(&a, dir, time_sec, e);
	return r;
}

int keys_read(struct arena *a, const char *dir, struct keys *ret, struct err *e)
{
	const char *path = path_join(a, dir, private_name);
	struct keys keys = { 0 };
	struct str pem;
	int r = file_read(a, path, KEY_BYTES_MAX, &pem, e);

	if (r == -ENOENT)
		return err_set(
			e, -ENOENT,
			"no keys in '%s': make development keys with `ashlar key generate --keys %s`",
			dir, dir);
	if (r < 0)
		return r;
	r = openpgp_private_parse(pem, &keys.package_signing, e);
	if (r < 0)
		return err_wrap(e, r, "'%s'", path);
	keys.development = str_has(openpgp_user_id(keys.package_signing), development_mark);
	*ret = keys;
	return 0;
}

void keys_done(struct keys *k)
{
	openpgp_free(k->package_signing);
	k->package_signing = NULL;
}
