/* SPDX-License-Identifier: MIT */
#include "disk/caps.h"
#include "rpm/parts.h"

#include <rpm/rpmcrypto.h>
#include <rpm/rpmfiles.h>
#include <sys/stat.h>

enum { PATH_BYTES_MAX = 4000, RDEV_MAX = 255 };

/* Flags that struct rpm_file has; others that a foreign package may carry mean nothing here. */
static const unsigned known_flags =
	FILE_CONFIG | FILE_DOC | FILE_NOREPLACE | FILE_GHOST | FILE_LICENSE;

/* "/a/b": no empty, "." or ".." part, no slash at the end. */
static bool path_is_normal(struct str path)
{
	if (!str_starts(path, "/") || path.n > PATH_BYTES_MAX || str_find(path, '\0') >= 0)
		return false;
	for (struct str rest = str_from(path, 1), part; rest.n > 0;) {
		part = str_cut(&rest, '/');
		if (part.n == 0 || str_eqz(part, ".") || str_eqz(part, ".."))
			return false;
	}
	return path.n == 1 || path.p[path.n - 1] != '/';
}

static bool type_is_known(uint32_t mode)
{
	return S_ISREG(mode) || S_ISDIR(mode) || S_ISLNK(mode) || S_ISCHR(mode) || S_ISBLK(mode) ||
	       S_ISFIFO(mode);
}

int rpm_files_check(const vec_rpm_file *files, struct err *e)
{
	for (size_t i = 0; i < files->n; i++) {
		const struct rpm_file *f = &files->p[i];

		if (!path_is_normal(f->path))
			return err_set(e, -EBADMSG, "'%.*s': path is not absolute and normalised",
				       STR_FMT(f->path));
		if (i > 0 && str_cmp(f[-1].path, f->path) >= 0)
			return err_set(e, -EBADMSG, "'%.*s': listed twice or not in order",
				       STR_FMT(f->path));
		if (!type_is_known(f->mode) || f->mode > UINT16_MAX)
			return err_set(e, -EBADMSG, "'%.*s': file type of mode 0%o is unknown",
				       STR_FMT(f->path), f->mode);
		if (f->rdev_major > RDEV_MAX || f->rdev_minor > RDEV_MAX)
			return err_set(e, -EBADMSG, "'%.*s': device %u:%u, RPM has room for %d:%d",
				       STR_FMT(f->path), f->rdev_major, f->rdev_minor, RDEV_MAX,
				       RDEV_MAX);
	}
	return 0;
}

struct links links_find(struct arena *a, const vec_rpm_file *files)
{
	struct links l = { arena_array(a, files->n, 4), arena_array(a, files->n, 4),
			   arena_array(a, files->n, 4) };
	struct map firsts = { 0 };

	for (uint32_t i = 0; i < files->n; i++) {
		const struct rpm_file *f = &files->p[i];
		struct str key = { (const char *)&f->link_group, sizeof(f->link_group) };
		uint32_t *known = f->link_group > 0 && !(f->flags & FILE_GHOST)
					  ? map_get(&firsts, key)
					  : NULL;

		l.first[i] = known ? *known : i;
		l.last[l.first[i]] = i;
		l.n[l.first[i]]++;
		if (f->link_group > 0 && !(f->flags & FILE_GHOST) && !known)
			map_put(a, &firsts, key, i);
	}
	for (size_t i = 0; i < files->n; i++) {
		l.last[i] = l.last[l.first[i]];
		l.n[i] = l.n[l.first[i]];
	}
	return l;
}

bool files_have_caps(const vec_rpm_file *files)
{
	vec_each(f, files)
		if (xattr_get(&f->xattrs, XATTR_CAPS))
			return true;
	return false;
}

bool files_are_large(const vec_rpm_file *files)
{
	vec_each(f, files)
		if (f->data.n > UINT32_MAX || (S_ISREG(f->mode) && f->size_bytes > UINT32_MAX))
			return true;
	return false;
}

