/* SPDX-License-Identifier: MIT */
#include "image/repository.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/io.h"
#include "base/thread_pool.h"
#include "base/trace.h"
#include "disk/codec.h"
#include "rpm/repodata.h"

enum {
	SUMS_BYTES_MAX = 4 << 20,
	METADATA_BYTES_MAX = 256 << 20, /* of one file */
	GZIP_LEVEL = 4,                 /* a third faster than the usual 6, for 4% more */
	/* repomd.xml, its signature, the key */
	OTHERS = REPODATA_FILES + 3,
	SIGNATURE_BYTES_MAX = 1 << 16,
};

#define SUMS     "SHA256SUMS"
#define KEY      "package-signing.asc"
#define ASC      ".asc"
#define METADATA "repodata/repomd.xml"

/* A file of a repository that is no package. */
struct other {
	const char *name;
	struct str bytes;
};

struct repository {
	struct arena *a;
	const struct stored_package *packages;
	size_t n;
	struct repodata_package *told; /* in the order of file names */
	struct repodata_file metadata[REPODATA_FILES];
	struct other others[OTHERS];
};

static struct str file_name(struct arena *a, const struct rpm_meta *m)
{
	return str_printf(a, "%.*s-%.*s-%.*s.%.*s.rpm", STR_FMT(m->name), STR_FMT(m->version),
			  STR_FMT(m->release), STR_FMT(m->arch));
}

static void sum_put(struct buf *b, const uint8_t sha256[SHA256_BYTES], struct str name)
{
	buf_printf(b, "%.*s  %.*s\n", STR_FMT(hex_encode(b->a, sha256, SHA256_BYTES)),
		   STR_FMT(name));
}

/* "SHA256  FILE" lines as sha256sum(1) checks them; also how a repository that is up to date is
 * known. */
static struct str package_sums(struct arena *a, const struct stored_package *packages, size_t n)
{
	struct buf b = { .a = a };

	for (size_t i = 0; i < n; i++)
		sum_put(&b, packages[i].sha256, file_name(a, &packages[i].package.meta));
	return (struct str){ (char *)b.v.p, b.v.n };
}

/* Of the others, by their number. */
static const char *other_name(struct arena *a, size_t i)
{
	static const char *const last[] = { METADATA, METADATA ASC, KEY };

	return i < REPODATA_FILES ? str_z(a, str_printf(a, "repodata/%s.xml.gz",
							repodata_name((enum repodata)i)))
				  : last[i - REPODATA_FILES];
}

/* What stands in SHA256SUMS of a repository, and since when nothing of it may have changed: it is
 * written last. */
struct before {
	struct str sums;
	struct timespec since;
};

static struct before before_read(struct arena *a, const char *dir)
{
	const char *path = path_join(a, dir, SUMS);
	struct before b = { 0 };
	struct err ignored;
	struct stat st;

	if (lstat(path, &st) < 0 || file_read(a, path, SUMS_BYTES_MAX, &b.sums, &ignored) < 0)
		return (struct before){ 0 };
	b.since = st.st_ctim;
	return b;
}

/* The package's file, and nobody touched it since: times of content can be set, that of the last
 * change of a file cannot. */
static bool untouched(const struct before *before, const char *path, const struct stored_package *p)
{
	struct stat st;

	return lstat(path, &st) == 0 && S_ISREG(st.st_mode) &&
	       (uint64_t)st.st_size == p->pack->rpm.bytes &&
	       (uint64_t)st.st_mtime == p->package.build_time_sec &&
	       (st.st_ctim.tv_sec < before->since.tv_sec ||
		(st.st_ctim.tv_sec == before->since.tv_sec &&
		 st.st_ctim.tv_nsec <= before->since.tv_nsec));
}

/* A copy of what was checked, which shares blocks where the file system can; no hard link, as
 * whoever changes a package in place would change the cache. Metadata tells when a file was
 * changed: that must not tell when it was converted. */
static int place(struct arena *a, const char *dir, const struct stored_package *p, struct err *e)
{
	const char *path = path_join(a, dir, str_z(a, file_name(a, &p->package.meta)));
	_cleanup_arena_ struct arena work = { 0 };
	_cleanup_close_ int from = -1, to = -1;
	const struct timespec times[] = { { .tv_nsec = UTIME_OMIT },
					  { .tv_sec = (time_t)p->package.build_time_sec } };
	_cleanup_map_ struct str map = { 0 };
	struct str rpm;
	int r = stored_rpm_read(&work, p, &map, &rpm, e);

	if (r < 0)
		return r;
	from = open(p->path, O_RDONLY | O_CLOEXEC);
	to = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (from < 0 || to < 0)
		return err_sys(e, "open '%s'", from < 0 ? p->path : path);
	r = fd_copy(from, 0, rpm.n, to, 0, path, e);
	if (r == 0 && fdatasync(to) < 0)
		r = err_sys(e, "sync '%s'", path);
	if (r == 0 && futimens(to, times) < 0)
		r = err_sys(e, "set the time of '%s'", path);
	return r;
}

