/* SPDX-License-Identifier: MIT */
/* smbios.h - the strings that whoever made a machine left in its SMBIOS tables: a hypervisor's way
 * to talk to its guest (DMTF DSP0134, 6.1.3 "Text strings" and 7.12 "OEM Strings (Type 11)"). */
#pragma once

#include "base/str.h"

enum { SMBIOS_BYTES_MAX = 8 << 20, SMBIOS_STRINGS_MAX = 4096 };

/* In the order of the tables, borrowed. Fails for a table that ends within a structure. */
must_check int smbios_oem_strings(struct arena *a, struct str table, vec_str *ret, struct err *e);