static const struct {
	rpmTagVal tag;
	size_t offset; /* of the struct str in struct rpm_file */
} text_tags[] = {
	{ RPMTAG_FILEUSERNAME, offsetof(struct rpm_file, user) },
	{ RPMTAG_FILEGROUPNAME, offsetof(struct rpm_file, group) },
	{ RPMTAG_FILELANGS, offsetof(struct rpm_file, lang) },
};

enum { TEXT_TAGS = sizeof(text_tags) / sizeof(text_tags[0]) };

static void texts_put(struct header *h, const vec_rpm_file *files, const struct links *links)
{
	struct str *column = arena_array(h->a, files->n, sizeof(*column));
	uint8_t digest[SHA256_BYTES];

	for (size_t t = 0; t < TEXT_TAGS; t++) {
		for (size_t i = 0; i < files->n; i++)
			column[i] = *(const struct str *)((const char *)&files->p[i] +
							  text_tags[t].offset);
		header_put_strs(h, text_tags[t].tag, column, files->n);
	}
	for (size_t i = 0; i < files->n; i++)
		column[i] = xattrs_caps(h->a, &files->p[i].xattrs);
	if (files_have_caps(files))
		header_put_strs(h, RPMTAG_FILECAPS, column, files->n);
	for (size_t i = 0; i < files->n; i++)
		column[i] = S_ISLNK(files->p[i].mode) ? files->p[i].data : (struct str){ 0 };
	header_put_strs(h, RPMTAG_FILELINKTOS, column, files->n);
	for (size_t i = 0; i < files->n; i++) {
		const struct rpm_file *f = &files->p[i];

		column[i] = (struct str){ 0 };
		if (links->first[i] != i) {
			column[i] = column[links->first[i]];
		} else if (S_ISREG(f->mode) && !(f->flags & FILE_GHOST)) {
			sha256(f->data.p, f->data.n, digest);
			column[i] = hex_encode(h->a, digest, sizeof(digest));
		}
	}
	header_put_strs(h, RPMTAG_FILEDIGESTS, column, files->n);
	for (size_t i = 0; i < files->n; i++)
		column[i] = files->p[i].path;
	header_put_strs(h, RPMTAG_OLDFILENAMES, column, files->n);
	/* Into directories, directory numbers and base names. */
	if (files->n > 0 && headerConvert(h->h, HEADERCONV_COMPRESSFILELIST) != 1)
		header_fail(h, RPMTAG_BASENAMES, "librpm does not take it");
}

/* What rpm -V compares: everything, but of ghosts only who owns them and their mode. */
static uint32_t verify_flags(const struct rpm_file *f)
{
	const uint32_t content =
		RPMVERIFY_FILEDIGEST | RPMVERIFY_FILESIZE | RPMVERIFY_LINKTO | RPMVERIFY_MTIME;

	return f->flags & FILE_GHOST ? ~content : ~0u;
}

/* Both the sizes and their sum have a tag of 64 bits, only for what has no room in the old one. */
static void sizes_put(struct header *h, const vec_rpm_file *files, const struct links *links)
{
	size_t n = files->n;
	uint64_t *sizes = arena_array(h->a, n, sizeof(*sizes)), total = 0;
	uint32_t *sizes_short = arena_array(h->a, n, sizeof(*sizes_short)), total_short;

	for (size_t i = 0; i < n; i++) {
		sizes[i] = files->p[i].data.n;
		sizes_short[i] = (uint32_t)sizes[i];
		if (S_ISREG(files->p[i].mode) && links->first[i] == i)
			total += sizes[i];
	}
	total_short = (uint32_t)total;
	if (files_are_large(files))
		header_put_u64(h, RPMTAG_LONGFILESIZES, sizes, n);
	else
		header_put_u32(h, RPMTAG_FILESIZES, sizes_short, n);
	if (total > UINT32_MAX)
		header_put_u64(h, RPMTAG_LONGSIZE, &total, 1);
	else
		header_put_u32(h, RPMTAG_SIZE, &total_short, 1);
}

