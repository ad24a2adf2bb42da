/* SPDX-License-Identifier: MIT */
#include "agent/init/platform.h"
#include "agent/init/smbios.h"
#include "fuzz.h"

/* The tables of SMBIOS, and what is made of their strings: nothing that is not allowed. */
bool fuzz_accepts(const uint8_t *data, size_t size)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct offers o = { .a = &a }, taken;
	struct boot_status status = { 0 };
	vec_str strings;
	struct err e;

	if (smbios_oem_strings(&a, (struct str){ (const char *)data, size }, &strings, &e) < 0)
		return false;
	vec_each(text, &strings)
		offers_add_string(&o, *text);
	offers_judge(&o, STR("ssh.authorized_keys.root\nnetwork.*\n"), &status, &taken);
	vec_each(c, &taken.credentials)
		if (!str_starts(c->name, "network.") &&
		    !str_eqz(c->name, "ssh.authorized_keys.root"))
			__builtin_trap();
	return true;
}
