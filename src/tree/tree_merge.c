/* SPDX-License-Identifier: MIT */
/* Three passes, so that the order of packages decides nothing but who is named first: links,
 * shallow ones first, since the deeper paths of others may lead through them; then directories;
 * then all else. */
#include <stdlib.h>
#include <sys/stat.h>

#include "base/trace.h"
#include "tree/tree.h"

struct merge {
	struct tree *t;
	const struct rpm_package *packages;
	struct err *e;
};

struct merge_link {
	const struct rpm_file *file;
	uint32_t package;
	unsigned depth;
};

typedef VEC(struct merge_link) vec_merge_link;

static int link_cmp(const void *x, const void *y)
{
	const struct merge_link *p = x, *q = y;
	int r = (p->depth > q->depth) - (p->depth < q->depth);

	if (r == 0)
		r = str_cmp(p->file->path, q->file->path);
	return r != 0 ? r : (p->package > q->package) - (p->package < q->package);
}

static unsigned depth(struct str path)
{
	unsigned n = 0;

	for (size_t i = 0; i < path.n; i++)
		n += path.p[i] == '/';
	return n;
}

static int conflict(struct merge *m, uint32_t id, const struct rpm_file *f, uint32_t package,
		    const char *what)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct str path = tree_path(&a, m->t, id), name = m->packages[package].meta.name;
	struct str other = tree_owner_name(&a, m->t, m->t->nodes.p[id].owner);

	if (str_eq(path, f->path))
		return err_set(m->e, -EEXIST,
			       "%.*s: package '%.*s' and %.*s both hold it, with different %s; "
			       "leave it out of one of them with drop-files in its package.yaml",
			       STR_FMT(path), STR_FMT(name), STR_FMT(other), what);
	return err_set(
		m->e, -EEXIST,
		"%.*s (which leads to %.*s): package '%.*s' and %.*s both hold it, with different %s; "
		"leave it out of one of them with drop-files in its package.yaml",
		STR_FMT(f->path), STR_FMT(path), STR_FMT(name), STR_FMT(other), what);
}

static void take(struct merge *m, uint32_t id, const struct rpm_file *f, uint32_t package)
{
	struct tree_node *n = &m->t->nodes.p[id];

	n->mode = f->mode;
	n->user = f->user;
	n->group = f->group;
	n->mtime_sec = f->mtime_sec;
	n->rdev_major = f->rdev_major;
	n->rdev_minor = f->rdev_minor;
	n->data = f->data;
	n->packed = f->packed;
	n->xattrs = f->xattrs;
	n->flags = f->flags;
	n->owner = package;
}

static bool plain(uint32_t mode, struct str user, struct str group)
{
	return (mode & 07777) == 0755 && str_eqz(user, "root") && str_eqz(group, "root");
}

static int merge_dir(struct merge *m, uint32_t id, const struct rpm_file *f, uint32_t package)
{
	struct tree_node *n = &m->t->nodes.p[id];

	if (!S_ISDIR(n->mode))
		return conflict(m, id, f, package, "types");
	if (n->owner == TREE_OWNER_IMPLIED) {
		take(m, id, f, package);
		return 0;
	}
	if (n->mode == f->mode && str_eq(n->user, f->user) && str_eq(n->group, f->group))
		return 0;
	if (plain(n->mode, n->user, n->group)) {
		take(m, id, f, package);
		return 0;
	}
	return plain(f->mode, f->user, f->group) ? 0
						 : conflict(m, id, f, package, "modes or owners");
}

/* Of what is packed only the digest is looked at. */
static bool same_content(const struct tree *t, uint32_t id, const struct rpm_file *f)
{
	const struct tree_node *n = &t->nodes.p[tree_holder(t, id)];
	uint8_t x[SHA256_BYTES], y[SHA256_BYTES];

	if (!n->packed && !f->packed)
		return str_eq(n->data, f->data);
	tree_sha256(t, id, x);
	if (f->packed)
		memcpy(y, f->packed->sha256, sizeof(y));
	else
		sha256(f->data.p, f->data.n, y);
	return memcmp(x, y, sizeof(x)) == 0;
}

/* What differs between a node and a file of the same path, or NULL. */
static const char *difference(const struct tree *t, uint32_t id, const struct rpm_file *f)
{
	const struct tree_node *n = &t->nodes.p[id];

	if ((n->mode & S_IFMT) != (f->mode & S_IFMT))
		return "types";
	if (!same_content(t, id, f) || n->rdev_major != f->rdev_major ||
	    n->rdev_minor != f->rdev_minor)
		return "content";
	if (n->mode != f->mode || !str_eq(n->user, f->user) || !str_eq(n->group, f->group))
		return "modes or owners";
	return xattrs_same(&n->xattrs, &f->xattrs) ? NULL : "capabilities or other attributes";
}

