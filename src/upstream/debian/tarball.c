/* SPDX-License-Identifier: MIT */
#include "upstream/debian/tarball.h"

#include <archive.h>
#include <archive_entry.h>
#include <stdlib.h>
#include <sys/stat.h>

enum { TAR_BLOCK_BYTES = 512, SHOWN_BYTES_MAX = 1024 };

/* One archive being read. */
struct reader {
	struct arena *a;
	struct archive *archive;
	struct str tar;
	vec_rpm_file files;
	vec_refused refused;
	vec_rpm_file unnameable; /* of each that is refused: without a type, or only for its name */
	struct map paths;        /* -> index in files */
	struct map refused_paths; /* -> index in refused */
	uint32_t link_groups;
};

static void archive_done(struct archive **x)
{
	archive_read_free(*x);
}

/* Length of the character that @s begins with, 0 when it is none that a name may have. */
static size_t char_len(struct str s)
{
	uint8_t c = (uint8_t)s.p[0];

	return c < 0x20 || c == 0x7f ? 0 : str_utf8_len(s);
}

static bool path_is_text(struct str s)
{
	size_t n = 1;

	for (; s.n > 0 && n > 0; s = str_from(s, n))
		n = char_len(s);
	return n > 0;
}

/* For messages: bytes that are no text as "\xe9", or each as @instead. */
static struct str path_shown(struct arena *a, struct str s, const char *instead)
{
	struct buf b = { .a = a };

	while (s.n > 0) {
		size_t n = char_len(s);

		if (n > 0)
			buf_put(&b, s.p, n);
		else if (instead)
			buf_printf(&b, "%s", instead);
		else
			buf_printf(&b, "\\x%02x", (uint8_t)s.p[0]);
		s = str_from(s, n > 0 ? n : 1);
	}
	return (struct str){ (const char *)b.v.p, b.v.n };
}

struct str path_usrmerge(struct arena *a, struct str path)
{
	static const char *const moved[] = { "/bin/",   "/sbin/",  "/lib/",
					     "/lib32/", "/lib64/", "/libx32/" };

	for (size_t i = 0; i < sizeof(moved) / sizeof(moved[0]); i++)
		if (str_starts(path, moved[i]))
			return str_cat(a, STR("/usr"), path);
	return path;
}

/* @raw as tar has it; a slash in front says nothing, as to dpkg. The root directory gives "/". */
static int path_normalise(struct arena *a, struct str raw, struct str *ret, struct err *e)
{
	struct str shown = path_shown(a, str_head(raw, SHOWN_BYTES_MAX), NULL), rest = raw;
	struct buf b = { .a = a };

	if (raw.n == 0 || raw.n > TARBALL_PATH_MAX)
		return err_set(e, -EBADMSG, "'%.*s': a path of %zu bytes, want 1 to %d",
			       STR_FMT(str_head(shown, 80)), raw.n, TARBALL_PATH_MAX);
	while (rest.n > 0) {
		struct str part = str_cut(&rest, '/');

		if (part.n == 0 || str_eqz(part, "."))
			continue;
		if (str_eqz(part, ".."))
			return err_set(e, -EBADMSG, "'%.*s': a path that escapes by '..'",
				       STR_FMT(shown));
		if (part.n > TARBALL_NAME_MAX)
			return err_set(e, -EBADMSG,
				       "'%.*s...': a name of %zu bytes, want at most %d",
				       STR_FMT(str_head(shown, 80)), part.n, TARBALL_NAME_MAX);
		buf_u8(&b, '/');
		buf_put(&b, part.p, part.n);
	}
	*ret = b.v.n > 0 ? (struct str){ (const char *)b.v.p, b.v.n } : STR("/");
	return 0;
}

static int entry_path(struct reader *r, struct str raw, mode_t type, struct str *ret, struct err *e)
{
	struct str path = { 0 };
	int rc = path_normalise(r->a, raw, &path, e);

	if (rc < 0)
		return rc;
	/* "./lib/" as a directory is the merged one; "./lib" as a link is what makes the merge. */
	if (type == S_IFDIR) {
		struct str merged = path_usrmerge(r->a, str_cat(r->a, path, STR("/")));

		path = merged.n > 1 ? str_head(merged, merged.n - 1) : path;
	} else {
		path = path_usrmerge(r->a, path);
	}
	*ret = path;
	return 0;
}

