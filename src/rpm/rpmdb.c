/* SPDX-License-Identifier: MIT */
#include "rpm/rpmdb.h"

#include <rpm/rpmds.h>
#include <rpm/rpmfiles.h>
#include <rpm/rpmlib.h>
#include <sqlite3.h>
#include <stdlib.h>

#include "base/trace.h"
#include "rpm/sections.h"

/* What librpm's own writer (lib/backend/sqlite.c, lib/rpmdb.c) leaves behind, written without it:
 * it makes one entry of one index after another, which takes many times as long as all else. Here
 * SQLite gets them in bulk, in memory. Tests have rpm itself make a database of the same headers
 * and compare all that is in the two. */

/* rpm lib/package.c: an installed header carries the signature header's tags, some under another
 * number. */
static const struct {
	rpmTagVal from, to;
	rpmTagType type;
} signature_tags[] = {
	{ RPMSIGTAG_SIZE, RPMTAG_SIGSIZE, RPM_INT32_TYPE },
	{ RPMSIGTAG_MD5, RPMTAG_SIGMD5, RPM_BIN_TYPE },
	{ RPMSIGTAG_PAYLOADSIZE, RPMTAG_ARCHIVESIZE, RPM_INT32_TYPE },
	{ RPMTAG_RSAHEADER, RPMTAG_RSAHEADER, RPM_BIN_TYPE },
	{ RPMTAG_SHA1HEADER, RPMTAG_SHA1HEADER, RPM_STRING_TYPE },
	{ RPMTAG_SHA256HEADER, RPMTAG_SHA256HEADER, RPM_STRING_TYPE },
};

static void signature_merge(struct header *to, struct header *from)
{
	rpmtd td = rpmtdNew();

	for (size_t i = 0; i < sizeof(signature_tags) / sizeof(signature_tags[0]); i++) {
		if (!headerGet(from->h, signature_tags[i].from, td,
			       HEADERGET_MINMEM | HEADERGET_RAW))
			continue;
		td->tag = signature_tags[i].to;
		if (td->type != signature_tags[i].type ||
		    headerPut(to->h, td, HEADERPUT_DEFAULT) != 1)
			header_fail(to, signature_tags[i].to,
				    "cannot be taken from the signature header");
		rpmtdFreeData(td);
	}
	rpmtdFree(td);
}

/* rpm lib/psm.c dbAdd(): what distinguishes an installed header from a package's. */
static int installed_put(struct header *h, const struct rpmdb_package *p, uint32_t time_sec,
			 struct err *e)
{
	uint32_t color = 0;
	vec_u64 modes;
	char *states;

	header_get_u64s(h, RPMTAG_FILEMODES, &modes);
	if (p->file_not_installed && p->n_files != modes.n)
		return err_set(e, -EINVAL, "states of %zu files, the header has %zu", p->n_files,
			       modes.n);
	states = arena_alloc(h->a, modes.n);
	for (size_t i = 0; i < modes.n; i++)
		states[i] = p->file_not_installed && p->file_not_installed[i]
				    ? RPMFILE_STATE_NOTINSTALLED
				    : RPMFILE_STATE_NORMAL;
	header_put_chars(h, RPMTAG_FILESTATES, states, modes.n);
	header_put_u32(h, RPMTAG_INSTALLTIME, &time_sec, 1);
	header_put_u32(h, RPMTAG_INSTALLTID, &time_sec, 1);
	header_put_u32(h, RPMTAG_INSTALLCOLOR, &color, 1);
	return header_check(h, e);
}

/* Whose text or bytes an index has: in the order in which librpm makes them. */
static const struct index {
	rpmTagVal tag;
	const char *table, *key_type;
	bool by_package; /* there is an index of packages, too */
} indexes[] = {
	{ RPMTAG_NAME, "Name", "TEXT", false },
	{ RPMTAG_BASENAMES, "Basenames", "TEXT", true },
	{ RPMTAG_GROUP, "Group", "TEXT", false },
	{ RPMTAG_REQUIRENAME, "Requirename", "TEXT", true },
	{ RPMTAG_PROVIDENAME, "Providename", "TEXT", true },
	{ RPMTAG_CONFLICTNAME, "Conflictname", "TEXT", true },
	{ RPMTAG_OBSOLETENAME, "Obsoletename", "TEXT", true },
	{ RPMTAG_TRIGGERNAME, "Triggername", "TEXT", true },
	{ RPMTAG_DIRNAMES, "Dirnames", "TEXT", true },
	{ RPMTAG_INSTALLTID, "Installtid", "BLOB", false },
	{ RPMTAG_SIGMD5, "Sigmd5", "BLOB", false },
	{ RPMTAG_SHA1HEADER, "Sha1header", "TEXT", false },
	{ RPMTAG_FILETRIGGERNAME, "Filetriggername", "TEXT", true },
	{ RPMTAG_TRANSFILETRIGGERNAME, "Transfiletriggername", "TEXT", true },
	{ RPMTAG_RECOMMENDNAME, "Recommendname", "TEXT", true },
	{ RPMTAG_SUGGESTNAME, "Suggestname", "TEXT", true },
	{ RPMTAG_SUPPLEMENTNAME, "Supplementname", "TEXT", true },
	{ RPMTAG_ENHANCENAME, "Enhancename", "TEXT", true },
};
enum { INDEXES = sizeof(indexes) / sizeof(*indexes) };

