/* SPDX-License-Identifier: MIT */
#include "artifact/diff.h"

static bool same_package(const struct diff_package *x, const struct diff_package *y)
{
	return str_eq(x->evr, y->evr) && str_eq(x->arch, y->arch) &&
	       str_eq(x->rpm_sha256, y->rpm_sha256);
}

/* Both are sorted by name. */
static void packages_diff(struct arena *a, const struct diff_side *x, const struct diff_side *y,
			  struct image_diff *ret)
{
	for (size_t i = 0, k = 0; i < x->packages.n || k < y->packages.n;) {
		const struct diff_package *p = i < x->packages.n ? &x->packages.p[i] : NULL,
					  *q = k < y->packages.n ? &y->packages.p[k] : NULL;
		int order = !p ? 1 : !q ? -1 : str_cmp(p->name, q->name);

		i += order <= 0;
		k += order >= 0;
		if (order == 0 && same_package(p, q))
			continue;
		vec_push(a, &ret->packages) = (struct diff_package_change){
			order <= 0 ? p : NULL,
			order >= 0 ? q : NULL,
		};
	}
}

static void sizes_diff(struct arena *a, const vec_diff_size *x, const vec_diff_size *y,
		       vec_diff_size_change *ret)
{
	for (size_t i = 0, k = 0; i < x->n || k < y->n;) {
		const struct diff_size *p = i < x->n ? &x->p[i] : NULL,
				       *q = k < y->n ? &y->p[k] : NULL;
		int order = !p ? 1 : !q ? -1 : diff_size_cmp(p, q);
		struct diff_size_change change = {
			.name = order <= 0 ? p->name : q->name,
			.before = order <= 0 ? p->bytes : 0,
			.after = order >= 0 ? q->bytes : 0,
		};

		i += order <= 0;
		k += order >= 0;
		if (change.before != change.after)
			vec_push(a, ret) = change;
	}
}

/* Whether both sides know; else says who does not. */
static bool both(struct arena *a, struct image_diff *d, const char *what, const struct diff_side *x,
		 struct str no_x, const struct diff_side *y, struct str no_y)
{
	if (no_x.n == 0 && no_y.n == 0)
		return true;
	vec_push(a, &d->uncompared) =
		str_printf(a, "%s of %s: %.*s", what, no_x.n > 0 ? x->name : y->name,
			   STR_FMT(no_x.n > 0 ? no_x : no_y));
	return false;
}

void image_diff(struct arena *a, const struct diff_side *x, const struct diff_side *y,
		struct image_diff *ret)
{
	struct image_diff d = { 0 };

	if (both(a, &d, "packages", x, x->no_packages, y, y->no_packages))
		packages_diff(a, x, y, &d);
	if (both(a, &d, "files", x, x->no_files, y, y->no_files))
		tree_diff(a, &x->tree, &y->tree, &d.files);
	/* nothing is missing where neither can know it */
	if ((x->no_package_sizes.n == 0 || y->no_package_sizes.n == 0) &&
	    both(a, &d, "sizes of packages", x, x->no_package_sizes, y, y->no_package_sizes))
		sizes_diff(a, &x->package_sizes, &y->package_sizes, &d.package_sizes);
	sizes_diff(a, &x->sizes, &y->sizes, &d.sizes);
	d.root_hash = !str_eq(x->root_hash, y->root_hash);
	if (both(a, &d, "bytes", x, x->no_bytes, y, y->no_bytes))
		diff_bytes(a, x, y, &d);
	d.differs = d.packages.n + d.files.n + d.package_sizes.n + d.sizes.n + d.bytes.n > 0 ||
		    d.root_hash;
	*ret = d;
}
