/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <sys/stat.h>

#include "tree/tree.h"

static int path_cmp(const void *x, const void *y)
{
	return str_cmp(((const struct rpm_file *)x)->path, ((const struct rpm_file *)y)->path);
}

/* What the tree says now of a path that was touched. */
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
			       .data = n->data };
	if (S_ISREG(n->mode))
		r = tree_read(a, t, id, &f.data, e);
	if (r == 0)
		*ret = f;
	return r;
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
	*ret = files;
	return 0;
}

static int replay_one(struct tree *t, const struct rpm_file *f, struct err *e)
{
	uint32_t id = TREE_NONE;
	int r = f->packed ? tree_put_packed(t, f->path, f->mode, f->packed, TREE_OWNER_GENERATOR,
					    &id, e)
			  : tree_put(t, f->path, f->mode, f->data, TREE_OWNER_GENERATOR, &id, e);

	if (r < 0)
		return r;
	t->nodes.p[id].user = f->user;
	t->nodes.p[id].group = f->group;
	t->nodes.p[id].mtime_sec = f->mtime_sec;
	return 0;
}

int tree_replay(struct tree *t, const vec_rpm_file *changes, struct err *e)
{
	int r = 0;

	vec_each(f, changes) {
		uint32_t id = f->flags & FILE_GHOST ? tree_find_exact(t, f->path) : TREE_NONE;

		if (id != TREE_NONE)
			tree_remove(t, id);
	}
	for (size_t i = 0; i < changes->n && r == 0; i++)
		if (!(changes->p[i].flags & FILE_GHOST))
			r = replay_one(t, &changes->p[i], e);
	return r;
}
