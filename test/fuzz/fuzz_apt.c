/* SPDX-License-Identifier: MIT */
#include "fuzz.h"
#include "upstream/apt.h"

bool fuzz_accepts(const uint8_t *data, size_t size)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct str text = { (const char *)data, size }, mirror;
	struct apt_conf conf = { .text = text };
	vec_apt_source sources = { 0 };
	struct err e;

	bool list = apt_list_parse(&a, text, "fuzz.list", &sources, &e) == 0;
	bool stanzas = apt_sources_parse(&a, text, "fuzz.sources", &sources, &e) == 0;

	/* A mirror list would be read from the disk. */
	if (!str_has(text, "mirror+file"))
		(void)!apt_mirror(&a, &sources, STR("trixie"), &mirror, &e);
	(void)apt_conf_proxy(&a, &conf, STR("https://x/y"));
	return list || stanzas;
}
