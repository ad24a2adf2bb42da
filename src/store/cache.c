/* SPDX-License-Identifier: MIT */
#include "store/cache.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/io.h"
#include "rpm/rpmfile.h"
#include "store/kept.h"
#include "store/pack_cache.h"

enum { MAGIC_BYTES = 8 };

/* Entries are told from what else may lie there by the form of their names. */
static const struct kind {
	const char *name;
	bool by_digest; /* named by 64 hexadecimal digits and the suffix */
	const char *suffix;
	bool below; /* in folders of the folder */
	bool keep;
} kinds[] = {
	{ .name = "downloads", .suffix = "", .by_digest = true },
	{ .name = "packages", .suffix = ".rpm", .by_digest = true },
	{ .name = "packs", .suffix = ".pack", .by_digest = true },
	{ .name = "solutions", .suffix = "", .by_digest = true },
	{ .name = "universe", .suffix = "", .by_digest = true },
	{ .name = "upstream", .suffix = ".release", .below = true, .keep = true },
};
enum { N_KINDS = sizeof(kinds) / sizeof(*kinds) };

static int hold(int fd, const char *cache, bool alone, struct progress *progress, struct err *e)
{
	int how = alone ? LOCK_EX : LOCK_SH;

	if (flock(fd, how | LOCK_NB) == 0)
		return 0;
	if (errno == EWOULDBLOCK)
		progress_note(progress, "cache '%s': waiting until %s", cache,
			      alone ? "no build uses it" : "it is pruned");
	while (flock(fd, how) < 0)
		if (errno != EINTR)
			return err_sys(e, "lock cache '%s'", cache);
	return 0;
}

/* Who may write to a cache decides what gets signed. */
static int owner_check(int fd, const char *below, const char *path, struct err *e)
{
	struct stat st;

	if (fstatat(fd, below, &st, below[0] ? 0 : AT_EMPTY_PATH) < 0)
		return errno == ENOENT ? 0 : err_sys(e, "look at '%s'", path);
	if (st.st_uid != geteuid())
		return err_set(
			e, -EPERM,
			"cache '%s' belongs to user %u, and this is user %u: what is in it gets "
			"signed, so it must be one's own; want another --cache",
			path, st.st_uid, geteuid());
	if (st.st_mode & (S_IWGRP | S_IWOTH))
		return err_set(
			e, -EPERM,
			"cache '%s' may be written by others (mode %04o), and what is in it gets "
			"signed; remove it, or run 'chmod go-w' on it if nobody did",
			path, (unsigned)(st.st_mode & 07777));
	return 0;
}

static int owners_check(int fd, const char *cache, struct err *e)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct stat st;
	int r = owner_check(fd, "", cache, e);

	/* behind a door that is closed, what is open does not matter */
	if (r < 0 || (fstat(fd, &st) == 0 && (st.st_mode & (S_IXGRP | S_IXOTH)) == 0))
		return r;
	for (size_t i = 0; i < N_KINDS && r == 0; i++)
		r = owner_check(fd, kinds[i].name, path_join(&a, cache, kinds[i].name), e);
	return r;
}

/* What processes left that were killed: everywhere, as the next build may write elsewhere. */
static void temps_clean(const char *cache)
{
	_cleanup_arena_ struct arena a = { 0 };

	for (size_t i = 0; i < N_KINDS; i++) {
		const char *dir = path_join(&a, cache, kinds[i].name);
		vec_str names = { 0 };
		struct err ignored;

		dir_clean_temps(dir);
		if (!kinds[i].below || dir_list(&a, dir, &names, &ignored) < 0)
			continue;
		vec_each(name, &names)
			dir_clean_temps(path_join(&a, dir, str_z(&a, *name)));
	}
}

static int cache_make(const char *cache, struct err *e)
{
	_cleanup_arena_ struct arena a = { 0 };
	int r = dir_make_parent(&a, cache, e);

	if (r == 0 && mkdir(cache, 0700) < 0 && errno != EEXIST)
		r = err_sys(e, "make folder '%s'", cache);
	return r;
}

