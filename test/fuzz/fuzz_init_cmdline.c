/* SPDX-License-Identifier: MIT */
#include "agent/init/cmdline.h"
#include "fuzz.h"

bool fuzz_accepts(const uint8_t *data, size_t size)
{
	struct str text = { (const char *)data, size };
	struct failure failure;
	struct cmdline cmdline;
	struct err e;

	bool accepted = cmdline_failure(text, &failure, &e) == 0;

	return cmdline_parse(text, &cmdline, &e) == 0 && accepted;
}
