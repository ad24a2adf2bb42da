/* SPDX-License-Identifier: MIT */
/* gen_inputs.h - what an expensive generator depends on, written down: while that stays the same,
 * so does what it makes, which can then be kept and used again (store/derive.h).
 *
 * A generator that comes to make something else of the same inputs gets another version there.
 *
 * Beside each such generator stands a function that asks the tree all that the generator asks, in
 * the generator's own words: paths that may lead through links, folders, contents. Asking for more
 * is harmless, for less it is not; tests run each generator on trees that hold nothing else. */
#pragma once

#include "tree/tree.h"

enum { GEN_LOOKED_AT = 1, GEN_LISTED = 2 };

struct gen_inputs {
	struct tree *t;
	struct buf lines; /* "NAME VALUE", for a recipe (store/recipe.h) */
	struct buf reads; /* what the tree answered */
	uint8_t *nodes;   /* GEN_LOOKED_AT, GEN_LISTED: by id */
};

void gen_inputs_init(struct arena *a, struct tree *t, struct gen_inputs *ret);
/* A parameter, which holds no newline. */
void gen_input(struct gen_inputs *in, const char *name, struct str value);

/* Where @path leads, links of its last part followed or not; which type is there, if any, whether a
 * definition put it there, a link's target, a file's content. */
void gen_input_node(struct gen_inputs *in, struct str path);
/* That of the folder @path leads to, and of all that is in it. */
void gen_input_folder(struct gen_inputs *in, struct str path);
/* And of all below, through links to folders, too. */
void gen_input_below(struct gen_inputs *in, struct str path);

/* The lines, and one with the digest of what was read. */
struct str gen_inputs_text(struct gen_inputs *in);
