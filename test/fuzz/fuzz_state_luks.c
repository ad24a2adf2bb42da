/* SPDX-License-Identifier: MIT */
#include "agent/init/state_luks.h"
#include "agent/init/state_plan.h"
#include "fuzz.h"

/* The JSON alone: the binary header before it is two numbers. */
bool fuzz_accepts(const uint8_t *data, size_t size)
{
	_cleanup_arena_ struct arena a = { 0 };
	char *head = arena_alloc(&a, STATE_HEAD_BYTES);
	struct str text = { head, STATE_HEAD_BYTES };
	struct err e;

	head[14] = 0x40; /* 16 KiB */
	if (size > STATE_HEAD_BYTES - 4096)
		size = STATE_HEAD_BYTES - 4096;
	memcpy(head + 4096, data, size);
	return state_luks_check(&a, text, STATE_INTEGRITY_NONE, &e) == 0 ||
	       state_luks_check(&a, text, STATE_INTEGRITY_HMAC, &e) == 0;
}
