/* SPDX-License-Identifier: MIT */
#include "conf/conf.h"
#include "fuzz.h"

bool fuzz_accepts(const uint8_t *data, size_t size)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct str text = { (const char *)data, size };
	struct conf_package package;
	struct err e;

	return conf_package_parse(&a, text, "fuzz", &package, &e) == 0;
}