/* A package that the repository before has by the same digest: the same file. */
static bool keep(struct arena *a, const char *dir, const char *old, const struct before *before,
		 const struct stored_package *p)
{
	struct str line = package_sums(a, p, 1);
	const char *name = str_z(a, file_name(a, &p->package.meta)), *from;

	if (before->sums.n == 0 || !memmem(before->sums.p, before->sums.n, line.p, line.n))
		return false;
	from = path_join(a, old, name);
	return untouched(before, from, p) && link(from, path_join(a, dir, name)) == 0;
}

static int by_name(const void *x, const void *y)
{
	const struct repodata_package *p = x, *q = y;

	return str_cmp(p->file_name, q->file_name);
}

/* All that is damaged in the cache goes at once. */
static int fronts_read(struct repository *rep, struct err *e)
{
	int r = 0;

	rep->told = arena_array(rep->a, rep->n, sizeof(*rep->told));
	for (size_t i = 0; i < rep->n; i++) {
		const struct stored_package *p = &rep->packages[i];
		struct repodata_package *told = &rep->told[i];
		struct err why;
		int read = stored_front_read(rep->a, p, &told->front, &why);

		told->file_name = file_name(rep->a, &p->package.meta);
		told->size_bytes = p->pack->rpm.bytes;
		told->time_sec = p->package.build_time_sec;
		memcpy(told->sha256, p->sha256, SHA256_BYTES);
		if (read < 0 && r == 0) {
			r = read;
			*e = why;
		}
		if (read < 0 && read != -ESTALE)
			return r;
	}
	if (rep->n > 0)
		qsort(rep->told, rep->n, sizeof(*rep->told), by_name);
	return r;
}

/* In an arena of its own for each file. */
struct metadata_task {
	const struct repository *rep;
	struct arena a;
	struct repodata_file file;
};

static int metadata_make(void *arg, size_t i, struct err *e)
{
	struct metadata_task *t = (struct metadata_task *)arg + i;
	int r = repodata_write(&t->a, (enum repodata)i, t->rep->told, t->rep->n, &t->file.text, e);

	return r < 0 ? r : gzip_compress(&t->a, t->file.text, GZIP_LEVEL, &t->file.compressed, e);
}

static int metadata_all(struct repository *rep, unsigned jobs, struct err *e)
{
	struct metadata_task tasks[REPODATA_FILES] = { { 0 } };
	int r;

	for (size_t i = 0; i < REPODATA_FILES; i++)
		tasks[i].rep = rep;
	r = thread_pool_for(jobs, REPODATA_FILES, metadata_make, tasks, e);
	for (size_t i = 0; i < REPODATA_FILES; i++) {
		rep->metadata[i].text = str_dup(rep->a, tasks[i].file.text);
		rep->metadata[i].compressed = str_dup(rep->a, tasks[i].file.compressed);
		arena_done(&tasks[i].a);
	}
	return r;
}

/* dnf with repo_gpgcheck=1 looks for the signature beside repomd.xml, which has the digests of the
 * rest: so no mirror can mix metadata of several days. */
static int others_fill(struct repository *rep, const struct openpgp_key *key, uint64_t revision,
		       struct err *e)
{
	struct other *last = &rep->others[REPODATA_FILES];

	for (size_t i = 0; i < OTHERS; i++)
		rep->others[i].name = other_name(rep->a, i);
	for (enum repodata i = 0; i < REPODATA_FILES; i++)
		rep->others[i].bytes = rep->metadata[i].compressed;
	last[0].bytes = repodata_index(rep->a, rep->metadata, revision);
	last[2].bytes = openpgp_public_armor(rep->a, key);
	return openpgp_sign_armor(rep->a, key, last[0].bytes, revision, &last[1].bytes, e);
}

/* SHA256SUMS last, and before it its signature: when it is there, all is. */
static int sums_write(struct repository *rep, const char *dir, struct str sums,
		      const struct openpgp_key *key, uint64_t time_sec, struct err *e)
{
	struct str signature;
	int r = openpgp_sign_armor(rep->a, key, sums, time_sec, &signature, e);

	if (r == 0)
		r = file_write(path_join(rep->a, dir, SUMS ASC), 0644, signature.p, signature.n, e);
	return r < 0 ? r : file_write(path_join(rep->a, dir, SUMS), 0644, sums.p, sums.n, e);
}

