/* SPDX-License-Identifier: MIT */
#include "agent/init/state_luks.h"
#include "fuzz.h"

bool fuzz_accepts(const uint8_t *data, size_t size)
{
	const struct state_table t = { .targets = 1,
				       .sectors = 967232,
				       .type = STR("crypt"),
				       .params = { (const char *)data, size } };
	struct err e;

	return state_table_check(&t, STR("253:5"), 512000000, &e) == 0;
}
