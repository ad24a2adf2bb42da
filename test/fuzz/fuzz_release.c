/* SPDX-License-Identifier: MIT */
#include "fuzz.h"
#include "upstream/debian/release.h"

bool fuzz_accepts(const uint8_t *data, size_t size)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct str text = { (const char *)data, size };
	const struct release_want want = { .suite = STR("trixie-security"),
					   .now_sec = 1ULL << 40,
					   .check_date = true };
	vec_release_index forms = { 0 };
	struct release r;
	struct err e;

	if (release_framed(text, &e) >= 0)
		return true;
	if (release_parse(text, &r, &e) < 0 || release_check(&r, &want, &e) < 0)
		return false;
	release_indexes(&a, &r, STR("main"), STR("amd64"), &forms);
	return forms.n > 0;
}
