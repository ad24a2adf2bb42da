/* SPDX-License-Identifier: MIT */
#include "disk/verity.h"

#include "base/test.h"

#include "base/proc.h"

static const uint8_t uuid[16] = { 0xa5, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15 };

static uint8_t *pattern(struct arena *a, size_t n)
{
	uint8_t *p = arena_alloc(a, n);

	for (size_t i = 0; i < n; i++)
		p[i] = (uint8_t)(i * 31 + i / 4096);
	return p;
}

static void salt_make(uint8_t ret[VERITY_SALT_BYTES])
{
	for (int i = 0; i < VERITY_SALT_BYTES; i++)
		ret[i] = (uint8_t)(i * 7 + 1);
}

static struct verity build(struct arena *a, const struct segments *data, unsigned n_threads)
{
	uint8_t salt[VERITY_SALT_BYTES];
	struct verity v;
	struct err e;

	salt_make(salt);
	assert_ok(verity_build(a, data, salt, uuid, n_threads, &v, &e), &e);
	return v;
}

static struct str run(struct arena *a, const char *const *argv)
{
	struct proc_result r;
	struct err e;

	assert_ok(proc_run(a, argv, (struct str){ 0 }, NULL, &r, &e), &e);
	if (r.status != 0)
		fail_msg("%s %s: status %d: %.*s%.*s", argv[0], argv[1], r.status, STR_FMT(r.out),
			 STR_FMT(r.err));
	return r.out;
}

/* veritysetup makes the same tree and accepts ours. */
static void judge(struct arena *a, const uint8_t *data, size_t n, const struct verity *v)
{
	char *dir = test_dir(a), *data_path = path_join(a, dir, "data"),
	     *hash_path = path_join(a, dir, "hash");
	char *theirs_path = path_join(a, dir, "theirs");
	char *root = str_z(a, hex_encode(a, v->root_hash, SHA256_BYTES));
	uint8_t *hash = segments_flatten(a, &v->hash);
	struct str theirs, out;
	struct err e;

	assert_ok(file_write(data_path, 0644, data, n, &e), &e);
	assert_ok(file_write(hash_path, 0644, hash, v->hash.size_bytes, &e), &e);
	run(a, (const char *[]){ "/usr/sbin/veritysetup", "verify", data_path, hash_path, root,
				 NULL });
	out = run(a, (const char *[]){ "/usr/sbin/veritysetup", "dump", hash_path, NULL });
	assert_true(str_has(out, "a5010203-0405-0607-0809-0a0b0c0d0e0f"));
	assert_true(str_has(out, str_z(a, hex_encode(a, v->salt, VERITY_SALT_BYTES))));
	out = run(a, (const char *[]){ "/usr/sbin/veritysetup", "format", "--uuid",
				       "a5010203-0405-0607-0809-0a0b0c0d0e0f", "--salt",
				       str_z(a, hex_encode(a, v->salt, VERITY_SALT_BYTES)),
				       data_path, theirs_path, NULL });
	assert_true(str_has(out, root));
	assert_ok(file_read(a, theirs_path, 64 << 20, &theirs, &e), &e);
	assert_int_equal(theirs.n, v->hash.size_bytes);
	assert_memory_equal(theirs.p, hash, theirs.n);
	assert_ok(dir_remove(dir, &e), &e);
}

static void test_sizes(void **state)
{
	static const size_t blocks[] = { 1, 2, 128, 129, 257, 16385 };

	(void)state;
	for (size_t i = 0; i < sizeof(blocks) / sizeof(*blocks); i++) {
		_cleanup_arena_ struct arena a = { 0 };
		size_t n = blocks[i] * VERITY_BLOCK_BYTES;
		uint8_t *data = pattern(&a, n), *hash;
		struct segments s = { 0 };
		struct verity_super super;
		struct verity v, one;
		struct err e;

		segments_add(&a, &s, data, n);
		v = build(&a, &s, 4);
		one = build(&a, &s, 1);
		hash = segments_flatten(&a, &v.hash);
		assert_memory_equal(v.root_hash, one.root_hash, SHA256_BYTES);
		assert_ok(verity_super_parse(hash, v.hash.size_bytes, &super, &e), &e);
		assert_int_equal(super.data_blocks, blocks[i]);
		assert_int_equal(super.salt_bytes, VERITY_SALT_BYTES);
		assert_memory_equal(super.salt, v.salt, VERITY_SALT_BYTES);
		assert_memory_equal(super.uuid, uuid, 16);
		assert_memory_equal(verity_super_write(&a, &super).p, hash, VERITY_BLOCK_BYTES);
		assert_int_equal(verity_hash_bytes(blocks[i]), v.hash.size_bytes);
		assert_ok(verity_check(data, n, hash, v.hash.size_bytes, v.root_hash, 2, &e), &e);
		if (file_exists("/usr/sbin/veritysetup"))
			judge(&a, data, n, &v);
	}
}