/* Plain content is one run of bytes of the archive itself: borrowed. */
static int entry_data(struct reader *r, struct rpm_file *f, struct err *e)
{
	const void *p = NULL;
	la_int64_t offset = 0;
	size_t n = 0;
	int rc;

	if (f->size_bytes > r->tar.n)
		return err_set(e, -EBADMSG,
			       "'%.*s': declares %llu bytes, the whole archive has %zu",
			       STR_FMT(f->path), (unsigned long long)f->size_bytes, r->tar.n);
	if (f->size_bytes == 0)
		return 0;
	rc = archive_read_data_block(r->archive, &p, &n, &offset);
	if (rc != ARCHIVE_OK || offset != 0 || n != f->size_bytes || (const char *)p < r->tar.p ||
	    n > r->tar.n - (size_t)((const char *)p - r->tar.p))
		return err_set(e, -EBADMSG, "'%.*s': the archive ends within its %llu bytes",
			       STR_FMT(f->path), (unsigned long long)f->size_bytes);
	f->data = (struct str){ p, n };
	return 0;
}

/* An entry that no package may have here, unless a definition leaves it out. @f: nothing but its
 * name is wrong, so that other names of it may stay. */
static void refuse(struct reader *r, struct str path, const char *what, const struct rpm_file *f)
{
	struct tarball_refused refused = { .path = path };

	refused.glob = path_shown(r->a, path, "?");
	refused.what = str_printf(r->a, "'%.*s': %s", STR_FMT(path_shown(r->a, path, NULL)), what);
	map_put(r->a, &r->refused_paths, path, (uint32_t)r->refused.n);
	vec_push(r->a, &r->refused) = refused;
	vec_push(r->a, &r->unnameable) = f ? *f : (struct rpm_file){ 0 };
}

/* Another name of what came before, whatever that is. Only regular files stay one inode: RPM knows
 * no other hard links, and a second link, device or pipe does the same as the first. */
static int entry_hardlink(struct reader *r, const char *raw, struct rpm_file *f, bool *ret_refused,
			  struct err *e)
{
	struct rpm_file *target;
	struct str path;
	uint32_t *at, *refused;
	int rc = entry_path(r, str_c(raw), S_IFREG, &path, e);

	if (rc < 0)
		return err_wrap(e, rc, "'%.*s': hard link", STR_FMT(f->path));
	at = map_get(&r->paths, path);
	refused = map_get(&r->refused_paths, path);
	target = at ? &r->files.p[*at] : refused ? &r->unnameable.p[*refused] : NULL;
	if (!target || S_ISDIR(target->mode))
		return err_set(e, -EBADMSG,
			       "'%.*s': hard link to '%.*s', which is no file before it",
			       STR_FMT(path_shown(r->a, f->path, NULL)),
			       STR_FMT(path_shown(r->a, path, NULL)));
	*ret_refused = target->mode == 0;
	if (target->mode == 0) {
		refuse(r, f->path, "a hard link to what is refused itself", NULL);
		return 0;
	}
	if (S_ISREG(target->mode) && target->link_group == 0)
		target->link_group = ++r->link_groups;
	path = f->path;
	*f = *target;
	f->path = path;
	return 0;
}

/* A pax name that the locale cannot hold is there as UTF-8 only. */
static const char *either(const char *bytes, const char *utf8)
{
	return bytes ? bytes : utf8;
}

static int entry_symlink(struct reader *r, struct archive_entry *entry, struct rpm_file *f,
			 struct err *e)
{
	struct str target =
		str_c(either(archive_entry_symlink(entry), archive_entry_symlink_utf8(entry)));

	if (target.n == 0 || target.n > TARBALL_PATH_MAX)
		return err_set(e, -EBADMSG, "'%.*s': a symbolic link without a sensible target",
			       STR_FMT(f->path));
	f->data = str_dup(r->a, target);
	f->size_bytes = f->data.n;
	return 0;
}

