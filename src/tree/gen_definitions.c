/* SPDX-License-Identifier: MIT */
#include <sys/stat.h>

#include "base/trace.h"
#include "tree/gen.h"
#include "tree/generators.h"

enum { HOME_MODE = 0700 };

/* The image's own users; those of packages own no home. */
static const struct conf_user *home_owner(const struct conf_image *image, struct str path)
{
	for (size_t i = image->parts.n; i-- > 0;)
		vec_each(u, &image->parts.p[i].users)
			if (u->home.n > 1 && str_eq(str_head(path, u->home.n), u->home) &&
			    (path.n == u->home.n || path.p[u->home.n] == '/'))
				return u;
	return NULL;
}

/* Folders that only come to be because a file of a home lies in them belong to whose home it is:
 * sshd reads no key that somebody else could put there, and nobody can work in a home of root's. */
static void homes_give(struct tree *t, uint32_t id, const struct conf_user *u)
{
	_cleanup_arena_ struct arena scratch = { 0 };
	const struct str home = u->home;

	for (; id != 0 && tree_path(&scratch, t, id).n >= home.n; id = t->nodes.p[id].parent) {
		struct tree_node *n = &t->nodes.p[id];

		if (n->owner != TREE_OWNER_IMPLIED)
			continue;
		n->owner = TREE_OWNER_DEFINITION;
		n->mode = S_IFDIR | HOME_MODE;
		n->user = n->group = u->name;
	}
}

static void own(struct tree *t, uint32_t id, const struct conf_file *f,
		const struct conf_image *image)
{
	const struct conf_user *u = home_owner(image, f->path);
	struct tree_node *n = &t->nodes.p[id];

	if (f->user.n > 0)
		n->user = f->user;
	else if (u)
		n->user = u->name;
	if (f->group.n > 0)
		n->group = f->group;
	else if (u)
		n->group = u->name;
	if (u)
		homes_give(t, n->parent, u);
}

static int put_files(struct tree *t, const struct conf_file *files, size_t n, struct str source,
		     const struct conf_image *image, struct err *e)
{
	for (size_t i = 0; i < n; i++) {
		const struct conf_file *f = &files[i];
		uint32_t mode = f->directory ? 0755 : 0644, id;
		int r;

		if (f->mode.n > 0 && !gen_mode(f->mode, &mode))
			return err_set(e, -EINVAL,
				       "%.*s: %.*s: mode '%.*s': want at most four octal digits",
				       STR_FMT(source), STR_FMT(f->path), STR_FMT(f->mode));
		mode |= f->directory ? S_IFDIR : S_IFREG;
		r = tree_put(t, f->path, mode, f->content, TREE_OWNER_DEFINITION, &id, e);
		if (r < 0)
			return err_wrap(e, r, "%.*s", STR_FMT(source));
		own(t, id, f, image);
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

/* A home below /home, which is the machine's own, is there from the first boot on. */
static int put_homes(struct tree *t, const struct conf_image *image, struct err *e)
{
	vec_each(part, &image->parts)
		vec_each(u, &part->users) {
			uint32_t id = tree_find(t, u->home);
			int r;

			if (!str_starts(u->home, "/home/") || id != TREE_NONE)
				continue;
			r = tree_put(t, u->home, S_IFDIR | HOME_MODE, (struct str){ 0 },
				     TREE_OWNER_DEFINITION, &id, e);
			if (r < 0)
				return err_wrap(e, r, "%.*s", STR_FMT(part->source));
			t->nodes.p[id].user = t->nodes.p[id].group = u->name;
		}
	return 0;
}

int gen_definition_files(struct tree *t, const struct conf_package *packages, size_t n,
			 const struct conf_image *image, struct err *e)
{
	TRACE("definitions' files");
	int r = 0;

	for (size_t i = 0; i < n && r == 0; i++) {
		const struct conf_package *p = &packages[i];

		r = put_files(t, p->files.p, p->files.n, p->source, image, e);
		if (r == 0)
			r = put_links(t, p->links.p, p->links.n, p->source, e);
	}
	for (size_t i = 0; i < image->parts.n && r == 0; i++) {
		const struct conf_feature *part = &image->parts.p[i];

		r = put_files(t, part->files.p, part->files.n, part->source, image, e);
		if (r == 0)
			r = put_links(t, part->links.p, part->links.n, part->source, e);
	}
	return r < 0 ? r : put_homes(t, image, e);
}
