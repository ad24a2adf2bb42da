/* SPDX-License-Identifier: MIT */
#include "image/repository.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "rpm/rpm_test.h"

enum { PACKAGES = 3, PAYLOAD_BYTES_MAX = 1 << 20, EPOCH = 1720000000 };

static struct arena *a;
static struct err e;
static struct openpgp_key *key;

struct shelf {
	struct pack packs[PACKAGES];
	struct stored_package packages[PACKAGES];
};

/* Packages as a store gives them; the last one in another version when @news. */
static struct shelf *shelf_new(bool news)
{
	static const char *const names[PACKAGES] = { "a-z", "a", "b" };
	struct shelf *s = arena_new(a, struct shelf);
	const char *dir = test_dir(a);

	for (size_t i = 0; i < PACKAGES; i++) {
		struct rpm_package p = test_package(a), again;
		struct stored_package *out = &s->packages[i];
		struct pack_rpm *rpm = &s->packs[i].rpm;
		struct str bytes;

		p.meta.name = str_c(names[i]);
		if (news && i + 1 == PACKAGES)
			p.meta.version = STR("99");
		assert_ok(rpm_write(a, &p, key, 3, &bytes, &e), &e);
		assert_ok(rpm_read(a, bytes, key, PAYLOAD_BYTES_MAX, &again, &e), &e);
		rpm->bytes = bytes.n;
		rpm->front_bytes = again.front_bytes;
		sha256(bytes.p, bytes.n, rpm->sha256);
		sha256(bytes.p, again.front_bytes, rpm->front_sha256);
		*out = (struct stored_package){ .package = again,
						.pack = &s->packs[i],
						.path = path_join(a, dir, names[i]) };
		memcpy(out->sha256, rpm->sha256, SHA256_BYTES);
		assert_ok(file_write(out->path, 0644, bytes.p, bytes.n, &e), &e);
	}
	return s;
}

/* As image_outputs() does it. */
static void put(const char *dir, const struct shelf *s)
{
	char *temp = path_join(a, test_dir(a), "new");

	assert_ok(dir_make(temp, &e), &e);
	assert_ok(repository_write(temp, dir, s->packages, PACKAGES, key, EPOCH, 2, &e), &e);
	assert_ok(dir_remove(dir, &e), &e);
	assert_int_equal(rename(temp, dir), 0);
	repository_seal(dir);
}

static bool holds(const char *dir, const struct shelf *s)
{
	return repository_holds(dir, s->packages, PACKAGES, key);
}

/* Paths of all files in it. */
static vec_str paths(const char *dir)
{
	struct str out = test_run(a, (const char *[]){ "sh", "-c", "find \"$0\" -type f | sort",
						       dir, NULL });
	vec_str ret = { 0 };

	while (out.n > 0)
		vec_push(a, &ret) = str_cut(&out, '\n');
	return ret;
}

static void assert_same_files(const char *x, const char *y)
{
	assert_str(test_run(a, (const char *[]){ "diff", "-r", x, y, NULL }), "");
}

static void test_holds(void **state)
{
	struct shelf *s = shelf_new(false), *news = shelf_new(true);
	const char *dir = path_join(a, test_dir(a), "r"), *sums = path_join(a, dir, "SHA256SUMS");
	struct openpgp_key *other;

	(void)state;
	assert_false(holds(dir, s));
	put(dir, s);
	assert_true(holds(dir, s));
	assert_true(file_exists(sums));
	test_run(a, (const char *[]){ "sh", "-c", "cd \"$0\" && sha256sum --quiet -c SHA256SUMS",
				      dir, NULL });
	assert_false(holds(dir, news));
	assert_false(repository_holds(dir, s->packages, PACKAGES - 1, key));
	other = test_key(a);
	assert_true(repository_holds(dir, s->packages, PACKAGES, other));
	openpgp_free(other);
}

/* Whatever is gone, cut short, or changed with its time set back, is noticed and made again. */
static void test_damage(void **state)
{
	struct shelf *s = shelf_new(false);
	const char *dir = path_join(a, test_dir(a), "r"), *first = path_join(a, test_dir(a), "r");
	vec_str all;

	(void)state;
	put(first, s);
	put(dir, s);
	all = paths(dir);
	assert_int_equal(all.n, PACKAGES + 8);
	for (size_t i = 0; i < all.n; i++) {
		const char *path = str_z(a, all.p[i]);
		struct stat st;
		int fd;

		assert_true(holds(dir, s));
		assert_int_equal(stat(path, &st), 0);
		usleep(10000); /* time of files goes in steps */
		if (i % 3 == 0) {
			assert_int_equal(unlink(path), 0);
		} else if (i % 3 == 1) {
			assert_int_equal(truncate(path, st.st_size - 1), 0);
		} else {
			fd = open(path, O_WRONLY | O_CLOEXEC);
			assert_int_equal(pwrite(fd, "?", 1, st.st_size / 2), 1);
			assert_int_equal(futimens(fd, (const struct timespec[]){ st.st_atim,
										 st.st_mtim }),
					 0);
			close(fd);
		}
		if (holds(dir, s))
			fail_msg("%s: damage %zu is not noticed", path, i % 3);
		put(dir, s);
		assert_same_files(dir, first);
	}
}

/* The same as from nothing; what did not change is not copied. */
static void test_one_changed(void **state)
{
	struct shelf *s = shelf_new(false), *news = shelf_new(true);
	const char *dir = path_join(a, test_dir(a), "r"), *whole = path_join(a, test_dir(a), "r");
	struct stat was, is;
	const char *kept;

	(void)state;
	put(dir, s);
	kept = path_join(a, dir, "a-2.10~rc1-3+b1.x86_64.rpm");
	assert_int_equal(stat(kept, &was), 0);
	put(dir, news);
	put(whole, news);
	assert_int_equal(stat(kept, &is), 0);
	assert_int_equal(was.st_ino, is.st_ino);
	assert_true(holds(dir, news));
	assert_same_files(dir, whole);
}

/* All that is damaged in the cache goes in one try. */
static void test_damaged_cache(void **state)
{
	struct shelf *s = shelf_new(false);
	const char *dir = path_join(a, test_dir(a), "r");

	(void)state;
	for (size_t i = 0; i < 2; i++)
		assert_int_equal(truncate(s->packages[i].path, 100), 0);
	assert_ok(dir_make(dir, &e), &e);
	assert_int_equal(repository_write(dir, "/none", s->packages, PACKAGES, key, EPOCH, 2, &e),
			 -ESTALE);
	assert_non_null(strstr(e.msg, "cache: package 'a-z' was damaged"));
	for (size_t i = 0; i < PACKAGES; i++)
		assert_int_equal(file_exists(s->packages[i].path), i == 2);
}

static int setup(void **state)
{
	(void)state;
	a = calloc(1, sizeof(*a));
	if (a)
		key = test_key(a);
	return a ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	openpgp_free(key);
	arena_done(a);
	free(a);
	return 0;
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = { TEST(test_holds), TEST(test_damage),
					    TEST(test_one_changed), TEST(test_damaged_cache) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
