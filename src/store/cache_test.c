/* SPDX-License-Identifier: MIT */
#include "store/cache.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "base/test.h"
#include "store/pack_cache.h"

#define DIGEST "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcde"

/* A file of @n bytes, used last at @sec. */
static void put(struct arena *a, const char *cache, const char *name, size_t n, time_t sec)
{
	char *path = path_join(a, cache, name);
	struct timespec times[2] = { { .tv_sec = sec }, { .tv_sec = sec } };
	struct err e;

	assert_ok(dir_make(str_z(a, str_head(str_c(path), (size_t)(strrchr(path, '/') - path))),
			   &e),
		  &e);
	assert_ok(file_write(path, 0644, arena_alloc(a, n), n, &e), &e);
	assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
}

static char *cache_make(struct arena *a)
{
	char *cache = test_dir(a);

	put(a, cache, "packs/" DIGEST "3.pack", 300, 30);
	put(a, cache, "packs/" DIGEST "1.pack", 100, 10);
	put(a, cache, "downloads/" DIGEST "2", 200, 20);
	put(a, cache, "packages/" DIGEST "4.rpm", 400, 40);
	put(a, cache, "upstream/debian/trixie.release", 7, 1);
	/* nothing of ours */
	put(a, cache, "packages/" DIGEST "4.deb", 1, 1);
	put(a, cache, "packages/holiday.rpm", 1, 1);
	put(a, cache, "downloads/" DIGEST, 1, 1);
	put(a, cache, "downloads/" DIGEST "23", 1, 1);
	put(a, cache, "downloads/music/" DIGEST "2", 1, 1);
	put(a, cache, "letters/" DIGEST "2", 1, 1);
	put(a, cache, "packs.txt", 1, 1);
	return cache;
}

/* The sizes tell which. */
static void assert_sizes(struct arena *a, const vec_cache_entry *entries, const char *want)
{
	struct buf b = { .a = a };

	vec_each(entry, entries)
		buf_printf(&b, "%s%d", b.v.n ? " " : "", (int)entry->size_bytes);
	assert_str(((struct str){ (char *)b.v.p, b.v.n }), want);
}

static void test_list(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	char *cache = cache_make(&a);
	vec_cache_entry all;
	struct err e;

	(void)state;
	assert_ok(cache_list(&a, cache, &all, &e), &e);
	assert_sizes(&a, &all, "200 400 100 300 7");
	assert_str(cache_entry_text(&a, &all.p[0]), "index of an upstream");
	assert_true(str_has(cache_entry_text(&a, &all.p[2]), "shorter than a header"));
	assert_str(cache_entry_text(&a, &all.p[4]), "trixie.release");
	assert_int_equal(all.p[1].used_sec, 40);
	assert_err(cache_list(&a, "/none", &all, &e), &e, "cache '/none' is not there");
	assert_ok(cache_list(&a, test_dir(&a), &all, &e), &e);
	assert_int_equal(all.n, 0);
}

static void assert_prune(const char *cache, uint64_t used_after_sec, uint64_t size_bytes,
			 const char *want)
{
	_cleanup_arena_ struct arena a = { 0 };
	const struct cache_limits limits = { used_after_sec, size_bytes };
	vec_cache_entry all, go;
	struct err e;

	assert_ok(cache_list(&a, cache, &all, &e), &e);
	cache_prune_choose(&a, &all, &limits, &go);
	assert_sizes(&a, &go, want);
}