int cache_hold(const char *cache, bool alone, struct progress *progress, int *ret_fd, struct err *e)
{
	_cleanup_close_ int fd = -1;
	int r = alone ? 0 : cache_make(cache, e);

	if (r < 0)
		return r;
	fd = open(cache, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return err_sys(e, "open cache '%s'", cache);
	r = owners_check(fd, cache, e);
	if (r == 0)
		r = hold(fd, cache, alone, progress, e);
	if (r < 0)
		return r;
	if (!alone) /* pruning does so itself, unless it only looks */
		temps_clean(cache);
	*ret_fd = take_fd(&fd);
	return 0;
}

static bool name_is_entry(const struct kind *kind, struct str name)
{
	uint8_t digest[SHA256_BYTES];

	return str_ends(name, kind->suffix) &&
	       (!kind->by_digest ||
		hex_decode(str_head(name, name.n - strlen(kind->suffix)), digest, SHA256_BYTES));
}

static int kind_list(struct arena *a, const struct kind *kind, const char *dir, bool below,
		     vec_cache_entry *ret, struct err *e)
{
	vec_str names;
	int r = dir_list(a, dir, &names, e);

	if (r < 0)
		return r == -ENOENT ? 0 : r;
	vec_each(name, &names) {
		const char *path = path_join(a, dir, name->p);
		struct stat st;

		if (lstat(path, &st) < 0)
			continue; /* gone meanwhile */
		if (below && S_ISDIR(st.st_mode))
			r = kind_list(a, kind, path, false, ret, e);
		else if (!below && S_ISREG(st.st_mode) && name_is_entry(kind, *name))
			vec_push(a, ret) = (struct cache_entry){
				.kind = kind->name,
				.path = path,
				.size_bytes = (uint64_t)st.st_size,
				.used_sec = st.st_mtime > 0 ? (uint64_t)st.st_mtime : 0,
				.keep = kind->keep,
			};
		if (r < 0)
			return r;
	}
	return 0;
}

int cache_list(struct arena *a, const char *cache, vec_cache_entry *ret, struct err *e)
{
	vec_cache_entry all = { 0 };
	int r = 0;

	if (!file_exists(cache))
		return err_set(e, -ENOENT, "cache '%s' is not there: nothing was built with it",
			       cache);
	for (size_t i = 0; i < N_KINDS && r == 0; i++)
		r = kind_list(a, &kinds[i], path_join(a, cache, kinds[i].name), kinds[i].below,
			      &all, e);
	if (r == 0)
		*ret = all;
	return r;
}

/* The first bytes of a file, fewer if it has fewer. */
static struct str beginning(struct arena *a, const char *path, size_t n)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	char *p = arena_alloc(a, n);
	ssize_t got = fd < 0 ? -1 : read(fd, p, n);

	return (struct str){ p, got < 0 ? 0 : (size_t)got };
}

static struct str pack_text(struct arena *a, const char *path)
{
	struct pack *p;
	struct str text;
	struct err e;

	if (pack_open(a, path, &p, &e) < 0)
		return str_printf(a, "%s", e.msg);
	text = str_printf(a, "%.*s, %s", STR_FMT(pack_recipe_what(p->recipe)),
			  p->codec == EROFS_CODEC_NONE ? "not compressed"
						       : erofs_codec_name(p->codec));
	pack_close(p);
	return text;
}

static struct str kept_text(struct arena *a, const char *path)
{
	struct str recipe = kept_recipe(a, path);

	return recipe.n > 0 ? recipe_what(recipe) : STR("damaged, or of another version");
}

struct str cache_entry_text(struct arena *a, const struct cache_entry *entry)
{
	struct str name = str_c(strrchr(entry->path, '/') + 1);

	if (str_eqz(str_c(entry->kind), "packs"))
		return pack_text(a, entry->path);
	if (str_eqz(str_c(entry->kind), "packages"))
		return rpm_lead_name(beginning(a, entry->path, RPM_LEAD_BYTES));
	if (str_eqz(str_c(entry->kind), "downloads"))
		return str_starts(beginning(a, entry->path, MAGIC_BYTES), "!<arch>")
			       ? STR("package of an upstream")
			       : STR("index of an upstream");
	if (str_eqz(str_c(entry->kind), "solutions") || str_eqz(str_c(entry->kind), "universe"))
		return kept_text(a, entry->path);
	return name;
}

static int least_recent_first(const void *x, const void *y)
{
	const struct cache_entry *p = x, *q = y;

	return p->used_sec != q->used_sec ? (p->used_sec < q->used_sec ? -1 : 1)
					  : strcmp(p->path, q->path);
}

void cache_prune_choose(struct arena *a, const vec_cache_entry *all,
			const struct cache_limits *limits, vec_cache_entry *ret)
{
	vec_cache_entry sorted = { 0 };
	uint64_t left_bytes = 0;

	vec_each(entry, all) {
		left_bytes += entry->size_bytes;
		if (!entry->keep)
			vec_push(a, &sorted) = *entry;
	}
	if (sorted.n > 0)
		qsort(sorted.p, sorted.n, sizeof(*sorted.p), least_recent_first);
	*ret = sorted;
	ret->n = 0;
	for (size_t i = 0; i < sorted.n; i++) {
		if (sorted.p[i].used_sec >= limits->used_after_sec &&
		    left_bytes <= limits->size_bytes)
			break;
		left_bytes -= sorted.p[i].size_bytes;
		ret->n++;
	}
}

int cache_prune(const char *cache, const vec_cache_entry *entries, struct err *e)
{
	temps_clean(cache);
	vec_each(entry, entries)
		if (unlink(entry->path) < 0 && errno != ENOENT)
			return err_sys(e, "remove '%s'", entry->path);
	return 0;
}
