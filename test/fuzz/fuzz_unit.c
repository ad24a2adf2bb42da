/* SPDX-License-Identifier: MIT */
#include "fuzz.h"
#include "tree/unit.h"

/* The first line is a unit's name, the rest its file; and all of it a preset file. */
bool fuzz_accepts(const uint8_t *data, size_t size)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct str text = { (const char *)data, size }, name = str_cut(&text, '\n'), s;
	struct unit_install install;
	vec_preset_rule rules = { 0 };
	struct unit_name n;

	unit_install_parse(&a, text, &install);
	preset_parse(&a, text, &rules);
	if (!unit_name_parse(&a, name, &n))
		return false;
	vec_each(by, &install.wanted_by)
		if (!unit_expand(&a, *by, &n, &s))
			return false;
	preset_find(&rules, name);
	return true;
}
