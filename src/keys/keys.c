/* SPDX-License-Identifier: MIT */
#include "keys/keys.h"

#include <string.h>

#include "base/io.h"
#include "keys/keys_dir.h"
#include "trust/secret.h"

const char development_mark[] = "(development key)";

/* Reasons: docs/decisions/0013-keys.md. */
const struct role key_roles[KEY_ROLES] = {
	[KEY_PK] = { .name = "PK",
		     .common_name = "Secure Boot platform key",
		     .may = "replace PK and KEK, and with them all that firmware trusts: "
			    "start anything",
		     .unless = "he must be root on the machine or at its firmware; a bound "
			       "state stays closed, for PCR 7 changes",
		     .bits = 2048,
		     .years = 20 },
	[KEY_KEK] = { .name = "KEK",
		      .common_name = "Secure Boot key exchange key",
		      .may = "change db and dbx: have firmware start what he signed, or "
			     "refuse what is ours",
		      .unless = "he must be root on the machine or at its firmware; a bound "
				"state stays closed, for PCR 7 changes",
		      .bits = 2048,
		      .years = 20 },
	[KEY_DB] = { .name = "db",
		     .common_name = "Secure Boot signing key",
		     .may = "sign a boot loader or a kernel that firmware starts, and issue "
			    "keys that the kernel trusts; such a system can open the state",
		     .unless = "only that he must get it onto the disk, as root or by taking "
			       "the machine",
		     .bits = 2048,
		     .years = 10,
		     .code_signing = true,
		     .build = true },
	[KEY_VERITY] = { .name = "verity-signing",
			 .common_name = "root hash signing key",
			 .may = "as root on a machine: have the kernel take volumes, policies "
				"and modules that he signed; it does not tell verity-signing, "
				"ipe-signing and module-signing apart",
			 .unless = "firmware starts nothing by it; the policy of 'execute-from: "
				   "root' takes programs and modules from the one root only",
			 .bits = 3072,
			 .years = 10,
			 .code_signing = true,
			 .build = true,
			 .issued = true },
	[KEY_IPE] = { .name = "ipe-signing",
		      .common_name = "execution policy signing key",
		      .may = "the same as with verity-signing",
		      .unless = "the same; and nobody on a machine, root neither, can load "
				"another policy",
		      .bits = 3072,
		      .years = 10,
		      .code_signing = true,
		      .build = true,
		      .issued = true },
	[KEY_MODULE] = { .name = "module-signing",
			 .common_name = "kernel module signing key",
			 .may = "the same as with verity-signing",
			 .unless = "the same",
			 .bits = 3072,
			 .years = 10,
			 .code_signing = true,
			 .issued = true },
	[KEY_PCR] = { .name = "pcr-signing",
		      .common_name = "PCR policy signing key",
		      .may = "as root on a machine, or with a system that firmware starts: "
			     "have the TPM open the state for it, whatever was measured",
		      .unless = "he needs that machine, and PCR 7 must be as it was: firmware "
				"starts only what db signed",
		      .bits = 2048,
		      .years = 10,
		      .build = true },
	[KEY_PACKAGE] = { .name = "package-signing",
			  .common_name = "package signing key",
			  .may = "sign packages, and a repository, that whoever imported the key "
				 "installs",
			  .unless = "images hold only packages that their build made itself, and "
				    "have no package manager",
			  .bits = 3072,
			  .years = 10,
			  .openpgp = true,
			  .build = true },
	[KEY_UPDATE] = { .name = "update-signing",
			 .common_name = "update signing key",
			 .may = "nothing yet",
			 .unless = "no machine of today asks for it",
			 .bits = 3072,
			 .years = 10,
			 .openpgp = true },
};

const char *key_role_name(enum key_role role)
{
	return key_roles[role].name;
}

const char *key_role_may(enum key_role role)
{
	return key_roles[role].may;
}

const char *key_role_unless(enum key_role role)
{
	return key_roles[role].unless;
}

bool key_in_db(enum key_role role, struct str certificate)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct err ignored;
	struct x509 x;

	return role == KEY_DB || (key_roles[role].issued &&
				  x509_parse(&a, certificate, &x, &ignored) == 0 && x.self_signed);
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

int keys_none(const char *dir, struct err *e)
{
	return err_set(
		e, -ENOENT,
		"no keys in '%s': make development keys with `ashlar key generate --keys %s`", dir,
		dir);
}

char *key_path(struct arena *a, const char *dir, const char *base, const char *extension)
{
	return str_z(a, str_printf(a, "%s/%s.%s", dir, base, extension));
}

int key_armor_read(struct arena *a, const char *path, struct str *ret, struct err *e)
{
	struct str text, rest;
	int r = file_read(a, path, KEY_BYTES_MAX, &text, e);

	if (r == -ENOENT)
		return 0;
	if (r < 0)
		return r;
	rest = text;
	while (rest.n > 0 && !str_starts(str_cut(&rest, '\n'), "-----END "))
		;
	*ret = str_head(text, text.n - rest.n);
	return 0;
}

