/* SPDX-License-Identifier: MIT */
#include "base/test.h"

#include "base/proc.h"
#include "disk/codec.h"

enum { TEXT_BYTES = 300000, OUT_MAX = 1 << 20 };

/* Text that shrinks, but not to nothing. */
static struct str text_make(struct arena *a)
{
	char *p = arena_alloc(a, TEXT_BYTES);
	uint32_t x = 1;

	for (size_t i = 0; i < TEXT_BYTES; i++) {
		x = x * 1103515245 + 12345;
		p[i] = (char)('a' + (x >> 16) % 7);
	}
	return (struct str){ p, TEXT_BYTES };
}

/* @in through a program of the machine. */
static struct str filter(struct arena *a, const char *program, const char *option, struct str in)
{
	const char *argv[] = { program, option, "-c", NULL };
	struct proc_result r;
	struct err e = { 0 };

	if (proc_run(a, argv, in, NULL, &r, &e) < 0)
		skip();
	assert_int_equal(r.status, 0);
	return r.out;
}

struct watched {
	struct str last;
	size_t times;
};

/* What was there before is still there, also where it was. */
static void watch(void *arg, struct str so_far)
{
	struct watched *w = arg;

	assert_true(so_far.n >= w->last.n);
	assert_memory_equal(so_far.p, w->last.p, w->last.n);
	w->last = so_far;
	w->times++;
}

static void check_watched(struct arena *a, struct str packed, struct str want)
{
	struct watched w = { 0 };
	struct err e = { 0 };
	struct str out;

	assert_ok(decompress_watched(a, packed, want.n, watch, &w, &out, &e), &e);
	assert_true(str_eq(out, want));
	assert_memory_equal(out.p, w.last.p, w.last.n);
	assert_true(w.times >= want.n >> 20);
}

static void check_expand(struct arena *a, struct str packed, struct str want)
{
	struct err e = { 0 };
	struct str out;

	assert_ok(decompress(a, packed, want.n, &out, &e), &e);
	assert_true(str_eq(out, want));
	assert_err(decompress(a, packed, want.n - 1, &out, &e), &e, "expands beyond");
	assert_err(decompress(a, str_head(packed, packed.n - 1), OUT_MAX, &out, &e), &e,
		   "in the middle of");
	assert_err(decompress(a, str_head(packed, packed.n / 2), OUT_MAX, &out, &e), &e,
		   "in the middle of");
	assert_true(decompress(a, str_cat(a, packed, STR("garbage")), OUT_MAX, &out, &e) < 0);
	assert_ok(decompress(a, str_cat(a, packed, packed), OUT_MAX, &out, &e), &e);
	assert_true(str_eq(out, str_cat(a, want, want)));
	check_watched(a, packed, want);
}

/* Damage of any byte is noticed, or did no harm; what it says is then the truth. */
static void check_damage(struct arena *a, struct str packed, struct str want)
{
	for (size_t i = 0; i < packed.n; i += packed.n / 97) {
		_cleanup_arena_ struct arena scratch = { 0 };
		struct str bad = str_dup(a, packed), out;
		struct err e = { 0 };

		((char *)(uintptr_t)bad.p)[i] ^= 0x10;
		if (decompress(&scratch, bad, OUT_MAX, &out, &e) == 0 && i > 10)
			assert_true(str_eq(out, want));
	}
}

static void test_zstd(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct str text = text_make(&a), packed, again;
	struct err e = { 0 };

	(void)state;
	assert_ok(zstd_compress(&a, text, 19, &packed, &e), &e);
	assert_ok(zstd_compress(&a, text, 19, &again, &e), &e);
	assert_true(str_eq(packed, again));
	assert_true(packed.n < text.n / 2);
	check_expand(&a, packed, text);
	check_damage(&a, packed, text);
	assert_ok(zstd_compress(&a, (struct str){ 0 }, 3, &packed, &e), &e);
	assert_ok(decompress(&a, packed, 0, &again, &e), &e);
	assert_int_equal(again.n, 0);
	assert_err(zstd_compress(&a, text, 99, &packed, &e), &e,
		   "zstd: level 99 is not between 1 and 22");
}

