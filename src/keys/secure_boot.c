/* SPDX-License-Identifier: MIT */
#include "keys/secure_boot.h"

#include "keys/keys_dir.h"
#include "trust/efi_variable.h"

const uint8_t secure_boot_owner[16] = { 0xa5, 0x41, 0xa2, 0x00, 0x5e, 0xc0, 0x4b, 0x00,
					0x9d, 0x0c, 0x61, 0x73, 0x68, 0x6c, 0x61, 0x72 };

static void add(struct arena *a, vec_str *to, const vec_str *from)
{
	vec_each(certificate, from)
		vec_push(a, to) = *certificate;
}

struct str secure_boot_list(struct arena *a, const vec_str trusted[KEY_ROLES],
			    enum key_role variable)
{
	vec_str certificates = { 0 };

	if (variable == KEY_PK && trusted[KEY_PK].n > 0)
		vec_push(a, &certificates) = trusted[KEY_PK].p[0];
	if (variable == KEY_KEK)
		add(a, &certificates, &trusted[KEY_KEK]);
	for (size_t i = 0; variable == KEY_DB && i < KEY_ROLES; i++)
		if (key_roles[i].in_db)
			add(a, &certificates, &trusted[i]);
	return efi_signature_lists(a, secure_boot_owner, &certificates);
}