static void numbers_put(struct header *h, const vec_rpm_file *files, const struct links *links)
{
	size_t n = files->n;
	uint32_t *mtimes = arena_array(h->a, n, 4), *flags = arena_array(h->a, n, 4);
	uint32_t *inodes = arena_array(h->a, n, 4), *devices = arena_array(h->a, n, 4),
		 *verify = arena_array(h->a, n, 4);
	uint16_t *modes = arena_array(h->a, n, 2), *rdevs = arena_array(h->a, n, 2);

	for (size_t i = 0; i < n; i++) {
		const struct rpm_file *f = &files->p[i];

		mtimes[i] = f->mtime_sec > UINT32_MAX ? UINT32_MAX : (uint32_t)f->mtime_sec;
		flags[i] = f->flags;
		inodes[i] = links->first[i] + 1;
		devices[i] = 1;
		verify[i] = verify_flags(f);
		modes[i] = (uint16_t)f->mode;
		rdevs[i] = (uint16_t)(f->rdev_major << 8 | f->rdev_minor);
	}
	sizes_put(h, files, links);
	header_put_u32(h, RPMTAG_FILEMTIMES, mtimes, n);
	header_put_u32(h, RPMTAG_FILEFLAGS, flags, n);
	header_put_u32(h, RPMTAG_FILEINODES, inodes, n);
	header_put_u32(h, RPMTAG_FILEDEVICES, devices, n);
	header_put_u32(h, RPMTAG_FILEVERIFYFLAGS, verify, n);
	header_put_u16(h, RPMTAG_FILEMODES, modes, n);
	header_put_u16(h, RPMTAG_FILERDEVS, rdevs, n);
}

int files_put(struct header *h, const vec_rpm_file *files, struct err *e)
{
	struct links links = links_find(h->a, files);
	uint32_t algorithm = RPM_HASH_SHA256;
	int r = rpm_files_check(files, e);

	if (r < 0)
		return r;
	numbers_put(h, files, &links);
	texts_put(h, files, &links);
	header_put_u32(h, RPMTAG_FILEDIGESTALGO, &algorithm, 1);
	return header_check(h, e);
}

static void paths_get(struct header *h, vec_rpm_file *files)
{
	vec_str bases, dirs;
	vec_u64 numbers;

	header_get_strs(h, RPMTAG_BASENAMES, &bases);
	header_get_strs(h, RPMTAG_DIRNAMES, &dirs);
	header_get_u64s(h, RPMTAG_DIRINDEXES, &numbers);
	if (numbers.n != bases.n)
		header_fail(h, RPMTAG_DIRINDEXES, "not one for each file");
	for (size_t i = 0; h->bad == 0 && i < bases.n; i++) {
		if (numbers.p[i] >= dirs.n)
			header_fail(h, RPMTAG_DIRINDEXES, "beyond the directories");
		else
			vec_push(h->a, files) =
				(struct rpm_file){ .path = str_cat(h->a, dirs.p[numbers.p[i]],
								   bases.p[i]) };
	}
}

static void texts_get(struct header *h, vec_rpm_file *files)
{
	vec_str column;

	for (size_t t = 0; t < TEXT_TAGS; t++) {
		header_get_strs(h, text_tags[t].tag, &column);
		if (column.n != files->n && column.n != 0)
			header_fail(h, text_tags[t].tag, "not one for each file");
		for (size_t i = 0; h->bad == 0 && i < column.n; i++)
			*(struct str *)((char *)&files->p[i] + text_tags[t].offset) = column.p[i];
	}
	header_get_strs(h, RPMTAG_FILELINKTOS, &column);
	if (column.n != files->n)
		header_fail(h, RPMTAG_FILELINKTOS, "not one for each file");
	for (size_t i = 0; h->bad == 0 && i < column.n; i++)
		if (S_ISLNK(files->p[i].mode))
			files->p[i].data = column.p[i];
}