static void test_prune(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	char *cache = cache_make(&a);
	const struct cache_limits limits = { 25, UINT64_MAX };
	vec_cache_entry all, go;
	struct err e;

	(void)state;
	assert_prune(cache, 0, UINT64_MAX, "");
	assert_prune(cache, 20, UINT64_MAX, "100");
	assert_prune(cache, 21, UINT64_MAX, "100 200");
	assert_prune(cache, 0, 1007, "");
	assert_prune(cache, 0, 1006, "100");
	assert_prune(cache, 0, 410, "100 200 300");
	assert_prune(cache, 0, 0, "100 200 300 400");
	assert_prune(cache, 25, 500, "100 200 300");
	assert_prune(cache, UINT64_MAX, UINT64_MAX, "100 200 300 400");

	put(&a, cache, "packs/.tmp-1-0-x", 5, 1);
	assert_ok(cache_list(&a, cache, &all, &e), &e);
	cache_prune_choose(&a, &all, &limits, &go);
	assert_ok(cache_prune(cache, &go, &e), &e);
	assert_prune(cache, UINT64_MAX, 0, "300 400");
	assert_false(file_exists(path_join(&a, cache, "packs/.tmp-1-0-x")));
	assert_true(file_exists(path_join(&a, cache, "packages/holiday.rpm")));
	assert_ok(cache_prune(cache, &go, &e), &e); /* somebody else was faster */
}

static const struct erofs_compression none = { EROFS_CODEC_NONE, 0, 4096 },
				      zstd = { EROFS_CODEC_ZSTD, 3, 65536 };

static struct str recipe_with(struct arena *a, const char *inputs,
			      const struct erofs_compression *how)
{
	struct recipe r = recipe_new(a, RECIPE_CONVERSION, STR("x"));

	recipe_lines(&r, str_c(inputs));
	return pack_recipe(a, &r, how);
}

/* A pack of nothing, whose recipe has @inputs. */
static struct str pack_put(struct arena *a, const char *cache, const char *inputs)
{
	struct str recipe = recipe_with(a, inputs, &none);
	struct rpm_package p = { .meta = { .name = STR("x") } };
	struct segments bytes;
	struct pack *pack;
	struct err e;

	vec_push(a, &p.files) = (struct rpm_file){ .path = STR("/x"),
						   .mode = S_IFREG | 0644,
						   .data = { arena_alloc(a, 4096), 4096 } };
	assert_ok(pack_encode(a, recipe, &p, NULL, &none, &bytes, &e), &e);
	assert_ok(pack_cache_put(a, cache, recipe, &bytes, &pack, &e), &e);
	pack_close(pack);
	return recipe;
}

static void assert_reason(const char *cache, struct str recipe, const char *want)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct cache_reason *reason;
	struct err e;

	assert_ok(cache_explain(&a, cache, &recipe, 1, &reason, &e), &e);
	assert_int_equal(reason->there, want == NULL);
	if (want && !str_has(reason->why, want))
		fail_msg("want '%s' in '%.*s'", want, STR_FMT(reason->why));
}

static void test_explain(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	char *cache = test_dir(&a);
	vec_cache_entry all;
	const struct recipe y = recipe_new(&a, RECIPE_CONVERSION, STR("y"));
	struct str there = pack_put(&a, cache, "definition " DIGEST "1\nconversion 1\n");
	char *path = pack_cache_path(&a, cache, there);
	struct err e;
	int fd;

	(void)state;
	assert_ok(cache_list(&a, cache, &all, &e), &e);
	assert_int_equal(all.n, 1);
	assert_str(cache_entry_text(&a, &all.p[0]), "package x, not compressed");
	pack_put(&a, cache, "definition " DIGEST "2\nconversion 2\nversion 1\n");
	assert_reason(cache, there, NULL);
	assert_reason(cache, pack_recipe(&a, &y, &none), "never made");
	assert_reason(cache, recipe_with(&a, "definition " DIGEST "1\nconversion 3\n", &none),
		      "conversion changed: 1 -> 3");
	assert_reason(cache,
		      recipe_with(&a, "definition abcdef" DIGEST "\nconversion 2\nversion 1\n",
				  &zstd),
		      "definition changed: 01234567.. -> abcdef01..; codec changed: none -> zstd; "
		      "level is new: 3; cluster-bytes is new: 65536; library is new: zstd ");
	assert_reason(cache, recipe_with(&a, "definition " DIGEST "1\n", &none),
		      "conversion is gone: 1");
	fd = open(path, O_WRONLY | O_CLOEXEC);
	assert_int_equal(pwrite(fd, "x", 1, EROFS_BLOCK_BYTES), 1);
	assert_reason(cache, there, "is damaged: blocks not of their digests");
	assert_int_equal(pwrite(fd, "x", 1, 100), 1);
	close(fd);
	assert_reason(cache, there, "is damaged: not of the digest that its header says");
}

