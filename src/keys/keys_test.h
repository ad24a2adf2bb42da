/* SPDX-License-Identifier: MIT */
/* keys_test.h - folders of keys for the tests of this folder. */
#pragma once

#include "base/proc.h"
#include "base/test.h"
#include "keys/keys.h"

enum { MADE = 1700000000 };

/* Every role has a private key already, which keys_generate() then keeps: making nine takes
 * seconds. */
static inline const char *dir_with_keys(struct arena *a)
{
	const char *dir = path_join(a, test_dir(a), "keys");
	struct str pem;
	struct err e;

	assert_ok(file_read(a, "test/data/rsa-2048.pem", 1 << 20, &pem, &e), &e);
	assert_ok(dir_make(dir, &e), &e);
	for (enum key_role role = 0; role < KEY_ROLES; role++) {
		const char *name = str_z(a, str_printf(a, "%s.pem", key_role_name(role)));

		assert_ok(file_write(path_join(a, dir, name), 0600, pem.p, pem.n, &e), &e);
	}
	return dir;
}

static inline void generate(const char *dir, const char *organisation)
{
	struct key_generate g = { .dir = dir, .organisation = organisation, .time_sec = MADE };
	struct err e;

	assert_ok(keys_generate(&g, &e), &e);
}

/* A copy of the same development keys each time. */
static inline const char *generated(struct arena *a)
{
	static struct arena kept;
	static const char *template;
	const char *dir = test_dir(a);
	struct proc_result result;
	struct err e;

	if (!template) {
		template = dir_with_keys(&kept);
		generate(template, NULL);
	}
	assert_ok(proc_run(a, (const char *[]){ "cp", "-rT", template, dir, NULL }, STR(""), NULL,
			   &result, &e),
		  &e);
	assert_int_equal(result.status, 0);
	return dir;
}

static inline void rotate(const char *dir, enum key_role role)
{
	struct key_generate g = { .dir = dir, .time_sec = MADE + 10 };
	struct err e;

	assert_ok(keys_rotate(&g, role, &e), &e);
}

/* The digits of a retired key's files. */
static inline struct str retired_digits(struct arena *a, const char *dir, enum key_role role)
{
	vec_key_info list;
	struct err e;

	assert_ok(keys_list(a, dir, &list, &e), &e);
	vec_each(k, &list) {
		if (k->role == role && k->retired)
			return hex_encode(a, k->sha256, 4);
	}
	fail_msg("no retired %s", key_role_name(role));
	return (struct str){ 0 };
}

/* What firmware that has @trusted takes for @name: how many certificates. */
static inline size_t enrolled(struct arena *a, const char *path, const char *name,
			      const uint8_t guid[16], const vec_str *trusted)
{
	struct str auth, list;
	vec_str certificates;
	struct err e;

	assert_ok(file_read(a, path, 1 << 20, &auth, &e), &e);
	assert_ok(efi_variable_verify(a, name, guid, auth, trusted, &list, &e), &e);
	assert_ok(efi_signature_lists_parse(a, list, &certificates, &e), &e);
	return certificates.n;
}
