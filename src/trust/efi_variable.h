/* SPDX-License-Identifier: MIT */
/* efi_variable.h - Secure Boot's variables (UEFI 2.10, 8.2.2, 32.4.1): signature lists, and updates
 * to them that firmware accepts. */
#pragma once

#include "base/hash.h"
#include "base/str.h"
#include "trust/signer.h"

/* EFI_GLOBAL_VARIABLE and EFI_IMAGE_SECURITY_DATABASE_GUID, in text order. */
extern const uint8_t efi_global_guid[16], efi_security_guid[16];

/* EFI_SIGNATURE_LIST of one X.509 certificate each, one behind another. @owner: any GUID. */
struct str efi_signature_lists(struct arena *a, const uint8_t owner[16],
			       const vec_str *certificates);
/* The certificates in such lists. Anything else in them is an error: firmware would trust an
 * executable's digest, too. */
must_check int efi_signature_lists_parse(struct arena *a, struct str data, vec_str *ret,
					 struct err *e);
/* What dbx forbids: an executable, by its Authenticode digest, whoever signed it. */
struct efi_revocation {
	uint8_t sha256[SHA256_BYTES];
};
typedef VEC(struct efi_revocation) vec_efi_revocation;

bool efi_is_revoked(const vec_efi_revocation *all, struct efi_revocation one);

/* EFI_SIGNATURE_LIST of one revocation each. */
struct str efi_revocation_lists(struct arena *a, const uint8_t owner[16],
				const vec_efi_revocation *revocations);
/* Those in such lists; other types of entries are skipped. */
must_check int efi_revocation_lists_parse(struct arena *a, struct str data, vec_efi_revocation *ret,
					  struct err *e);

/* An authenticated write (EFI_VARIABLE_AUTHENTICATION_2 and @data): what systemd-boot enrols from
 * loader/keys/NAME/VARIABLE.auth. Made "at" @time_sec: firmware refuses one older than the last. */
must_check int efi_variable_sign(struct arena *a, const char *name, const uint8_t guid[16],
				 struct str data, uint64_t time_sec, const struct signer *signer,
				 struct str certificate, struct str *ret, struct err *e);
/* Checks such a write of @name by one of @trusted, and that it is to the last bit as
 * efi_variable_sign() makes it. *ret: what the variable will hold. Borrows @auth. */
must_check int efi_variable_verify(struct arena *a, const char *name, const uint8_t guid[16],
				   struct str auth, const vec_str *trusted, struct str *ret,
				   struct err *e);