struct database {
	sqlite3 *db;
	sqlite3_stmt *package, *index[INDEXES];
};

static int sqlite_err(const struct database *d, struct err *e, const char *what)
{
	return err_set(e, -EIO, "SQLite cannot %s the RPM database: %s", what,
		       sqlite3_errmsg(d->db));
}

static void database_close(struct database *d)
{
	sqlite3_finalize(d->package);
	for (size_t i = 0; i < INDEXES; i++)
		sqlite3_finalize(d->index[i]);
	sqlite3_close(d->db);
}

static int run(struct database *d, const char *sql, struct err *e)
{
	return sqlite3_exec(d->db, sql, NULL, NULL, NULL) == SQLITE_OK ? 0
								       : sqlite_err(d, e, "make");
}

static int prepare(struct database *d, const char *sql, sqlite3_stmt **ret, struct err *e)
{
	return sqlite3_prepare_v2(d->db, sql, -1, ret, NULL) == SQLITE_OK
		       ? 0
		       : sqlite_err(d, e, "make");
}

static int table_make(struct arena *a, struct database *d, size_t i, struct err *e)
{
	const struct index *x = &indexes[i];
	int r = run(d,
		    str_z(a,
			  str_printf(a,
				     "CREATE TABLE '%s' (key '%s' NOT NULL, hnum INTEGER NOT NULL, "
				     "idx INTEGER NOT NULL, FOREIGN KEY (hnum) REFERENCES "
				     "'Packages'(hnum))",
				     x->table, x->key_type)),
		    e);

	return r < 0 ? r
		     : prepare(d,
			       str_z(a,
				     str_printf(a, "INSERT INTO '%s' VALUES(?, ?, ?)", x->table)),
			       &d->index[i], e);
}

static int database_open(struct arena *a, struct database *d, struct err *e)
{
	int r;

	if (sqlite3_open_v2(":memory:", &d->db,
			    SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX,
			    NULL) != SQLITE_OK)
		return sqlite_err(d, e, "open");
	r = run(d,
		"BEGIN; CREATE TABLE 'Packages' (hnum INTEGER PRIMARY KEY AUTOINCREMENT,"
		"blob BLOB NOT NULL)",
		e);
	if (r == 0)
		r = prepare(d, "INSERT INTO 'Packages' VALUES(NULL, ?)", &d->package, e);
	for (size_t i = 0; i < INDEXES && r == 0; i++)
		r = table_make(a, d, i, e);
	return r;
}

/* After all rows: each is then sorted once. */
static int indexes_make(struct arena *a, struct database *d, struct err *e)
{
	int r = 0;

	for (size_t i = 0; i < INDEXES && r == 0; i++) {
		const char *table = indexes[i].table;

		if (strcmp(indexes[i].key_type, "TEXT") == 0)
			r = run(d,
				str_z(a, str_printf(a, "CREATE INDEX '%s_key_idx' ON '%s'(key ASC)",
						    table, table)),
				e);
		if (r == 0 && indexes[i].by_package)
			r = run(d,
				str_z(a,
				      str_printf(a, "CREATE INDEX '%s_hnum_idx' ON '%s'(hnum ASC)",
						 table, table)),
				e);
	}
	return r == 0 ? run(d, "COMMIT", e) : r;
}

static int row_put(struct database *d, size_t index, struct str key, unsigned package, unsigned i,
		   struct err *e)
{
	sqlite3_stmt *s = d->index[index];
	bool text = strcmp(indexes[index].key_type, "TEXT") == 0;
	int r = text ? sqlite3_bind_text(s, 1, key.p, (int)key.n, SQLITE_STATIC)
		     : sqlite3_bind_blob(s, 1, key.p, (int)key.n, SQLITE_STATIC);

