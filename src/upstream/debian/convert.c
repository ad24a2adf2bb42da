/* SPDX-License-Identifier: MIT */
#include "upstream/debian/convert.h"

#include <sys/stat.h>

#include "base/trace.h"
#include "disk/caps.h"
#include "disk/codec.h"
#include "upstream/debian/changelog.h"
#include "upstream/debian/copyright.h"
#include "upstream/debian/diversion.h"
#include "upstream/debian/relation.h"
#include "upstream/debian/scripts.h"
#include "upstream/stanza.h"

enum { CHANGELOG_BYTES_MAX = 64 << 20, COPYRIGHT_BYTES_MAX = 16 << 20 };

/* The part of a path below a folder, or empty. */
static struct str path_below(struct str path, const char *folder)
{
	return str_starts(path, folder) ? str_from(path, strlen(folder)) : (struct str){ 0 };
}

/* "man1", "man3posix", "mann": a section of the manual (man(1)), and no language. */
static bool is_section(struct str name)
{
	static const char sections[] = "123456789ln0";

	return str_starts(name, "man") && name.n > 3 && strchr(sections, name.p[3]);
}

/* "de" of /usr/share/locale/de/LC_MESSAGES/x.mo and /usr/share/man/de/man1/x.1.gz, their folders
 * included. */
static struct str path_lang(struct str path)
{
	struct str below = path_below(path, "/usr/share/locale/"), first;

	if (below.n > 0)
		return str_cut(&below, '/');
	below = path_below(path, "/usr/share/man/");
	first = str_cut(&below, '/');
	return is_section(first) ? (struct str){ 0 } : first;
}

/* /usr/share/doc/NAME/copyright, and a link /usr/share/doc/NAME that leads to another package's,
 * are the licence. */
static unsigned path_flags(const struct rpm_file *f)
{
	static const char *const folders[] = { "/usr/share/man/", "/usr/share/info/" };
	struct str below = path_below(f->path, "/usr/share/doc/");

	if (path_below(f->path, "/usr/share/common-licenses/").n > 0)
		return FILE_LICENSE;
	if (below.n > 0)
		return str_ends(below, "/copyright") ||
				       (S_ISLNK(f->mode) && str_find(below, '/') < 0)
			       ? FILE_LICENSE
			       : FILE_DOC;
	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++)
		if (path_below(f->path, folders[i]).n > 0)
			return FILE_DOC;
	return 0;
}

static void files_classify(vec_rpm_file *files)
{
	vec_each(f, files) {
		f->flags |= path_flags(f);
		f->lang = path_lang(f->path);
	}
}

/* deb-conffiles(5): a path a line; a line may begin with a flag, of which there is one:
 * remove-on-upgrade. */
static int conffiles_mark(struct arena *a, struct str text, vec_rpm_file *files, struct err *e)
{
	while (text.n > 0) {
		struct str line = str_trim(str_cut(&text, '\n'));
		struct rpm_file *f;

		if (line.n == 0 || line.p[0] != '/')
			continue;
		f = files_find(files, path_usrmerge(a, line));
		if (!f)
			return err_set(e, -EBADMSG, "conffiles: '%.*s' is not in the package",
				       STR_FMT(line));
		f->flags |= FILE_CONFIG | FILE_NOREPLACE;
	}
	return 0;
}

/* "Description: summary" and lines with one blank in front; a line with only a dot is an empty one.
 */
static struct str description_text(struct arena *a, struct str lines)
{
	struct buf b = { .a = a };

	while (lines.n > 0) {
		struct str line = str_cut(&lines, '\n');

		line = str_from(line, str_starts(line, " ") ? 1 : 0);
		if (b.v.n > 0)
			buf_u8(&b, '\n');
		if (!str_eqz(line, "."))
			buf_put(&b, line.p, line.n);
	}
	return (struct str){ (const char *)b.v.p, b.v.n };
}

static struct str field_or(const struct stanza *control, const char *name, struct str otherwise)
{
	struct str value = stanza_get(control, name);

	return value.n > 0 ? value : otherwise;
}

/* The index told all that solving needs; the package itself is what was asked for, and tells the
 * rest. */
static int control_apply(struct arena *a, struct str text, struct rpm_package *pkg, struct err *e)
{
	struct rpm_meta *meta = &pkg->meta;
	const struct {
		const char *field;
		struct str want;
	} same[] = {
		{ "Package", meta->origin_name },
		{ "Version", meta->origin_version },
		{ "Architecture", meta->origin_arch },
	};
	struct stanza control;
	struct str description;
	int rc = stanza_next(&text, &control, e);

	if (rc <= 0)
		return rc < 0 ? err_wrap(e, rc, "control") : err_set(e, -EBADMSG, "control: empty");
	for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++) {
		struct str have = stanza_get(&control, same[i].field);

		if (!str_eq(have, same[i].want))
			return err_set(e, -EBADMSG, "control: %s is '%.*s', the index says '%.*s'",
				       same[i].field, STR_FMT(have), STR_FMT(same[i].want));
	}
	description = stanza_get(&control, "Description");
	rc = relation_replaces(a, stanza_get(&control, "Replaces"), &pkg->replaces, e);
	if (rc < 0)
		return err_wrap(e, rc, "control: Replaces");
	meta->summary = str_cut(&description, '\n');
	meta->description = description_text(a, description);
	meta->url = field_or(&control, "Homepage", meta->url);
	meta->group = field_or(&control, "Section", meta->group);
	meta->vendor = field_or(&control, "Maintainer", meta->vendor);
	return 0;
}

