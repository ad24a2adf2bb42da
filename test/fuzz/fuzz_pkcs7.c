/* SPDX-License-Identifier: MIT */
#include "fuzz.h"
#include "trust/pkcs7.h"

/* A certificate, of which three bytes tell the length, and a signature with its content inside:
 * both from outside. */
bool fuzz_accepts(const uint8_t *data, size_t size)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct str der = { (const char *)data, size }, content = { 0 };
	vec_str trusted = { 0 };
	struct err e;
	size_t by, n;

	if (size < 3)
		return false;
	n = (size_t)data[0] << 16 | (size_t)data[1] << 8 | data[2];
	vec_push(&a, &trusted) = str_head(str_from(der, 3), n);
	return pkcs7_verify(&a, str_from(str_from(der, 3), n), &content, &trusted, &by, &e) >= 0;
}
