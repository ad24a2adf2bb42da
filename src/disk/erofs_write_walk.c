/* SPDX-License-Identifier: MIT */
/* The writer's first pass: from the root down, checking what EROFS and Linux cannot hold. */
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "disk/erofs_write.h"

/* "/usr/bin/ls"; for messages. */
static struct str node_path(const struct writer *w, uint32_t id)
{
	struct str path = { 0 };

	for (; id != 0; id = w->nodes[id].parent)
		path = str_printf(w->a, "/%.*s%.*s", STR_FMT(w->nodes[id].name), STR_FMT(path));
	return path.n > 0 ? path : STR("/");
}

int erofs_node_err(const struct writer *w, uint32_t id, struct err *e, const char *what)
{
	return err_set(e, -EINVAL, "'%.*s': %s", STR_FMT(node_path(w, id)), what);
}

static const char *inode_flaw(const struct erofs_inode *inode)
{
	bool is_device = S_ISCHR(inode->mode) || S_ISBLK(inode->mode);

	if (erofs_file_type(inode->mode) == 0)
		return "has no valid file type in its mode";
	if (inode->n_entries > 0 && !S_ISDIR(inode->mode))
		return "has directory entries and is no directory";
	if (inode->data.n > 0 && !S_ISREG(inode->mode) && !S_ISLNK(inode->mode))
		return "has data and is neither file nor symbolic link";
	if (inode->content && (!S_ISREG(inode->mode) || inode->data.n > 0))
		return "has cut content and is no file, or has data, too";
	if (S_ISLNK(inode->mode) && (inode->data.n == 0 || inode->data.n > EROFS_SYMLINK_BYTES_MAX))
		return "is a symbolic link whose target is not 1 to 4095 bytes long";
	if (S_ISLNK(inode->mode) && memchr(inode->data.p, '\0', inode->data.n))
		return "is a symbolic link with a NUL in its target";
	/* Linux' new_encode_dev() has 12 bits for the major and 20 for the minor number. */
	if (is_device && (major(inode->rdev) > 0xfff || minor(inode->rdev) > 0xfffff))
		return "has a device number beyond 4095:1048575";
	return NULL;
}

static const char *name_flaw(struct str name)
{
	if (name.n == 0)
		return "an entry without a name";
	if (str_eqz(name, ".") || str_eqz(name, ".."))
		return "an entry '.' or '..', which the writer adds by itself";
	if (name.n > EROFS_NAME_BYTES_MAX)
		return "an entry with a name of more than 255 bytes";
	if (memchr(name.p, '/', name.n) || memchr(name.p, '\0', name.n))
		return "an entry with '/' or NUL in its name";
	return NULL;
}

static int by_name(const void *x, const void *y)
{
	return str_cmp(((const struct erofs_dirent *)x)->name,
		       ((const struct erofs_dirent *)y)->name);
}

static int entry_err(const struct writer *w, uint32_t dir, const struct erofs_dirent *entry,
		     struct err *e, const char *what)
{
	return err_set(e, -EINVAL, "'%.*s': has %s: '%.*s'", STR_FMT(node_path(w, dir)), what,
		       STR_FMT(entry->name));
}

/* Takes @entry of the directory @dir into the tree. */
static int entry_walk(struct writer *w, uint32_t dir, const struct erofs_dirent *entry,
		      struct err *e)
{
	struct node *child;
	bool is_dir;

	if (entry->inode >= w->in->n_inodes)
		return entry_err(w, dir, entry, e, "an entry of an inode that does not exist");
	child = &w->nodes[entry->inode];
	is_dir = S_ISDIR(w->in->inodes[entry->inode].mode);
	if (is_dir && child->n_links > 0)
		return entry_err(w, dir, entry, e, "a second name of a directory");
	if (child->n_links == 0) {
		child->name = entry->name;
		child->parent = dir;
		w->order[w->n_order++] = entry->inode;
	}
	child->n_links += is_dir ? 2 : 1; /* its name, and its own "." */
	w->nodes[dir].n_links += is_dir;  /* its ".." */
	return 0;
}

