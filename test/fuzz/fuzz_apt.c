/* SPDX-License-Identifier: MIT */
#include "upstream/apt.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct str text = { (const char *)data, size }, mirror;
	struct apt_conf conf = { .text = text };
	vec_apt_source sources = { 0 };
	struct err e;

	(void)!apt_list_parse(&a, text, "fuzz.list", &sources, &e);
	(void)!apt_sources_parse(&a, text, "fuzz.sources", &sources, &e);
	/* A mirror list would be read from the disk. */
	if (!str_has(text, "mirror+file"))
		(void)!apt_mirror(&a, &sources, STR("trixie"), &mirror, &e);
	(void)apt_conf_proxy(&a, &conf, STR("https://x/y"));
	return 0;
}
