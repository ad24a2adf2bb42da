/* SPDX-License-Identifier: MIT */
#include "conf/conf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct str text = { (const char *)data, size };
	struct conf_package package;
	struct err e;
	int r = conf_package_parse(&a, text, "fuzz", &package, &e);

	(void)r;
	return 0;
}