/* What the file is, or why it is refused. */
static int entry_content(struct reader *r, struct archive_entry *entry, struct rpm_file *f,
			 const char **ret_refusal, struct err *e)
{
	switch (f->mode & S_IFMT) {
	case S_IFREG:
		/* dpkg's own reader of archives takes none either */
		if (archive_entry_sparse_count(entry) > 0) {
			*ret_refusal = "a sparse file, which no .deb may hold";
			return 0;
		}
		f->size_bytes = (uint64_t)archive_entry_size(entry);
		return entry_data(r, f, e);
	case S_IFLNK:
		return entry_symlink(r, entry, f, e);
	case S_IFCHR:
	case S_IFBLK:
		f->rdev_major = (uint32_t)archive_entry_rdevmajor(entry);
		f->rdev_minor = (uint32_t)archive_entry_rdevminor(entry);
		if (f->rdev_major > TARBALL_RDEV_MAX || f->rdev_minor > TARBALL_RDEV_MAX)
			*ret_refusal = "a device with a number above 255, which RPM cannot hold";
		return 0;
	case S_IFDIR:
	case S_IFIFO:
		return 0;
	default:
		return err_set(e, -EBADMSG, "'%.*s': an entry of no known type",
			       STR_FMT(path_shown(r->a, f->path, NULL)));
	}
}

/* Names count, since numbers mean nothing on another system; a nameless owner other than 0 keeps
 * its number as text. */
static struct str owner_name(struct arena *a, const char *name, la_int64_t id)
{
	if (name && *name && path_is_text(str_c(name)))
		return str_dup(a, str_c(name));
	return id == 0 ? STR("root") : str_printf(a, "%lld", (long long)id);
}

static int entry_put(struct reader *r, struct rpm_file *f, struct err *e)
{
	uint32_t *at = map_get(&r->paths, f->path);

	if (at && S_ISDIR(f->mode) && S_ISDIR(r->files.p[*at].mode))
		return 0;
	if (at)
		return err_set(e, -EBADMSG, "'%.*s': a duplicate entry", STR_FMT(f->path));
	if (S_ISREG(f->mode) && f->link_group == 0)
		sha256(f->data.p, f->data.n, f->sha256);
	map_put(r->a, &r->paths, f->path, (uint32_t)r->files.n);
	vec_push(r->a, &r->files) = *f;
	return 0;
}

/* What of names RPM's headers and the tables made from them cannot hold. */
static const char *names_refusal(const struct rpm_file *f)
{
	if (!path_is_text(f->path))
		return "a name that is not UTF-8 text, which RPM cannot hold";
	if (S_ISLNK(f->mode) && !path_is_text(f->data))
		return "a symbolic link to what is not UTF-8 text, which RPM cannot hold";
	return NULL;
}

static int entry_fill(struct reader *r, struct archive_entry *entry, struct rpm_file *f,
		      struct err *e)
{
	const char *link =
		either(archive_entry_hardlink(entry), archive_entry_hardlink_utf8(entry));
	const char *refusal = NULL;
	bool refused = false;
	int rc = link ? entry_hardlink(r, link, f, &refused, e)
		      : entry_content(r, entry, f, &refusal, e);

	if (rc < 0 || refused)
		return rc;
	if (refusal) {
		refuse(r, f->path, refusal, NULL);
		return 0;
	}
	refusal = names_refusal(f);
	if (!refusal)
		return entry_put(r, f, e);
	if (S_ISREG(f->mode) && f->link_group == 0)
		sha256(f->data.p, f->data.n, f->sha256);
	refuse(r, f->path, refusal, path_is_text(f->path) ? NULL : f);
	return 0;
}

