/* SPDX-License-Identifier: MIT */
#include "trust/openpgp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_openpgp_ struct openpgp_key *key = NULL;
	struct err e;

	return openpgp_public_parse((struct str){ (const char *)data, size }, &key, &e) > 0;
}
