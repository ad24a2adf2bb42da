/* SPDX-License-Identifier: MIT */
#include "tree/tree.h"

#include <stdlib.h>
#include <sys/stat.h>

static uint32_t node_add(struct tree *t, struct str path, struct str name, uint32_t parent)
{
	uint32_t id = (uint32_t)t->nodes.n;
	struct tree_node *n = &vec_push(t->a, &t->nodes);

	*n = (struct tree_node){ .name = name,
				 .parent = parent,
				 .first_child = TREE_NONE,
				 .next_sibling = TREE_NONE,
				 .mode = S_IFDIR | 0755,
				 .user = STR("root"),
				 .group = STR("root"),
				 .link_to = TREE_NONE,
				 .owner = TREE_OWNER_IMPLIED };
	if (id != 0) {
		n->next_sibling = t->nodes.p[parent].first_child;
		t->nodes.p[parent].first_child = id;
	}
	map_put(t->a, &t->paths, path, id);
	return id;
}

void tree_init(struct arena *a, struct tree *t)
{
	*t = (struct tree){ .a = a };
	node_add(t, STR("/"), STR(""), 0);
}

static uint32_t exact(const struct tree *t, struct str path)
{
	const uint32_t *id = map_get(&t->paths, path);

	return id ? *id : TREE_NONE;
}

int tree_check_path(struct str path, struct err *e)
{
	struct str rest = path;

	if (!str_starts(path, "/") || memchr(path.p, 0, path.n))
		return err_set(e, -EINVAL, "path '%.*s': want an absolute path without NUL",
			       STR_FMT(path));
	if (path.n > TREE_PATH_BYTES_MAX)
		return err_set(e, -ENAMETOOLONG, "path '%.*s...': longer than %d bytes", 80, path.p,
			       TREE_PATH_BYTES_MAX);
	if (path.n == 1)
		return 0;
	str_cut(&rest, '/');
	for (bool more = true; more;) {
		more = str_find(rest, '/') >= 0;
		struct str name = str_cut(&rest, '/');

		if (name.n == 0 || str_eqz(name, ".") || str_eqz(name, ".."))
			return err_set(e, -EINVAL,
				       "path '%.*s': empty, '.' and '..' parts are not allowed",
				       STR_FMT(path));
		if (name.n > TREE_NAME_BYTES_MAX)
			return err_set(e, -ENAMETOOLONG,
				       "path '%.*s': a part is longer than %d bytes", STR_FMT(path),
				       TREE_NAME_BYTES_MAX);
	}
	return 0;
}

/* A path being followed: ret->path is canonical so far (empty for the root), rest is what is still
 * to be walked. */
struct walk {
	const struct tree *t;
	struct str path; /* as asked, for messages */
	struct tree_spot *spot;
	char rest[2 * TREE_PATH_BYTES_MAX + 2];
	struct str todo; /* within .rest */
	unsigned links;
};

static int walk_link(struct walk *w, const struct tree_node *n, struct err *e)
{
	size_t parent = w->spot->n - n->name.n - 1;

	if (++w->links > TREE_LINKS_MAX)
		return err_set(e, -ELOOP, "path '%.*s': more than %d symbolic links",
			       STR_FMT(w->path), TREE_LINKS_MAX);
	if (n->data.n + 1 + w->todo.n > TREE_PATH_BYTES_MAX)
		return err_set(e, -ENAMETOOLONG, "path '%.*s': too long after following links",
			       STR_FMT(w->path));
	memmove(w->rest + n->data.n + 1, w->todo.p, w->todo.n);
	w->rest[n->data.n] = '/';
	if (n->data.n > 0)
		memcpy(w->rest, n->data.p, n->data.n);
	w->todo = (struct str){ w->rest, n->data.n + 1 + w->todo.n };
	w->spot->n = str_starts(n->data, "/") ? 0 : parent;
	return 0;
}

/* One component. */
static int walk_step(struct walk *w, bool follow, struct err *e)
{
	struct str name = str_cut(&w->todo, '/');
	struct tree_spot *s = w->spot;
	const struct tree_node *n;

	if (name.n == 0 || str_eqz(name, "."))
		return 0;
	if (str_eqz(name, "..")) {
		while (s->n > 0 && s->path[--s->n] != '/')
			;
		return 0;
	}
	if (s->n + 1 + name.n > TREE_PATH_BYTES_MAX)
		return err_set(e, -ENAMETOOLONG, "path '%.*s': too long after following links",
			       STR_FMT(w->path));
	s->path[s->n++] = '/';
	memcpy(s->path + s->n, name.p, name.n);
	s->n += name.n;
	s->id = exact(w->t, (struct str){ s->path, s->n });
	if (s->id == TREE_NONE)
		return 0;
	n = &w->t->nodes.p[s->id];
	if (S_ISLNK(n->mode) && (follow || w->todo.n > 0))
		return walk_link(w, n, e);
	if (!S_ISDIR(n->mode) && w->todo.n > 0)
		return err_set(e, -ENOTDIR, "path '%.*s': %.*s is not a directory",
			       STR_FMT(w->path), (int)s->n, s->path);
	return 0;
}

