/* SPDX-License-Identifier: MIT */
/* hwdb_strings.h - strings one behind the other, each once: one that ends an earlier string is
 * found there. */
#pragma once

#include "base/str.h"

/* A tree over the strings from their ends: the string of a node ends as the way to the node says.
 * Whatever new string goes down the tree becomes a node where there is none, so the shallowest that
 * fits is the earliest that does. */
struct hwdb_strings {
	struct arena *a;
	struct buf text; /* begins with the empty string */
	VEC(struct hwdb_strings_node) nodes;
	struct hwdb_strings_slot *slots;
	size_t n_slots;
};

void hwdb_strings_init(struct arena *a, struct hwdb_strings *s);
/* The offset of a NUL-terminated @string within .text. */
uint32_t hwdb_strings_add(struct hwdb_strings *s, struct str string);
