/* SPDX-License-Identifier: MIT */
/* What a definition says and the image does not show: patterns that match nothing, links that lead
 * nowhere. */
#include "base/trace.h"
#include "image/steps.h"

static bool drops(struct str glob, const struct rpm_file *f)
{
	return str_glob(glob, f->path) ||
	       (str_ends(glob, "/") && str_eq(str_head(glob, glob.n - 1), f->path));
}

static bool is_used(const struct build *b, const struct conf_entry *own)
{
	if (strcmp(own->key, "setuid-files") == 0)
		return tree_find(&b->as.tree, own->text) != TREE_NONE;
	for (size_t i = 0; i < b->res.n; i++)
		vec_each(f, &b->packages[i].package.files)
			if (own->key[0] == 'l' ? str_eq(f->lang, own->text) : drops(own->text, f))
				return true;
	return false;
}

/* Paths, or languages, that packages have: the nearest is what was meant. */
static const struct str *nearest(struct build *b, const struct conf_entry *own)
{
	struct str wanted = own->text;
	vec_str names = { 0 };

	if (str_ends(wanted, "/"))
		wanted.n--;
	for (size_t i = 0; i < b->res.n; i++)
		vec_each(f, &b->packages[i].package.files)
			vec_push(b->a, &names) = own->key[0] == 'l' ? f->lang : f->path;
	return str_nearest(names.p, names.n, wanted);
}

static int unused(struct build *b, const struct conf_entry *own, struct err *e)
{
	const struct str *near = nearest(b, own);
	const char *what = own->key[0] == 'l'                      ? "no file of that language"
			   : strcmp(own->key, "setuid-files") == 0 ? "no such file"
								   : "no file of a name like that";

	return err_set(e, -ENOENT, "%s: '%s' has '%.*s', and %s is in a chosen package%s%.*s%s",
		       own->at, own->key, STR_FMT(own->text), what, near ? "; did you mean '" : "",
		       STR_FMT(near ? *near : (struct str){ 0 }), near ? "'?" : "");
}

/* Where a running machine may have what the image has not. */
static bool may_come(struct str path)
{
	static const char *const folders[] = { "/dev/", "/etc/",  "/home/", "/media/",
					       "/mnt/", "/proc/", "/root/", "/run/",
					       "/srv/", "/sys/",  "/tmp/",  "/var/" };

	for (size_t i = 0; i < sizeof(folders) / sizeof(*folders); i++)
		if (str_starts(path, folders[i]))
			return true;
	return false;
}

static int link_check(struct build *b, struct str source, const struct conf_link *l, struct err *e)
{
	struct tree_spot spot;
	struct str to;
	int r = tree_locate(&b->as.tree, l->path, true, &spot, e);

	if (r < 0)
		return err_wrap(e, r, "%.*s: the link '%.*s'", STR_FMT(source), STR_FMT(l->path));
	to = (struct str){ spot.path, spot.n };
	if (spot.id != TREE_NONE || may_come(to))
		return 0;
	return err_set(
		e, -ENOENT,
		"%.*s: the link '%.*s' leads to '%.*s', which is in no chosen package; want one that is, or "
		"the package that has it",
		STR_FMT(source), STR_FMT(l->path), STR_FMT(to));
}

int image_check_unused(struct build *b, struct err *e)
{
	TRACE("check definitions");
	int r = 0;

	vec_each(own, &b->res.image.own) {
		bool pattern = strcmp(own->key, "drop-files") == 0 ||
			       strcmp(own->key, "setuid-files") == 0 ||
			       strcmp(own->key, "locales") == 0;

		if (!pattern || is_used(b, own))
			continue;
		/* of those who inherit the list, others may need it */
		if (conf_image_inherited(b->o->distro, b->res.image.name))
			break;
		return unused(b, own, e);
	}
	for (size_t i = 0; i < b->res.n; i++)
		vec_each(l, &b->res.confs[i].links)
			if (r == 0)
				r = link_check(b, b->res.confs[i].source, l, e);
	vec_each(part, &b->res.image.parts)
		vec_each(l, &part->links)
			if (r == 0)
				r = link_check(b, part->source, l, e);
	return r;
}