/* Segments of odd sizes and of zeroes give what the same bytes in one run give. */
static void test_segments(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct segments s = { 0 }, flat = { 0 };
	uint8_t *data = pattern(&a, 1 << 20);
	struct verity x, y;
	uint32_t seed = 1;

	(void)state;
	while (s.size_bytes < 4 << 20) {
		seed = seed * 1664525 + 1013904223;
		if (seed >> 28 == 0)
			segments_zero(&a, &s, seed % 9000);
		else if (seed >> 28 < 4)
			segments_add(&a, &s, data + seed % 1000, seed % 60000);
		else
			segments_add(&a, &s, data + seed % 1000, seed % 700);
		if (seed % 5 == 0)
			segments_align(&a, &s, VERITY_BLOCK_BYTES);
	}
	segments_align(&a, &s, VERITY_BLOCK_BYTES);
	segments_add(&a, &flat, segments_flatten(&a, &s), s.size_bytes);
	x = build(&a, &s, 2);
	y = build(&a, &flat, 1);
	assert_memory_equal(x.root_hash, y.root_hash, SHA256_BYTES);
}

/* Digests that lie beside their blocks are taken, with the salt that they were made with. */
static void test_kept_leaves(void **state)
{
	enum { BLOCKS = 600 };
	_cleanup_arena_ struct arena a = { 0 };
	uint8_t *data = pattern(&a, (BLOCKS + 1) * 4096), salt[VERITY_SALT_BYTES];
	uint8_t *leaves = arena_alloc(&a, BLOCKS * SHA256_BYTES);
	struct segment_blocks blocks = { -1, data, 4096, BLOCKS, leaves };
	struct segments s = { 0 }, plain = { 0 };
	struct verity x, y;
	struct err e;

	(void)state;
	verity_salt(salt);
	sha256_blocks(salt, sizeof(salt), data + 4096, 4096, BLOCKS, leaves);
	segments_add(&a, &plain, data, 1000);
	segments_align(&a, &plain, 4096);
	segments_append(&a, &s, &plain);
	segments_add_blocks(&a, &s, &blocks, data + 3 * 4096, 500 * 4096);
	segments_add(&a, &plain, data + 3 * 4096, 500 * 4096);
	segments_add_blocks(&a, &s, &blocks, data + 4096, 4096);
	segments_add(&a, &plain, data + 4096, 4096);
	assert_ok(verity_build(&a, &s, salt, uuid, 2, &x, &e), &e);
	assert_ok(verity_build(&a, &plain, salt, uuid, 2, &y, &e), &e);
	assert_memory_equal(x.root_hash, y.root_hash, SHA256_BYTES);
	leaves[SHA256_BYTES * 2] ^= 1; /* which shows that they are */
	assert_ok(verity_build(&a, &s, salt, uuid, 2, &x, &e), &e);
	assert_memory_not_equal(x.root_hash, y.root_hash, SHA256_BYTES);
	assert_memory_equal(build(&a, &s, 1).root_hash, build(&a, &plain, 1).root_hash,
			    SHA256_BYTES);
}

static void check_fails(const uint8_t *data, size_t n, const uint8_t *hash, const struct verity *v,
			const char *text)
{
	struct err e;

	assert_err(verity_check(data, n, hash, v->hash.size_bytes, v->root_hash, 2, &e), &e, text);
}

