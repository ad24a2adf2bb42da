/* SPDX-License-Identifier: MIT */
#include "image/root.h"

#include <assert.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "artifact/layout.h"
#include "base/thread_pool.h"
#include "base/trace.h"
#include "base/uuid.h"

enum { CHECK_BYTES = 1 << 20 }; /* one task */

/* Who needs content of a pack: one inode. */
struct packed {
	const struct pack_file *file;
	uint32_t id; /* of the node */
};

struct laying {
	struct arena *a;
	const struct assembled *as;
	uint32_t *index; /* node -> inode */
	vec_id inodes;   /* inode -> node */
	VEC(struct packed) packed;
	VEC(struct erofs_fragment) fragments;
	struct erofs_content **contents; /* of inodes */
};

/* Packs by what they are of, contents as they lie in their pack: neighbours stay neighbours. */
static int by_place(const void *x, const void *y)
{
	const struct packed *p = x, *q = y;
	const struct pack *x_pack = p->file->pack, *y_pack = q->file->pack;
	int r = x_pack == y_pack ? 0 : str_cmp(x_pack->recipe, y_pack->recipe);

	/* the same recipe opened twice would be laid in the order of memory */
	assert(x_pack == y_pack || r != 0);
	if (r == 0)
		r = (p->file > q->file) - (p->file < q->file);
	return r != 0 ? r : (p->id > q->id) - (p->id < q->id);
}

/* Numbers the inodes: first those without packed content, the root directory at their head. */
static void inodes_number(struct laying *l)
{
	const struct tree *t = &l->as->tree;
	vec_id ids;

	tree_walk(l->a, t, &ids);
	l->index = arena_array(l->a, t->nodes.n, sizeof(*l->index));
	vec_each(id, &ids) {
		const struct tree_node *node = &t->nodes.p[*id];

		if (node->link_to != TREE_NONE)
			continue;
		if (node->packed)
			vec_push(l->a, &l->packed) = (struct packed){ node->packed, *id };
		else
			vec_push(l->a, &l->inodes) = *id;
	}
	if (l->packed.n > 0)
		qsort(l->packed.p, l->packed.n, sizeof(*l->packed.p), by_place);
	vec_each(p, &l->packed)
		vec_push(l->a, &l->inodes) = p->id;
	for (uint32_t i = 0; i < l->inodes.n; i++)
		l->index[l->inodes.p[i]] = i;
	vec_each(id, &ids)
		if (t->nodes.p[*id].link_to != TREE_NONE)
			l->index[*id] = l->index[t->nodes.p[*id].link_to];
}

/* The number among the image's fragments of each fragment of @pack that is needed. */
static uint32_t fragment_number(struct laying *l, const struct pack *pack, uint32_t fragment,
				uint32_t *numbers)
{
	if (numbers[fragment] == EROFS_NO_FRAGMENT) {
		numbers[fragment] = (uint32_t)l->fragments.n;
		vec_push(l->a, &l->fragments) = pack->fragments[fragment];
	}
	return numbers[fragment];
}

/* The contents of packed inodes, with fragments counted as the image counts them. */
static void contents_lay(struct laying *l)
{
	size_t first = l->inodes.n - l->packed.n;
	const struct pack_file *last = NULL;
	const struct pack *pack = NULL;
	uint32_t *numbers = NULL;

	l->contents = arena_array(l->a, l->inodes.n, sizeof(*l->contents));
	for (size_t i = 0; i < l->packed.n; i++) {
		const struct pack_file *f = l->packed.p[i].file;

		if (f == last) {
			l->contents[first + i] = l->contents[first + i - 1];
			continue;
		}
		last = f;
		if (f->pack != pack) {
			pack = f->pack;
			numbers = arena_array(l->a, pack->n_fragments, sizeof(*numbers));
			memset(numbers, 0xff, pack->n_fragments * sizeof(*numbers));
		}
		l->contents[first + i] = arena_copy(l->a, &f->content, sizeof(f->content));
		if (f->content.fragment != EROFS_NO_FRAGMENT)
			l->contents[first + i]->fragment =
				fragment_number(l, pack, f->content.fragment, numbers);
	}
}

static void entries_fill(struct laying *l, uint32_t id, struct erofs_inode *ret)
{
	const struct tree *t = &l->as->tree;
	struct erofs_dirent *entries;
	vec_id children;

	tree_children(l->a, t, id, &children);
	entries = arena_array(l->a, children.n, sizeof(*entries));
	for (size_t i = 0; i < children.n; i++)
		entries[i] = (struct erofs_dirent){ t->nodes.p[children.p[i]].name,
						    l->index[children.p[i]] };
	ret->entries = entries;
	ret->n_entries = children.n;
}