size_t erofs_dir_block_end(const struct node *dir, size_t start, size_t *ret_used)
{
	size_t used = 0, end = start;

	for (; end < dir->n_entries; end++) {
		size_t n = sizeof(struct erofs_disk_dirent) + dir->entries[end].name.n;

		if (used + n > EROFS_BLOCK_BYTES)
			break;
		used += n;
	}
	*ret_used = used;
	return end;
}

static uint64_t dir_bytes(const struct node *dir)
{
	uint64_t n = 0;
	size_t used = 0;

	for (size_t i = 0; i < dir->n_entries; n += EROFS_BLOCK_BYTES)
		i = erofs_dir_block_end(dir, i, &used);
	return n - EROFS_BLOCK_BYTES + used;
}

/* The entries sorted, dots included: the kernel searches names by halving, and '+' sorts before
 * '.'. */
static int dir_sort(struct writer *w, uint32_t id, struct err *e)
{
	const struct erofs_inode *inode = &w->in->inodes[id];
	struct node *dir = &w->nodes[id];
	struct erofs_dirent *entries = arena_array(w->a, inode->n_entries + 2, sizeof(*entries));

	for (size_t i = 0; i < inode->n_entries; i++) {
		const char *flaw = name_flaw(inode->entries[i].name);

		if (flaw)
			return entry_err(w, id, &inode->entries[i], e, flaw);
		entries[i] = inode->entries[i];
	}
	dir->entries = entries;
	dir->n_entries = inode->n_entries + 2;
	entries[inode->n_entries] = (struct erofs_dirent){ STR("."), id };
	entries[inode->n_entries + 1] = (struct erofs_dirent){ STR(".."), dir->parent };
	qsort(entries, dir->n_entries, sizeof(*entries), by_name);
	for (size_t i = 1; i < dir->n_entries; i++) {
		if (by_name(&entries[i - 1], &entries[i]) == 0)
			return entry_err(w, id, &entries[i], e, "two entries of one name");
	}
	return 0;
}

static int dir_walk(struct writer *w, uint32_t id, struct err *e)
{
	struct node *dir = &w->nodes[id];
	int r = dir_sort(w, id, e);

	if (r < 0)
		return r;
	for (size_t i = 0; i < dir->n_entries; i++) {
		if (name_flaw(dir->entries[i].name))
			continue; /* a dot */
		r = entry_walk(w, id, &dir->entries[i], e);
		if (r < 0)
			return r;
	}
	dir->size_bytes = dir_bytes(dir);
	return 0;
}

static int inode_walk(struct writer *w, uint32_t id, struct err *e)
{
	const struct erofs_inode *inode = &w->in->inodes[id];
	struct node *node = &w->nodes[id];
	const char *flaw = inode_flaw(inode);
	int r;

	if (flaw)
		return erofs_node_err(w, id, e, flaw);
	r = erofs_xattrs_check(w, id, e);
	if (r < 0)
		return r;
	node->size_bytes = inode->data.n;
	if (inode->content) {
		flaw = erofs_content_flaw(w, inode->content, node);
		return flaw ? erofs_node_err(w, id, e, flaw) : 0;
	}
	return S_ISDIR(inode->mode) ? dir_walk(w, id, e) : 0;
}

int erofs_walk(struct writer *w, struct err *e)
{
	if (w->in->n_inodes == 0 || w->in->n_inodes >= UINT32_MAX ||
	    !S_ISDIR(w->in->inodes[0].mode))
		return err_set(e, -EINVAL, "the first of %zu inodes is not a root directory",
			       w->in->n_inodes);
	w->nodes[0].n_links = 2;
	w->order[w->n_order++] = 0;
	for (size_t i = 0; i < w->n_order; i++) {
		int r = inode_walk(w, w->order[i], e);

		if (r < 0)
			return r;
		w->nodes[w->order[i]].ino = (uint32_t)i + 1;
	}
	for (size_t i = 0; i < w->in->n_inodes; i++) {
		if (w->nodes[i].n_links == 0)
			return err_set(e, -EINVAL, "inode %zu is in no directory below the root",
				       i);
	}
	return erofs_xattrs_measure(w, e);
}