static int others_write(struct repository *rep, const char *dir, const struct openpgp_key *key,
			uint64_t time_sec, struct err *e)
{
	struct buf sums = { .a = rep->a };
	struct str text = package_sums(rep->a, rep->packages, rep->n);
	int r = dir_make(path_join(rep->a, dir, "repodata"), e);

	buf_put(&sums, text.p, text.n);
	for (size_t i = 0; i < OTHERS && r == 0; i++) {
		const struct other *o = &rep->others[i];
		uint8_t digest[SHA256_BYTES];

		sha256(o->bytes.p, o->bytes.n, digest);
		sum_put(&sums, digest, str_c(o->name));
		r = file_write(path_join(rep->a, dir, o->name), 0644, o->bytes.p, o->bytes.n, e);
	}
	return r < 0 ? r
		     : sums_write(rep, dir, (struct str){ (const char *)sums.v.p, sums.v.n }, key,
				  time_sec, e);
}

static bool signature_holds(struct arena *a, const char *dir, struct str sums,
			    const struct openpgp_key *key)
{
	struct err ignored;
	struct str armor;

	return file_read(a, path_join(a, dir, SUMS ASC), SIGNATURE_BYTES_MAX, &armor, &ignored) ==
		       0 &&
	       openpgp_verify_armor(key, sums, armor, &ignored) == 0;
}

/* Whether the rest of SHA256SUMS is what is there. */
static bool others_hold(struct arena *a, const char *dir, struct str sums,
			const struct openpgp_key *key)
{
	struct buf want = { .a = a };

	for (size_t i = 0; i < OTHERS; i++) {
		const char *name = other_name(a, i);
		uint8_t digest[SHA256_BYTES];
		struct err ignored;
		struct str bytes;

		if (file_read(a, path_join(a, dir, name), METADATA_BYTES_MAX, &bytes, &ignored) < 0)
			return false;
		if (i + 1 == OTHERS && !str_eq(bytes, openpgp_public_armor(a, key)))
			return false;
		sha256(bytes.p, bytes.n, digest);
		sum_put(&want, digest, str_c(name));
	}
	return str_eq(sums, (struct str){ (const char *)want.v.p, want.v.n });
}

bool repository_holds(const char *dir, const struct stored_package *packages, size_t n,
		      const struct openpgp_key *key)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct before before = before_read(&a, dir);
	struct str sums = package_sums(&a, packages, n);

	if (before.sums.n < sums.n || !str_eq(str_head(before.sums, sums.n), sums))
		return false;
	for (size_t i = 0; i < n; i++) {
		const char *name = str_z(&a, file_name(&a, &packages[i].package.meta));

		if (!untouched(&before, path_join(&a, dir, name), &packages[i]))
			return false;
	}
	return others_hold(&a, dir, str_from(before.sums, sums.n), key) &&
	       signature_holds(&a, dir, before.sums, key);
}

static int fill(struct repository *rep, const char *dir, const char *old,
		const struct openpgp_key *key, uint64_t source_date_epoch, unsigned jobs,
		struct err *e)
{
	struct before before = before_read(rep->a, old);
	int r = fronts_read(rep, e);

	for (size_t i = 0; r == 0 && i < rep->n; i++)
		if (!keep(rep->a, dir, old, &before, &rep->packages[i]))
			r = place(rep->a, dir, &rep->packages[i], e);
	if (r == 0)
		r = metadata_all(rep, jobs, e);
	if (r < 0)
		return r;
	r = others_fill(rep, key, source_date_epoch, e);
	return r < 0 ? r : others_write(rep, dir, key, source_date_epoch, e);
}

int repository_write(const char *dir, const char *before, const struct stored_package *packages,
		     size_t n, const struct openpgp_key *key, uint64_t source_date_epoch,
		     unsigned jobs, struct err *e)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct repository rep = { .a = &a, .packages = packages, .n = n };
	int r = fill(&rep, dir, before, key, source_date_epoch, jobs, e);

	return r < 0 ? err_wrap(e, r, "repository '%s'", dir) : 0;
}

void repository_seal(const char *dir)
{
	_cleanup_arena_ struct arena a = { 0 };

	/* when it fails, packages are put there anew next time */
	(void)!utimensat(AT_FDCWD, path_join(&a, dir, SUMS), NULL, AT_SYMLINK_NOFOLLOW);
}