static void caps_get(struct header *h, vec_rpm_file *files)
{
	struct str value;
	struct err why;
	vec_str column;

	header_get_strs(h, RPMTAG_FILECAPS, &column);
	if (column.n != files->n && column.n != 0)
		header_fail(h, RPMTAG_FILECAPS, "not one for each file");
	for (size_t i = 0; h->bad == 0 && i < column.n; i++) {
		if (column.p[i].n == 0)
			continue;
		if (caps_parse(h->a, column.p[i], &value, &why) < 0)
			header_fail(h, RPMTAG_FILECAPS, "no capabilities");
		else
			xattr_set(h->a, &files->p[i].xattrs, STR(XATTR_CAPS), value);
	}
}

static void digests_get(struct header *h, vec_rpm_file *files)
{
	vec_str column;

	header_get_strs(h, RPMTAG_FILEDIGESTS, &column);
	if (column.n != files->n)
		header_fail(h, RPMTAG_FILEDIGESTS, "not one for each file");
	if (files->n > 0 &&
	    header_get_u64(h, RPMTAG_FILEDIGESTALGO, RPM_HASH_MD5) != RPM_HASH_SHA256)
		header_fail(h, RPMTAG_FILEDIGESTALGO, "want 8 (SHA-256)");
	for (size_t i = 0; h->bad == 0 && i < files->n; i++) {
		struct rpm_file *f = &files->p[i];

		if (S_ISREG(f->mode) && !(f->flags & FILE_GHOST) &&
		    !hex_decode(column.p[i], f->sha256, SHA256_BYTES))
			header_fail(h, RPMTAG_FILEDIGESTS, "not 64 hexadecimal digits");
	}
}

/* Files of one inode get a number above 0, in the order of their first names. */
static void link_groups_get(struct header *h, vec_rpm_file *files, const vec_u64 *inodes)
{
	struct map firsts = { 0 };
	uint32_t groups = 0;

	for (uint32_t i = 0; i < files->n; i++) {
		struct str key = { (const char *)&inodes->p[i], sizeof(inodes->p[i]) };
		uint32_t *first;

		if (!S_ISREG(files->p[i].mode) || (files->p[i].flags & FILE_GHOST))
			continue;
		first = map_get(&firsts, key);
		if (!first) {
			map_put(h->a, &firsts, key, i);
			continue;
		}
		if (files->p[*first].link_group == 0)
			files->p[*first].link_group = ++groups;
		files->p[i].link_group = files->p[*first].link_group;
	}
}

static void numbers_get(struct header *h, vec_rpm_file *files)
{
	static const rpmTagVal tags[] = { RPMTAG_FILESIZES, RPMTAG_FILEMTIMES, RPMTAG_FILEFLAGS,
					  RPMTAG_FILEMODES, RPMTAG_FILERDEVS,  RPMTAG_FILEINODES };
	vec_u64 columns[6];

	for (size_t t = 0; t < 6; t++) {
		header_get_u64s(h, tags[t], &columns[t]);
		if (tags[t] == RPMTAG_FILESIZES && columns[t].n == 0)
			header_get_u64s(h, RPMTAG_LONGFILESIZES, &columns[t]);
		if (columns[t].n != files->n)
			header_fail(h, tags[t], "not one for each file");
	}
	for (size_t i = 0; h->bad == 0 && i < files->n; i++) {
		struct rpm_file *f = &files->p[i];

		f->size_bytes = columns[0].p[i];
		f->mtime_sec = columns[1].p[i];
		f->flags = (unsigned)columns[2].p[i] & known_flags;
		f->mode = (uint32_t)columns[3].p[i];
		f->rdev_major = (uint32_t)columns[4].p[i] >> 8;
		f->rdev_minor = (uint32_t)columns[4].p[i] & 0xff;
	}
	if (h->bad == 0)
		link_groups_get(h, files, &columns[5]);
}

int files_get(struct header *h, vec_rpm_file *ret, struct err *e)
{
	vec_rpm_file files = { 0 };
	int r;

	paths_get(h, &files);
	numbers_get(h, &files);
	if (h->bad == 0)
		texts_get(h, &files);
	if (h->bad == 0)
		caps_get(h, &files);
	if (h->bad == 0)
		digests_get(h, &files);
	r = header_check(h, e);
	if (r == 0)
		r = rpm_files_check(&files, e);
	if (r == 0)
		*ret = files;
	return r;
}
