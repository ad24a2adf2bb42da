/* SPDX-License-Identifier: MIT */
#include "base/trace.h"
#include "tree/tree.h"

/* 2^32 - 1 means "no id" to the kernel. */
enum { ID_MAX = 0xfffffffe };

/* passwd(5) and group(5): name, password, number. Malformed lines are the business of whoever wrote
 * them. */
static int ids_read(struct arena *a, const struct tree *t, const char *path, struct map *ret,
		    struct err *e)
{
	uint32_t id = tree_find(t, str_c(path));
	struct str text;
	int r;

	if (id == TREE_NONE)
		return err_set(e, -ENOENT, "%s is missing, so no owner of a file has a number",
			       path);
	r = tree_read(a, t, id, &text, e);
	if (r < 0)
		return r;
	while (text.n > 0) {
		struct str row = str_cut(&text, '\n'), name = str_cut(&row, ':');
		uint64_t number;

		str_cut(&row, ':');
		if (name.n > 0 && str_u64(str_cut(&row, ':'), ID_MAX, &number))
			map_put(a, ret, name, (uint32_t)number);
	}
	return 0;
}

static bool id_find(const struct map *ids, struct str name, uint32_t *ret)
{
	const uint32_t *known = map_get(ids, name);
	uint64_t number;

	if (known)
		*ret = *known;
	else if (str_u64(name, ID_MAX, &number))
		*ret = (uint32_t)number;
	else
		return name.n == 0; /* a number already */
	return true;
}

static int unknown(const struct tree *t, uint32_t id, const char *kind, struct str name,
		   struct err *e)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct str path = tree_path(&a, t, id),
		   owner = tree_owner_name(&a, t, t->nodes.p[id].owner);

	return err_set(
		e, -ENOENT,
		"%.*s, from %.*s, belongs to %s '%.*s', which does not exist; declare it in a "
		"sysusers.d file or a package.yaml, or let 'owners' of the package.yaml name another",
		STR_FMT(path), STR_FMT(owner), kind, STR_FMT(name));
}

int tree_resolve_owners(struct tree *t, struct err *e)
{
	TRACE("owners");
	_cleanup_arena_ struct arena scratch = { 0 };
	struct map users = { 0 }, groups = { 0 };
	int r;

	r = ids_read(&scratch, t, "/etc/passwd", &users, e);
	if (r == 0)
		r = ids_read(&scratch, t, "/etc/group", &groups, e);
	for (uint32_t i = 0; i < t->nodes.n && r == 0; i++) {
		struct tree_node *n = &t->nodes.p[i];

		if (n->removed)
			continue;
		if (!id_find(&users, n->user, &n->uid))
			r = unknown(t, i, "user", n->user, e);
		else if (!id_find(&groups, n->group, &n->gid))
			r = unknown(t, i, "group", n->group, e);
	}
	if (r == 0)
		t->resolved = true;
	return r;
}
