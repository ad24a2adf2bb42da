/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "base/io.h"
#include "keys/keys_dir.h"

static int where(struct arena *a, const char *dir, const char *base, struct str *ret, struct err *e)
{
	const char *path = key_path(a, dir, base, "uri");
	struct str uri;
	int r;

	*ret = STR("none");
	if (file_exists(key_path(a, dir, base, "pem")))
		*ret = STR("file");
	if (!file_exists(path))
		return 0;
	r = key_uri_read(a, dir, base, &uri, e);
	if (r == 0)
		r = signer_pkcs11_without_pin(a, uri, ret, e);
	return r < 0 ? err_wrap(e, r, "'%s'", path) : 0;
}

static int role_list(struct arena *a, const char *dir, enum key_role role, vec_key_info *ret,
		     struct err *e)
{
	vec_key_certificate all;
	int r = key_certificates_read(a, dir, &key_roles[role], &all, e);

	if (r < 0)
		return r;
	vec_each(c, &all) {
		struct key_info info = {
			.role = role,
			.retired = strchr(c->base, '/') != NULL,
			.in_db = key_in_db(role, c->der),
			.development = str_has(c->x.subject, development_mark),
			.subject = c->x.subject,
			.algorithm = c->x.algorithm,
			.not_before_sec = c->x.not_before_sec,
			.not_after_sec = c->x.not_after_sec,
		};

		memcpy(info.sha256, c->x.sha256, sizeof(info.sha256));
		r = where(a, dir, c->base, &info.where, e);
		if (r < 0)
			return r;
		vec_push(a, ret) = info;
	}
	return 0;
}

int keys_list(struct arena *a, const char *dir, vec_key_info *ret, struct err *e)
{
	vec_key_info list = { 0 };
	int r = 0;

	for (size_t i = 0; r == 0 && i < KEY_ROLES; i++)
		r = role_list(a, dir, (enum key_role)i, &list, e);
	if (r == 0 && list.n == 0)
		r = keys_none(dir, e);
	if (r == 0)
		*ret = list;
	return r;
}
