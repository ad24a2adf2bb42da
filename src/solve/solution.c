/* SPDX-License-Identifier: MIT */
#include <solv/solvversion.h>

#include "base/rd.h"
#include "solve/universe.h"

/* The bytes: magic, version, the number of packages; of each the reason, as BY WEAK LENGTH TEXT;
 * the packages as a universe of their own; the SHA-256 of all before it. Numbers are 32-bit
 * little-endian. */

enum {
	SOLUTION_PACKAGES_MAX = 1 << 16,
};
static const char magic[8] = "ASHLSOLV";

struct str solve_library_version(struct arena *a)
{
	return str_printf(a, "libsolv %s", solv_version);
}

static uint32_t place_of(const struct solution *s, uint32_t number)
{
	uint32_t i = 0;

	while (i < s->packages.n && s->packages.p[i] != number)
		i++;
	return i;
}

void solution_detach(struct arena *a, const struct universe *u, const struct solution *solution,
		     struct solution *ret, vec_rpm_meta *ret_metas)
{
	struct solution s = { 0 };
	vec_rpm_meta metas = { 0 };

	vec_each(number, &solution->packages) {
		vec_push(a, &s.packages) = (uint32_t)metas.n;
		universe_package(a, u, *number, &vec_push(a, &metas));
	}
	vec_each(reason, &solution->reasons) {
		struct solve_reason r = *reason;

		r.package = place_of(solution, r.package);
		if (r.by != UINT32_MAX)
			r.by = place_of(solution, r.by);
		r.dep = str_dup(a, r.dep);
		vec_push(a, &s.reasons) = r;
	}
	*ret = s;
	*ret_metas = metas;
}

struct str solution_encode(struct arena *a, const struct solution *s, const vec_rpm_meta *metas)
{
	struct str packages = universe_encode(a, metas);
	uint8_t digest[SHA256_BYTES];
	struct buf b = { .a = a };

	buf_put(&b, magic, sizeof(magic));
	buf_le32(&b, SOLUTION_VERSION);
	buf_le32(&b, (uint32_t)metas->n);
	vec_each(reason, &s->reasons) {
		buf_le32(&b, reason->by);
		buf_le32(&b, reason->weak);
		buf_le32(&b, (uint32_t)reason->dep.n);
		buf_put(&b, reason->dep.p, reason->dep.n);
	}
	buf_put(&b, packages.p, packages.n);
	sha256(b.v.p, b.v.n, digest);
	buf_put(&b, digest, sizeof(digest));
	return (struct str){ (char *)b.v.p, b.v.n };
}

static int damaged(struct err *e, const char *what)
{
	return err_set(e, -EBADMSG, "the cached solution is damaged (%s)", what);
}

/* The cursor comes to stand before the packages. */
static int reasons_read(struct arena *a, struct rd *r, struct solution *ret, struct err *e)
{
	struct str head = rd_str(r, sizeof(magic));
	uint32_t version = rd_le32(r), n = rd_le32(r);

	if (r->bad || memcmp(head.p, magic, sizeof(magic)) != 0 || version != SOLUTION_VERSION)
		return damaged(e, "another format");
	if (n > SOLUTION_PACKAGES_MAX)
		return damaged(e, "too many packages");
	for (uint32_t i = 0; i < n && !r->bad; i++) {
		struct solve_reason reason = { .package = i, .by = rd_le32(r) };
		uint32_t weak = rd_le32(r);

		reason.weak = weak != 0;
		reason.dep = rd_str(r, rd_le32(r));
		if (weak > 1 || (reason.by >= n && reason.by != UINT32_MAX))
			return damaged(e, "a reason");
		vec_push(a, &ret->packages) = i;
		vec_push(a, &ret->reasons) = reason;
	}
	return r->bad ? damaged(e, "too short") : 0;
}

static int packages_read(struct arena *a, struct str bytes, size_t n, vec_rpm_meta *ret,
			 struct err *e)
{
	_cleanup_arena_ struct arena work = { 0 };
	struct universe_part part;
	int r = universe_part_check(&work, bytes, &part, e);

	if (r == 0 && part.head.n_packages != n)
		r = damaged(e, "another number of packages than of reasons");
	for (uint32_t i = 0; r == 0 && i < n; i++) {
		universe_part_package(a, &part, part.record_of[i], &vec_push(a, ret));
		if (i > 0 && str_cmp(ret->p[i - 1].name, ret->p[i].name) > 0)
			r = damaged(e, "packages out of order");
	}
	return r;
}

int solution_decode(struct arena *a, struct str bytes, struct solution *ret,
		    vec_rpm_meta *ret_metas, struct err *e)
{
	struct rd rd = { .p = (const uint8_t *)bytes.p };
	struct solution solution = { 0 };
	vec_rpm_meta metas = { 0 };
	uint8_t digest[SHA256_BYTES];
	int r;

	if (bytes.n < SHA256_BYTES)
		return damaged(e, "too short");
	rd.n = bytes.n - SHA256_BYTES;
	sha256(bytes.p, rd.n, digest);
	if (memcmp(digest, bytes.p + rd.n, sizeof(digest)) != 0)
		return damaged(e, "its checksum differs");
	r = reasons_read(a, &rd, &solution, e);
	if (r == 0)
		r = packages_read(a, str_from(str_head(bytes, rd.n), rd.pos), solution.reasons.n,
				  &metas, e);
	if (r < 0)
		return r;
	*ret = solution;
	*ret_metas = metas;
	return 0;
}