int tree_locate(const struct tree *t, struct str path, bool follow, struct tree_spot *ret,
		struct err *e)
{
	struct walk w;
	int r;

	ret->id = exact(t, path);
	if (path.n > TREE_PATH_BYTES_MAX)
		return err_set(e, -ENAMETOOLONG, "path '%.*s...': longer than %d bytes", 80, path.p,
			       TREE_PATH_BYTES_MAX);
	if (ret->id != TREE_NONE && !(follow && S_ISLNK(t->nodes.p[ret->id].mode))) {
		memcpy(ret->path, path.p, path.n);
		ret->n = path.n;
		return 0;
	}
	w.t = t, w.path = path, w.spot = ret, w.links = 0;
	if (path.n > 0)
		memcpy(w.rest, path.p, path.n);
	w.todo = (struct str){ w.rest, path.n };
	ret->n = 0;
	while (w.todo.n > 0) {
		r = walk_step(&w, follow, e);
		if (r < 0)
			return r;
	}
	if (ret->n == 0)
		ret->path[ret->n++] = '/';
	ret->id = exact(t, (struct str){ ret->path, ret->n });
	return 0;
}

uint32_t tree_find(const struct tree *t, struct str path)
{
	struct tree_spot spot;
	struct err e;

	return tree_locate(t, path, true, &spot, &e) < 0 ? TREE_NONE : spot.id;
}

uint32_t tree_find_exact(const struct tree *t, struct str path)
{
	struct tree_spot spot;
	struct err e;

	return tree_locate(t, path, false, &spot, &e) < 0 ? TREE_NONE : spot.id;
}

struct str tree_path(struct arena *a, const struct tree *t, uint32_t id)
{
	struct str ret = STR("/");
	size_t n = 0;
	char *p;

	if (id == 0)
		return ret;
	for (uint32_t i = id; i != 0; i = t->nodes.p[i].parent)
		n += 1 + t->nodes.p[i].name.n;
	p = arena_alloc(a, n + 1);
	ret = (struct str){ p, n };
	for (uint32_t i = id; i != 0; i = t->nodes.p[i].parent) {
		struct str name = t->nodes.p[i].name;

		n -= name.n + 1;
		p[n] = '/';
		memcpy(p + n + 1, name.p, name.n);
	}
	return ret;
}

int tree_read(struct arena *a, const struct tree *t, uint32_t id, struct str *ret, struct err *e)
{
	const struct tree_node *n = &t->nodes.p[tree_holder(t, id)];
	_cleanup_arena_ struct arena scratch = { 0 };
	int r;

	if (!n->packed) {
		*ret = n->data;
		return 0;
	}
	r = pack_read(a, n->packed, ret, e);
	if (r >= 0)
		return 0;
	pack_discard(n->packed->pack);
	return err_wrap(e, -ESTALE, "cache: %.*s", STR_FMT(tree_path(&scratch, t, id)));
}

uint64_t tree_size(const struct tree *t, uint32_t id)
{
	const struct tree_node *n = &t->nodes.p[tree_holder(t, id)];

	if (n->packed)
		return n->packed->content.size_bytes;
	return n->unread_sha256.n > 0 ? n->unread_bytes : n->data.n;
}

void tree_sha256(const struct tree *t, uint32_t id, uint8_t ret[SHA256_BYTES])
{
	const struct tree_node *n = &t->nodes.p[tree_holder(t, id)];

	if (n->packed)
		memcpy(ret, n->packed->sha256, SHA256_BYTES);
	else if (!hex_decode(n->unread_sha256, ret, SHA256_BYTES))
		sha256(n->data.p, n->data.n, ret);
}

struct sort_row {
	struct str name;
	uint32_t id;
};

static int row_cmp(const void *x, const void *y)
{
	return str_cmp(((const struct sort_row *)x)->name, ((const struct sort_row *)y)->name);
}

void tree_children(struct arena *a, const struct tree *t, uint32_t id, vec_id *ret)
{
	VEC(struct sort_row) rows = { 0 };
	uint32_t child = t->nodes.p[id].first_child;

	for (; child != TREE_NONE; child = t->nodes.p[child].next_sibling)
		if (!t->nodes.p[child].removed)
			vec_push(a, &rows) = (struct sort_row){ t->nodes.p[child].name, child };
	if (rows.n > 1)
		qsort(rows.p, rows.n, sizeof(*rows.p), row_cmp);
	*ret = (vec_id){ 0 };
	vec_reserve(a, ret, rows.n);
	vec_each(row, &rows)
		vec_push(a, ret) = row->id;
}

/* Recursion is as deep as a path has parts: at most TREE_PATH_BYTES_MAX / 2. */
static void walk_below(struct arena *a, const struct tree *t, uint32_t id, vec_id *ret)
{
	vec_id children;

	vec_push(a, ret) = id;
	if (t->nodes.p[id].first_child == TREE_NONE)
		return;
	tree_children(a, t, id, &children);
	vec_each(child, &children)
		walk_below(a, t, *child, ret);
}

