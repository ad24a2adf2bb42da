/* SPDX-License-Identifier: MIT */
#include "fuzz.h"
#include "upstream/debian/copyright.h"

bool fuzz_accepts(const uint8_t *data, size_t size)
{
	_cleanup_arena_ struct arena a = { 0 };

	return !str_eqz(copyright_license(&a, (struct str){ (const char *)data, size }),
			"LicenseRef-Debian-copyright");
}
