/* SPDX-License-Identifier: MIT */
#include "rpm/repodata.h"

#include <inttypes.h>
#include <rpm/rpmds.h>
#include <rpm/rpmfiles.h>
#include <rpm/rpmlib.h>
#include <sys/stat.h>

#include "base/trace.h"
#include "rpm/sections.h"

static const struct {
	const char *name, *element, *space;
} kinds[] = {
	[REPODATA_PRIMARY] = { "primary", "metadata",
			       "xmlns=\"http://linux.duke.edu/metadata/common\" "
			       "xmlns:rpm=\"http://linux.duke.edu/metadata/rpm\"" },
	[REPODATA_FILELISTS] = { "filelists", "filelists",
				 "xmlns=\"http://linux.duke.edu/metadata/filelists\"" },
	[REPODATA_OTHER] = { "other", "otherdata",
			     "xmlns=\"http://linux.duke.edu/metadata/other\"" },
};

#define XML_DECLARATION "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"

/* One package being written. */
struct entry {
	struct buf *b;
	struct header *h;
	const struct repodata_package *p;
	uint64_t header_at;     /* in the file */
	uint64_t archive_bytes; /* what the payload expands to */
};

/* A character that is not ASCII; attributes have it by number, as libxml2 writes them. What is not
 * UTF-8 is taken for Latin-1. Returns its bytes. */
static size_t character_put(struct buf *b, struct str s, bool attribute)
{
	static const uint8_t first_bits[] = { 0, 0, 0x1f, 0x0f, 0x07 };
	size_t n = str_utf8_len(s);
	uint8_t c = (uint8_t)s.p[0];
	uint32_t code = n > 1 ? c & first_bits[n] : c;

	for (size_t i = 1; i < n; i++)
		code = code << 6 | ((uint8_t)s.p[i] & 0x3f);
	if (attribute)
		buf_printf(b, "&#x%X;", code);
	else if (n > 1)
		buf_put(b, s.p, n);
	else
		buf_printf(b, "%c%c", (int)(0xc0 | c >> 6), (int)(0x80 | (c & 0x3f)));
	return n > 1 ? n : 1;
}

/* XML 1.0: other control characters cannot be told in any way. */
static bool is_character(uint8_t c)
{
	return c >= ' ' || c == '\t' || c == '\n' || c == '\r';
}

static void text_put(struct buf *b, struct str s, bool attribute)
{
	while (s.n > 0) {
		uint8_t c = (uint8_t)s.p[0];
		size_t n = 1;

		if (c == '&')
			buf_printf(b, "&amp;");
		else if (c == '<')
			buf_printf(b, "&lt;");
		else if (c == '>')
			buf_printf(b, "&gt;");
		else if (c == '"' && attribute)
			buf_printf(b, "&quot;");
		else if (c == '\r' || (attribute && (c == '\n' || c == '\t')))
			buf_printf(b, "&#%u;", c);
		else if (c >= 0x80)
			n = character_put(b, s, attribute);
		else if (is_character(c))
			buf_u8(b, c);
		s = str_from(s, n);
	}
}

static void attribute_put(struct buf *b, const char *name, struct str value)
{
	buf_printf(b, " %s=\"", name);
	text_put(b, value, true);
	buf_u8(b, '"');
}

static void element_put(struct buf *b, const char *indent, const char *name, struct str value)
{
	buf_printf(b, "%s<%s>", indent, name);
	text_put(b, value, false);
	buf_printf(b, "</%s>\n", name);
}

static void tag_put(struct entry *x, const char *name, rpmTagVal tag)
{
	element_put(x->b, "    ", name, header_get_str(x->h, tag));
}

static struct str sha256_of(struct entry *x)
{
	return hex_encode(x->h->a, x->p->sha256, SHA256_BYTES);
}

static void version_put(struct entry *x)
{
	buf_printf(x->b, "  <version epoch=\"%" PRIu64 "\"", header_get_u64(x->h, RPMTAG_EPOCH, 0));
	attribute_put(x->b, "ver", header_get_str(x->h, RPMTAG_VERSION));
	attribute_put(x->b, "rel", header_get_str(x->h, RPMTAG_RELEASE));
	buf_printf(x->b, "/>\n");
}