/* A documentation file of the package, unpacked; empty when it is not there or is a link elsewhere.
 */
static int doc_read(struct arena *a, const struct deb *deb, struct str package, const char *name,
		    size_t max, struct str *ret, struct err *e)
{
	struct str path = str_printf(a, "/usr/share/doc/%.*s/%s", STR_FMT(package), name);
	const struct rpm_file *f = files_find(&deb->files, path);
	int rc;

	*ret = (struct str){ 0 };
	if (!f || !S_ISREG(f->mode))
		return 0;
	rc = decompress(a, f->data, max, ret, e);
	return rc < 0 ? err_wrap(e, rc, "'%.*s'", STR_FMT(path)) : 0;
}

/* Packages of Debian's own have "changelog.gz", others "changelog.Debian.gz"; rebuilt ones add
 * "...Debian.ARCH.gz". */
static int changelog_read(struct arena *a, const struct deb *deb, struct rpm_package *pkg,
			  struct err *e)
{
	const char *names[] = {
		str_z(a, str_printf(a, "changelog.Debian.%.*s.gz", STR_FMT(pkg->meta.origin_arch))),
		"changelog.Debian.gz",
		"changelog.gz",
	};
	_cleanup_arena_ struct arena scratch = { 0 };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct str text;
		int rc = doc_read(&scratch, deb, pkg->meta.origin_name, names[i],
				  CHANGELOG_BYTES_MAX, &text, e);

		if (rc < 0)
			return rc;
		if (i < 2 || pkg->changelog.n == 0)
			changelog_parse(a, text, &pkg->changelog);
	}
	return 0;
}

static int license_read(struct arena *a, const struct deb *deb, struct rpm_meta *meta,
			struct err *e)
{
	struct str folder = str_printf(a, "/usr/share/doc/%.*s", STR_FMT(meta->origin_name)), text;
	const struct rpm_file *f = files_find(&deb->files, folder);
	int rc = doc_read(a, deb, meta->origin_name, "copyright", COPYRIGHT_BYTES_MAX, &text, e);

	if (rc < 0)
		return rc;
	/* /usr/share/doc/libfoo2 -> libfoo-common: its file speaks for this package too, but is not
	 * in it. */
	if (f && S_ISLNK(f->mode) && str_find(f->data, '/') < 0)
		meta->license =
			str_printf(a, "LicenseRef-Debian-copyright-of-%.*s", STR_FMT(f->data));
	else
		meta->license = copyright_license(a, text);
	return 0;
}

static uint64_t build_time(const struct rpm_package *pkg)
{
	uint64_t newest = 0;

	if (pkg->changelog.n > 0)
		return pkg->changelog.p[0].time_sec;
	vec_each(f, &pkg->files)
		if (f->mtime_sec > newest)
			newest = f->mtime_sec;
	return newest;
}

static int mode_apply(struct arena *a, vec_rpm_file *files, const struct conf_mode *mode,
		      struct err *e)
{
	struct rpm_file *f = files_find(files, mode->path);
	uint32_t bits = 0;

	if (!f)
		return err_set(e, -ENOENT, "modes: '%.*s' is not in the package",
			       STR_FMT(mode->path));
	for (size_t i = 0; i < mode->mode.n; i++) {
		if (mode->mode.p[i] < '0' || mode->mode.p[i] > '7' || mode->mode.n > 5)
			return err_set(e, -EINVAL,
				       "modes: '%.*s': '%.*s' is no octal mode such as 0755",
				       STR_FMT(mode->path), STR_FMT(mode->mode));
		bits = bits * 8 + (uint32_t)(mode->mode.p[i] - '0');
	}
	if (bits > 07777)
		return err_set(e, -EINVAL, "modes: '%.*s': '%.*s' is beyond 7777",
			       STR_FMT(mode->path), STR_FMT(mode->mode));
	/* all names of one inode have one mode */
	vec_each(other, files) {
		if (other != f && (f->link_group == 0 || other->link_group != f->link_group))
			continue;
		if (mode->mode.n > 0)
			other->mode = (f->mode & S_IFMT) | bits;
		if (mode->user.n > 0)
			other->user = str_dup(a, mode->user);
		if (mode->group.n > 0)
			other->group = str_dup(a, mode->group);
	}
	return 0;
}

static int caps_apply(struct arena *a, vec_rpm_file *files, const struct conf_caps *caps,
		      struct err *e)
{
	struct rpm_file *f = files_find(files, caps->path);
	struct str value;
	int r = caps_parse(a, caps->caps, &value, e);

