/* SPDX-License-Identifier: MIT */
#include "agent/init/anchor.h"
#include "fuzz.h"

/* What is accepted is written as it was read. */
bool fuzz_accepts(const uint8_t *data, size_t size)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct str bytes = { (const char *)data, size };
	struct buf b = { .a = &a };
	struct anchor_content got;
	struct err e;

	if (anchor_content_parse(bytes, &got, &e) < 0)
		return false;
	anchor_content_format(&got, &b);
	if (!str_eq(bytes, (struct str){ (const char *)b.v.p, b.v.n }))
		__builtin_trap();
	return true;
}
