/* SPDX-License-Identifier: MIT */
#include "fuzz.h"
#include "rpm/rpmfile.h"

bool fuzz_accepts(const uint8_t *data, size_t size)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct rpm_package p;
	struct err e;

	return rpm_read(&a, (struct str){ (const char *)data, size }, NULL, 1 << 20, &p, &e) >= 0;
}
