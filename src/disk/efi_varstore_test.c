/* SPDX-License-Identifier: MIT */
#include "base/test.h"
#include "base/uuid.h"

#include "disk/efi_varstore.h"
#include "disk/gpt.h"

enum { FLASH_BYTES_MAX = 1 << 20, ATTRIBUTES = 0x27, HEADER_BYTES = 72, FIRST = 100 };

/* An empty image, as distributions ship it, but smaller. */
static struct str flash_make(struct arena *a, uint32_t store_bytes)
{
	static const char guids[][37] = { "fff12b8d-7696-4c8b-a985-2747075b4f50",
					  "aaf32c78-947b-439a-a180-2e144ec37792" };
	struct buf b = { .a = a };
	uint8_t text[16], guid[16];
	uint16_t sum = 0;

	buf_zero(&b, 16);
	assert_true(uuid_parse(str_c(guids[0]), text));
	uuid_swap(text, guid);
	buf_put(&b, guid, 16);
	buf_le64(&b, HEADER_BYTES + store_bytes);
	buf_put(&b, "_FVH", 4);
	buf_le32(&b, 0x4feff);
	buf_le16(&b, HEADER_BYTES);
	buf_le16(&b, 0);
	buf_le32(&b, 0x02000000);
	buf_zero(&b, 16); /* block map */
	for (size_t i = 0; i < HEADER_BYTES; i += 2)
		sum = (uint16_t)(sum + (b.v.p[i] | b.v.p[i + 1] << 8));
	b.v.p[50] = (uint8_t)-sum;
	b.v.p[51] = (uint8_t)(-sum >> 8);
	assert_true(uuid_parse(str_c(guids[1]), text));
	uuid_swap(text, guid);
	buf_put(&b, guid, 16);
	buf_le32(&b, store_bytes);
	buf_u8(&b, 0x5a);
	buf_u8(&b, 0xfe);
	buf_zero(&b, 6);
	while (b.v.n < HEADER_BYTES + store_bytes)
		buf_u8(&b, 0xff);
	return (struct str){ (char *)b.v.p, b.v.n };
}

static vec_efi_variable two(struct arena *a)
{
	vec_efi_variable v = { 0 };

	vec_push(a, &v) = (struct efi_variable){
		STR("PK"), { 0x8b, 0xe4, 0xdf, 0x61 }, ATTRIBUTES, 1700000000, STR("odd")
	};
	vec_push(a, &v) = (struct efi_variable){
		STR("db"), { 0xd7, 0x19, 0xb2, 0xcb }, ATTRIBUTES, 0, { 0 }
	};
	return v;
}

static void test_round(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	vec_efi_variable in = two(&a), got = { 0 };
	struct str flash = flash_make(&a, 1024), full;
	struct err e;

	(void)state;
	assert_ok(efi_varstore_read(&a, flash, &got, &e), &e);
	assert_int_equal(got.n, 0);
	assert_ok(efi_varstore_add(&a, flash, &in, &full, &e), &e);
	assert_int_equal(full.n, flash.n);
	/* the header (60 bytes) begins a multiple of 4, guid little-endian, name with its NUL */
	assert_memory_equal(full.p + FIRST, "\xaa\x55\x3f\x00\x27", 5);
	assert_memory_equal(full.p + FIRST + 16, "\xe7\x07\x0b\x0e\x16\x0d\x14", 7);
	assert_memory_equal(full.p + FIRST + 44, "\x61\xdf\xe4\x8b", 4);
	assert_memory_equal(full.p + FIRST + 60, "P\0K\0\0\0odd\xff\xff\xff\xaa\x55", 14);
	assert_ok(efi_varstore_read(&a, full, &got, &e), &e);
	assert_int_equal(got.n, 2);
	for (size_t i = 0; i < 2; i++) {
		assert_true(str_eq(got.p[i].name, in.p[i].name));
		assert_true(str_eq(got.p[i].data, in.p[i].data));
		assert_memory_equal(got.p[i].guid, in.p[i].guid, 16);
		assert_int_equal(got.p[i].attributes, ATTRIBUTES);
		assert_int_equal(got.p[i].time_sec, in.p[i].time_sec);
	}
}

static void test_states(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	vec_efi_variable in = two(&a), got = { 0 };
	struct str flash = flash_make(&a, 1024), full;
	struct efi_variable again;
	uint8_t *p;
	struct err e;

	(void)state;
	assert_ok(efi_varstore_add(&a, flash, &in, &full, &e), &e);
	p = (uint8_t *)full.p + FIRST + 2;
	*p = 0x3e; /* being replaced: still counts */
	assert_ok(efi_varstore_read(&a, full, &got, &e), &e);
	assert_int_equal(got.n, 2);
	*p = 0x3c; /* deleted */
	assert_ok(efi_varstore_read(&a, full, &got, &e), &e);
	assert_int_equal(got.n, 1);
	assert_str(got.p[0].name, "db");
	again = in.p[0];
	again.data = STR("newer");
	in = (vec_efi_variable){ 0 };
	vec_push(&a, &in) = again;
	assert_ok(efi_varstore_add(&a, full, &in, &full, &e), &e);
	((uint8_t *)full.p)[FIRST + 2] = 0x3e; /* its successor is there: that one counts */
	assert_ok(efi_varstore_read(&a, full, &got, &e), &e);
	assert_int_equal(got.n, 2);
	assert_str(got.p[1].data, "newer");
	assert_err(efi_varstore_add(&a, full, &in, &full, &e), &e, "'PK' is there already");
	memset((uint8_t *)full.p + FIRST + 36, 0xff,
	       8); /* power went in the middle of the header */
	((uint8_t *)full.p)[FIRST + 2] = 0xff;
	memset((uint8_t *)full.p + FIRST + 60, 0xff, 900);
	assert_ok(efi_varstore_read(&a, full, &got, &e), &e);
	assert_int_equal(got.n, 0);
}

