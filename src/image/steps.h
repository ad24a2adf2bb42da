/* SPDX-License-Identifier: MIT */
/* steps.h - one build on its way: what it is told, what its steps have made so far, and the steps
 * in their order. Each reads what stands above it in the struct, and fills what it is named for. */
#pragma once

#include "image/agents.h"
#include "image/assemble.h"
#include "image/plan.h"
#include "image/resolve.h"
#include "keys/keys.h"
#include "store/derive.h"
#include "store/store.h"

struct build {
	struct arena *a;               /* lives as long as this try */
	const struct image_options *o; /* borrowed, unchanged */
	const struct keys *keys;
	struct agents agents;
	struct resolved res;             /* image_resolve() */
	struct store *store;             /* open packs, until the end */
	struct derive derive;            /* the same, of what generators made */
	struct stored_package *packages; /* res.n; store_get() */
	struct assembled as;             /* image_assemble(), image_initrds() */
	struct image_plan plan;          /* image_plan() */
};

/* The file system, from packages, definitions and generators; in memory. */
must_check int image_assemble(struct build *b, struct err *e);
/* Steps of it: what generators make (before it is known what owners' numbers are), and the database
 * of packages, all files of which are in the tree or left out by then. */
must_check int image_generate(struct build *b, struct err *e);
must_check int image_rpmdb(struct build *b, bool *const *not_installed, struct err *e);
/* For each kernel an initrd: agent/init, the modules that the definition names with what they
 * depend on, their list, the execution policy (artifact/policy.h), and the public halves of
 * the pcr-signing keys (agent/init/pcr_policy.h). Compressed. */
must_check int image_initrds(struct build *b, struct err *e);
/* That the definition says nothing without effect: no pattern of the image's own file that matches
 * nothing, no link that leads nowhere. */
must_check int image_check_unused(struct build *b, struct err *e);
/* Everything signed and laid, but nothing written. What is not signed here is in
 * plan.boot.pending. */
must_check int image_plan(struct build *b, struct err *e);
/* -EDQUOT naming the largest packages when the definition allows less. */
must_check int image_budgets(struct build *b, struct err *e);
must_check int manifest_text(struct build *b, struct str *ret, struct err *e);
/* Writes everything under OUT beside its final name, and puts it in place when all of it is there
 * and the upstreams have no news. */
must_check int image_outputs(struct build *b, struct err *e);
/* "OUT/NAME-ARCH" and @suffix. */
struct str image_out_path(struct arena *a, const struct image_options *o, const char *suffix);
/* Whether image_outputs() makes a file of that name under OUT. */
bool image_is_output(struct str name);
