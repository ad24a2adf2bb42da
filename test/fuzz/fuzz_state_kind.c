/* SPDX-License-Identifier: MIT */
#include "agent/init/state_plan.h"
#include "fuzz.h"

bool fuzz_accepts(const uint8_t *data, size_t size)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct str text = { (const char *)data, size };

	return !str_eq(state_recovery_key(&a, text), text) || state_kind(text) != STATE_FOREIGN;
}