void tree_walk(struct arena *a, const struct tree *t, vec_id *ret)
{
	*ret = (vec_id){ 0 };
	vec_reserve(a, ret, t->nodes.n);
	walk_below(a, t, 0, ret);
}

int tree_make(struct tree *t, struct str path, uint32_t *ret, struct err *e)
{
	uint32_t id = exact(t, path), parent = TREE_NONE;
	size_t slash = path.n;
	struct str key;
	int r;

	if (id != TREE_NONE) {
		*ret = id;
		return 0;
	}
	while (path.p[--slash] != '/')
		;
	r = tree_make(t, str_head(path, slash == 0 ? 1 : slash), &parent, e);
	if (r < 0)
		return r;
	if (!S_ISDIR(t->nodes.p[parent].mode))
		return err_set(e, -ENOTDIR, "%.*s: %.*s is not a directory", STR_FMT(path),
			       (int)slash, path.p);
	if (t->nodes.n >= TREE_NODES_MAX)
		return err_set(e, -E2BIG, "%.*s: more than %d files", STR_FMT(path),
			       TREE_NODES_MAX);
	key = str_dup(t->a, path);
	*ret = node_add(t, key, str_from(key, slash + 1), parent);
	return 0;
}

static bool has_children(const struct tree *t, uint32_t id)
{
	uint32_t child = t->nodes.p[id].first_child;

	while (child != TREE_NONE && t->nodes.p[child].removed)
		child = t->nodes.p[child].next_sibling;
	return child != TREE_NONE;
}

/* The node's content goes away: the first of its hard links takes its place. */
static void unlink_content(struct tree *t, uint32_t id)
{
	struct tree_node *n = &t->nodes.p[id];
	uint32_t heir = TREE_NONE;

	if (!n->linked)
		return;
	for (uint32_t i = 0; i < t->nodes.n; i++) {
		struct tree_node *other = &t->nodes.p[i];

		if (other->link_to != id || other->removed)
			continue;
		if (heir == TREE_NONE) {
			heir = i;
			other->data = n->data;
			other->packed = n->packed;
			other->unread_sha256 = n->unread_sha256;
			other->unread_bytes = n->unread_bytes;
			other->linked = true;
		}
		other->link_to = heir == i ? TREE_NONE : heir;
	}
	n->linked = false;
}

int tree_put(struct tree *t, struct str path, uint32_t mode, struct str data, uint32_t owner,
	     uint32_t *ret, struct err *e)
{
	struct tree_spot spot;
	struct tree_node *n;
	uint32_t id = TREE_NONE;
	int r;

	r = tree_check_path(path, e);
	if (r < 0)
		return r;
	r = tree_locate(t, path, S_ISDIR(mode), &spot, e);
	if (r < 0)
		return r;
	r = tree_make(t, (struct str){ spot.path, spot.n }, &id, e);
	if (r < 0)
		return r;
	if (!S_ISDIR(mode) && has_children(t, id))
		return err_set(e, -EISDIR,
			       "%.*s: a directory that is not empty cannot become a file",
			       STR_FMT(path));
	unlink_content(t, id);
	n = &t->nodes.p[id];
	*n = (struct tree_node){ .name = n->name,
				 .parent = n->parent,
				 .first_child = n->first_child,
				 .next_sibling = n->next_sibling,
				 .mode = mode,
				 .user = STR("root"),
				 .group = STR("root"),
				 .data = data,
				 .link_to = TREE_NONE,
				 .owner = owner };
	if (t->journal)
		vec_push(t->a, t->journal) = id;
	if (ret)
		*ret = id;
	return 0;
}

int tree_put_packed(struct tree *t, struct str path, uint32_t mode, const struct pack_file *content,
		    uint32_t owner, uint32_t *ret, struct err *e)
{
	uint32_t id = TREE_NONE;
	int r = tree_put(t, path, mode, (struct str){ 0 }, owner, &id, e);

	if (r < 0)
		return r;
	t->nodes.p[id].packed = content;
	if (ret)
		*ret = id;
	return 0;
}

void tree_remove(struct tree *t, uint32_t id)
{
	_cleanup_arena_ struct arena scratch = { 0 };
	vec_id below = { 0 };

	walk_below(&scratch, t, id, &below);
	vec_each(i, &below) {
		*map_get(&t->paths, tree_path(&scratch, t, *i)) = TREE_NONE;
		t->nodes.p[*i].removed = true;
		if (t->journal)
			vec_push(t->a, t->journal) = *i;
		unlink_content(t, *i);
	}
}

struct str tree_owner_name(struct arena *a, const struct tree *t, uint32_t owner)
{
	if (owner < t->owners.n)
		return str_printf(a, "package '%.*s'", STR_FMT(t->owners.p[owner]));
	if (owner == TREE_OWNER_DEFINITION)
		return STR("a definition");
	return owner == TREE_OWNER_GENERATOR ? STR("a generator") : STR("nobody");
}
