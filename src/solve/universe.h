/* SPDX-License-Identifier: MIT */
/* universe.h - what this folder's files share: libsolv's pool and the parts it was made from.
 *
 * A part's bytes are: a head, the records of its packages in canonical order, the distinct
 * dependencies, the lists that name these by index, and the distinct texts, each with a NUL.
 * Libsolv's own .solv form keeps neither rich dependencies as they were
 * written nor most of what a lock needs; read from these tables the pool takes no longer. */
#pragma once

#include <assert.h>

#include <solv/pool.h>
#include <solv/queue.h>
#include <solv/repo.h>
#include <solv/solvable.h>

#include "solve/solve.h"

enum {
	UNIVERSE_TEXTS = 18, /* fields of struct rpm_meta that are texts */
	UNIVERSE_LISTS = 6,  /* and lists of dependencies */
	UNIVERSE_PACKAGES_MAX = 1 << 20,
	UNIVERSE_RICH_BYTES_MAX = 4096, /* of one rich dependency: libsolv's parser recurses */
};

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the bytes are little-endian");

struct universe_head {
	char magic[8];
	uint32_t version, n_packages, n_deps, n_listed, n_text_bytes, unused;
};

struct universe_dep {
	uint32_t name, evr, op; /* where the texts begin; enum dep_op */
};

struct universe_record {
	uint32_t number;                /* of the package, to those who made the part */
	uint32_t evr;                   /* "[epoch:]version-release" */
	uint32_t texts[UNIVERSE_TEXTS]; /* in the order of universe_texts[] */
	struct {
		uint32_t first, n;
	} lists[UNIVERSE_LISTS]; /* in the order of universe_lists[] */
	uint32_t essential, unused;
	uint64_t epoch, size_bytes, installed_bytes;
	uint8_t sha256[SHA256_BYTES];
};

static_assert(sizeof(struct universe_head) == 32, "layout");
static_assert(sizeof(struct universe_record) == 192, "layout");

/* Where some of them stand in universe_texts[]. */
enum {
	UNIVERSE_NAME = 0,
	UNIVERSE_ARCH = 3,
	UNIVERSE_UPSTREAM = 10,
	UNIVERSE_ORIGIN_NAME = 13,
	UNIVERSE_ORIGIN_VERSION = 14,
	UNIVERSE_ORIGIN_ARCH = 15,
};

/* Offsets into struct rpm_meta. */
extern const size_t universe_texts[UNIVERSE_TEXTS];
extern const struct universe_list {
	size_t offset; /* of a vec_dep */
	Id key;
} universe_lists[UNIVERSE_LISTS];

struct universe_part {
	struct str bytes;
	struct universe_head head;
	const char *records, *deps, *listed, *texts; /* sections of the bytes; not aligned */
	uint32_t *record_of;                         /* number -> record */
};

/* Cuts @bytes into sections; every index is checked here, once. */
must_check int universe_part_check(struct arena *a, struct str bytes, struct universe_part *ret,
				   struct err *e);
struct universe_record universe_part_record(const struct universe_part *part, uint32_t record);
/* One text of a record; ends at a NUL. */
const char *universe_part_text(const struct universe_part *part, uint32_t record, size_t text);
struct universe_dep universe_part_dep(const struct universe_part *part, uint32_t i);
/* The index of a dependency in a list. */
uint32_t universe_part_listed(const struct universe_part *part, uint32_t i);
/* All facts about a package, in @a. */
void universe_part_package(struct arena *a, const struct universe_part *part, uint32_t record,
			   struct rpm_meta *ret);

struct universe_place {
	uint32_t part, record;
};

struct universe {
	struct arena a;
	Pool *pool;
	Id first; /* solvable of places[0]; the others follow */
	VEC(struct universe_part) parts;
	struct universe_place *places; /* of all packages, in canonical order */
	uint32_t n;
	uint32_t *numbers; /* of each part's first package */
};

/* universe_merge.c: fills places: the packages of all parts in one order, without those that are
 * there twice. */
void universe_merge(struct universe *u);

/* Of the solvable @p. */
struct universe_record universe_record(const struct universe *u, Id p);
uint32_t universe_number(const struct universe *u, Id p);

/* A request's or dependency's text as libsolv's Id; 0 when it is no dependency, or when @create is
 * false and the name is not in the pool. */
Id universe_dep_id(const struct universe *u, const struct dep *dep);
/* The distinct names of all packages, sorted. */
vec_str universe_names(struct arena *a, const struct universe *u);

/* prefer.c: solvables a request would lead to when each choice is made by our order, best guess
 * first. The solver gets them as favourites, and departs from them only where they cannot be. */
void universe_prefer(const struct universe *u, const Queue *job, bool weak, Queue *ret);
/* The parts of "(a or b or c)" in order; a dependency that is no such choice is its only part. */
void dep_alternatives(Pool *pool, Id dep, Queue *ret);

/* problem.c */
struct s_Solver;
struct str problem_sentence(struct arena *a, const struct universe *u, struct s_Solver *solver,
			    const Queue *job);

/* reason.c: fills ret->reasons for the chosen solvables, in the order of ret->packages. */
void reasons_find(struct arena *a, const struct universe *u, const Queue *job, const vec_str *texts,
		  const Queue *chosen, struct solution *ret);
