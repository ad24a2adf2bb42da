/* SPDX-License-Identifier: MIT */
#include "tree/root_tree.h"

#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "disk/erofs.h"

enum { FILE_BYTES_MAX = 2047 << 20 };

/* Its root file system as a tree. */
struct root {
	struct arena *a;
	const struct erofs_input *in;
	uint32_t *ids; /* by inode: the node that holds its content, TREE_NONE before */
	struct tree *tree;
	uint64_t left; /* bytes of content that may still be made whole */
};

static vec_xattr xattrs_of(struct arena *a, const struct erofs_inode *inode)
{
	vec_xattr ret = { 0 };

	for (size_t i = 0; i < inode->n_xattrs; i++)
		xattr_set(a, &ret, inode->xattrs[i].name, inode->xattrs[i].value);
	return ret;
}

/* One at a time: what it holds is only needed as a digest. Files that share clusters may be many
 * times larger than the image. */
static int content(struct root *r, const struct erofs_inode *inode, struct str path,
		   struct tree_node *node, struct err *e)
{
	_cleanup_arena_ struct arena scratch = { 0 };
	struct str data = inode->data;
	int code = 0;

	if (inode->content &&
	    (inode->content->size_bytes > r->left || inode->content->size_bytes > FILE_BYTES_MAX))
		return err_set(e, -E2BIG, "%.*s: %llu bytes are more than this reads",
			       STR_FMT(path), (unsigned long long)inode->content->size_bytes);
	if (inode->content) {
		r->left -= inode->content->size_bytes;
		code = erofs_content_read(&scratch, r->in->codec, inode->content, r->in->fragments,
					  r->in->n_fragments, &data, e);
	}
	if (code < 0)
		return err_wrap(e, code, "%.*s", STR_FMT(path));
	if (!S_ISREG(inode->mode) || tree_diff_reads(path)) {
		node->data = str_dup(r->a, data);
		return 0;
	}
	node->unread_sha256 = sha256_hex(r->a, data.p, data.n);
	node->unread_bytes = data.n;
	return 0;
}

static int node_add(struct root *r, uint32_t ino, struct str path, struct err *e)
{
	const struct erofs_inode *inode = &r->in->inodes[ino];
	struct tree_node *node;
	uint32_t id = 0;
	int code =
		tree_put(r->tree, path, inode->mode, (struct str){ 0 }, TREE_OWNER_IMPLIED, &id, e);

	if (code < 0)
		return code;
	node = &r->tree->nodes.p[id];
	node->uid = inode->uid;
	node->gid = inode->gid;
	node->mtime_sec = inode->mtime_sec;
	node->rdev_major = major(inode->rdev);
	node->rdev_minor = minor(inode->rdev);
	node->xattrs = xattrs_of(r->a, inode);
	if (r->ids[ino] != TREE_NONE) {
		node->link_to = r->ids[ino];
		node->data = r->tree->nodes.p[node->link_to].data;
		return 0;
	}
	r->ids[ino] = id;
	return content(r, inode, path, node, e);
}

/* The reader has made sure that every directory has one name, so this ends. */
static int root_fill(struct root *r, struct err *e)
{
	struct {
		uint32_t ino;
		struct str path;
	} dir;
	VEC(__typeof__(dir)) dirs = { 0 };
	int code = node_add(r, 0, STR("/"), e);

	vec_push(r->a, &dirs) = (__typeof__(dir)){ 0, STR("") };
	for (size_t i = 0; code == 0 && i < dirs.n; i++) {
		const struct erofs_inode *inode = &r->in->inodes[dirs.p[i].ino];

		dir = dirs.p[i];
		for (size_t k = 0; code == 0 && k < inode->n_entries; k++) {
			const struct erofs_dirent *entry = &inode->entries[k];
			struct str path = str_printf(r->a, "%.*s/%.*s", STR_FMT(dir.path),
						     STR_FMT(entry->name));

			code = node_add(r, entry->inode, path, e);
			if (S_ISDIR(r->in->inodes[entry->inode].mode))
				vec_push(r->a, &dirs) = (__typeof__(dir)){ entry->inode, path };
		}
	}
	r->tree->resolved = true;
	return code;
}

int root_tree_read(struct arena *a, struct str bytes, uint64_t max_bytes, struct tree *ret,
		   struct err *e)
{
	struct erofs_input in;
	struct root root = { .a = a, .in = &in, .tree = ret, .left = max_bytes };
	int r = erofs_read(a, (const uint8_t *)bytes.p, bytes.n, &in, e);

	if (r < 0)
		return r;
	root.ids = arena_array(a, in.n_inodes, sizeof(*root.ids));
	for (size_t i = 0; i < in.n_inodes; i++)
		root.ids[i] = TREE_NONE;
	tree_init(a, ret);
	return root_fill(&root, e);
}