/* @f lands where its path leads; a directory also through a link in its last part, as dpkg unpacks
 * it. *ret is the node, or TREE_NONE when nothing is new. */
static int merge_file(struct merge *m, const struct rpm_file *f, uint32_t package, uint32_t *ret)
{
	bool is_dir = S_ISDIR(f->mode), fresh;
	struct tree_spot spot;
	const char *what;
	uint32_t id = TREE_NONE;
	int r;

	*ret = TREE_NONE;
	r = tree_check_path(f->path, m->e);
	if (r == 0)
		r = tree_locate(m->t, f->path, is_dir, &spot, m->e);
	if (r < 0)
		return err_wrap(m->e, r, "package '%.*s'", STR_FMT(m->packages[package].meta.name));
	fresh = spot.id == TREE_NONE;
	r = tree_make(m->t, (struct str){ spot.path, spot.n }, &id, m->e);
	if (r < 0)
		return err_wrap(m->e, r, "package '%.*s'", STR_FMT(m->packages[package].meta.name));
	if (is_dir)
		return merge_dir(m, id, f, package);
	if (!fresh) {
		what = difference(m->t, id, f);
		return what ? conflict(m, id, f, package, what) : 0;
	}
	take(m, id, f, package);
	*ret = id;
	return 0;
}

static int merge_links(struct merge *m, vec_merge_link *links)
{
	uint32_t id = TREE_NONE;

	if (links->n > 1)
		qsort(links->p, links->n, sizeof(*links->p), link_cmp);
	vec_each(link, links) {
		int r = merge_file(m, link->file, link->package, &id);

		if (r < 0)
			return r;
	}
	return 0;
}

/* The first file of a link group holds the content. The key is the group's number as bytes, which
 * lie in the package. */
static void join_links(struct merge *m, struct arena *a, struct map *groups,
		       const struct rpm_file *f, uint32_t id)
{
	struct str key = { (const char *)&f->link_group, sizeof(f->link_group) };
	const uint32_t *first = map_get(groups, key);
	struct tree_node *n = &m->t->nodes.p[id];

	if (!first) {
		map_put(a, groups, key, id);
		return;
	}
	n->link_to = *first;
	n->data = (struct str){ 0 };
	n->packed = NULL;
	m->t->nodes.p[*first].linked = true;
}

static int merge_package(struct merge *m, uint32_t package, bool dirs, const bool *kept)
{
	_cleanup_arena_ struct arena scratch = { 0 };
	const vec_rpm_file *files = &m->packages[package].files;
	struct map groups = { 0 };

	for (size_t i = 0; i < files->n; i++) {
		const struct rpm_file *f = &files->p[i];
		uint32_t id = TREE_NONE;
		int r;

		if (!kept[i] || S_ISLNK(f->mode) || S_ISDIR(f->mode) != dirs)
			continue;
		r = merge_file(m, f, package, &id);
		if (r < 0)
			return r;
		if (id != TREE_NONE && f->link_group > 0 && S_ISREG(f->mode))
			join_links(m, &scratch, &groups, f, id);
	}
	return 0;
}

/* Which files enter, asked once per file; and all links. */
static bool *choose(struct merge *m, struct arena *a, uint32_t package, tree_keep keep, void *arg,
		    vec_merge_link *links)
{
	const vec_rpm_file *files = &m->packages[package].files;
	bool *kept = arena_array(a, files->n + 1, sizeof(*kept));

	for (size_t i = 0; i < files->n; i++) {
		const struct rpm_file *f = &files->p[i];

		kept[i] = !(f->flags & FILE_GHOST) && (!keep || keep(arg, package, f));
		if (kept[i] && S_ISLNK(f->mode))
			vec_push(a, links) = (struct merge_link){ f, package, depth(f->path) };
	}
	return kept;
}

int tree_merge(struct tree *t, const struct rpm_package *packages, size_t n, tree_keep keep,
	       void *arg, struct err *e)
{
	TRACE("merge");
	_cleanup_arena_ struct arena scratch = { 0 };
	struct merge m = { t, packages, e };
	bool **kept = arena_array(&scratch, n + 1, sizeof(*kept));
	vec_merge_link links = { 0 };
	int r;

	for (uint32_t i = 0; i < n; i++) {
		vec_push(t->a, &t->owners) = packages[i].meta.name;
		kept[i] = choose(&m, &scratch, i, keep, arg, &links);
	}
	r = merge_links(&m, &links);
	for (unsigned pass = 0; pass < 2 && r == 0; pass++)
		for (uint32_t i = 0; i < n && r == 0; i++)
			r = merge_package(&m, i, pass == 0, kept[i]);
	return r;
}