/* Files. */

/* Those that packages may require by path: the only ones for which dnf need not read the other
 * file. */
static bool is_primary(struct str path)
{
	return str_starts(path, "/etc/") || str_has(path, "bin/") ||
	       str_eqz(path, "/usr/lib/sendmail");
}

struct files {
	vec_str paths;
	vec_u64 modes, flags;
};

static void files_get(struct entry *x, struct files *ret)
{
	vec_str names, dirs;
	vec_u64 dir_of;

	header_get_strs(x->h, RPMTAG_BASENAMES, &names);
	header_get_strs(x->h, RPMTAG_DIRNAMES, &dirs);
	header_get_u64s(x->h, RPMTAG_DIRINDEXES, &dir_of);
	header_get_u64s(x->h, RPMTAG_FILEMODES, &ret->modes);
	header_get_u64s(x->h, RPMTAG_FILEFLAGS, &ret->flags);
	ret->paths = (vec_str){ 0 };
	if (dir_of.n != names.n || ret->modes.n != names.n || ret->flags.n != names.n) {
		header_fail(x->h, RPMTAG_BASENAMES, "names and modes of files differ in number");
		return;
	}
	for (size_t i = 0; i < names.n; i++) {
		struct str dir = dir_of.p[i] < dirs.n ? dirs.p[dir_of.p[i]] : STR("");

		vec_push(x->h->a, &ret->paths) = str_cat(x->h->a, dir, names.p[i]);
	}
}

static void files_put(struct entry *x, const char *indent, bool primary)
{
	struct files f;

	files_get(x, &f);
	for (size_t i = 0; i < f.paths.n; i++) {
		if (primary && !is_primary(f.paths.p[i]))
			continue;
		buf_printf(x->b, "%s<file%s>", indent,
			   S_ISDIR(f.modes.p[i])          ? " type=\"dir\""
			   : f.flags.p[i] & RPMFILE_GHOST ? " type=\"ghost\""
							  : "");
		text_put(x->b, f.paths.p[i], false);
		buf_printf(x->b, "</file>\n");
	}
}

/* Dependencies. */

enum { DEPS_PROVIDES, DEPS_REQUIRES }; /* in dep_kinds[] */

static const struct {
	const char *name;
	rpmTagVal names, versions, flags;
} dep_kinds[] = {
	{ "provides", RPMTAG_PROVIDENAME, RPMTAG_PROVIDEVERSION, RPMTAG_PROVIDEFLAGS },
	{ "requires", RPMTAG_REQUIRENAME, RPMTAG_REQUIREVERSION, RPMTAG_REQUIREFLAGS },
	{ "conflicts", RPMTAG_CONFLICTNAME, RPMTAG_CONFLICTVERSION, RPMTAG_CONFLICTFLAGS },
	{ "obsoletes", RPMTAG_OBSOLETENAME, RPMTAG_OBSOLETEVERSION, RPMTAG_OBSOLETEFLAGS },
	{ "suggests", RPMTAG_SUGGESTNAME, RPMTAG_SUGGESTVERSION, RPMTAG_SUGGESTFLAGS },
	{ "enhances", RPMTAG_ENHANCENAME, RPMTAG_ENHANCEVERSION, RPMTAG_ENHANCEFLAGS },
	{ "recommends", RPMTAG_RECOMMENDNAME, RPMTAG_RECOMMENDVERSION, RPMTAG_RECOMMENDFLAGS },
	{ "supplements", RPMTAG_SUPPLEMENTNAME, RPMTAG_SUPPLEMENTVERSION, RPMTAG_SUPPLEMENTFLAGS },
};

/* "[epoch:]version[-release]". */
static void evr_put(struct buf *b, struct str evr)
{
	ptrdiff_t colon = str_find(evr, ':'), dash;
	struct str epoch = colon > 0 ? str_head(evr, (size_t)colon) : STR("0");

	evr = str_from(evr, (size_t)(colon + 1));
	dash = str_find(evr, '-');
	attribute_put(b, "epoch", epoch);
	attribute_put(b, "ver", dash < 0 ? evr : str_head(evr, (size_t)dash));
	if (dash >= 0)
		attribute_put(b, "rel", str_from(evr, (size_t)dash + 1));
}

