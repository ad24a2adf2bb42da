/* SPDX-License-Identifier: MIT */
#include <sys/stat.h>

#include "base/trace.h"
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

int gen_definition_files(struct tree *t, const struct conf_package *packages, size_t n,
			 const struct conf_image *image, struct err *e)
{
	TRACE("definitions' files");
	int r = 0;

	for (size_t i = 0; i < n && r == 0; i++) {
		const struct conf_package *p = &packages[i];

		r = put_files(t, p->files.p, p->files.n, p->source, e);
		if (r == 0)
			r = put_links(t, p->links.p, p->links.n, p->source, e);
	}
	for (size_t i = 0; i < image->parts.n && r == 0; i++) {
		const struct conf_feature *part = &image->parts.p[i];

		r = put_files(t, part->files.p, part->files.n, part->source, e);
		if (r == 0)
			r = put_links(t, part->links.p, part->links.n, part->source, e);
	}
	return r;
}
