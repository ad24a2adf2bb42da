/* SPDX-License-Identifier: MIT */
#include "agent/init/state_luks.h"
#include "fuzz.h"

/* Of the volume; behind a newline that of dm-integrity below it, where it is authenticated. */
bool fuzz_accepts(const uint8_t *data, size_t size)
{
	struct str text = { (const char *)data, size }, params = str_cut(&text, '\n');
	const struct state_table t = {
		.targets = 1, .sectors = 967232, .type = STR("crypt"), .params = params
	};
	const struct state_table below = { .targets = 1,
					   .sectors = 967232,
					   .type = STR("integrity"),
					   .params = text,
					   .devno = STR("254:1") };
	struct err e;

	return (text.n == 0 && state_table_check(&t, STR("253:5"), 512000000, &e) == 0) ||
	       state_tables_check(&t, &below, STR("253:5"), &e) == 0;
}
