/* SPDX-License-Identifier: MIT */
#include "store/store.h"

#include <fcntl.h>

#include "rpm/rpm_test.h"

static struct arena *a;
static struct err e;
static unsigned made; /* by the maker */
static unsigned input;
static struct progress *quiet;
static struct openpgp_key *own_key;

static void inputs(struct recipe *r, const struct store_want *want)
{
	recipe_number(r, "input", input);
	recipe_line(r, "upstream-file", hex_encode(r->text.a, want->meta->sha256, SHA256_BYTES));
}

static int make(struct arena *work, const struct store_want *want, struct str source,
		const struct openpgp_key *key, struct str *ret, struct err *why)
{
	struct rpm_package p = test_package(work);

	made++;
	assert_str(source, "source");
	p.meta = *want->meta;
	return rpm_write(work, &p, key, 3, ret, why);
}

static const struct maker maker = { RECIPE_CONVERSION, inputs, make };

/* One package, whose upstream's file lies in a folder. */
struct shelf {
	struct store_options o;
	struct rpm_meta meta;
	struct store_want want;
};

static struct shelf *shelf_new(void)
{
	struct shelf *s = arena_new(a, struct shelf);
	const char *mirror = test_dir(a);

	*s = (struct shelf){ .o = { .cache = test_dir(a),
				    .jobs = 1,
				    .progress = quiet,
				    .key = own_key,
				    .how = { EROFS_CODEC_NONE, 0, 4096 } },
			     .meta = test_package(a).meta,
			     .want = { .maker = &maker, .meta = &s->meta } };
	s->meta.mirror = str_printf(a, "file://%s", mirror);
	s->meta.location = STR("source");
	s->meta.size_bytes = strlen("source");
	sha256("source", strlen("source"), s->meta.sha256);
	assert_ok(file_write(path_join(a, mirror, "source"), 0644, "source", 6, &e), &e);
	made = input = 0;
	return s;
}

/* What is stored of the package; the digest of its file. */
static struct str stored(struct shelf *s)
{
	struct store *store = store_new(&s->o);
	struct stored_package *packages;
	struct str digest;

	assert_ok(store_get(store, &s->want, 1, &packages, &e), &e);
	digest = hex_encode(a, packages[0].sha256, SHA256_BYTES);
	store_free(store);
	return digest;
}

static void test_made_once(void **state)
{
	struct shelf *s = shelf_new();
	struct str first = stored(s);

	(void)state;
	assert_int_equal(made, 1);
	assert_str(stored(s), str_z(a, first));
	assert_int_equal(made, 1);
	/* cut in another way: of the same package file */
	s->o.how = (struct erofs_compression){ EROFS_CODEC_ZSTD, 3, 65536 };
	assert_str(stored(s), str_z(a, first));
	assert_int_equal(made, 1);
}

static void test_changed_input(void **state)
{
	struct shelf *s = shelf_new();

	(void)state;
	stored(s);
	input = 1;
	stored(s);
	assert_int_equal(made, 2);
	input = 0;
	stored(s);
	assert_int_equal(made, 2);
}

/* Another key signs: nothing of the first one's is taken. */
static void test_changed_key(void **state)
{
	struct shelf *s = shelf_new();
	struct signer *signer;
	struct openpgp_key *key;
	struct str pem, first = stored(s);

	(void)state;
	assert_ok(file_read(a, "test/data/package-signing.pem", 1 << 20, &pem, &e), &e);
	assert_ok(signer_pem_parse(pem, &signer, &e), &e);
	/* of another time: another fingerprint */
	assert_ok(openpgp_new(signer, STR("Test <test@ashlar.invalid>"), 1600000000, &key, &e), &e);
	s->o.key = key;
	assert_false(str_eq(stored(s), first));
	assert_int_equal(made, 2);
	openpgp_free(key);
	signer_free(signer);
}

static struct str front(struct shelf *s, const char *damage)
{
	struct store *store = store_new(&s->o);
	struct stored_package *packages;
	struct str bytes = { 0 };
	int fd;

	assert_ok(store_get(store, &s->want, 1, &packages, &e), &e);
	if (damage) {
		fd = open(packages[0].path, O_WRONLY | O_CLOEXEC);
		assert_int_equal(pwrite(fd, damage, strlen(damage), 200), strlen(damage));
		close(fd);
		assert_int_equal(stored_front_read(a, &packages[0], &bytes, &e), -ESTALE);
		assert_non_null(strstr(e.msg, "cache: package 'hello' was damaged"));
		assert_int_equal(stored_front_read(a, &packages[0], &bytes, &e), -ESTALE);
		assert_non_null(strstr(e.msg, "No such file"));
	} else {
		_cleanup_map_ struct str map = { 0 };
		struct str all;

		assert_ok(stored_front_read(a, &packages[0], &bytes, &e), &e);
		assert_ok(stored_rpm_read(a, &packages[0], &map, &all, &e), &e);
		assert_true(bytes.n > 500 && bytes.n < all.n);
		assert_true(str_eq(bytes, str_head(all, bytes.n)));
		/* the magic of the payload, which is zstd */
		assert_memory_equal(all.p + bytes.n, "\x28\xb5\x2f\xfd", 4);
	}
	store_free(store);
	return bytes;
}

/* A part of the package file is read, and checked like the whole. */
static void test_front(void **state)
{
	struct shelf *s = shelf_new();
	struct str first = front(s, NULL);

	(void)state;
	front(s, "x");
	assert_int_equal(made, 1);
	assert_true(str_eq(front(s, NULL), first));
	assert_int_equal(made, 2);
}

static int setup(void **state)
{
	(void)state;
	a = calloc(1, sizeof(*a));
	if (!a)
		return -1;
	quiet = progress_new(PROGRESS_QUIET);
	own_key = test_key(a);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	openpgp_free(own_key);
	progress_free(quiet);
	arena_done(a);
	free(a);
	return 0;
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = { TEST(test_made_once), TEST(test_changed_input),
					    TEST(test_changed_key), TEST(test_front) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
