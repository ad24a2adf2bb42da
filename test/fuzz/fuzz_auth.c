/* SPDX-License-Identifier: MIT */
#include "base/url.h"
#include "upstream/auth.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
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
	return url_parse(text, &u) && u.host.n > text.n;
}
