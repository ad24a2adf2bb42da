/* SPDX-License-Identifier: MIT */
#include "fuzz.h"
#include "trust/openpgp.h"

bool fuzz_accepts(const uint8_t *data, size_t size)
{
	_cleanup_openpgp_ struct openpgp_key *key = NULL;
	struct err e;

	return openpgp_public_parse((struct str){ (const char *)data, size }, &key, &e) >= 0;
}
