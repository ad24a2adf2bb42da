/* SPDX-License-Identifier: MIT */
#include "rpm/parts.h"

#include <inttypes.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "disk/cpio.h"

/* Much more than a package has; less than what lets sums overflow. */
#define PAYLOAD_BYTES_MAX (1ULL << 40)

/* rpm lib/cpio.c: instead of a header of cpio, this and the file's number in eight hexadecimal
 * digits, padded. */
static const char stripped_magic[] = "07070X";
enum { STRIPPED_PADDED_BYTES = 16, PAYLOAD_ALIGN = 4 };

static void entry_write(struct arena *a, const struct rpm_file *f, uint32_t number, uint32_t ino,
			uint32_t nlink, bool with_data, bool large, struct segments *s)
{
	struct cpio_entry entry = {
		.name = str_cat(a, STR("."), f->path),
		.mode = f->mode,
		.nlink = nlink,
		.ino = ino,
		.mtime_sec = f->mtime_sec,
		.rdev_major = f->rdev_major,
		.rdev_minor = f->rdev_minor,
	};
	struct buf head = { .a = a };

	if (large) {
		buf_printf(&head, "%s%08x", stripped_magic, number);
		buf_align(&head, PAYLOAD_ALIGN);
	} else {
		cpio_add_header(&head, &entry, with_data ? f->data.n : 0);
	}
	segments_add(a, s, head.v.p, head.v.n);
	if (with_data && f->data.n > 0)
		segments_add(a, s, f->data.p, f->data.n);
	segments_align(a, s, 4);
}

int payload_write(struct arena *a, const vec_rpm_file *files, struct segments *ret, struct err *e)
{
	struct links links = links_find(a, files);
	struct segments s = { 0 };
	struct buf end = { .a = a };
	bool large = files_are_large(files);

	for (size_t i = 0; i < files->n; i++) {
		const struct rpm_file *f = &files->p[i];
		bool linked = links.n[i] > 1;

		if (linked && (!S_ISREG(f->mode) || f->data.n != files->p[links.first[i]].data.n))
			return err_set(
				e, -EINVAL,
				"'%.*s' is not the same file as '%.*s', whose hard link it is",
				STR_FMT(f->path), STR_FMT(files->p[links.first[i]].path));
		if (f->data.n > 0 && !S_ISREG(f->mode) && !S_ISLNK(f->mode))
			return err_set(e, -EINVAL, "'%.*s' of mode 0%o has content",
				       STR_FMT(f->path), f->mode);
		if (f->data.n > PAYLOAD_BYTES_MAX - s.size_bytes)
			return err_set(e, -EFBIG, "files of more than %llu bytes",
				       PAYLOAD_BYTES_MAX);
		if (!(f->flags & FILE_GHOST))
			entry_write(a, f, (uint32_t)i, links.first[i] + 1, links.n[i],
				    !linked || links.last[i] == i, large, &s);
	}
	cpio_end(&end);
	segments_add(a, &s, end.v.p, end.v.n);
	*ret = s;
	return 0;
}

static int path_cmp(const void *key, const void *f)
{
	return str_cmp(*(const struct str *)key, ((const struct rpm_file *)f)->path);
}

/* "./usr/bin/x", or "/usr/bin/x" as rpm before 4.0 wrote it. */
static struct rpm_file *file_find(const vec_rpm_file *files, struct str name)
{
	if (str_starts(name, "."))
		name = str_from(name, 1);
	return files->n > 0 ? bsearch(&name, files->p, files->n, sizeof(*files->p), path_cmp)
			    : NULL;
}

static int entry_read(const struct cpio_entry *entry, struct rpm_file *f, struct err *e)
{
	if (entry->mode != f->mode)
		return err_set(e, -EBADMSG, "'%.*s': mode 0%o in the archive, 0%o in the header",
			       STR_FMT(f->path), entry->mode, f->mode);
	if (S_ISLNK(f->mode) ? !str_eq(entry->data, f->data)
			     : (!S_ISREG(f->mode) && entry->data.n > 0))
		return err_set(e, -EBADMSG,
			       "'%.*s': link target or content that the header does not have",
			       STR_FMT(f->path));
	/* Of hard links, all but one are empty here. */
	if (S_ISREG(f->mode) && entry->data.n > 0)
		f->data = entry->data;
	return 0;
}

