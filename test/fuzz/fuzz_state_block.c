/* SPDX-License-Identifier: MIT */
#include "agent/init/state_block.h"
#include "fuzz.h"

bool fuzz_accepts(const uint8_t *data, size_t size)
{
	struct state_block b;

	return state_block_parse((struct str){ (const char *)data, size }, &b);
}
