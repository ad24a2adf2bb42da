/* SPDX-License-Identifier: MIT */
#include "agent/init/state_plan.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct str text = { (const char *)data, size };

	(void)state_kind(text);
	(void)state_recovery_key(&a, text);
	return 0;
}
