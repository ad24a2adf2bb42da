/* SPDX-License-Identifier: MIT */
#include "keys/secure_boot.h"

#include "trust/efi_variable.h"

const uint8_t secure_boot_owner[16] = { 0xa5, 0x41, 0xa2, 0x00, 0x5e, 0xc0, 0x4b, 0x00,
					0x9d, 0x0c, 0x61, 0x73, 0x68, 0x6c, 0x61, 0x72 };

struct str secure_boot_list(struct arena *a, const vec_str trusted[KEY_ROLES],
			    enum key_role variable)
{
	vec_str certificates = { 0 };

	if (variable == KEY_PK && trusted[KEY_PK].n > 0)
		vec_push(a, &certificates) = trusted[KEY_PK].p[0];
	for (enum key_role i = 0; variable != KEY_PK && i < KEY_ROLES; i++)
		vec_each(c, &trusted[i])
			if (variable == KEY_DB ? key_in_db(i, *c) : i == variable)
				vec_push(a, &certificates) = *c;
	return efi_signature_lists(a, secure_boot_owner, &certificates);
}
