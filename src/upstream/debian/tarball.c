/* SPDX-License-Identifier: MIT */
#include "upstream/debian/tarball.h"

#include <archive.h>
#include <archive_entry.h>
#include <stdlib.h>
#include <sys/stat.h>

enum { TAR_BLOCK_BYTES = 512 };

/* One archive being read. */
struct reader {
	struct arena *a;
	struct archive *archive;
	struct str tar;
	vec_rpm_file files;
	struct map paths; /* -> index in files */
	uint32_t link_groups;
};

static void archive_done(struct archive **x)
{
	archive_read_free(*x);
}

static bool path_is_text(struct str s)
{
	for (size_t i = 0; i < s.n;) {
		uint8_t c = (uint8_t)s.p[i];
		size_t more = c < 0x80   ? 0
			      : c < 0xc2 ? 9
			      : c < 0xe0 ? 1
			      : c < 0xf0 ? 2
			      : c < 0xf5 ? 3
					 : 9;

		if (c < 0x20 || c == 0x7f || more == 9 || more > s.n - i - 1)
			return false;
		for (size_t k = 1; k <= more; k++)
			if (((uint8_t)s.p[i + k] & 0xc0) != 0x80)
				return false;
		i += more + 1;
	}
	return true;
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

/* As tar names it, for messages: what is no text is shown as hexadecimal. */
static struct str path_shown(struct arena *a, struct str s)
{
	return path_is_text(s) ? s : str_cat(a, STR("0x"), hex_encode(a, s.p, s.n > 64 ? 64 : s.n));
}

/* @raw as tar has it. The root directory gives "/". */
static int path_normalise(struct arena *a, struct str raw, struct str *ret, struct err *e)
{
	struct str shown = path_shown(a, raw), rest = raw;
	struct buf b = { .a = a };

	if (!path_is_text(raw))
		return err_set(e, -EBADMSG, "'%.*s': a path that is not UTF-8 text",
			       STR_FMT(shown));
	if (raw.n == 0 || raw.n > TARBALL_PATH_MAX)
		return err_set(e, -EBADMSG, "'%.*s': a path of %zu bytes, want 1 to %d",
			       STR_FMT(str_head(shown, 80)), raw.n, TARBALL_PATH_MAX);
	if (raw.p[0] == '/')
		return err_set(e, -EBADMSG, "'%.*s': an absolute path", STR_FMT(shown));
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

static int entry_hardlink(struct reader *r, const char *raw, struct rpm_file *f, struct err *e)
{
	struct rpm_file *target;
	struct str path;
	uint32_t *at;
	int rc = entry_path(r, str_c(raw), S_IFREG, &path, e);

	if (rc < 0)
		return err_wrap(e, rc, "'%.*s': hard link", STR_FMT(f->path));
	at = map_get(&r->paths, path);
	if (!at || !S_ISREG(r->files.p[*at].mode))
		return err_set(e, -EBADMSG,
			       "'%.*s': hard link to '%.*s', which is no file before it",
			       STR_FMT(f->path), STR_FMT(path));
	target = &r->files.p[*at];
	if (target->link_group == 0)
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

static int entry_content(struct reader *r, struct archive_entry *entry, struct rpm_file *f,
			 struct err *e)
{
	const char *link =
		either(archive_entry_hardlink(entry), archive_entry_hardlink_utf8(entry));

	if (link)
		return entry_hardlink(r, link, f, e);
	switch (f->mode & S_IFMT) {
	case S_IFREG:
		if (archive_entry_sparse_count(entry) > 0)
			return err_set(e, -EBADMSG, "'%.*s': a sparse file", STR_FMT(f->path));
		f->size_bytes = (uint64_t)archive_entry_size(entry);
		return entry_data(r, f, e);
	case S_IFDIR:
		return 0;
	case S_IFLNK:
		link = either(archive_entry_symlink(entry), archive_entry_symlink_utf8(entry));
		if (!link || !*link || strlen(link) > TARBALL_PATH_MAX ||
		    !path_is_text(str_c(link)))
			return err_set(e, -EBADMSG,
				       "'%.*s': a symbolic link without a sensible target",
				       STR_FMT(f->path));
		f->data = str_dup(r->a, str_c(link));
		f->size_bytes = f->data.n;
		return 0;
	default:
		return err_set(e, -EBADMSG,
			       "'%.*s': a device, pipe or socket, which no package may bring",
			       STR_FMT(f->path));
	}
}

/* Names count, since numbers mean nothing on another system; a nameless owner other than 0 keeps
 * its number as text. */
static struct str owner_name(struct arena *a, const char *name, la_int64_t id)
{
	if (name && *name)
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
	if (r->files.n >= TARBALL_ENTRIES_MAX)
		return err_set(e, -EFBIG, "more than %d entries", TARBALL_ENTRIES_MAX);
	if (S_ISREG(f->mode))
		sha256(f->data.p, f->data.n, f->sha256);
	map_put(r->a, &r->paths, f->path, (uint32_t)r->files.n);
	vec_push(r->a, &r->files) = *f;
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
	f.mode = (archive_entry_perm(entry) & 07777) | type;
	f.mtime_sec = archive_entry_mtime(entry) > 0 ? (uint64_t)archive_entry_mtime(entry) : 0;
	f.user = owner_name(r->a, archive_entry_uname(entry), archive_entry_uid(entry));
	f.group = owner_name(r->a, archive_entry_gname(entry), archive_entry_gid(entry));
	rc = entry_content(r, entry, &f, e);
	return rc < 0 ? rc : entry_put(r, &f, e);
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

int tarball_read(struct arena *a, struct str tar, vec_rpm_file *ret, struct err *e)
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
	*ret = r.files;
	return 0;
}
