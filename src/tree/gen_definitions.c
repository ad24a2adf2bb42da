/* SPDX-License-Identifier: MIT */
#include <sys/stat.h>

#include "tree/gen.h"
#include "tree/generators.h"

static int put_files(struct tree *t, const struct conf_file *files, size_t n, struct str source,
		     struct err *e)
{
	for (size_t i = 0; i < n; i++) {
		const struct conf_file *f = &files[i];
		uint32_t mode = f->directory ? 0755 : 0644;
		int r;

		if (f->mode.n > 0 && !gen_mode(f->mode, &mode))
			return err_set(e, -EINVAL,
				       "%.*s: %.*s: mode '%.*s': want at most four octal digits",
				       STR_FMT(source), STR_FMT(f->path), STR_FMT(f->mode));
		mode |= f->directory ? S_IFDIR : S_IFREG;
		r = tree_put(t, f->path, mode, f->content, TREE_OWNER_DEFINITION, NULL, e);
		if (r < 0)
			return err_wrap(e, r, "%.*s", STR_FMT(source));
	}
	return 0;
}

static int put_links(struct tree *t, const struct conf_link *links, size_t n, struct str source,
		     struct err *e)
{
	for (size_t i = 0; i < n; i++) {
		int r = tree_put(t, links[i].path, S_IFLNK | 0777, links[i].target,
				 TREE_OWNER_DEFINITION, NULL, e);

		if (r < 0)
			return err_wrap(e, r, "%.*s", STR_FMT(source));
	}
	return 0;
}

/* What a definition changes must be there: else it would silently change nothing after a package
 * renames its files. */
static int find(const struct tree *t, struct str path, struct str source, uint32_t *ret,
		struct err *e)
{
	*ret = tree_find(t, path);
	if (*ret == TREE_NONE)
		return err_set(
			e, -ENOENT,
			"%.*s: %.*s is not in the image, so its mode, owner or capabilities cannot be set",
			STR_FMT(source), STR_FMT(path));
	return 0;
}

/* All names of a hard link share what is set. */
static void set_mode(struct tree *t, uint32_t id, const struct conf_mode *m, uint32_t bits)
{
	uint32_t inode = t->nodes.p[id].link_to == TREE_NONE ? id : t->nodes.p[id].link_to;

	for (uint32_t i = 0; i < t->nodes.n; i++) {
		struct tree_node *n = &t->nodes.p[i];

		if (i != inode && n->link_to != inode)
			continue;
		if (m->mode.n > 0)
			n->mode = (n->mode & S_IFMT) | bits;
		if (m->user.n > 0)
			n->user = m->user;
		if (m->group.n > 0)
			n->group = m->group;
	}
}

static int set_modes(struct tree *t, const struct conf_package *p, struct err *e)
{
	uint32_t id = TREE_NONE, bits = 0;
	int r;

	for (size_t i = 0; i < p->modes.n; i++) {
		const struct conf_mode *m = &p->modes.p[i];

		if (m->mode.n > 0 && !gen_mode(m->mode, &bits))
			return err_set(e, -EINVAL,
				       "%.*s: %.*s: mode '%.*s': want at most four octal digits",
				       STR_FMT(p->source), STR_FMT(m->path), STR_FMT(m->mode));
		r = find(t, m->path, p->source, &id, e);
		if (r < 0)
			return r;
		set_mode(t, id, m, bits);
	}
	return 0;
}

static int set_caps(struct tree *t, const struct conf_package *p, struct err *e)
{
	uint32_t id = TREE_NONE;
	int r;

	for (size_t i = 0; i < p->caps.n; i++) {
		r = find(t, p->caps.p[i].path, p->source, &id, e);
		if (r < 0)
			return r;
		if (t->nodes.p[id].link_to != TREE_NONE)
			id = t->nodes.p[id].link_to;
		t->nodes.p[id].caps = p->caps.p[i].caps;
	}
	return 0;
}

int gen_definition_files(struct tree *t, const struct conf_package *packages, size_t n,
			 const struct conf_image *image, struct err *e)
{
	int r = 0;

	for (size_t i = 0; i < n && r == 0; i++) {
		const struct conf_package *p = &packages[i];

		r = put_files(t, p->files.p, p->files.n, p->source, e);
		if (r == 0)
			r = put_links(t, p->links.p, p->links.n, p->source, e);
		if (r == 0)
			r = set_modes(t, p, e);
		if (r == 0)
			r = set_caps(t, p, e);
	}
	for (size_t i = 0; i < image->parts.n && r == 0; i++) {
		const struct conf_feature *part = &image->parts.p[i];

		r = put_files(t, part->files.p, part->files.n, part->source, e);
		if (r == 0)
			r = put_links(t, part->links.p, part->links.n, part->source, e);
	}
	return r;
}
