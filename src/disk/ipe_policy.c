/* SPDX-License-Identifier: MIT */
#include "disk/ipe_policy.h"

struct str ipe_policy_text(struct arena *a, struct str template, const uint8_t root_hash[32])
{
	struct str mark = STR(IPE_POLICY_ROOT_HASH), hex = hex_encode(a, root_hash, 32);
	struct buf b = { .a = a };

	while (template.n > 0) {
		if (str_starts(template, IPE_POLICY_ROOT_HASH)) {
			buf_put(&b, hex.p, hex.n);
			template = str_from(template, mark.n);
		} else {
			buf_u8(&b, (uint8_t) template.p[0]);
			template = str_from(template, 1);
		}
	}
	return (struct str){ (char *)b.v.p, b.v.n };
}
