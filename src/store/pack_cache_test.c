/* SPDX-License-Identifier: MIT */
#include "store/pack_cache.h"

#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <utime.h>

#include "base/io.h"
#include "base/test.h"
#include "base/thread_pool.h"

enum { CONTENT_BYTES = 1 << 20, OLD_SEC = 1000000000 };

static const struct erofs_compression none = { EROFS_CODEC_NONE, 0, 4096 };

struct made {
	struct str recipe, bytes;
	struct segments segments;
};

/* The bytes of a pack with one large file. */
static struct made make(struct arena *a)
{
	const struct recipe x = recipe_new(a, RECIPE_CONVERSION, STR("x"));
	struct made m = { .recipe = pack_recipe(a, &x, &none) };
	struct rpm_package p = { .meta = { .name = STR("x") } };
	uint8_t *content = arena_alloc(a, CONTENT_BYTES);
	struct err e;

	for (uint32_t i = 0; i < CONTENT_BYTES; i++)
		content[i] = (uint8_t)(i * 2654435761u >> 24);
	vec_push(a, &p.files) = (struct rpm_file){ .path = STR("/x"),
						   .mode = S_IFREG | 0644,
						   .data = { (char *)content, CONTENT_BYTES } };
	assert_ok(pack_encode(a, m.recipe, &p, NULL, &none, &m.segments, &e), &e);
	m.bytes = (struct str){ (char *)segments_flatten(a, &m.segments), m.segments.size_bytes };
	return m;
}

static bool blocks_good(const struct pack *p)
{
	return pack_blocks_good(&p->files[0].content.blocks);
}

static time_t modified(const char *path)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	return st.st_mtime;
}

static void test_cache(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct made m = make(&a);
	char *cache = path_join(&a, test_dir(&a), "cache"),
	     *path = pack_cache_path(&a, cache, m.recipe);
	struct utimbuf old = { OLD_SEC, OLD_SEC }, recent = { time(NULL) - 60, time(NULL) - 60 };
	struct pack *p;
	struct err e;

	(void)state;
	assert_int_equal(pack_cache_get(&a, cache, m.recipe, &p, &e), -ENOENT);
	assert_ok(pack_cache_put(&a, cache, m.recipe, &m.segments, &p, &e), &e);
	pack_close(p);
	assert_int_equal(utime(path, &old), 0);
	assert_ok(pack_cache_get(&a, cache, m.recipe, &p, &e), &e);
	assert_str(p->recipe, str_z(&a, m.recipe));
	assert_true(modified(path) > OLD_SEC);
	assert_int_equal(utime(path, &recent), 0);
	pack_discard(p);
	assert_false(file_exists(path));
	pack_close(p);

	/* in its place lies another, then nothing whole */
	assert_ok(file_write(path, 0644, m.bytes.p, m.bytes.n, &e), &e);
	assert_int_equal(utime(path, &recent), 0);
	assert_ok(pack_cache_get(&a, cache, m.recipe, &p, &e), &e);
	assert_int_equal(modified(path), recent.modtime);
	assert_ok(file_write(path, 0644, m.bytes.p, m.bytes.n, &e), &e);
	pack_discard(p); /* is another file by now */
	assert_true(file_exists(path));
	pack_close(p);
	assert_int_equal(rename(path, pack_cache_path(&a, cache, STR("other"))), 0);
	assert_int_equal(pack_cache_get(&a, cache, STR("other"), &p, &e), -EBADMSG);
	assert_non_null(strstr(e.msg, "is made from something else"));
	assert_int_equal(pack_cache_get(&a, cache, STR("other"), &p, &e), -ENOENT);
	assert_ok(file_write(path, 0644, m.bytes.p, m.bytes.n - 1, &e), &e);
	assert_int_equal(pack_cache_get(&a, cache, m.recipe, &p, &e), -EBADMSG);
	assert_int_equal(pack_cache_get(&a, cache, m.recipe, &p, &e), -ENOENT);
}

struct many {
	const struct made *m;
	const char *cache;
};

static int put_and_get(void *arg, size_t i, struct err *e)
{
	_cleanup_arena_ struct arena a = { 0 };
	const struct many *many = arg;
	struct pack *put = NULL, *got = NULL;
	int r = pack_cache_put(&a, many->cache, many->m->recipe, &many->m->segments, &put, e);

	(void)i;
	if (r == 0)
		r = pack_cache_get(&a, many->cache, many->m->recipe, &got, e);
	if (r == 0 && !(blocks_good(put) && blocks_good(got)))
		r = err_set(e, -EBADMSG, "blocks are damaged");
	pack_close(put);
	pack_close(got);
	return r;
}

static void test_many_writers(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct made m = make(&a);
	struct many many = { &m, test_dir(&a) };
	vec_str names;
	struct err e;

	(void)state;
	assert_ok(thread_pool_for(4, 40, put_and_get, &many, &e), &e);
	assert_ok(dir_list(&a, path_join(&a, many.cache, "packs"), &names, &e), &e);
	assert_int_equal(names.n, 1);
}

/* Killed at any moment: there is a whole pack or none, and another process can go on. */
static void test_killed(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct made m = make(&a);
	struct many many = { &m, test_dir(&a) };
	char *packs = path_join(&a, many.cache, "packs");
	struct err e;

	(void)state;
	for (unsigned i = 0; i < 20; i++) {
		pid_t pid = fork();
		struct pack *p;
		int r;

		if (pid == 0)
			for (;;)
				if (put_and_get(&many, 0, &e) < 0)
					_exit(1);
		usleep(1000 + i * 300);
		kill(pid, SIGKILL);
		assert_int_equal(waitpid(pid, &r, 0), pid);
		assert_true(WIFSIGNALED(r));
		r = pack_cache_get(&a, many.cache, m.recipe, &p, &e);
		if (r == 0) {
			assert_true(blocks_good(p));
			pack_discard(p);
			pack_close(p);
		} else {
			assert_int_equal(r, -ENOENT);
		}
		dir_clean_temps(packs);
		assert_int_equal(rmdir(packs) == 0 || errno == ENOENT, 1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cache),
		cmocka_unit_test(test_many_writers),
		cmocka_unit_test(test_killed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
