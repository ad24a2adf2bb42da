/* SPDX-License-Identifier: MIT */
#include "agent/init/pcr_policy.h"
#include "fuzz.h"

bool fuzz_accepts(const uint8_t *data, size_t size)
{
	_cleanup_arena_ struct arena a = { 0 };
	vec_pcr_key keys;
	struct err e;

	return pcr_keys_parse(&a, (struct str){ (const char *)data, size }, &keys, &e) == 0;
}
