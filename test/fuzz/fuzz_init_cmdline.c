/* SPDX-License-Identifier: MIT */
#include "agent/init/cmdline.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = { (const char *)data, size };
	struct failure failure;
	struct cmdline cmdline;
	struct err e;

	(void)!cmdline_failure(text, &failure, &e);
	(void)!cmdline_parse(text, &cmdline, &e);
	return 0;
}
