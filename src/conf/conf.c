/* SPDX-License-Identifier: MIT */
#include "conf/conf.h"

#include "base/io.h"
#include "conf/files.h"
#include "conf/load.h"
#include "conf/schema.h"

static int source_load(struct arena *a, const char *at, const struct conf_folder *folder,
		       struct conf_file *file, struct err *e)
{
	const char *below = path_join(a, folder->below, str_z(a, file->source));
	int r = file_read_below(a, folder->distro, below, CONF_FILE_BYTES_MAX, &file->content, e);

	if (r == -ENOENT)
		return err_set(e, -EINVAL, "%s: the file's source '%.*s' is missing; want '%s/%s'",
			       at, STR_FMT(file->source), folder->distro, below);
	if (r < 0)
		return err_wrap(e, r, "%s: the file's source", at);
	return 0;
}

int conf_files_load(struct arena *a, const struct yaml_doc *doc, const struct conf_folder *folder,
		    struct conf_file *files, size_t n, struct err *e)
{
	for (size_t i = 0; i < n; i++) {
		struct conf_file *f = &files[i];
		int said = (f->content.p != NULL) + (f->source.p != NULL) + f->directory;
		const char *at = yaml_at(a, doc, "files", (uint32_t)i);
		int r;

		if (said != 1)
			return err_set(
				e, -EINVAL,
				"%s: the file '%.*s' has %s content, source and 'directory: yes'; want exactly one "
				"of them",
				at, STR_FMT(f->path), said == 0 ? "none of" : "more than one of");
		if (f->mode.n == 0)
			f->mode = f->directory ? STR("0755") : STR("0644");
		if (!f->source.p || !folder)
			continue;
		r = source_load(a, at, folder, f, e);
		if (r < 0)
			return r;
	}
	return 0;
}

static int second(struct arena *a, const struct yaml_doc *doc, const char *key, size_t i,
		  struct str name, struct err *e)
{
	return err_set(e, -EINVAL, "%s: a second '%.*s' in '%s'; want each name once",
		       yaml_at(a, doc, key, (uint32_t)i), STR_FMT(name), key);
}

int conf_users_check(struct arena *a, const struct yaml_doc *doc, const struct conf_user *users,
		     size_t n, struct err *e)
{
	struct map seen = { 0 };

	for (size_t i = 0; i < n; i++) {
		if (map_get(&seen, users[i].name))
			return second(a, doc, "users", i, users[i].name, e);
		map_put(a, &seen, users[i].name, 1);
	}
	return 0;
}

int conf_groups_check(struct arena *a, const struct yaml_doc *doc, const struct conf_group *groups,
		      size_t n, struct err *e)
{
	struct map seen = { 0 };

	for (size_t i = 0; i < n; i++) {
		if (map_get(&seen, groups[i].name))
			return second(a, doc, "groups", i, groups[i].name, e);
		map_put(a, &seen, groups[i].name, 1);
	}
	return 0;
}

int conf_release_read(struct arena *a, const char *distro, struct conf_release *ret, struct err *e)
{
	return yaml_read(a, &schema_release, distro, "release.yaml", ret, NULL, e);
}

static int upstreams_unique(struct arena *a, const vec_conf_upstream *upstreams,
			    const struct yaml_doc *doc, struct err *e)
{
	for (size_t i = 0; i < upstreams->n; i++)
		for (size_t k = 0; k < i; k++)
			if (str_eq(upstreams->p[i].name, upstreams->p[k].name))
				return err_set(
					e, -EINVAL,
					"%s: a second upstream '%.*s'; want a name of its own",
					yaml_at(a, doc, "", (uint32_t)i),
					STR_FMT(upstreams->p[i].name));
	return 0;
}

/* What no table can say. */
static int upstream_complete(struct arena *a, const struct conf_upstream *u, size_t i,
			     const struct yaml_doc *doc, struct err *e)
{
	const char *at = yaml_at(a, doc, "", (uint32_t)i);

	if (u->keyring.n == 0 && u->keyrings.n == 0 && u->signed_by.n == 0)
		return err_set(e, -EINVAL,
			       "%s: nothing says who may sign for upstream '%.*s'; want 'keyring', "
			       "'keyrings' or 'signed-by'",
			       at, STR_FMT(u->name));
	for (size_t k = 0; k < u->suites.n && u->components.n == 0; k++)
		if (!str_ends(u->suites.p[k].name, "/"))
			return err_set(
				e, -EINVAL,
				"%s: upstream '%.*s' has no 'components' for suite '%.*s'; want some, or a "
				"'/' at the name's end when it is a flat repository",
				at, STR_FMT(u->name), STR_FMT(u->suites.p[k].name));
	return 0;
}

int conf_upstreams_parse(struct arena *a, struct str yaml, const char *name, vec_conf_upstream *ret,
			 struct err *e)
{
	vec_conf_upstream upstreams;
	struct yaml_doc doc;
	int r = yaml_load(a, &schema_upstreams, yaml, name, &upstreams, &doc, e);

	if (r == 0)
		r = upstreams_unique(a, &upstreams, &doc, e);
	for (size_t i = 0; r == 0 && i < upstreams.n; i++)
		r = upstream_complete(a, &upstreams.p[i], i, &doc, e);
	if (r < 0)
		return r;
	*ret = upstreams;
	return 0;
}

int conf_upstreams_read(struct arena *a, const char *distro, vec_conf_upstream *ret, struct err *e)
{
	static const char below[] = "upstreams.yaml";
	struct str text;
	int r = yaml_file(a, distro, below, &text, e);

	return r < 0 ? r : conf_upstreams_parse(a, text, path_join(a, distro, below), ret, e);
}

static int package_parse(struct arena *a, struct str yaml, const char *name,
			 const struct conf_folder *folder, struct conf_package *ret, struct err *e)
{
	struct conf_package package;
	struct yaml_doc doc;
	int r = yaml_load(a, &schema_package, yaml, name, &package, &doc, e);

	if (r == 0)
		r = conf_files_load(a, &doc, folder, package.files.p, package.files.n, e);
	if (r == 0)
		r = conf_users_check(a, &doc, package.users.p, package.users.n, e);
	if (r == 0)
		r = conf_groups_check(a, &doc, package.groups.p, package.groups.n, e);
	if (r < 0)
		return r;
	package.source = str_dup(a, str_c(name));
	*ret = package;
	return 0;
}

int conf_package_parse(struct arena *a, struct str yaml, const char *name, struct conf_package *ret,
		       struct err *e)
{
	return package_parse(a, yaml, name, NULL, ret, e);
}

int conf_package_read(struct arena *a, const char *distro, struct str name,
		      struct conf_package *ret, struct err *e)
{
	struct conf_package package = { 0 };
	struct conf_folder files = { .distro = distro };
	const char *folder, *below;
	struct str text;
	int r;

	if (!form_ok(FORM_NAME, name))
		return err_set(e, -EINVAL, "package '%.*s': want %s", STR_FMT(name),
			       form_want(FORM_NAME));
	folder = str_z(a, str_printf(a, "packages/%.*s", STR_FMT(name)));
	below = path_join(a, folder, "package.yaml");
	files.below = path_join(a, folder, "files");
	if (file_exists(path_join(a, distro, below))) {
		r = yaml_file(a, distro, below, &text, e);
		if (r == 0)
			r = package_parse(a, text, path_join(a, distro, below), &files, &package,
					  e);
		if (r < 0)
			return r;
	}
	package.name = str_dup(a, name);
	*ret = package;
	return 0;
}