static void test_first_difference(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	size_t n = 300 * VERITY_BLOCK_BYTES;
	uint8_t *data = pattern(&a, n), *hash;
	struct segments s = { 0 };
	struct verity v;

	(void)state;
	segments_add(&a, &s, data, n);
	v = build(&a, &s, 1);
	hash = segments_flatten(&a, &v.hash);

	data[299 * 4096 + 5] ^= 1;
	check_fails(data, n, hash, &v,
		    "block 299 of the data (byte 1224704) differs from its digest");
	data[257 * 4096] ^= 0x80;
	check_fails(data, n, hash, &v,
		    "block 257 of the data (byte 1052672) differs from its digest");
	data[257 * 4096] ^= 0x80;
	data[299 * 4096 + 5] ^= 1;

	hash[4 * 4096 + 4095] ^=
		1; /* the super block, the top, three blocks of leaves: the padding of the last */
	check_fails(data, n, hash, &v,
		    "block 4 of the hash tree (byte 16384) differs from its digest");
	hash[4096] ^= 1;
	check_fails(data, n, hash, &v,
		    "block 1 of the hash tree (byte 4096) differs from its digest");
	hash[4096] ^= 1;
	hash[4 * 4096 + 4095] ^= 1;
	v.root_hash[31] ^= 1;
	check_fails(data, n, hash, &v, "block 1 of the hash tree");
	v.root_hash[31] ^= 1;
	check_fails(data, n - 4096, hash, &v,
		    "the hash tree is for 300 blocks of data, there are 299");
	v.hash.size_bytes -= 4096;
	check_fails(data, n, hash, &v, "the hash tree should have 5 blocks, there are 4");
}

static void test_one_block_differs(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	uint8_t *data = pattern(&a, 4096), *hash;
	struct segments s = { 0 };
	struct verity v;

	(void)state;
	segments_add(&a, &s, data, 4096);
	v = build(&a, &s, 1);
	hash = segments_flatten(&a, &v.hash);
	data[0] ^= 1;
	check_fails(data, 4096, hash, &v, "block 0 of the data (byte 0) differs from its digest");
}

static void test_bad_sizes(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct segments s = { 0 };
	uint8_t salt[VERITY_SALT_BYTES] = { 0 };
	struct verity v;
	struct err e;

	(void)state;
	assert_err(verity_build(&a, &s, salt, uuid, 1, &v, &e), &e,
		   "whole blocks of 4096 bytes, not 0 bytes");
	segments_zero(&a, &s, 4097);
	assert_err(verity_build(&a, &s, salt, uuid, 1, &v, &e), &e,
		   "whole blocks of 4096 bytes, not 4097 bytes");
}

static void test_bad_super(void **state)
{
	static const struct {
		size_t at;
		uint8_t to;
		const char *text;
	} rows[] = {
		{ 0, 'V', "no verity super block: it does not begin with 'verity'" },
		{ 8, 2, "has version 2 and hash type 1, not 1 and 1" },
		{ 12, 0, "has version 1 and hash type 0, not 1 and 1" },
		{ 35, '5', "names the digest 'sha556', not 'sha256'" },
		{ 65, 2, "has blocks of 512 and 4096 bytes, not 4096" },
		{ 72, 0, "is for 0 blocks of data" },
		{ 79, 0x80, "is for 9223372036854775809 blocks of data" },
		{ 81, 2, "has a salt of 544 bytes, more than 256" },
	};
	_cleanup_arena_ struct arena a = { 0 };
	struct segments s = { 0 };
	struct verity_super super;
	struct verity v;
	uint8_t *hash;
	struct err e;

	(void)state;
	segments_zero(&a, &s, 4096);
	v = build(&a, &s, 1);
	hash = segments_flatten(&a, &v.hash);
	assert_err(verity_super_parse(hash, 511, &super, &e), &e,
		   "511 bytes hold no verity super block of 512");
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		uint8_t old = hash[rows[i].at];

		hash[rows[i].at] = rows[i].to;
		assert_err(verity_super_parse(hash, 4096, &super, &e), &e, rows[i].text);
		hash[rows[i].at] = old;
	}
}

static void test_partition_uuids(void **state)
{
	uint8_t hash[SHA256_BYTES], root[16], tree[16];

	(void)state;
	for (int i = 0; i < SHA256_BYTES; i++)
		hash[i] = (uint8_t)i;
	verity_partition_uuids(hash, root, tree);
	assert_memory_equal(root, hash, 16);
	assert_memory_equal(tree, hash + 16, 16);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_segments),
		cmocka_unit_test(test_kept_leaves),
		cmocka_unit_test(test_first_difference),
		cmocka_unit_test(test_one_block_differs),
		cmocka_unit_test(test_bad_sizes),
		cmocka_unit_test(test_bad_super),
		cmocka_unit_test(test_partition_uuids),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