/* Spreads the content over hard links and compares all with the list. */
static int contents_check(struct arena *a, vec_rpm_file *files, const bool *seen, struct err *e)
{
	struct links links = links_find(a, files);

	for (size_t i = 0; i < files->n; i++) {
		struct rpm_file *f = &files->p[i], *last = &files->p[links.last[i]];
		uint8_t digest[SHA256_BYTES];

		if (f->flags & FILE_GHOST)
			continue;
		if (!seen[i])
			return err_set(e, -EBADMSG, "'%.*s': not in the archive", STR_FMT(f->path));
		if (!S_ISREG(f->mode))
			continue;
		f->data = last->data;
		if (f->data.n != f->size_bytes)
			return err_set(e, -EBADMSG, "'%.*s': %zu bytes, the header has %" PRIu64,
				       STR_FMT(f->path), f->data.n, f->size_bytes);
		if (links.first[i] == i)
			sha256(f->data.p, f->data.n, digest);
		else
			memcpy(digest, files->p[links.first[i]].sha256, sizeof(digest));
		if (memcmp(digest, f->sha256, sizeof(digest)) != 0)
			return err_set(e, -EBADMSG, "'%.*s': content does not match its digest",
				       STR_FMT(f->path));
	}
	return 0;
}

/* Takes an entry off that has a number only: what else it is, the header says. Of hard links the
 * last has the content. */
static int stripped_next(struct str *archive, const vec_rpm_file *files, const struct links *links,
			 struct cpio_entry *ret, struct err *e)
{
	struct str digits = str_head(str_from(*archive, strlen(stripped_magic)), 8);
	const struct rpm_file *f;
	uint32_t i = 0;
	uint64_t n = 0;

	if (!hex_decode(digits, &i, sizeof(i)) || be32toh(i) >= files->n)
		return err_set(e, -EBADMSG, "an entry of no file of the header");
	i = be32toh(i);
	f = &files->p[i];
	if (S_ISLNK(f->mode) || (S_ISREG(f->mode) && links->last[i] == i))
		n = f->size_bytes;
	*archive = str_from(*archive, STRIPPED_PADDED_BYTES);
	if (n > archive->n)
		return err_set(e, -EBADMSG, "'%.*s': archive ends inside the entry",
			       STR_FMT(f->path));
	*ret = (struct cpio_entry){ .name = f->path,
				    .mode = f->mode,
				    .data = str_head(*archive, n) };
	*archive = str_from(*archive, n + -n % PAYLOAD_ALIGN);
	return 1;
}

static int entry_next(struct str *archive, const vec_rpm_file *files, const struct links *links,
		      struct cpio_entry *ret, struct err *e)
{
	return str_starts(*archive, stripped_magic) ? stripped_next(archive, files, links, ret, e)
						    : cpio_next(archive, ret, e);
}

int payload_read(struct arena *a, struct str archive, vec_rpm_file *files, struct err *e)
{
	struct links links = links_find(a, files);
	bool *seen = arena_array(a, files->n, sizeof(*seen));
	struct cpio_entry entry;
	int r;

	while ((r = entry_next(&archive, files, &links, &entry, e)) > 0) {
		struct rpm_file *f = file_find(files, entry.name);

		if (!f || (f->flags & FILE_GHOST))
			return err_set(e, -EBADMSG, "'%.*s': in the archive, not in the header",
				       STR_FMT(entry.name));
		if (seen[f - files->p])
			return err_set(e, -EBADMSG, "'%.*s': twice in the archive",
				       STR_FMT(entry.name));
		seen[f - files->p] = true;
		r = entry_read(&entry, f, e);
		if (r < 0)
			return r;
	}
	return r < 0 ? r : contents_check(a, files, seen, e);
}
