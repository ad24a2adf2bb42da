/* SPDX-License-Identifier: MIT */
/* certificate.h - X.509 certificates (RFC 5280) in PEM (RFC 7468). */
#pragma once

#include "base/hash.h"
#include "base/str.h"

struct certificate {
	uint32_t subject_hash;        /* by which OpenSSL finds it in a folder: "%08x.N" */
	uint8_t sha256[SHA256_BYTES]; /* of the DER form: the same certificate, whatever the text
					 around it */
};

/* 1: @pem holds exactly one certificate, which is *ret; 0: none, or several; -EBADMSG: one that
 * cannot be read. */
must_check int certificate_read(struct str pem, struct certificate *ret, struct err *e);
