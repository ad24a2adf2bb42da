/* SPDX-License-Identifier: MIT */
#include "base/test.h"

#include "disk/erofs.h"

enum { MEGABYTE = 1 << 20 };

static const struct erofs_compression hows[] = {
	{ EROFS_CODEC_ZSTD, 9, 65536 },
	{ EROFS_CODEC_ZSTD, 3, 4096 },
	{ EROFS_CODEC_ZSTD, 1, MEGABYTE },
	{ EROFS_CODEC_LZ4HC, 9, 65536 },
};

/* Bytes of @n_kinds values, by chance: 256 do not shrink. */
static struct str content_make(struct arena *a, size_t n, unsigned n_kinds)
{
	char *p = arena_alloc(a, n);
	uint32_t x = 1;

	for (size_t i = 0; i < n; i++) {
		x = x * 1103515245 + 12345;
		p[i] = (char)((x >> 16) % n_kinds);
	}
	return (struct str){ p, n };
}

/* What a pack does: blocks where they lie, the rest in a fragment of its own, between others'. */
static struct erofs_content cut(struct arena *a, struct str content,
				const struct erofs_compression *how, struct erofs_fragment *f)
{
	struct erofs_content ret;
	struct err e = { 0 };
	struct str bytes;
	uint32_t rest;

	assert_ok(erofs_cut(a, content, how, &ret, &bytes, &rest, &e), &e);
	assert_int_equal(bytes.n % EROFS_BLOCK_BYTES, 0);
	assert_true(rest <= content.n && rest < EROFS_FRAGMENT_BYTES);
	ret.blocks = (struct segment){ .data = (const uint8_t *)bytes.p, .size_bytes = bytes.n };
	if (rest > 0) {
		struct str in = str_cat(a, STR("other"), str_from(content, content.n - rest));

		assert_ok(erofs_cut_fragment(a, in, how, &f->cluster, &bytes, &e), &e);
		assert_int_equal(bytes.n, f->cluster.n_blocks * EROFS_BLOCK_BYTES);
		f->blocks =
			(struct segment){ .data = (const uint8_t *)bytes.p, .size_bytes = bytes.n };
		ret.fragment = 0;
		ret.fragment_offset = 5;
	}
	return ret;
}

static void check_round(struct arena *a, struct str content, const struct erofs_compression *how)
{
	struct erofs_fragment f = { 0 };
	struct erofs_content c = cut(a, content, how, &f);
	struct err e = { 0 };
	struct str back;

	for (uint32_t i = 0; i < c.n_clusters; i++) {
		if (!c.clusters[i].plain)
			assert_true(c.clusters[i].n_blocks * EROFS_BLOCK_BYTES <=
				    how->cluster_bytes);
		if (i + 1 < c.n_clusters)
			assert_int_equal(c.clusters[i].n_bytes % EROFS_BLOCK_BYTES, 0);
	}
	assert_true(c.blocks.size_bytes <= content.n);
	assert_ok(erofs_content_read(a, how->codec, &c, &f, 1, &back, &e), &e);
	assert_true(str_eq(back, content));
}

static void test_round(void **state)
{
	static const size_t sizes[] = { 1, 4095, 4096, 32768, 32769, 100000, MEGABYTE + 1 };
	_cleanup_arena_ struct arena a = { 0 };

	(void)state;
	for (size_t h = 0; h < sizeof(hows) / sizeof(hows[0]); h++) {
		for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
			check_round(&a, content_make(&a, sizes[i], 7), &hows[h]);
			check_round(&a, content_make(&a, sizes[i], 1), &hows[h]);
			check_round(&a, content_make(&a, sizes[i], 256), &hows[h]);
		}
		check_round(&a,
			    str_cat(&a, content_make(&a, 200000, 5), content_make(&a, 150000, 256)),
			    &hows[h]);
	}
}

/* What does not shrink stays as it is, its end beside the inode. */
static void test_flat(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct erofs_content c = cut(&a, content_make(&a, 100000, 256), &hows[0], NULL);

	(void)state;
	assert_null(c.clusters);
	assert_int_equal(c.fragment, EROFS_NO_FRAGMENT);
	assert_int_equal(c.tail.n, 100000 % EROFS_BLOCK_BYTES);
	assert_int_equal(c.blocks.size_bytes, 100000 - c.tail.n);
}