	if (r < 0)
		return err_wrap(e, r, "caps of '%.*s'", STR_FMT(caps->path));
	if (!f || !S_ISREG(f->mode))
		return err_set(e, -ENOENT, "caps: '%.*s' is no file of the package",
			       STR_FMT(caps->path));
	vec_each(other, files)
		if (other == f || (f->link_group > 0 && other->link_group == f->link_group))
			xattr_set(a, &other->xattrs, STR(XATTR_CAPS), value);
	return 0;
}

static void owners_apply(struct arena *a, vec_rpm_file *files, const struct conf_owner *owner)
{
	vec_each(f, files) {
		if (!str_glob(owner->path, f->path))
			continue;
		if (owner->user.n > 0)
			f->user = str_dup(a, owner->user);
		if (owner->group.n > 0)
			f->group = str_dup(a, owner->group);
	}
}

static bool path_dropped(const struct conf_package *conf, struct str path)
{
	vec_each(glob, &conf->drop_files)
		if (str_glob(*glob, path))
			return true;
	return false;
}

/* What no package can have may be left out; a folder goes with all that is below it. */
static int refused_check(const struct conf_package *conf, const vec_refused *refused, struct err *e)
{
	vec_each(r, refused) {
		bool dropped = path_dropped(conf, r->path);

		vec_each(glob, &conf->drop_files)
			if (str_ends(*glob, "/") && str_glob(str_head(*glob, glob->n - 1), r->path))
				dropped = true;
		if (!dropped)
			return err_set(
				e, -EOPNOTSUPP,
				"%.*s; leave it out with drop-files: ['%.*s'] in packages/%.*s/package.yaml",
				STR_FMT(r->what), STR_FMT(r->glob), STR_FMT(conf->name));
	}
	return 0;
}

/* A device is a way around all that guards what is behind it: only those that a definition names.
 */
static int devices_check(const struct conf_package *conf, const vec_rpm_file *files, struct err *e)
{
	vec_each(f, files) {
		bool named = !S_ISCHR(f->mode) && !S_ISBLK(f->mode);

		vec_each(path, &conf->device_files)
			named = named || str_eq(*path, f->path);
		if (!named)
			return err_set(
				e, -EPERM,
				"'%.*s': a device (%s %u:%u), which a package may bring only if packages/%.*s/package.yaml names it under 'device-files'; or leave it out with drop-files there",
				STR_FMT(f->path), S_ISCHR(f->mode) ? "character" : "block",
				f->rdev_major, f->rdev_minor, STR_FMT(conf->name));
	}
	return 0;
}

/* What the definition changes about the files, so that the RPM itself says it and `rpm -V` agrees
 * with the image. */
static int definition_apply(struct arena *a, const struct conf_package *conf, vec_rpm_file *files,
			    struct err *e)
{
	size_t kept = 0;
	int rc = 0;

	vec_each(owner, &conf->owners)
		owners_apply(a, files, owner);
	vec_each(mode, &conf->modes)
		if (rc == 0)
			rc = mode_apply(a, files, mode, e);
	vec_each(caps, &conf->caps)
		if (rc == 0)
			rc = caps_apply(a, files, caps, e);
	if (rc < 0)
		return rc;
	vec_each(f, files)
		if (!path_dropped(conf, f->path))
			files->p[kept++] = *f;
	files->n = kept;
	return devices_check(conf, files, e);
}

static int package_make(struct arena *a, struct str bytes, const struct conf_package *conf,
			const struct conf_upstream *upstream, struct rpm_package *pkg,
			struct err *e)
{
	struct deb deb = { 0 };
	int rc = deb_parse(a, bytes, conf->max_unpacked_bytes, &deb, e);

	if (rc == -EFBIG)
		return err_wrap(e, rc,
				"packages/%.*s/package.yaml may allow more by 'max-unpacked-bytes'",
				STR_FMT(conf->name));
	if (rc == 0)
		rc = refused_check(conf, &deb.refused, e);
	if (rc == 0)
		rc = control_apply(a, deb.control, pkg, e);
	if (rc == 0)
		rc = conffiles_mark(a, deb_control_file(&deb, "conffiles"), &deb.files, e);
	if (rc == 0)
		rc = changelog_read(a, &deb, pkg, e);
	if (rc == 0)
		rc = license_read(a, &deb, &pkg->meta, e);
	if (rc == 0)
		rc = scripts_check(a, &deb, conf, upstream, &pkg->diverts, e);
	if (rc == 0)
		rc = diversions_declared(a, conf, &pkg->diverts, e);
	if (rc < 0)
		return rc;
	pkg->files = deb.files;
	files_classify(&pkg->files);
	pkg->build_time_sec = build_time(pkg);
	return definition_apply(a, conf, &pkg->files, e);
}

int deb_convert(struct arena *a, struct str deb, const struct rpm_meta *meta,
		const struct conf_package *conf, const struct conf_upstream *upstream,
		struct rpm_package *ret, struct err *e)
{
	TRACE("read .deb");
	struct rpm_package pkg = { .meta = *meta };
	int rc = package_make(a, deb, conf, upstream, &pkg, e);

	if (rc < 0)
		return err_wrap(e, rc, "package '%.*s'", STR_FMT(meta->origin_name));
	*ret = pkg;
	return 0;
}
