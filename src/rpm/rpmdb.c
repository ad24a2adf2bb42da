/* SPDX-License-Identifier: MIT */
#include "rpm/rpmdb.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <rpm/rpmlog.h>
#include <rpm/rpmmacro.h>
#include <rpm/rpmts.h>
#include <stdlib.h>

#include "base/io.h"
#include "base/trace.h"
#include "rpm/rpmfile_format.h"
#include "rpm/sections.h"

enum { DATABASE_BYTES_MAX = 256 << 20 };
/* sqlite.org/fileformat2.html, 1.3: offsets of the file format's write and read version; 1 is a
 * rollback journal. */
enum {
	SQLITE_HEADER_BYTES = 100,
	SQLITE_WRITE_VERSION = 18,
	SQLITE_READ_VERSION = 19,
	SQLITE_ROLLBACK = 1
};

static const char database_name[] = "rpmdb.sqlite";

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

static int librpm_err(struct err *e, const char *what)
{
	struct str why = str_trim(str_c(rpmlogMessage()));

	return err_set(e, -EIO, "%s: %.*s", what, STR_FMT(why));
}

static int package_add(rpmtxn txn, const struct rpmdb_package *p, uint32_t time_sec, struct err *e)
{
	_cleanup_arena_ struct arena work = { 0 };
	__attribute__((cleanup(sections_done))) struct sections s;
	int r;

	sections_init(&s, &work);
	r = sections_read(&s, p->rpm, e);
	if (r < 0)
		return r;
	signature_merge(&s.header, &s.signature);
	r = installed_put(&s.header, p, time_sec, e);
	if (r < 0)
		return err_wrap(e, r, "package '%.*s'",
				STR_FMT(header_get_str(&s.header, RPMTAG_NAME)));
	if (rpmtsImportHeader(txn, s.header.h, 0) != RPMRC_OK)
		return librpm_err(e, "cannot add a package to the RPM database");
	return 0;
}

static int packages_add(const struct rpmdb_package *packages, size_t n, uint32_t time_sec,
			struct err *e)
{
	rpmts ts = rpmtsCreate();
	rpmtxn txn = rpmtxnBegin(ts, RPMTXN_WRITE);
	int r = 0;

	if (!txn || rpmtsOpenDB(ts, O_RDWR | O_CREAT) != 0)
		r = librpm_err(e, "cannot make an RPM database");
	for (size_t i = 0; i < n && r == 0; i++)
		r = package_add(txn, &packages[i], time_sec, e);
	rpmtxnEnd(txn);
	/* Closing moves the write-ahead log into the database. */
	if (rpmtsCloseDB(ts) != 0 && r == 0)
		r = librpm_err(e, "cannot finish the RPM database");
	rpmtsFree(ts);
	return r;
}

/* librpm knows its folder, its backend and its lock only from macros of the whole process. They are
 * set here and nowhere read from the machine's configuration. */
static int database_make(const char *dir, const struct rpmdb_package *packages, size_t n,
			 uint32_t time_sec, struct err *e)
{
	static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
	_cleanup_arena_ struct arena a = { 0 };
	int r;

	pthread_mutex_lock(&mutex);
	librpm_init();
	rpmPushMacro(NULL, "_dbpath", NULL, dir, RMIL_GLOBAL);
	rpmPushMacro(NULL, "_db_backend", NULL, "sqlite", RMIL_GLOBAL);
	rpmPushMacro(NULL, "_rpmlock_path", NULL, path_join(&a, dir, ".rpm.lock"), RMIL_GLOBAL);
	r = packages_add(packages, n, time_sec, e);
	rpmPopMacro(NULL, "_rpmlock_path");
	rpmPopMacro(NULL, "_db_backend");
	rpmPopMacro(NULL, "_dbpath");
	pthread_mutex_unlock(&mutex);
	return r;
}

/* librpm leaves the database in the mode with a write-ahead log, whose readers make files beside
 * it: they would fail on a read-only root. The log is empty, so the header may say otherwise; a
 * writing rpm switches back by itself. */
static int database_read(struct arena *a, const char *dir, struct str *ret, struct err *e)
{
	struct str bytes;
	uint8_t *header;
	int r = file_read(a, path_join(a, dir, database_name), DATABASE_BYTES_MAX, &bytes, e);

	if (r < 0)
		return r;
	if (bytes.n < SQLITE_HEADER_BYTES)
		return err_set(e, -EIO, "librpm made an RPM database of %zu bytes", bytes.n);
	header = (uint8_t *)(uintptr_t)bytes.p;
	header[SQLITE_WRITE_VERSION] = SQLITE_ROLLBACK;
	header[SQLITE_READ_VERSION] = SQLITE_ROLLBACK;
	*ret = bytes;
	return 0;
}

struct str rpm_library_version(struct arena *a)
{
	return str_printf(a, "rpm %s", RPMVERSION);
}

/* SQLite is librpm's business: it is asked as librpm has it. */
struct str sqlite_library_version(struct arena *a)
{
	const char *(*version)(void);

	*(void **)&version = dlsym(RTLD_DEFAULT, "sqlite3_libversion");
	return str_printf(a, "sqlite %s", version ? version() : "unknown");
}

int rpmdb_write(struct arena *a, const struct rpmdb_package *packages, size_t n,
		uint64_t install_time_sec, struct str *ret, struct err *e)
{
	TRACE("RPM database");
	const char *base = getenv("TMPDIR");
	char *dir = str_z(a, str_printf(a, "%s/ashlar-rpmdb-XXXXXX", base ? base : "/tmp"));
	struct err ignored;
	int r;

	if (install_time_sec > UINT32_MAX)
		return err_set(e, -EINVAL, "install time %llu: RPM's seconds end at %u",
			       (unsigned long long)install_time_sec, UINT32_MAX);
	if (!mkdtemp(dir))
		return err_sys(e, "cannot make the folder '%s'", dir);
	r = database_make(dir, packages, n, (uint32_t)install_time_sec, e);
	if (r == 0)
		r = database_read(a, dir, ret, e);
	(void)!dir_remove(dir, &ignored);
	return r;
}
