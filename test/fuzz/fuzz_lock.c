/* SPDX-License-Identifier: MIT */
#include "fuzz.h"
#include "solve/solve.h"

bool fuzz_accepts(const uint8_t *data, size_t size)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct str text = { (const char *)data, size };
	struct lock lock;
	struct err e;

	if (lock_parse(&a, text, "fuzz", &lock, &e) < 0)
		return false;
	lock_dump(&a, &lock);
	return true;
}
