/* SPDX-License-Identifier: MIT */
/* caps.h - file capabilities (capabilities(7)): text to the bytes of the security.capability
 * attribute, and back. */
#pragma once

#include "base/str.h"

/* One clause as cap_to_text(3) prints it: "cap_net_raw,cap_net_admin=ep"; *ret holds a struct
 * vfs_cap_data of revision 2. */
must_check int caps_parse(struct arena *a, struct str text, struct str *ret, struct err *e);
/* The other way; empty when the bytes are not such a value. */
struct str caps_text(struct arena *a, struct str value);
