/* SPDX-License-Identifier: MIT */
#include "trust/keys.h"

#include <sys/stat.h>

#include "base/io.h"
#include "trust/keys_dir.h"

const char development_mark[] = "(development key)";

/* Reasons: docs/decisions/0013-keys.md. */
const struct role key_roles[KEY_ROLES] = {
	[KEY_PK] = { "PK", "Secure Boot platform key", 2048, 20 },
	[KEY_KEK] = { "KEK", "Secure Boot key exchange key", 2048, 20 },
	[KEY_DB] = { "db", "Secure Boot signing key", 2048, 10, .code_signing = true, .build = true,
		     .in_db = true },
	[KEY_VERITY] = { "verity-signing", "root hash signing key", 3072, 10, .code_signing = true,
			 .build = true, .in_db = true },
	[KEY_IPE] = { "ipe-signing", "execution policy signing key", 3072, 10, .code_signing = true,
		      .build = true, .in_db = true },
	[KEY_MODULE] = { "module-signing", "kernel module signing key", 3072, 10,
			 .code_signing = true, .in_db = true },
	[KEY_PCR] = { "pcr-signing", "PCR policy signing key", 2048, 10, .build = true },
	[KEY_PACKAGE] = { "package-signing", "package signing key", 4096, 10, .openpgp = true,
			  .build = true },
	[KEY_UPDATE] = { "update-signing", "update signing key", 3072, 10, .openpgp = true },
};

const char *key_role_name(enum key_role role)
{
	return key_roles[role].name;
}

int key_role_parse(struct str name, enum key_role *ret, struct err *e)
{
	struct str names[KEY_ROLES];
	const struct str *near;

	for (size_t i = 0; i < KEY_ROLES; i++) {
		names[i] = str_c(key_roles[i].name);
		if (str_eq(name, names[i])) {
			*ret = (enum key_role)i;
			return 0;
		}
	}
	near = str_nearest(names, KEY_ROLES, name);
	if (near)
		return err_set(e, -EINVAL, "no key '%.*s'; did you mean '%.*s'?", STR_FMT(name),
			       STR_FMT(*near));
	return err_set(e, -EINVAL, "no key '%.*s'; 'ashlar key show' lists them", STR_FMT(name));
}

char *key_path(struct arena *a, const char *dir, const char *base, const char *extension)
{
	return str_z(a, str_printf(a, "%s/%s.%s", dir, base, extension));
}

int key_certificate_read(struct arena *a, const char *dir, const char *base, struct str *ret_der,
			 struct err *e)
{
	const char *path = key_path(a, dir, base, "crt");
	struct str pem;
	int r = file_read(a, path, KEY_BYTES_MAX, &pem, e);

	if (r < 0)
		return r;
	r = x509_pem_parse(a, pem, ret_der, e);
	return r < 0 ? err_wrap(e, r, "'%s'", path) : 0;
}

int key_signer_open(struct arena *a, const char *dir, const char *base, struct signer **ret,
		    struct err *e)
{
	const char *path = key_path(a, dir, base, "pem");
	struct stat st;
	struct str pem;
	int r;

	if (stat(path, &st) == 0 && st.st_mode & S_IROTH)
		return err_set(e, -EPERM,
			       "every user of this machine may read '%s': chmod 600 '%s'", path,
			       path);
	r = file_read(a, path, KEY_BYTES_MAX, &pem, e);
	if (r == -ENOENT) {
		*ret = NULL;
		return 0;
	}
	if (r < 0)
		return r;
	r = signer_pem_parse(pem, ret, e);
	return r < 0 ? err_wrap(e, r, "'%s'", path) : 0;
}