static int certificate_read(struct arena *a, const char *dir, const char *base, bool openpgp,
			    vec_key_certificate *ret, struct err *e)
{
	const char *path = key_path(a, dir, base, "crt");
	struct key_certificate c = { .base = base, .now = base };
	struct str pem;
	int r = file_read(a, path, KEY_BYTES_MAX, &pem, e);

	if (r == 0)
		r = secret_place_check(path, e);
	if (r < 0)
		return r;
	r = x509_pem_parse(a, pem, &c.der, e);
	if (r == 0)
		r = x509_parse(a, c.der, &c.x, e);
	if (r < 0)
		return err_wrap(e, r, "'%s'", path);
	if (openpgp)
		r = key_armor_read(a, key_path(a, dir, base, "asc"), &c.armor, e);
	if (r == 0)
		vec_push(a, ret) = c;
	return r;
}

/* Whether @name is "ROLE-XXXXXXXX.crt". */
static bool is_retired(struct str name, const struct role *role)
{
	size_t n = strlen(role->name);
	uint8_t digits[RETIRED_DIGITS / 2];

	return str_starts(name, role->name) && str_starts(str_from(name, n), "-") &&
	       hex_decode(str_head(str_from(name, n + 1), RETIRED_DIGITS), digits,
			  sizeof(digits)) &&
	       str_eqz(str_from(name, n + 1 + RETIRED_DIGITS), ".crt");
}

int key_certificates_read(struct arena *a, const char *dir, const struct role *role,
			  vec_key_certificate *ret, struct err *e)
{
	const char *retired = path_join(a, dir, "retired");
	vec_key_certificate found = { 0 };
	vec_str names = { 0 };
	int r = certificate_read(a, dir, role->name, role->openpgp, &found, e);

	if (r == -ENOENT)
		r = 0;
	if (r == 0 && file_exists(retired))
		r = dir_list(a, retired, &names, e);
	vec_each(name, &names) {
		struct str base = str_head(*name, name->n - strlen(".crt"));

		if (r == 0 && is_retired(*name, role))
			r = certificate_read(a, dir, path_join(a, "retired", str_z(a, base)),
					     role->openpgp, &found, e);
	}
	if (r == 0)
		*ret = found;
	return r;
}

const struct key_certificate *key_present(const vec_key_certificate *certificates)
{
	bool present = certificates->n > 0 && !strchr(certificates->p[0].base, '/');

	return present ? certificates->p : NULL;
}

int keys_dbx_read(struct arena *a, const char *dir, struct str *ret, struct err *e)
{
	int r = file_read(a, path_join(a, dir, "enrol/dbx.esl"), KEY_BYTES_MAX, ret, e);

	if (r < 0)
		*ret = (struct str){ 0 };
	return r == -ENOENT ? 0 : r;
}

int keys_place_check(struct arena *a, const char *dir, struct err *e)
{
	static const char *const folders[] = { ".", "retired", "enrol" };
	int r = 0;

	for (size_t i = 0; r == 0 && i < sizeof(folders) / sizeof(*folders); i++) {
		const char *path = i == 0 ? dir : path_join(a, dir, folders[i]);

		if (file_exists(path))
			r = secret_place_check(path, e);
	}
	return r;
}

int key_uri_read(struct arena *a, const char *dir, const char *base, struct str *ret, struct err *e)
{
	struct str text;
	const char *path = key_path(a, dir, base, "uri");
	int r = file_read(a, path, KEY_BYTES_MAX, &text, e);

	if (r == 0)
		r = secret_place_check(path, e);
	if (r == 0)
		*ret = str_trim(text);
	return r;
}

static int pem_open(struct arena *a, const char *path, struct signer **ret, struct err *e)
{
	struct str pem;
	int r = secret_read(a, path, KEY_BYTES_MAX, &pem, e);

	if (r < 0)
		return r;
	r = signer_pem_parse(pem, ret, e);
	secret_wipe(pem);
	return r;
}

int key_signer_open(struct arena *a, const char *dir, const char *base, struct signer **ret,
		    struct err *e)
{
	const char *pem = key_path(a, dir, base, "pem"), *uri = key_path(a, dir, base, "uri");
	bool in_file = file_exists(pem), on_token = file_exists(uri);
	struct signer *signer = NULL;
	struct str text;
	int r = 0;

	if (in_file && on_token)
		return err_set(e, -EINVAL, "which is the private key, '%s' or '%s'? Remove one",
			       pem, uri);
	if (in_file) {
		r = pem_open(a, pem, &signer, e);
	} else if (on_token) {
		r = key_uri_read(a, dir, base, &text, e);
		if (r == 0)
			r = signer_pkcs11_open(text, &signer, e);
	}
	if (r < 0)
		return err_wrap(e, r, "'%s'", in_file ? pem : uri);
	*ret = signer;
	return 0;
}
