/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <sys/stat.h>

#include "tree/tree.h"

static int path_cmp(const void *x, const void *y)
{
	return str_cmp(((const struct rpm_file *)x)->path, ((const struct rpm_file *)y)->path);
}

/* What the tree says now of a path that was touched: all of the node, so that what is replayed is
 * what was made. A hard link has its holder's number, plus 1, as its group. */
static int change_read(struct arena *a, const struct tree *t, struct str path, struct rpm_file *ret,
		       struct err *e)
{
	uint32_t id = tree_find_exact(t, path);
	const struct tree_node *n;
	struct rpm_file f = { .path = path, .mode = S_IFREG, .flags = FILE_GHOST };
	int r = 0;

	if (id == TREE_NONE) {
		*ret = f;
		return 0;
	}
	n = &t->nodes.p[id];
	f = (struct rpm_file){ .path = path,
			       .mode = n->mode,
			       .user = n->user,
			       .group = n->group,
			       .mtime_sec = n->mtime_sec,
			       .rdev_major = n->rdev_major,
			       .rdev_minor = n->rdev_minor,
			       .flags = n->flags,
			       .xattrs = n->xattrs,
			       .data = n->data };
	if (n->link_to != TREE_NONE || n->linked)
		f.link_group = tree_holder(t, id) + 1;
	if (S_ISREG(n->mode))
		r = tree_read(a, t, id, &f.data, e);
	if (r == 0)
		*ret = f;
	return r;
}

/* A link to a file that the step did not touch would be lost. */
static int links_check(const struct tree *t, const vec_rpm_file *files, struct err *e)
{
	_cleanup_arena_ struct arena a = { 0 };

	vec_each(f, files) {
		bool found = f->link_group == 0 || f->flags & FILE_GHOST;
		struct str holder;

		if (found)
			continue;
		holder = tree_path(&a, t, f->link_group - 1);
		vec_each(other, files)
			found |= str_eq(other->path, holder);
		if (!found)
			return err_set(
				e, -EINVAL,
				"%.*s: a hard link to %.*s, which the same step did not make",
				STR_FMT(f->path), STR_FMT(holder));
	}
	return 0;
}

int tree_changes(struct arena *a, const struct tree *t, const vec_id *journal, vec_rpm_file *ret,
		 struct err *e)
{
	struct map seen = { 0 };
	vec_rpm_file files = { 0 };

	vec_each(id, journal) {
		struct str path = tree_path(a, t, *id);
		int r;

		if (map_get(&seen, path))
			continue;
		map_put(a, &seen, path, 1);
		r = change_read(a, t, path, &vec_push(a, &files), e);
		if (r < 0)
			return r;
	}
	if (files.n > 1)
		qsort(files.p, files.n, sizeof(*files.p), path_cmp);
	if (links_check(t, &files, e) < 0)
		return -EINVAL;
	*ret = files;
	return 0;
}

/* @first: by group, the node that holds the content. */
static int replay_one(struct tree *t, const struct rpm_file *f, struct map *first, struct err *e)
{
	struct str group = { (const char *)&f->link_group, sizeof(f->link_group) };
	uint32_t id = TREE_NONE, *holder;
	struct tree_node *n;
	int r = f->packed ? tree_put_packed(t, f->path, f->mode, f->packed, TREE_OWNER_GENERATOR,
					    &id, e)
			  : tree_put(t, f->path, f->mode, f->data, TREE_OWNER_GENERATOR, &id, e);

	if (r < 0)
		return r;
	n = &t->nodes.p[id];
	n->user = f->user;
	n->group = f->group;
	n->mtime_sec = f->mtime_sec;
	n->rdev_major = f->rdev_major;
	n->rdev_minor = f->rdev_minor;
	n->flags = f->flags;
	n->xattrs = f->xattrs;
	if (f->link_group == 0)
		return 0;
	holder = map_get(first, group);
	if (!holder) {
		map_put(t->a, first, group, id);
		return 0;
	}
	n->link_to = *holder;
	n->data = (struct str){ 0 };
	n->packed = NULL;
	t->nodes.p[*holder].linked = true;
	return 0;
}

int tree_replay(struct tree *t, const vec_rpm_file *changes, struct err *e)
{
	struct map first = { 0 };
	int r = 0;

	vec_each(f, changes) {
		uint32_t id = f->flags & FILE_GHOST ? tree_find_exact(t, f->path) : TREE_NONE;

		if (id != TREE_NONE)
			tree_remove(t, id);
	}
	for (size_t i = 0; i < changes->n && r == 0; i++)
		if (!(changes->p[i].flags & FILE_GHOST))
			r = replay_one(t, &changes->p[i], &first, e);
	return r;
}
