/* SPDX-License-Identifier: MIT */
#include "fuzz.h"
#include "upstream/keyring.h"

bool fuzz_accepts(const uint8_t *data, size_t size)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct buf packets = { .a = &a };
	struct err e;

	return keyring_add(&a, (struct str){ (const char *)data, size }, &packets, &e) >= 0;
}
