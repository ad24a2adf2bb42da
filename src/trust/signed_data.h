/* SPDX-License-Identifier: MIT */
/* signed_data.h - SignedData (RFC 2315, 9), which root hashes, policies, executables and firmware
 * variables have in common; for the files of this folder only. One signer, named by issuer and
 * serial number; SHA-256, RSA. */
#pragma once

#include "base/str.h"

struct signed_data {
	struct str content_type; /* the object identifier, an element */
	struct str content;      /* the element with the content; empty when that stands beside */
	struct str certificates; /* elements, one behind another; none is looked at */
	struct str attributes;   /* signed ones, an element SET OF; empty when there are none */
	struct str signature;
	struct str issuer, serial; /* of the signer's certificate, elements; read only */
};

/* Object identifiers of contents. */
#define OID_DATA          ((struct str){ "\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x01", 11 })
#define OID_INDIRECT_DATA ((struct str){ "\x06\x0a\x2b\x06\x01\x04\x01\x82\x37\x02\x01\x04", 12 })
/* AlgorithmIdentifier of SHA-256. */
#define ALGORITHM_SHA256 \
	((struct str){ "\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00", 15 })

/* The signed attributes that go with a content: its type, and its digest. */
struct str signed_data_attributes(struct arena *a, struct str content_type, struct str content);

/* *ret: a SignedData. Refuses a signature of @to_sign that is not by @certificate's key. */
must_check int signed_data_build(struct arena *a, const struct signed_data *s,
				 struct str certificate, struct str to_sign, struct str *ret,
				 struct err *e);
/* A ContentInfo around it, as all but firmware variables have it. */
struct str signed_data_wrap(struct arena *a, struct str signed_data);
/* @der: a ContentInfo with a SignedData. -EBADMSG when it is damaged or of another kind. Borrows.
 */
must_check int signed_data_parse(struct arena *a, struct str der, struct signed_data *ret,
				 struct err *e);
/* @content: what was digested, without tag and length. -ENOKEY when no certificate of @trusted is
 * the signer's, -EKEYREJECTED when the signature does not fit. */
must_check int signed_data_verify(const struct signed_data *s, struct str content,
				  const vec_str *trusted, size_t *ret_by, struct err *e);