static void dep_put(struct buf *b, struct str name, struct str evr, uint64_t flags)
{
	static const char *const ops[] = { [RPMSENSE_LESS] = "LT",
					   [RPMSENSE_GREATER] = "GT",
					   [RPMSENSE_EQUAL] = "EQ",
					   [RPMSENSE_LESS | RPMSENSE_EQUAL] = "LE",
					   [RPMSENSE_GREATER | RPMSENSE_EQUAL] = "GE",
					   [RPMSENSE_SENSEMASK] = NULL };
	const char *op = ops[flags & RPMSENSE_SENSEMASK];

	buf_printf(b, "      <rpm:entry");
	attribute_put(b, "name", name);
	if (op) {
		attribute_put(b, "flags", str_c(op));
		evr_put(b, evr);
	}
	buf_printf(b, "/>\n");
}

struct deps {
	vec_str names, versions;
	vec_u64 flags;
};

/* Of the versions of the C library that a package asks for, one by one, the newest has all others;
 * only that is said, at the end. */
static bool is_libc(struct str name)
{
	return str_starts(name, "libc.so.6");
}

static const char *libc_version(struct arena *a, struct str name)
{
	str_cut(&name, '(');
	return str_z(a, str_cut(&name, ')'));
}

static size_t libc_newest(struct arena *a, const vec_str *names)
{
	size_t newest = SIZE_MAX;

	for (size_t i = 0; i < names->n; i++)
		if (is_libc(names->p[i]) &&
		    (newest == SIZE_MAX || rpmvercmp(libc_version(a, names->p[newest]),
						     libc_version(a, names->p[i])) < 0))
			newest = i;
	return newest;
}

static void deps_get(struct entry *x, size_t kind, struct deps *ret)
{
	header_get_strs(x->h, dep_kinds[kind].names, &ret->names);
	header_get_strs(x->h, dep_kinds[kind].versions, &ret->versions);
	header_get_u64s(x->h, dep_kinds[kind].flags, &ret->flags);
	if (ret->names.n == ret->versions.n && ret->names.n == ret->flags.n)
		return;
	header_fail(x->h, dep_kinds[kind].names, "names, versions and flags differ in number");
	*ret = (struct deps){ 0 };
}

/* What of the requirements a repository need not tell: features of rpm itself, what the package
 * provides in the same words, files it has. */
static bool is_told(const struct deps *d, size_t i, const struct deps *provided,
		    const vec_str *paths)
{
	struct str name = d->names.p[i];

	for (size_t k = 0; k < provided->names.n; k++)
		if (str_eq(provided->names.p[k], name) &&
		    str_eq(provided->versions.p[k], d->versions.p[i]) &&
		    ((provided->flags.p[k] ^ d->flags.p[i]) & RPMSENSE_SENSEMASK) == 0)
			return false;
	if (str_starts(name, "/") && is_primary(name))
		vec_each(path, paths)
			if (str_eq(*path, name))
				return false;
	return !str_starts(name, "rpmlib(");
}

static void requires_choose(struct entry *x, struct deps *d)
{
	size_t libc = libc_newest(x->h->a, &d->names);
	struct deps told = { 0 }, provided;
	struct files f;

	deps_get(x, DEPS_PROVIDES, &provided);
	files_get(x, &f);
	for (size_t i = 0; i <= d->names.n; i++) {
		size_t from = i < d->names.n ? i : libc; /* that one at the end */

		if (from == SIZE_MAX || (i < d->names.n && is_libc(d->names.p[i])) ||
		    !is_told(d, from, &provided, &f.paths))
			continue;
		vec_push(x->h->a, &told.names) = d->names.p[from];
		vec_push(x->h->a, &told.versions) = d->versions.p[from];
		vec_push(x->h->a, &told.flags) = d->flags.p[from];
	}
	*d = told;
}

static void deps_put(struct entry *x, size_t kind)
{
	const char *name = dep_kinds[kind].name;
	struct deps d;

	deps_get(x, kind, &d);
	if (kind == DEPS_REQUIRES)
		requires_choose(x, &d);
	if (d.names.n == 0)
		return;
	buf_printf(x->b, "    <rpm:%s>\n", name);
	for (size_t i = 0; i < d.names.n; i++)
		dep_put(x->b, d.names.p[i], d.versions.p[i], d.flags.p[i]);
	buf_printf(x->b, "    </rpm:%s>\n", name);
}