static void test_empty(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct erofs_content c = cut(&a, STR(""), &hows[0], NULL);
	struct err e = { 0 };
	struct str back;

	(void)state;
	assert_ok(erofs_content_read(&a, EROFS_CODEC_ZSTD, &c, NULL, 0, &back, &e), &e);
	assert_int_equal(back.n, 0);
}

static void test_same(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct str content = content_make(&a, 300000, 9);

	(void)state;
	for (size_t h = 0; h < sizeof(hows) / sizeof(hows[0]); h++) {
		struct erofs_fragment f = { 0 };
		struct erofs_content x = cut(&a, content, &hows[h], &f),
				     y = cut(&a, content, &hows[h], &f);

		assert_int_equal(x.blocks.size_bytes, y.blocks.size_bytes);
		assert_memory_equal(x.blocks.data, y.blocks.data, x.blocks.size_bytes);
		assert_int_equal(x.n_clusters, y.n_clusters);
	}
}

static void test_limits(void **state)
{
	static const struct erofs_compression wrong[] = {
		{ EROFS_CODEC_ZSTD, 99, 65536 },
		{ EROFS_CODEC_LZ4HC, 13, 65536 },
		{ EROFS_CODEC_ZSTD, 9, 5000 },
	};
	_cleanup_arena_ struct arena a = { 0 };
	struct str content = content_make(&a, 100000, 7), bytes;
	struct erofs_cluster cluster;
	struct erofs_content c;
	struct err e = { 0 };
	uint32_t rest;

	(void)state;
	assert_err(erofs_cut(&a, content, &wrong[0], &c, &bytes, &rest, &e), &e,
		   "zstd: level 99 is not between 1 and ");
	assert_err(erofs_cut(&a, content, &wrong[1], &c, &bytes, &rest, &e), &e,
		   "lz4hc: level 13 is not between 1 and 12");
	assert_err(erofs_cut(&a, content, &wrong[2], &c, &bytes, &rest, &e), &e,
		   "clusters of 5000 bytes: want a multiple of 4096, at most 1048576");
	content = content_make(&a, EROFS_FRAGMENT_BYTES + 1, 7);
	assert_err(erofs_cut_fragment(&a, content, &hows[0], &cluster, &bytes, &e), &e,
		   "a fragment of ");
}

/* Every description that does not fit its bytes is refused. */
static void test_hostile(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct str content = content_make(&a, 100000, 7), back;
	struct erofs_fragment f = { 0 };
	struct erofs_content c = cut(&a, content, &hows[0], &f), bad = c;
	struct erofs_cluster clusters[1] = { c.clusters[0] };
	uint8_t *bytes = arena_copy(&a, c.blocks.data, c.blocks.size_bytes);
	struct err e = { 0 };

	(void)state;
	bad.size_bytes = UINT64_C(1) << 40;
	assert_err(erofs_content_read(&a, EROFS_CODEC_ZSTD, &bad, &f, 1, &back, &e), &e,
		   "more than 4 GiB");
	bad = c;
	bad.size_bytes = 5;
	assert_err(erofs_content_read(&a, EROFS_CODEC_ZSTD, &bad, &f, 1, &back, &e), &e,
		   "clusters hold more than the file");
	bad = c;
	bad.fragment = 7;
	assert_err(erofs_content_read(&a, EROFS_CODEC_ZSTD, &bad, &f, 1, &back, &e), &e,
		   "its fragment 7 of 1 does not exist");
	bad = c;
	bad.clusters = clusters;
	bad.n_clusters = 1;
	clusters[0].n_blocks++;
	bad.blocks.size_bytes = c.clusters[0].n_blocks * (uint64_t)EROFS_BLOCK_BYTES;
	assert_err(erofs_content_read(&a, EROFS_CODEC_ZSTD, &bad, &f, 1, &back, &e), &e,
		   "a cluster of ");
	bytes[c.blocks.size_bytes - 100] ^= 0x55;
	bytes[c.blocks.size_bytes - 5000] ^= 0x55;
	bytes[100] ^= 0x55;
	bad = c;
	bad.blocks.data = bytes;
	if (erofs_content_read(&a, EROFS_CODEC_ZSTD, &bad, &f, 1, &back, &e) == 0)
		assert_false(str_eq(back, content));
	assert_err(erofs_content_read(&a, EROFS_CODEC_LZ4HC, &c, &f, 1, &back, &e), &e, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round),  cmocka_unit_test(test_flat),
		cmocka_unit_test(test_empty),  cmocka_unit_test(test_same),
		cmocka_unit_test(test_limits), cmocka_unit_test(test_hostile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
