/* SPDX-License-Identifier: MIT */
#include "upstream/debian/deb.h"

#include "base/rd.h"
#include "disk/codec.h"
#include "upstream/debian/bzip2.h"

/* ar(5), the common format: a name, four numbers as text, a size, and two bytes that end the
 * header. */
enum { AR_NAME_BYTES = 16, AR_SKIPPED_BYTES = 12 + 6 + 6 + 8, AR_SIZE_BYTES = 10 };

struct member {
	struct str name, data;
};

/* Returns 1 with *ret set, 0 at the end. */
static int member_next(struct rd *r, struct member *ret, struct err *e)
{
	struct member m;
	struct str size;
	uint64_t n = 0;

	if (r->pos == r->n)
		return 0;
	m.name = str_trim(rd_str(r, AR_NAME_BYTES));
	rd_bytes(r, AR_SKIPPED_BYTES);
	size = str_trim(rd_str(r, AR_SIZE_BYTES));
	if (!str_eqz(rd_str(r, 2), "`\n") || !str_u64(size, INT64_MAX, &n))
		return err_set(e, -EBADMSG, "damaged ar header at byte %zu", r->pos);
	/* GNU ar ends names with a slash, dpkg does not. */
	if (str_ends(m.name, "/"))
		m.name.n--;
	for (size_t i = 0; i < m.name.n; i++)
		if (m.name.p[i] <= ' ' || m.name.p[i] > '~')
			return err_set(e, -EBADMSG, "a member whose name is no text at byte %zu",
				       r->pos);
	if (n > r->n - r->pos)
		return err_set(e, -EBADMSG, "member '%.*s' declares %llu bytes, but %zu are left",
			       STR_FMT(m.name), (unsigned long long)n, r->n - r->pos);
	m.data = rd_str(r, n);
	if (n % 2 == 1 && r->pos < r->n)
		rd_u8(r);
	*ret = m;
	return 1;
}

static bool member_is(const struct member *m, const char *name)
{
	static const char *const suffixes[] = { "", ".gz", ".xz", ".zst", ".bz2", ".lzma" };

	for (size_t i = 0; str_starts(m->name, name) && i < sizeof(suffixes) / sizeof(suffixes[0]);
	     i++)
		if (str_eqz(str_from(m->name, strlen(name)), suffixes[i]))
			return true;
	return false;
}

/* deb(5): members whose name begins with an underscore may stand between control and data, and are
 * skipped. */
static int member_want(struct rd *r, const char *name, struct member *ret, struct err *e)
{
	struct member m = { 0 };
	int rc;

	do {
		rc = member_next(r, &m, e);
		if (rc < 0)
			return rc;
		if (rc == 0)
			return err_set(e, -EBADMSG, "has no member '%s'", name);
	} while (str_starts(m.name, "_"));
	if (!member_is(&m, name))
		return err_set(e, -EBADMSG, "has member '%.*s' where '%s' belongs", STR_FMT(m.name),
			       name);
	*ret = m;
	return 0;
}

static int members_read(struct str bytes, struct member *control, struct member *data,
			struct err *e)
{
	struct rd r = { (const uint8_t *)bytes.p, bytes.n, 0, false };
	struct member version = { 0 }, more;
	int rc;

	if (!str_eqz(rd_str(&r, strlen("!<arch>\n")), "!<arch>\n"))
		return err_set(e, -EBADMSG, "not a .deb: does not begin with '!<arch>'");
	rc = member_want(&r, "debian-binary", &version, e);
	if (rc < 0)
		return rc;
	if (!str_starts(version.data, "2."))
		return err_set(e, -EBADMSG, "has format '%.*s', want 2.0",
			       STR_FMT(str_head(str_trim(version.data), 16)));
	rc = member_want(&r, "control.tar", control, e);
	if (rc == 0)
		rc = member_want(&r, "data.tar", data, e);
	if (rc < 0)
		return rc;
	while ((rc = member_next(&r, &more, e)) > 0)
		if (member_is(&more, "control.tar") || member_is(&more, "data.tar"))
			return err_set(e, -EBADMSG, "has member '%.*s' behind 'data.tar'",
				       STR_FMT(more.name));
	return rc;
}

/* The first byte of a stream of lzma with the properties that everybody writes
 * (lzma-file-format.txt, 1.1.1): it has no magic. */
static const char lzma_properties[] = "\x5d";

/* By what the bytes say they are, but for the two that old packages have, by name. */
static int member_unpack(struct arena *a, const struct member *m, uint64_t max, struct str *ret,
			 struct err *e)
{
	if (str_ends(m->name, ".lzma") && str_starts(m->data, lzma_properties))
		return decompress_lzma(a, m->data, max, ret, e);
	if (str_ends(m->name, ".bz2"))
		return bzip2_expand(a, m->data, max, ret, e);
	return decompress(a, m->data, max, ret, e);
}

static int member_files(struct arena *a, const struct member *m, uint64_t max, struct tarball *ret,
			struct err *e)
{
	struct str tar;
	int rc = member_unpack(a, m, max, &tar, e);

	if (rc == 0)
		rc = tarball_read(a, tar, ret, e);
	return rc < 0 ? err_wrap(e, rc, "%.*s", STR_FMT(m->name)) : 0;
}

struct str deb_control_file(const struct deb *deb, const char *name)
{
	vec_each(f, &deb->control_files)
		if (f->path.n == strlen(name) + 1 && str_eqz(str_from(f->path, 1), name))
			return f->data;
	return (struct str){ 0 };
}

int deb_parse(struct arena *a, struct str bytes, uint64_t max_unpacked_bytes, struct deb *ret,
	      struct err *e)
{
	uint64_t max = max_unpacked_bytes > 0 ? max_unpacked_bytes : DEB_UNPACKED_MAX;
	struct member control = { 0 }, data = { 0 };
	struct tarball control_tar = { 0 }, data_tar = { 0 };
	struct deb deb = { 0 };
	int rc = members_read(bytes, &control, &data, e);

	if (rc == 0)
		rc = member_files(a, &control, DEB_CONTROL_MAX, &control_tar, e);
	if (rc == 0)
		rc = member_files(a, &data, max, &data_tar, e);
	if (rc < 0)
		return rc;
	if (control_tar.refused.n > 0)
		return err_set(e, -EBADMSG, "%.*s: %.*s", STR_FMT(control.name),
			       STR_FMT(control_tar.refused.p[0].what));
	deb.control_files = control_tar.files;
	deb.files = data_tar.files;
	deb.refused = data_tar.refused;
	deb.control = deb_control_file(&deb, "control");
	if (deb.control.n == 0)
		return err_set(e, -EBADMSG, "%.*s has no file 'control'", STR_FMT(control.name));
	*ret = deb;
	return 0;
}
