/* SPDX-License-Identifier: MIT */
#include "agent/init/smbios.h"

#include "base/rd.h"

enum { HEADER_BYTES = 4, TYPE_OEM_STRINGS = 11, TYPE_END = 127 };

/* The next text of a structure's; an empty one ends them. */
static struct str text_next(struct rd *r)
{
	size_t start = r->pos;

	while (!r->bad && rd_u8(r) != 0)
		;
	return r->bad ? (struct str){ 0 }
		      : (struct str){ (const char *)r->p + start, r->pos - 1 - start };
}

int smbios_oem_strings(struct arena *a, struct str table, vec_str *ret, struct err *e)
{
	struct rd r = { (const uint8_t *)table.p, table.n, 0, false };
	vec_str strings = { 0 };

	while (r.pos < r.n) {
		size_t start = r.pos;
		uint8_t type = rd_u8(&r), length = rd_u8(&r);
		struct str text;

		if (length < HEADER_BYTES)
			r.bad = true;
		rd_seek(&r, start + length);
		/* who has none has two zeroes all the same */
		text = text_next(&r);
		if (text.n == 0)
			(void)rd_u8(&r);
		for (; !r.bad && text.n > 0; text = text_next(&r))
			if (type == TYPE_OEM_STRINGS)
				vec_push(a, &strings) = text;
		if (r.bad)
			return err_set(e, -EBADMSG,
				       "SMBIOS tables end within a structure, at byte %zu", start);
		if (strings.n > SMBIOS_STRINGS_MAX)
			return err_set(e, -E2BIG, "SMBIOS tables have more than %d strings",
				       SMBIOS_STRINGS_MAX);
		if (type == TYPE_END)
			break;
	}
	*ret = strings;
	return 0;
}
