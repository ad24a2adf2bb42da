/* SPDX-License-Identifier: MIT */
#include "image/repository.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/io.h"
#include "base/proc.h"
#include "base/trace.h"

enum { SUMS_BYTES_MAX = 4 << 20 };

static struct str file_name(struct arena *a, const struct rpm_meta *m)
{
	return str_printf(a, "%.*s-%.*s-%.*s.%.*s.rpm", STR_FMT(m->name), STR_FMT(m->version),
			  STR_FMT(m->release), STR_FMT(m->arch));
}

/* "SHA256  FILE" lines as sha256sum(1) checks them; also how a repository that is up to date is
 * known. */
static struct str sums(struct arena *a, const struct stored_package *packages, size_t n)
{
	struct buf b = { .a = a };

	for (size_t i = 0; i < n; i++)
		buf_printf(&b, "%.*s  %.*s\n",
			   STR_FMT(hex_encode(a, packages[i].sha256, SHA256_BYTES)),
			   STR_FMT(file_name(a, &packages[i].package.meta)));
	return (struct str){ (char *)b.v.p, b.v.n };
}

/* A copy of what was checked, which shares blocks where the file system can; no hard link, as
 * whoever changes a package in place would change the cache. createrepo_c writes down when a file
 * was changed: that must not tell when it was converted. */
static int place(struct arena *a, const char *dir, const struct stored_package *p, struct err *e)
{
	const char *path = path_join(a, dir, str_z(a, file_name(a, &p->package.meta)));
	_cleanup_arena_ struct arena work = { 0 };
	_cleanup_close_ int from = -1, to = -1;
	const struct timespec times[] = { { .tv_nsec = UTIME_OMIT },
					  { .tv_sec = (time_t)p->package.build_time_sec } };
	struct str rpm;
	int r = stored_rpm_read(&work, p, &rpm, e);

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

/* A package that the repository before has by the same digest, and that nobody changed there since:
 * the same file. @sums_before: its SHA256SUMS. */
static bool keep(struct arena *a, const char *dir, const char *before, struct str sums_before,
		 const struct stored_package *p)
{
	struct str line = sums(a, p, 1);
	const char *name = str_z(a, file_name(a, &p->package.meta)), *from;
	struct stat st;

	if (sums_before.n == 0 || !memmem(sums_before.p, sums_before.n, line.p, line.n))
		return false;
	from = path_join(a, before, name);
	return lstat(from, &st) == 0 && S_ISREG(st.st_mode) &&
	       (uint64_t)st.st_size == p->pack->rpm.bytes &&
	       (uint64_t)st.st_mtime == p->package.build_time_sec &&
	       link(from, path_join(a, dir, name)) == 0;
}

static struct str sums_read(struct arena *a, const char *dir)
{
	struct err ignored;
	struct str text;

	return file_read(a, path_join(a, dir, "SHA256SUMS"), SUMS_BYTES_MAX, &text, &ignored) == 0
		       ? text
		       : (struct str){ 0 };
}

static int createrepo(struct arena *a, const char *dir, uint64_t source_date_epoch, struct err *e)
{
	const char *revision =
		str_z(a, str_printf(a, "%llu", (unsigned long long)source_date_epoch));
	const char *const argv[] = { "createrepo_c",
				     "--quiet",
				     "--no-database",
				     "--simple-md-filenames",
				     "--general-compress-type=gz",
				     "--revision",
				     revision,
				     "--set-timestamp-to-revision",
				     dir,
				     NULL };
	struct proc_result result;
	int r = proc_run(a, argv, (struct str){ 0 }, "createrepo-c", &result, e);

	if (r == 0 && result.status != 0)
		r = err_set(e, -EIO, "createrepo_c failed: %.*s", STR_FMT(str_trim(result.err)));
	return r;
}

static int fill(struct arena *a, const char *dir, const char *before,
		const struct stored_package *packages, size_t n, const struct openpgp_key *key,
		struct str sum, uint64_t source_date_epoch, struct err *e)
{
	struct str armor = openpgp_public_armor(a, key);
	struct str sums_before = sums_read(a, before);
	int r = 0;

	for (size_t i = 0; r == 0 && i < n; i++)
		if (!keep(a, dir, before, sums_before, &packages[i]))
			r = place(a, dir, &packages[i], e);
	if (r == 0)
		r = createrepo(a, dir, source_date_epoch, e);
	if (r == 0)
		r = file_write(path_join(a, dir, "package-signing.asc"), 0644, armor.p, armor.n, e);
	if (r == 0)
		r = file_write(path_join(a, dir, "SHA256SUMS"), 0644, sum.p, sum.n, e);
	return r;
}

bool repository_holds(const char *dir, const struct stored_package *packages, size_t n)
{
	_cleanup_arena_ struct arena a = { 0 };

	for (size_t i = 0; i < n; i++)
		if (!file_exists(path_join(&a, dir,
					   str_z(&a, file_name(&a, &packages[i].package.meta)))))
			return false;
	return str_eq(sums(&a, packages, n), sums_read(&a, dir));
}

int repository_write(const char *dir, const char *before, const struct stored_package *packages,
		     size_t n, const struct openpgp_key *key, uint64_t source_date_epoch,
		     struct err *e)
{
	_cleanup_arena_ struct arena a = { 0 };
	int r = fill(&a, dir, before, packages, n, key, sums(&a, packages, n), source_date_epoch,
		     e);

	return r < 0 ? err_wrap(e, r, "repository '%s'", dir) : 0;
}