static void inode_fill(struct laying *l, uint32_t i, struct erofs_inode *ret)
{
	const struct tree *t = &l->as->tree;
	uint32_t id = l->inodes.p[i];
	const struct tree_node *node = &t->nodes.p[id];

	*ret = (struct erofs_inode){
		.mode = node->mode,
		.uid = node->uid,
		.gid = node->gid,
		.mtime_sec = node->mtime_sec,
		.rdev = makedev(node->rdev_major, node->rdev_minor),
		.content = l->contents[i],
		.xattrs = node->xattrs.p,
		.n_xattrs = node->xattrs.n,
	};
	if (!node->packed && (S_ISREG(node->mode) || S_ISLNK(node->mode)))
		ret->data = node->data;
	if (S_ISDIR(node->mode))
		entries_fill(l, id, ret);
}

int root_lay(struct arena *a, const struct image_options *o, const struct assembled *as,
	     enum erofs_codec codec, struct segments *ret, struct err *e)
{
	struct laying l = { .a = a, .as = as };
	struct erofs_input in = { .build_time_sec = as->source_date_epoch,
				  /* for people who look at a disk: os-release has all of it */
				  .volume_name =
					  str_z(a, str_head(str_c(o->name), EROFS_VOLUME_NAME_MAX)),
				  .codec = codec };
	struct erofs_inode *inodes;
	TRACE("lay root");

	inodes_number(&l);
	contents_lay(&l);
	inodes = arena_array(a, l.inodes.n, sizeof(*inodes));
	for (uint32_t i = 0; i < l.inodes.n; i++)
		inode_fill(&l, i, &inodes[i]);
	in.inodes = inodes;
	in.n_inodes = l.inodes.n;
	in.fragments = l.fragments.p;
	in.n_fragments = l.fragments.n;
	uuid_derive("root file system", as->version.p, as->version.n, in.uuid);
	return erofs_write(a, &in, ret, e);
}

struct checking {
	VEC(struct segment) runs;
	bool *good;
};

static int run_check(void *arg, size_t i, struct err *e)
{
	struct checking *c = arg;

	(void)e;
	c->good[i] = pack_blocks_good(&c->runs.p[i]);
	return 0;
}

/* The pack whose blocks these are; there is one. */
static const struct pack *pack_of(const struct assembled *as, const struct segment_blocks *blocks)
{
	vec_each(node, &as->tree.nodes)
		if (node->packed && &node->packed->pack->blocks == blocks)
			return node->packed->pack;
	return NULL;
}

static void runs_cut(struct arena *a, const struct segments *root, struct checking *c)
{
	vec_each(s, &root->v)
		for (uint64_t at = 0; s->blocks && at < s->size_bytes; at += CHECK_BYTES) {
			uint64_t n = s->size_bytes - at;

			vec_push(a, &c->runs) =
				(struct segment){ s->data + at, n < CHECK_BYTES ? n : CHECK_BYTES,
						  s->blocks };
		}
	c->good = arena_array(a, c->runs.n, sizeof(*c->good));
}

/* All that are damaged go at once: a loss of power damages many, and each try is a build. */
static int damaged_discard(const struct assembled *as, const struct checking *c, struct err *e)
{
	const struct segment_blocks *last = NULL;
	const char *first = "";
	size_t n = 0;

	for (size_t i = 0; i < c->runs.n; i++) {
		const struct pack *pack;

		/* runs of one pack are neighbours */
		if (c->good[i] || c->runs.p[i].blocks == last)
			continue;
		last = c->runs.p[i].blocks;
		pack = pack_of(as, last);
		if (pack)
			pack_discard(pack);
		if (n++ == 0 && pack)
			first = pack->path;
	}
	if (n == 1)
		return err_set(e, -ESTALE, "cache: pack '%s' was damaged", first);
	return n == 0 ? 0
		      : err_set(e, -ESTALE, "cache: %zu packs were damaged, '%s' the first", n,
				first);
}

int root_check(const struct assembled *as, const struct segments *root, unsigned jobs,
	       struct err *e)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct checking c = { 0 };
	TRACE("check packs");
	int r;

	runs_cut(&a, root, &c);
	r = thread_pool_for(jobs, c.runs.n, run_check, &c, e);
	return r < 0 ? r : damaged_discard(as, &c, e);
}