static void test_zstd_program(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct str text = text_make(&a), packed;
	struct err e = { 0 };

	(void)state;
	assert_ok(zstd_compress(&a, text, 3, &packed, &e), &e);
	assert_true(str_eq(filter(&a, "zstd", "-dq", packed), text));
	check_expand(&a, filter(&a, "zstd", "-q", text), text);
}

static void test_gzip_program(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct str text = text_make(&a), packed, again;
	struct err e = { 0 };

	(void)state;
	assert_ok(gzip_compress(&a, text, 6, &packed, &e), &e);
	assert_true(packed.n < text.n / 2);
	assert_true(str_eq(filter(&a, "gzip", "-dq", packed), text));
	assert_ok(decompress(&a, packed, text.n, &again, &e), &e);
	assert_true(str_eq(again, text));
	assert_ok(gzip_compress(&a, (struct str){ 0 }, 1, &packed, &e), &e);
	assert_int_equal(filter(&a, "gzip", "-dq", packed).n, 0);
	assert_err(gzip_compress(&a, text, 10, &packed, &e), &e, "gzip: no level 10");
}

static void test_xz(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct str text = text_make(&a), packed = filter(&a, "xz", "-6", text);

	(void)state;
	check_expand(&a, packed, text);
	check_damage(&a, packed, text);
}

static void test_gzip(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct str text = text_make(&a), packed = filter(&a, "gzip", "-n", text);

	(void)state;
	check_expand(&a, packed, text);
	check_damage(&a, packed, text);
}

/* A megabyte of zeroes in a thousand bytes: growth beyond what the first buffer holds. */
static void test_bomb(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct str zeroes = { arena_alloc(&a, 8 << 20), 8 << 20 }, out;
	struct str packed = filter(&a, "gzip", "-n", zeroes);
	char *lie = arena_copy(&a, packed.p, packed.n);
	struct err e = { 0 };

	(void)state;
	assert_true(packed.n < 16384);
	assert_ok(decompress(&a, packed, 8 << 20, &out, &e), &e);
	assert_true(str_eq(out, zeroes));
	memset(lie + packed.n - 4, 0, 4);
	assert_err(decompress(&a, (struct str){ lie, packed.n }, 4 << 20, &out, &e), &e,
		   "expands beyond 4194304 bytes");
	assert_err(decompress(&a, (struct str){ lie, packed.n }, 9 << 20, &out, &e), &e,
		   "gzip: incorrect length check");
}

static void test_plain(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct str in = STR("plain"), out;
	struct err e = { 0 };

	(void)state;
	assert_ok(decompress(&a, in, 5, &out, &e), &e);
	assert_ptr_equal(out.p, in.p);
	assert_err(decompress(&a, in, 4, &out, &e), &e, "expands beyond 4 bytes");
	assert_ok(decompress(&a, (struct str){ 0 }, 4, &out, &e), &e);
	assert_int_equal(out.n, 0);
}

static void test_segments(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct segments in = { 0 };
	struct str packed, text;
	struct err e;

	(void)state;
	segments_add(&a, &in, "begin", 5);
	segments_zero(&a, &in, 10000);
	segments_add(&a, &in, "end", 3);
	assert_ok(zstd_compress_segments(&a, &in, 3, &packed, &e), &e);
	assert_ok(decompress(&a, packed, 1 << 20, &text, &e), &e);
	assert_int_equal(text.n, in.size_bytes);
	assert_memory_equal(text.p, segments_flatten(&a, &in), text.n);
	in = (struct segments){ 0 };
	assert_ok(zstd_compress_segments(&a, &in, 3, &packed, &e), &e);
	assert_ok(decompress(&a, packed, 1 << 20, &text, &e), &e);
	assert_int_equal(text.n, 0);
	assert_err(zstd_compress_segments(&a, &in, 99, &packed, &e), &e,
		   "level 99 is not between 1 and ");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_zstd),         cmocka_unit_test(test_zstd_program),
		cmocka_unit_test(test_gzip_program), cmocka_unit_test(test_xz),
		cmocka_unit_test(test_gzip),         cmocka_unit_test(test_bomb),
		cmocka_unit_test(test_plain),        cmocka_unit_test(test_segments),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
