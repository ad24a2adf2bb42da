/* SPDX-License-Identifier: MIT */
/* verity_sig.h - the content of a verity signature partition (Discoverable Partitions
 * Specification): one JSON object, then zeroes. Ashlar adds the member "ashlar.ipePolicy", which
 * others skip: the signed policy names the same root hash, so the two come and go together. */
#pragma once

#include "base/hash.h"
#include "base/str.h"

enum { VERITY_SIG_BYTES = 16 << 10 }; /* of the partition, as systemd makes it */

struct verity_sig {
	uint8_t root_hash[SHA256_BYTES];
	uint8_t fingerprint[SHA256_BYTES]; /* SHA-256 of the signer's DER certificate */
	struct str signature;  /* DER PKCS#7 over the root hash as 64 hexadecimal digits */
	struct str ipe_policy; /* DER PKCS#7 with the policy inside; may be empty */
};

/* VERITY_SIG_BYTES long. */
must_check int verity_sig_write(struct arena *a, const struct verity_sig *v, struct str *ret,
				struct err *e);
/* Takes members in any order, skips unknown ones. */
must_check int verity_sig_parse(struct arena *a, struct str partition, struct verity_sig *ret,
				struct err *e);
