/* SPDX-License-Identifier: MIT */
/* sections.h - the sections of a package file, apart: signature header, header, payload. */
#pragma once

#include "rpm/tags.h"

struct sections {
	struct header signature, header;
	struct str header_bytes, payload; /* borrowed */
};

void sections_init(struct sections *s, struct arena *a);
void sections_done(struct sections *s);
/* Nothing is verified but the shape of both headers. */
must_check int sections_read(struct sections *s, struct str bytes, struct err *e);
