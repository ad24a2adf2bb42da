/* SPDX-License-Identifier: MIT */
/* encode.h - the bytes of a universe, in @a; the same for the same packages but for their numbers.
 */
#pragma once

#include "solve/universe.h"

struct str universe_encode(struct arena *a, const vec_rpm_meta *packages);