/* The three files. */

static void format_put(struct entry *x)
{
	buf_printf(x->b, "  <format>\n");
	tag_put(x, "rpm:license", RPMTAG_LICENSE);
	tag_put(x, "rpm:vendor", RPMTAG_VENDOR);
	tag_put(x, "rpm:group", RPMTAG_GROUP);
	tag_put(x, "rpm:buildhost", RPMTAG_BUILDHOST);
	tag_put(x, "rpm:sourcerpm", RPMTAG_SOURCERPM);
	buf_printf(x->b, "    <rpm:header-range start=\"%" PRIu64 "\" end=\"%zu\"/>\n",
		   x->header_at, x->p->front.n);
	for (size_t i = 0; i < sizeof(dep_kinds) / sizeof(*dep_kinds); i++)
		deps_put(x, i);
	files_put(x, "    ", true);
	buf_printf(x->b, "  </format>\n");
}

static void primary_put(struct entry *x)
{
	struct header *h = x->h;

	buf_printf(x->b, "<package type=\"rpm\">\n");
	element_put(x->b, "  ", "name", header_get_str(h, RPMTAG_NAME));
	element_put(x->b, "  ", "arch", header_get_str(h, RPMTAG_ARCH));
	version_put(x);
	buf_printf(x->b, "  <checksum type=\"sha256\" pkgid=\"YES\">%.*s</checksum>\n",
		   STR_FMT(sha256_of(x)));
	element_put(x->b, "  ", "summary", header_get_str(h, RPMTAG_SUMMARY));
	element_put(x->b, "  ", "description", header_get_str(h, RPMTAG_DESCRIPTION));
	element_put(x->b, "  ", "packager", header_get_str(h, RPMTAG_PACKAGER));
	element_put(x->b, "  ", "url", header_get_str(h, RPMTAG_URL));
	buf_printf(x->b, "  <time file=\"%" PRIu64 "\" build=\"%" PRIu64 "\"/>\n", x->p->time_sec,
		   header_get_u64(h, RPMTAG_BUILDTIME, 0));
	buf_printf(x->b,
		   "  <size package=\"%" PRIu64 "\" installed=\"%" PRIu64 "\" archive=\"%" PRIu64
		   "\"/>\n",
		   x->p->size_bytes,
		   header_get_u64(h, RPMTAG_LONGSIZE, header_get_u64(h, RPMTAG_SIZE, 0)),
		   x->archive_bytes);
	buf_printf(x->b, "  <location");
	attribute_put(x->b, "href", x->p->file_name);
	buf_printf(x->b, "/>\n");
	format_put(x);
}

static void package_begin(struct entry *x)
{
	buf_printf(x->b, "<package pkgid=\"%.*s\"", STR_FMT(sha256_of(x)));
	attribute_put(x->b, "name", header_get_str(x->h, RPMTAG_NAME));
	attribute_put(x->b, "arch", header_get_str(x->h, RPMTAG_ARCH));
	buf_printf(x->b, ">\n");
	version_put(x);
}

enum { CHANGELOG_ENTRIES_MAX = 10 };

/* The newest ones, the oldest of them first; of two with one time, the later one second later. */
static void changelog_put(struct entry *x)
{
	vec_str authors, texts;
	vec_u64 times;
	uint64_t last = 0;

	header_get_u64s(x->h, RPMTAG_CHANGELOGTIME, &times);
	header_get_strs(x->h, RPMTAG_CHANGELOGNAME, &authors);
	header_get_strs(x->h, RPMTAG_CHANGELOGTEXT, &texts);
	if (times.n != authors.n || times.n != texts.n)
		header_fail(x->h, RPMTAG_CHANGELOGTIME, "times, names and texts differ in number");
	if (x->h->bad)
		return;
	for (size_t i = times.n < CHANGELOG_ENTRIES_MAX ? times.n : CHANGELOG_ENTRIES_MAX;
	     i-- > 0;) {
		last = times.p[i] == last ? last + 1 : times.p[i];
		buf_printf(x->b, "  <changelog");
		attribute_put(x->b, "author", authors.p[i]);
		buf_printf(x->b, " date=\"%" PRIu64 "\">", last);
		text_put(x->b, texts.p[i], false);
		buf_printf(x->b, "</changelog>\n");
	}
}