/* Builds hold it together, who prunes it alone. */
static void test_hold(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	char *cache = path_join(&a, test_dir(&a), "cache");
	struct progress *p = progress_new(PROGRESS_QUIET);
	int one, two;
	struct err e;

	(void)state;
	assert_err(cache_hold(cache, true, p, &one, &e), &e, "open cache '");
	assert_ok(cache_hold(cache, false, p, &one, &e), &e);
	assert_ok(cache_hold(cache, false, p, &two, &e), &e);
	close(one);
	close(two);
	assert_ok(cache_hold(cache, true, p, &one, &e), &e);
	close(one);
	progress_free(p);
}

/* Somebody else's, or one that others may write to, is not used. */
static void test_owner(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	char *cache = path_join(&a, test_dir(&a), "not/yet/cache");
	struct progress *p = progress_new(PROGRESS_QUIET);
	char *packs = path_join(&a, cache, "packs");
	struct stat st;
	struct err e;
	int fd;

	(void)state;
	assert_ok(cache_hold(cache, false, p, &fd, &e), &e);
	close(fd);
	assert_int_equal(stat(cache, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	assert_ok(dir_make(packs, &e), &e);
	assert_int_equal(chmod(cache, 0770), 0);
	assert_err(cache_hold(cache, false, p, &fd, &e), &e,
		   "may be written by others (mode 0770)");
	assert_int_equal(chmod(cache, 0702), 0);
	assert_err(cache_hold(cache, true, p, &fd, &e), &e, "may be written by others (mode 0702)");
	assert_int_equal(chmod(packs, 0777), 0);
	assert_int_equal(chmod(cache, 0755), 0);
	assert_err(cache_hold(cache, false, p, &fd, &e), &e, "packs' may be written by others");
	assert_int_equal(chmod(cache, 0700), 0); /* nobody comes there */
	assert_ok(cache_hold(cache, false, p, &fd, &e), &e);
	close(fd);
	if (geteuid() == 0) {
		assert_int_equal(chown(cache, 65534, 65534), 0);
		assert_err(cache_hold(cache, false, p, &fd, &e), &e,
			   "belongs to user 65534, and this is user 0");
	}
	progress_free(p);
}

/* Left by killed processes, wherever: gone when the cache is held. */
static void test_temps(void **state)
{
	static const char *const left[] = { "packs/.tmp-1-0-x", "downloads/.tmp-1-0-x",
					    "upstream/debian/.tmp-1-0-x", "universe/.tmp-1-0-x" };
	_cleanup_arena_ struct arena a = { 0 };
	char *cache = cache_make(&a);
	struct progress *p = progress_new(PROGRESS_QUIET);
	vec_cache_entry all;
	struct err e;
	int fd;

	(void)state;
	for (size_t i = 0; i < 4; i++)
		put(&a, cache, left[i], 5, 1);
	assert_ok(cache_hold(cache, false, p, &fd, &e), &e);
	close(fd);
	for (size_t i = 0; i < 4; i++)
		assert_false(file_exists(path_join(&a, cache, left[i])));
	assert_ok(cache_list(&a, cache, &all, &e), &e);
	assert_sizes(&a, &all, "200 400 100 300 7");
	progress_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_list),    cmocka_unit_test(test_prune),
		cmocka_unit_test(test_explain), cmocka_unit_test(test_hold),
		cmocka_unit_test(test_owner),   cmocka_unit_test(test_temps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
