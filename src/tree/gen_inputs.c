/* SPDX-License-Identifier: MIT */
#include "tree/gen_inputs.h"

#include <sys/stat.h>

void gen_inputs_init(struct arena *a, struct tree *t, struct gen_inputs *ret)
{
	*ret = (struct gen_inputs){ .t = t, .lines.a = a, .reads.a = a };
	ret->nodes = arena_array(a, t->nodes.n, sizeof(*ret->nodes));
}

void gen_input(struct gen_inputs *in, const char *name, struct str value)
{
	buf_printf(&in->lines, "%s %.*s\n", name, STR_FMT(value));
}

/* No path and no target holds a NUL, so one ends them. */
static void put_text(struct gen_inputs *in, struct str s)
{
	buf_put(&in->reads, s.p, s.n);
	buf_u8(&in->reads, 0);
}

static void put_node(struct gen_inputs *in, uint32_t id)
{
	const struct tree_node *n = &in->t->nodes.p[id];
	uint32_t holder = tree_holder(in->t, id);
	uint8_t digest[SHA256_BYTES];

	in->nodes[id] |= GEN_LOOKED_AT;
	buf_le32(&in->reads, n->mode & S_IFMT);
	buf_u8(&in->reads, n->owner == TREE_OWNER_DEFINITION);
	if (S_ISLNK(n->mode))
		put_text(in, n->data);
	if (!S_ISREG(n->mode))
		return;
	in->nodes[holder] |= GEN_LOOKED_AT;
	/* which of two names are one file is an answer, too */
	put_text(in, tree_path(in->reads.a, in->t, holder));
	tree_sha256(in->t, id, digest);
	buf_put(&in->reads, digest, sizeof(digest));
}

/* Returns the node, or TREE_NONE. */
static uint32_t put_place(struct gen_inputs *in, struct str path, bool follow)
{
	struct tree_spot spot;
	struct err why;

	put_text(in, path);
	if (tree_locate(in->t, path, follow, &spot, &why) < 0) {
		put_text(in, str_c(why.msg));
		return TREE_NONE;
	}
	put_text(in, (struct str){ spot.path, spot.n });
	if (spot.id != TREE_NONE)
		put_node(in, spot.id);
	return spot.id;
}

void gen_input_node(struct gen_inputs *in, struct str path)
{
	uint32_t id = put_place(in, path, false);

	if (id != TREE_NONE && S_ISLNK(in->t->nodes.p[id].mode))
		put_place(in, path, true);
}

static void list(struct gen_inputs *in, struct str path, bool below)
{
	uint32_t id = put_place(in, path, true);
	vec_id children;

	/* a folder found again by another name says nothing new: the place tells which it is */
	if (id == TREE_NONE || !S_ISDIR(in->t->nodes.p[id].mode) || in->nodes[id] & GEN_LISTED)
		return;
	in->nodes[id] |= GEN_LISTED;
	tree_children(in->reads.a, in->t, id, &children);
	vec_each(child, &children) {
		struct str name = in->t->nodes.p[*child].name;
		struct str at = str_printf(in->reads.a, "%.*s/%.*s", STR_FMT(path), STR_FMT(name));
		uint32_t to;

		gen_input_node(in, at);
		to = tree_find(in->t, at);
		if (below && to != TREE_NONE && S_ISDIR(in->t->nodes.p[to].mode))
			list(in, at, true);
	}
}

void gen_input_folder(struct gen_inputs *in, struct str path)
{
	list(in, path, false);
}

void gen_input_below(struct gen_inputs *in, struct str path)
{
	list(in, path, true);
}

struct str gen_inputs_text(struct gen_inputs *in)
{
	struct buf text = { .a = in->lines.a };

	buf_put(&text, in->lines.v.p, in->lines.v.n);
	buf_printf(&text, "reads %.*s\n",
		   STR_FMT(sha256_hex(text.a, in->reads.v.p, in->reads.v.n)));
	return (struct str){ (char *)text.v.p, text.v.n };
}