static void entry_put(struct entry *x, enum repodata which)
{
	if (which == REPODATA_PRIMARY)
		primary_put(x);
	else
		package_begin(x);
	if (which == REPODATA_FILELISTS)
		files_put(x, "  ", false);
	if (which == REPODATA_OTHER)
		changelog_put(x);
	buf_printf(x->b, "</package>\n");
}

/* Numbers of the signature header's tags mean other things in rpm's own table, which says what type
 * they are of. */
static uint64_t archive_bytes(const struct header *signature)
{
	rpmtd td = rpmtdNew();
	uint64_t n = 0;

	if (headerGet(signature->h, RPMSIGTAG_PAYLOADSIZE, td, HEADERGET_MINMEM | HEADERGET_RAW) &&
	    td->type == RPM_INT32_TYPE && td->count == 1)
		n = *(const uint32_t *)td->data;
	rpmtdFreeData(td);
	rpmtdFree(td);
	return n;
}

static int package_put(struct buf *b, enum repodata which, const struct repodata_package *p,
		       struct err *e)
{
	_cleanup_arena_ struct arena work = { 0 };
	__attribute__((cleanup(sections_done))) struct sections s;
	struct entry x = { .b = b, .p = p, .h = &s.header };
	int r;

	sections_init(&s, &work);
	r = sections_read(&s, p->front, e);
	if (r < 0)
		return r;
	x.header_at = p->front.n - s.header_bytes.n;
	x.archive_bytes = archive_bytes(&s.signature);
	entry_put(&x, which);
	return header_check(&s.header, e);
}

const char *repodata_name(enum repodata which)
{
	return kinds[which].name;
}

int repodata_write(struct arena *a, enum repodata which, const struct repodata_package *packages,
		   size_t n, struct str *ret, struct err *e)
{
	TRACE_OF("metadata", str_c(kinds[which].name));
	struct buf b = { .a = a };
	int r = 0;

	librpm_init();
	buf_printf(&b, XML_DECLARATION "<%s %s packages=\"%zu\">\n", kinds[which].element,
		   kinds[which].space, n);
	for (size_t i = 0; i < n && r == 0; i++) {
		r = package_put(&b, which, &packages[i], e);
		if (r < 0)
			return err_wrap(e, r, "package file '%.*s'",
					STR_FMT(packages[i].file_name));
	}
	buf_printf(&b, "</%s>", kinds[which].element);
	*ret = (struct str){ (const char *)b.v.p, b.v.n };
	return 0;
}

struct str repodata_index(struct arena *a, const struct repodata_file files[REPODATA_FILES],
			  uint64_t revision)
{
	struct buf b = { .a = a };

	buf_printf(&b,
		   XML_DECLARATION "<repomd xmlns=\"http://linux.duke.edu/metadata/repo\" "
				   "xmlns:rpm=\"http://linux.duke.edu/metadata/rpm\">\n"
				   "  <revision>%" PRIu64 "</revision>\n",
		   revision);
	for (size_t i = 0; i < REPODATA_FILES; i++) {
		struct str compressed = files[i].compressed, text = files[i].text;

		buf_printf(&b,
			   "  <data type=\"%s\">\n"
			   "    <checksum type=\"sha256\">%.*s</checksum>\n"
			   "    <open-checksum type=\"sha256\">%.*s</open-checksum>\n"
			   "    <location href=\"repodata/%s.xml.gz\"/>\n"
			   "    <timestamp>%" PRIu64 "</timestamp>\n"
			   "    <size>%zu</size>\n"
			   "    <open-size>%zu</open-size>\n"
			   "  </data>\n",
			   kinds[i].name, STR_FMT(sha256_hex(a, compressed.p, compressed.n)),
			   STR_FMT(sha256_hex(a, text.p, text.n)), kinds[i].name, revision,
			   compressed.n, text.n);
	}
	buf_printf(&b, "</repomd>\n");
	return (struct str){ (const char *)b.v.p, b.v.n };
}
