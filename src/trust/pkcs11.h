/* SPDX-License-Identifier: MIT */
/* pkcs11.h - tokens (PKCS#11 2.40) that RFC 7512's URIs name, through p11-kit; for the files of
 * this folder only. */
#pragma once

#include <p11-kit/p11-kit.h>
#include <p11-kit/uri.h>

#include "base/str.h"

void pkcs11_uri_freep(P11KitUri **uri);
#define _cleanup_pkcs11_uri_ __attribute__((cleanup(pkcs11_uri_freep)))
must_check int pkcs11_uri_parse(struct str text, P11KitUri **ret, struct err *e);
/* For people and files: without the PIN itself. */
struct str pkcs11_uri_format(struct arena *a, P11KitUri *uri);

/* One token, with a session in which the user is logged in. */
struct pkcs11_token {
	struct arena a;             /* of the PIN and the name */
	CK_FUNCTION_LIST **modules; /* ended by NULL */
	bool configured;            /* by p11-kit's files; else one that the URI names */
	CK_FUNCTION_LIST *module;   /* the token's */
	CK_SLOT_ID slot;
	CK_TOKEN_INFO info;
	CK_SESSION_HANDLE session;
	const char *name, *pin;
};

/* @write: to make keys in it. pkcs11_close() also after a failure. */
must_check int pkcs11_open(struct pkcs11_token *t, P11KitUri *uri, bool write, struct err *e);
void pkcs11_close(struct pkcs11_token *t);
/* "token 'NAME': " @doing ": " and what @rv means; returns -EIO. */
int pkcs11_err(struct err *e, const struct pkcs11_token *t, const char *doing, CK_RV rv);
