/* SPDX-License-Identifier: MIT */
/* secure_boot.h - what Secure Boot's variables hold on a machine that trusts a folder of keys. */
#pragma once

#include "keys/keys.h"

/* SignatureOwner of every entry (UEFI 2.10, 32.4.1): tells whose they are. */
extern const uint8_t secure_boot_owner[16];

/* The signature lists in @variable: KEY_PK (the one owner), KEY_KEK, or KEY_DB. Retired
 * certificates stand behind the current ones. What the kernel trusts beyond db's own certificates,
 * db has issued, unless it is of an earlier version: then it stands in db itself (key_in_db()). */
struct str secure_boot_list(struct arena *a, const vec_str trusted[KEY_ROLES],
			    enum key_role variable);
