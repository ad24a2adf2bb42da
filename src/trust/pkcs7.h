/* SPDX-License-Identifier: MIT */
/* pkcs7.h - signatures as kernel and firmware read them (PKCS#7 1.5, RFC 2315): SignedData with one
 * signer, its certificate's issuer and serial number, SHA-256, RSA.
 *
 * Made in two steps, so that the signature may come from anywhere: sign the bytes of
 * pkcs7_to_sign(), put the result in with pkcs7_build(). No time, no randomness. */
#pragma once

#include "base/str.h"

struct pkcs7 {
	struct str certificate; /* DER, of the signer */
	struct str content;
	bool attached;     /* the content stands inside (IPE policies), or beside (root hashes) */
	bool certificates; /* the signer's certificate stands inside */
};

/* Without signed attributes the content itself is what is signed. */
static inline struct str pkcs7_to_sign(const struct pkcs7 *p)
{
	return p->content;
}
/* Refuses a @signature that is not by the certificate's key. */
must_check int pkcs7_build(struct arena *a, const struct pkcs7 *p, struct str signature,
			   struct str *ret, struct err *e);
/* Checks @der by one of @trusted (DER certificates; their validity in time is not looked at, as the
 * kernel does not). @content: given for a detached one; empty for an attached one, then it is
 * filled in. *ret_by: index of the certificate. -EBADMSG when it is damaged, -ENOKEY of an unknown
 * signer, -EKEYREJECTED when it is wrong. */
must_check int pkcs7_verify(struct arena *a, struct str der, struct str *content,
			    const vec_str *trusted, size_t *ret_by, struct err *e);
/* The same, and @der is to the last bit what pkcs7_build() makes: nothing stands in it that could
 * be changed without notice, because nobody reads it. */
must_check int pkcs7_verify_exact(struct arena *a, struct str der, struct str *content,
				  const vec_str *trusted, size_t *ret_by, struct err *e);