	if (r == SQLITE_OK)
		r = sqlite3_bind_int64(s, 2, package);
	if (r == SQLITE_OK)
		r = sqlite3_bind_int64(s, 3, i);
	if (r != SQLITE_OK || sqlite3_step(s) != SQLITE_DONE || sqlite3_reset(s) != SQLITE_OK)
		return sqlite_err(d, e, "write");
	return 0;
}

/* The names in a rich dependency, '!' before those whose absence it asks for, ' ' before others:
 * rpm lib/rpmdb.c updateRichDepCB(). Conditions stand behind "if" and "unless". */
enum { RICH_LEVELS_MAX = 31 };
struct rich {
	struct arena *a;
	vec_str names;
	unsigned level, absent;                /* a bit for each level */
	size_t condition[RICH_LEVELS_MAX + 1]; /* the first name of each level's condition */
};

static void rich_name(struct rich *rich, char sign, struct str name)
{
	vec_push(rich->a, &rich->names) = str_printf(rich->a, "%c%.*s", sign, STR_FMT(name));
}

static void rich_op(struct rich *rich, rpmrichOp op)
{
	size_t n = rich->names.n;

	if (op == RPMRICHOP_IF || op == RPMRICHOP_UNLESS)
		rich->condition[rich->level] = n;
	/* what stands behind asks that the condition does not hold */
	for (size_t i = rich->condition[rich->level]; op == RPMRICHOP_ELSE && i < n; i++)
		rich_name(rich, rich->names.p[i].p[0] == ' ' ? '!' : ' ',
			  str_from(rich->names.p[i], 1));
	if (op == RPMRICHOP_IF || op == RPMRICHOP_UNLESS || op == RPMRICHOP_ELSE)
		rich->absent ^= 1u << rich->level;
}

static rpmRC rich_part(void *arg, rpmrichParseType type, const char *name, int name_bytes,
		       const char *evr, int evr_bytes, rpmsenseFlags sense, rpmrichOp op,
		       char **message)
{
	struct rich *rich = arg;
	struct str n = { name, name_bytes > 0 ? (size_t)name_bytes : 0 };

	(void)evr, (void)evr_bytes, (void)sense, (void)message;
	if (type == RPMRICH_PARSE_ENTER && ++rich->level > RICH_LEVELS_MAX)
		return RPMRC_FAIL;
	if (type == RPMRICH_PARSE_LEAVE) {
		rich->absent &= ~(1u << rich->level);
		rich->level--;
	}
	if (type == RPMRICH_PARSE_SIMPLE && n.n > 0 && !str_starts(n, "rpmlib("))
		rich_name(rich, rich->absent ? '!' : ' ', n);
	if (type == RPMRICH_PARSE_OP)
		rich_op(rich, op);
	return RPMRC_OK;
}

static int name_cmp(const void *x, const void *y)
{
	return str_cmp(*(const struct str *)x, *(const struct str *)y);
}

static int rich_put(struct database *d, size_t index, struct arena *a, struct str dep,
		    unsigned package, unsigned at, struct err *e)
{
	struct rich rich = { .a = a };
	const char *text = str_z(a, dep);
	int r = 0;

	if (rpmrichParse(&text, NULL, rich_part, &rich) != RPMRC_OK)
		return 0; /* as rpm does: the whole is in the index */
	if (rich.names.n > 0)
		qsort(rich.names.p, rich.names.n, sizeof(*rich.names.p), name_cmp);
	for (size_t i = 0; i < rich.names.n && r == 0; i++) {
		struct str name = rich.names.p[i];

		if (i > 0 && str_eq(rich.names.p[i - 1], name))
			continue;
		r = row_put(d, index, str_from(name, name.p[0] == ' '), package, at, e);
	}
	return r;
}

/* rpm lib/rpmdb.c: which values of a tag have an entry. */
static int texts_put(struct database *d, size_t index, struct header *h, unsigned package,
		     struct err *e)
{
	rpmTagVal tag = indexes[index].tag;
	vec_u64 flags = { 0 };
	vec_str keys;
	int r = 0;

	header_get_strs(h, tag, &keys);
	if (tag == RPMTAG_REQUIRENAME)
		header_get_u64s(h, RPMTAG_REQUIREFLAGS, &flags);
	for (unsigned i = 0; i < keys.n && r == 0; i++) {
		uint64_t flag = i < flags.n ? flags.p[i] : 0;

		/* only needed while it is installed */
		if (isInstallPreReq(flag) && !isErasePreReq(flag))
			continue;
		r = row_put(d, index, keys.p[i], package, i, e);
		if (r == 0 && str_starts(keys.p[i], "("))
			r = rich_put(d, index, h->a, keys.p[i], package, i, e);
	}
	return r;
}

