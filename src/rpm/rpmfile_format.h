/* SPDX-License-Identifier: MIT */
/* rpmfile_format.h - constants of package files (rpm docs/manual/format_lead.md, format_v4.md). */
#pragma once

#include <rpm/rpmcrypto.h>
#include <rpm/rpmlib.h>

#include "rpm/rpmfile.h"

enum {
	LEAD_BYTES = RPM_LEAD_BYTES,
	LEAD_NAME_OFFSET = 10,
	LEAD_NAME_BYTES = 66,
	LEAD_MAJOR = 3,
	LEAD_OS_LINUX = 1,
	LEAD_SIGNATURE_HEADER = 5,
	HEADER_ALIGN = 8, /* of the header behind the signatures */
};

static const char lead_magic[4] = { '\xed', '\xab', '\xee', '\xdb' };
