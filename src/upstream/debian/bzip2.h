/* SPDX-License-Identifier: MIT */
/* bzip2.h - members of old packages, by way of libarchive, which reads tar here as well. */
#pragma once

#include "base/str.h"

/* As decompress() in disk/codec.h: -EFBIG beyond @max. */
must_check int bzip2_expand(struct arena *a, struct str in, size_t max, struct str *ret,
			    struct err *e);
