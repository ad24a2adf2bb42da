/* SPDX-License-Identifier: MIT */
/* authenticode.h - signatures of EFI executables (Microsoft "Windows Authenticode Portable
 * Executable Signature Format"; UEFI 2.10, 32.5.3.3). */
#pragma once

#include "base/hash.h"
#include "base/str.h"

/* SHA-256 of a PE image without its checksum, its certificate table's entry and the table: what
 * firmware checks, measures into PCR 4, and lists in db or dbx. Signing does not change it, unless
 * the image is not a multiple of eight bytes long: then zeroes are added. */
must_check int authenticode_digest(struct str image, uint8_t ret[SHA256_BYTES], struct err *e);
/* DER of the signed attributes: what the key signs. No time is among them. -EEXIST when @image is
 * signed. */
must_check int authenticode_to_sign(struct arena *a, struct str image, struct str *ret,
				    struct err *e);
/* *ret: @image, which must not be signed yet, with the signature; PE checksum set again. Refuses a
 * signature that is not by the certificate's key, or not of this image. */
must_check int authenticode_attach(struct arena *a, struct str image, struct str certificate,
				   struct str signature, struct str *ret, struct err *e);
/* *ret: @image without signatures; PE checksum set again. */
must_check int authenticode_strip(struct arena *a, struct str image, struct str *ret,
				  struct err *e);
/* Whether one of its signatures is by one of @trusted. -ENOKEY when there is none; -EKEYREJECTED
 * when by nobody in @trusted, or when it does not fit. */
must_check int authenticode_verify(struct arena *a, struct str image, const vec_str *trusted,
				   size_t *ret_by, struct err *e);
/* The same, and @image is to the last bit what authenticode_attach() makes: nothing stands in it
 * that could be changed without notice, because it is not signed. */
must_check int authenticode_verify_exact(struct arena *a, struct str image, const vec_str *trusted,
					 size_t *ret_by, struct err *e);