static int index_put(struct database *d, size_t index, struct header *h, unsigned package,
		     struct err *e)
{
	rpmTagVal tag = indexes[index].tag;
	uint32_t number;

	switch (tag) {
	case RPMTAG_TRIGGERNAME:
	case RPMTAG_FILETRIGGERNAME:
	case RPMTAG_TRANSFILETRIGGERNAME:
		/* indexed in another way, and no package of ours has any */
		return headerIsEntry(h->h, tag) ? err_set(e, -EINVAL, "has triggers") : 0;
	case RPMTAG_INSTALLTID:
		number = (uint32_t)header_get_u64(h, tag, 0);
		return row_put(d, index, (struct str){ (const char *)&number, sizeof(number) },
			       package, 0, e);
	case RPMTAG_SIGMD5:
		return row_put(d, index, header_get_bin(h, tag), package, 0, e);
	default:
		return texts_put(d, index, h, package, e);
	}
}

static int header_insert(struct database *d, struct header *h, unsigned package, struct err *e)
{
	unsigned n;
	void *blob = headerExport(h->h, &n);
	int r = 0;

	if (!blob)
		return err_set(e, -EINVAL, "librpm cannot lay out the header");
	if (sqlite3_bind_blob(d->package, 1, blob, (int)n, SQLITE_STATIC) != SQLITE_OK ||
	    sqlite3_step(d->package) != SQLITE_DONE || sqlite3_reset(d->package) != SQLITE_OK)
		r = sqlite_err(d, e, "write");
	free(blob);
	for (size_t i = 0; i < INDEXES && r == 0; i++)
		r = index_put(d, i, h, package, e);
	return r == 0 ? header_check(h, e) : r;
}

static int package_add(struct database *d, const struct rpmdb_package *p, unsigned number,
		       uint32_t time_sec, struct err *e)
{
	_cleanup_arena_ struct arena work = { 0 };
	__attribute__((cleanup(sections_done))) struct sections s;
	int r;

	sections_init(&s, &work);
	r = sections_read(&s, p->front, e);
	if (r < 0)
		return r;
	signature_merge(&s.header, &s.signature);
	r = installed_put(&s.header, p, time_sec, e);
	if (r == 0)
		r = header_insert(d, &s.header, number, e);
	return r < 0 ? err_wrap(e, r, "package '%.*s'",
				STR_FMT(header_get_str(&s.header, RPMTAG_NAME)))
		     : 0;
}

static int database_make(struct arena *a, struct database *d, const struct rpmdb_package *packages,
			 size_t n, uint32_t time_sec, struct str *ret, struct err *e)
{
	_cleanup_arena_ struct arena work = { 0 };
	sqlite3_int64 n_bytes;
	unsigned char *bytes;
	int r = database_open(&work, d, e);

	for (size_t i = 0; i < n && r == 0; i++)
		r = package_add(d, &packages[i], (unsigned)i + 1, time_sec, e);
	if (r == 0)
		r = indexes_make(&work, d, e);
	if (r < 0)
		return r;
	bytes = sqlite3_serialize(d->db, "main", &n_bytes, 0);
	if (!bytes)
		return sqlite_err(d, e, "lay out");
	*ret = str_dup(a, (struct str){ (const char *)bytes, (size_t)n_bytes });
	sqlite3_free(bytes);
	return 0;
}

struct str rpm_library_version(struct arena *a)
{
	return str_printf(a, "rpm %s", RPMVERSION);
}

struct str sqlite_library_version(struct arena *a)
{
	return str_printf(a, "sqlite %s", sqlite3_libversion());
}

int rpmdb_write(struct arena *a, const struct rpmdb_package *packages, size_t n,
		uint64_t install_time_sec, struct str *ret, struct err *e)
{
	TRACE("RPM database");
	struct database d = { 0 };
	int r;

	if (install_time_sec > UINT32_MAX)
		return err_set(e, -EINVAL, "install time %llu: RPM's seconds end at %u",
			       (unsigned long long)install_time_sec, UINT32_MAX);
	librpm_init();
	r = database_make(a, &d, packages, n, (uint32_t)install_time_sec, ret, e);
	database_close(&d);
	return r;
}
