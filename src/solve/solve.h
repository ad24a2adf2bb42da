/* SPDX-License-Identifier: MIT */
/* solve.h - from the metadata of every package to the exact packages of an image, with libsolv. No
 * Id leaves this folder. */
#pragma once

#include "base/arch.h"
#include "rpm/package.h"

/* Of the bytes that are kept; and of the answer: raised when the same request may get another. */
enum { UNIVERSE_VERSION = 3, SOLUTION_VERSION = 1, SOLVE_VERSION = 1 };

/* Every package that can be chosen, and some of them as they are kept in a cache; both opaque. */
struct universe;
struct universe_part;
typedef VEC(struct universe_part *) vec_universe_part;

/* The bytes of a part, in @a, with everything a lock needs; the same for the same packages but for
 * their numbers. */
struct str universe_encode(struct arena *a, const vec_rpm_meta *packages);
/* All parts of an index as it is kept. What it holds is checked, damage is for others to notice:
 * universe_parts_decode() appends parts that borrow @bytes to *ret, checked on @jobs threads. */
struct str universe_parts_encode(struct arena *a, const vec_str *parts);
must_check int universe_parts_decode(struct arena *a, struct str bytes, unsigned jobs,
				     vec_universe_part *ret, struct err *e);

/* What is different about packages of some @names than their parts say: dependencies only. */
struct universe_change {
	const vec_str *names;
	void (*apply)(const void *arg, struct arena *a, struct rpm_meta *m);
	const void *arg;
};

/* Of the same package of the same upstream in several parts, the first part's stays. What is chosen
 * does not depend on the order of the packages in a part. Solutions name packages by number: each
 * part's go on where those of the part before it end. Borrows the parts. @change: or NULL. */
must_check int universe_open(const vec_universe_part *parts, const struct universe_change *change,
			     const struct arch *arch, struct universe **ret, struct err *e);
/* The same of one part, made of @packages. @packages[i] has number i. */
must_check int universe_build(const vec_rpm_meta *packages, const struct arch *arch,
			      struct universe **ret, struct err *e);
size_t universe_size(const struct universe *u);
/* All facts about package number @i (strings in @a). */
void universe_package(struct arena *a, const struct universe *u, uint32_t i, struct rpm_meta *ret);
void universe_free(struct universe *u);

struct solve_request {
	vec_str packages; /* names, provided names, "name = evr", "(a or b)" */
	vec_str exclude;
	bool weak_dependencies;
	const char *testcase_dir; /* for a libsolv test case of what cannot be, or NULL */
	const char *what;         /* "image 'server'": begins the sentence */
};

/* One reason a package is there: @by required (or, weakly, recommended) @dep; @by UINT32_MAX: the
 * image asked for it. */
struct solve_reason {
	uint32_t package, by;
	struct str dep;
	bool weak;
};

struct solution {
	VEC(uint32_t) packages; /* sorted by name */
	/* One per package, in the same order: the first that brought it in, breadth first from the
	 * request. */
	VEC(struct solve_reason) reasons;
};

/* An unknown name fails with the nearest one; an unsolvable request says which package needs what
 * that is not there or conflicts, in a sentence a person can act on. */
must_check int solve(struct arena *a, struct universe *u, const struct solve_request *request,
		     struct solution *ret, struct err *e);

/* What the answer depends on besides the universe and the request: "libsolv 0.7.23". */
struct str solve_library_version(struct arena *a);
/* The solution without its universe: the facts about each chosen package, which its place in
 * *ret_metas now stands for. */
void solution_detach(struct arena *a, const struct universe *u, const struct solution *solution,
		     struct solution *ret, vec_rpm_meta *ret_metas);
/* The same as bytes, so that a warm start needs no universe. solution_decode() borrows them. Damage
 * is noticed (SHA-256). */
struct str solution_encode(struct arena *a, const struct solution *s, const vec_rpm_meta *metas);
must_check int solution_decode(struct arena *a, struct str bytes, struct solution *ret,
			       vec_rpm_meta *ret_metas, struct err *e);

/* The lock: "ashlar-lock 1 SOURCE_DATE_EPOCH", then the exact packages, one a line, sorted by name:
 * NAME EVR ARCH SHA256 SIZE UPSTREAM LOCATION (of the upstream's file; to the end of the line). */
struct lock_package {
	struct str name, evr, arch, upstream, location;
	uint64_t size_bytes;
	uint8_t sha256[SHA256_BYTES];
};

struct lock {
	VEC(struct lock_package) packages;
	uint64_t source_date_epoch; /* the newest of what the upstreams' release files say; the
				       build's clock */
};

must_check int lock_parse(struct arena *a, struct str text, const char *name, struct lock *ret,
			  struct err *e);
struct str lock_dump(struct arena *a, const struct lock *lock);