static int entry_read(struct reader *r, struct archive_entry *entry, struct err *e)
{
	const char *raw = either(archive_entry_pathname(entry), archive_entry_pathname_utf8(entry));
	mode_t type = archive_entry_filetype(entry);
	struct rpm_file f = { 0 };
	int rc;

	if (!raw)
		return err_set(e, -EBADMSG, "an entry without a name");
	rc = entry_path(r, str_c(raw), type, &f.path, e);
	if (rc < 0 || str_eqz(f.path, "/"))
		return rc;
	if (r->files.n + r->refused.n >= TARBALL_ENTRIES_MAX)
		return err_set(e, -EFBIG, "more than %d entries", TARBALL_ENTRIES_MAX);
	f.mode = (archive_entry_perm(entry) & 07777) | type;
	f.mtime_sec = archive_entry_mtime(entry) > 0 ? (uint64_t)archive_entry_mtime(entry) : 0;
	f.user = owner_name(r->a, archive_entry_uname(entry), archive_entry_uid(entry));
	f.group = owner_name(r->a, archive_entry_gname(entry), archive_entry_gid(entry));
	return entry_fill(r, entry, &f, e);
}

/* The archive ends with at least one block of zeroes, and nothing else is behind it. */
static int end_check(struct reader *r, struct err *e)
{
	uint64_t at = (uint64_t)archive_read_header_position(r->archive);

	if (at + TAR_BLOCK_BYTES > r->tar.n)
		return err_set(e, -EBADMSG, "ends without an end marker");
	for (uint64_t i = at; i < r->tar.n; i++)
		if (r->tar.p[i] != 0)
			return err_set(e, -EBADMSG, "bytes behind the end of the archive");
	return 0;
}

static int file_compare(const void *x, const void *y)
{
	return str_cmp(((const struct rpm_file *)x)->path, ((const struct rpm_file *)y)->path);
}

/* Whoever unpacks "/x -> /etc" and then "/x/passwd" writes where the link points. */
static int parents_check(struct arena *a, const vec_rpm_file *files, struct err *e)
{
	vec_each(f, files)
		for (size_t i = 1; i < f->path.n; i++) {
			const struct rpm_file *parent;

			if (f->path.p[i] != '/')
				continue;
			parent = files_find(files, str_head(f->path, i));
			if (parent && !S_ISDIR(parent->mode))
				return err_set(e, -EBADMSG, "'%s': lies below '%.*s', which is %s",
					       str_z(a, f->path), STR_FMT(parent->path),
					       S_ISLNK(parent->mode) ? "a symbolic link"
								     : "a file");
		}
	return 0;
}

struct rpm_file *files_find(const vec_rpm_file *files, struct str path)
{
	struct rpm_file key = { .path = path };

	return files->n > 0 ? bsearch(&key, files->p, files->n, sizeof(key), file_compare) : NULL;
}

static int entries_read(struct reader *r, struct err *e)
{
	struct archive_entry *entry;

	for (;;) {
		int rc = archive_read_next_header(r->archive, &entry);

		if (rc == ARCHIVE_EOF)
			return end_check(r, e);
		/* A warning is about a name that the locale cannot hold: entry_path() looks at the
		 * bytes. */
		if (rc != ARCHIVE_OK && rc != ARCHIVE_WARN)
			return err_set(e, -EBADMSG, "damaged archive: %s",
				       archive_error_string(r->archive));
		rc = entry_read(r, entry, e);
		if (rc < 0)
			return rc;
	}
}

int tarball_read(struct arena *a, struct str tar, struct tarball *ret, struct err *e)
{
	__attribute__((cleanup(archive_done))) struct archive *archive = archive_read_new();
	struct reader r = { .a = a, .archive = archive, .tar = tar };
	int rc;

	if (!archive || archive_read_support_format_tar(archive) != ARCHIVE_OK)
		return err_set(e, -ENOMEM, "libarchive: out of memory");
	/* Without this, an archive of zeroes only, or with zeroes in front, is "unrecognized". */
	archive_read_support_format_empty(archive);
	if (archive_read_open_memory(archive, tar.p, tar.n) != ARCHIVE_OK)
		return err_set(e, -EBADMSG, "no tar archive: %s", archive_error_string(archive));
	rc = entries_read(&r, e);
	if (rc < 0)
		return rc;
	if (r.files.n > 1)
		qsort(r.files.p, r.files.n, sizeof(r.files.p[0]), file_compare);
	rc = parents_check(a, &r.files, e);
	if (rc < 0)
		return rc;
	*ret = (struct tarball){ r.files, r.refused };
	return 0;
}

struct str tarball_library_version(struct arena *a)
{
	return str_printf(a, "%s", archive_version_string());
}
