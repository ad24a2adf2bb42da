/* SPDX-License-Identifier: MIT */
#include "base/url.h"
#include "fuzz.h"
#include "upstream/auth.h"

bool fuzz_accepts(const uint8_t *data, size_t size)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct str text = { (const char *)data, size };
	vec_auth all = { 0 };
	struct url u;

	auth_parse(&a, text, &all);
	(void)auth_take(&a, text, &all);
	(void)auth_find(&all, text);
	(void)auth_find(&all, STR("https://example.org:1/debian/x"));
	(void)url_shown(&a, text);
	(void)url_unescape(&a, url_escape_path(&a, text));
	if (url_parse(text, &u) && u.host.n > text.n)
		__builtin_trap();
	return all.n > 0 || url_parse(text, &u);
}