static void test_refused(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	vec_efi_variable in = two(&a), got = { 0 };
	struct str flash = flash_make(&a, 160), bad;
	struct err e;

	(void)state;
	assert_err(efi_varstore_add(&a, flash, &in, &bad, &e), &e,
		   "140 bytes of EFI variables do not fit into the 132 that are free");
	assert_err(efi_varstore_read(&a, STR("short"), &got, &e), &e, "no flash image");
	assert_err(efi_varstore_read(&a, str_head(flash, 180), &got, &e), &e, "is damaged");
	bad = str_dup(&a, flash);
	((char *)bad.p)[44]++;
	assert_err(efi_varstore_read(&a, bad, &got, &e), &e, "firmware volume is damaged");
	bad = str_dup(&a, flash);
	((char *)bad.p)[48]++; /* a header of an odd number of bytes */
	assert_err(efi_varstore_read(&a, bad, &got, &e), &e, "firmware volume is damaged");
	bad = str_dup(&a, flash);
	((char *)bad.p)[HEADER_BYTES]++;
	assert_err(efi_varstore_read(&a, bad, &got, &e), &e, "no store of authenticated variables");
	bad = str_dup(&a, flash);
	((char *)bad.p)[HEADER_BYTES + 17]++;
	assert_err(efi_varstore_read(&a, bad, &got, &e), &e, "is not in the flash image");
	bad = str_dup(&a, flash);
	((char *)bad.p)[HEADER_BYTES + 20] = 0;
	assert_err(efi_varstore_read(&a, bad, &got, &e), &e, "not formatted");

	assert_ok(efi_varstore_add(&a, flash_make(&a, 1024), &in, &flash, &e), &e);
	bad = str_dup(&a, flash);
	((char *)bad.p)[FIRST + 41] = 0x7f;
	assert_err(efi_varstore_read(&a, bad, &got, &e), &e,
		   "EFI variable at byte 100: it leaves the store");
	bad = str_dup(&a, flash);
	((char *)bad.p)[FIRST + 61] = 1;
	assert_err(efi_varstore_read(&a, bad, &got, &e), &e, "not printable ASCII");
	in.p[0].time_sec = UINT64_MAX;
	assert_err(efi_varstore_add(&a, flash_make(&a, 1024), &in, &bad, &e), &e, "beyond");
}

/* As AArch64's firmware formats a blank flash of 64 MiB, here of one. */
static void test_blank(void **state)
{
	static const uint8_t want[] = { 0,    0,   0x0c, 0,    0, 0, 0,    0, '_',  'F',
					'V',  'H', 0x36, 0x0e, 0, 0, 0x48, 0, 0xf4, 0xf9,
					0,    0,   0,    2,    4, 0, 0,    0, 0,    0,
					0x04, 0,   0,    0,    0, 0, 0,    0, 0,    0 };
	_cleanup_arena_ struct arena a = { 0 };
	struct str flash = { arena_alloc(&a, 1 << 20), 1 << 20 };
	vec_efi_variable in = two(&a), got = { 0 };
	struct err e;

	(void)state;
	assert_ok(efi_varstore_add(&a, flash, &in, &flash, &e), &e);
	assert_int_equal(flash.n, 1 << 20);
	assert_memory_equal(flash.p + 32, want, sizeof(want));
	assert_memory_equal(flash.p + HEADER_BYTES + 16, "\xb8\xff\x03\x00\x5a\xfe", 6);
	assert_memory_equal(flash.p + 0xbfffc, "\xff\xff\xff\xff\0\0\0\0", 8);
	assert_ok(efi_varstore_read(&a, flash, &got, &e), &e);
	assert_int_equal(got.n, 2);
	flash.n = 0xbffff;
	memset((char *)flash.p, 0, flash.n);
	assert_err(efi_varstore_add(&a, flash, &in, &flash, &e), &e, "no flash image");
}

/* What Debian's own tools put into a store that its firmware has run with. */
static void test_ovmf(void **state)
{
	static const struct {
		const char *name;
		size_t bytes;
	} want[] = { { "PK", 935 }, { "KEK", 935 }, { "db", 935 }, { "dbx", 76 } };
	static const char path[] = "/usr/share/OVMF/OVMF_VARS_4M.snakeoil.fd";
	_cleanup_arena_ struct arena a = { 0 };
	vec_efi_variable got = { 0 };
	struct str flash;
	struct err e;

	(void)state;
	if (!file_exists(path))
		skip();
	assert_ok(file_read(&a, path, FLASH_BYTES_MAX, &flash, &e), &e);
	assert_ok(efi_varstore_read(&a, flash, &got, &e), &e);
	for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
		const struct efi_variable *found = NULL;

		vec_each(v, &got)
			if (str_eqz(v->name, want[i].name))
				found = v;
		assert_non_null(found);
		assert_int_equal(found->data.n, want[i].bytes);
		assert_int_equal(found->attributes, ATTRIBUTES);
		assert_true(found->time_sec > 1500000000);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round),   cmocka_unit_test(test_states),
		cmocka_unit_test(test_refused), cmocka_unit_test(test_blank),
		cmocka_unit_test(test_ovmf),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
