/* SPDX-License-Identifier: MIT */
#include "base/test.h"

#include <fcntl.h>

#include "base/proc.h"
#include "disk/pe.h"

#define SYSTEMD_STUB "/usr/lib/systemd/boot/efi/linuxx64.efi.stub"

enum { TABLE = 0x40 + 4 + 20 + 240, HEADER_BYTES = 0x400 };

/* A stub of two sections: code, and revocation data. */
static struct str stub_make(struct arena *a)
{
	struct buf b = { .a = a };

	buf_put(&b, "MZ", 2);
	buf_zero(&b, 0x3c - 2);
	buf_le32(&b, 0x40);
	buf_put(&b, "PE\0\0", 4);
	buf_le16(&b, 0x8664);
	buf_le16(&b, 2);
	buf_le32(&b, 1234567890); /* a time, which must not survive */
	buf_zero(&b, 8);
	buf_le16(&b, 240);
	buf_le16(&b, 0x22e);
	/* the optional header */
	buf_le16(&b, 0x20b);
	buf_zero(&b, 6);
	buf_le32(&b, 1000); /* initialized data */
	buf_zero(&b, 4);
	buf_le32(&b, 0x1000); /* entry */
	buf_zero(&b, 12);
	buf_le32(&b, 4096);
	buf_le32(&b, 512);
	buf_zero(&b, 16);
	buf_le32(&b, 0x3000); /* image */
	buf_le32(&b, HEADER_BYTES);
	buf_le32(&b, 0);
	buf_le16(&b, 10); /* EFI application */
	buf_zero(&b, 38);
	buf_le32(&b, 16);
	buf_zero(&b, 16 * 8);
	assert_int_equal(b.v.n, TABLE);
	buf_put(&b, ".text\0\0\0", 8);
	buf_le32(&b, 700);
	buf_le32(&b, 0x1000);
	buf_le32(&b, 1024);
	buf_le32(&b, HEADER_BYTES);
	buf_zero(&b, 12);
	buf_le32(&b, 0x60000020);
	buf_put(&b, ".sbat\0\0\0", 8);
	buf_le32(&b, 10);
	buf_le32(&b, 0x2000);
	buf_le32(&b, 512);
	buf_le32(&b, HEADER_BYTES + 1024);
	buf_zero(&b, 12);
	buf_le32(&b, 0x40000040);
	buf_align(&b, HEADER_BYTES);
	for (size_t i = 0; i < 700; i++)
		buf_u8(&b, 0xc3);
	buf_align(&b, 512);
	buf_put(&b, "sbat,1,x\n\0", 10);
	buf_align(&b, 512);
	return (struct str){ (const char *)b.v.p, b.v.n };
}

static const struct pe_section extra[] = {
	{ .name = { ".osrel", 6 }, .data = { "ID=x\n", 5 } },
	{ .name = { ".cmdline", 8 }, .data = { "quiet", 5 } },
	{ .name = { ".uname", 6 }, .data = { "6.12", 4 } },
	{ .name = { ".initrd", 7 }, .data = { "0707", 4 } },
	{ .name = { ".linux", 6 }, .data = { "the kernel, an odd size", 23 } },
};

enum { N_EXTRA = sizeof(extra) / sizeof(extra[0]) };

static struct str build(struct arena *a, struct str stub)
{
	struct segments s = { 0 };
	struct err e = { 0 };

	assert_ok(uki_build(a, stub, extra, N_EXTRA, &s, &e), &e);
	assert_int_equal(s.size_bytes % 512, 0);
	return (struct str){ (const char *)segments_flatten(a, &s), s.size_bytes };
}

/* The sum as the specification has it: 16-bit words with the carry added back. */
static uint32_t checksum_slow(struct str image, size_t skip)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < image.n; i += 2) {
		if (i == skip || i == skip + 2)
			continue;
		sum += (uint8_t)image.p[i] | (uint32_t)(uint8_t)image.p[i + 1] << 8;
		sum = (sum & 0xffff) + (sum >> 16);
	}
	return sum + (uint32_t)image.n;
}

static uint32_t le32_at(struct str image, size_t offset)
{
	uint32_t x;

	memcpy(&x, image.p + offset, sizeof(x));
	return x;
}

/* What must hold of every image made of @stub with the sections above. */
static void check_image(struct arena *a, struct str stub, struct str image)
{
	size_t optional = le32_at(stub, 0x3c) + 24;
	uint32_t end = 0;
	struct pe old, pe;
	struct err e = { 0 };

	assert_ok(pe_read(a, stub, &old, &e), &e);
	assert_ok(pe_read(a, image, &pe, &e), &e);
	assert_int_equal(pe.machine, old.machine);
	assert_int_equal(pe.n_sections, old.n_sections + N_EXTRA);
	for (size_t i = 0; i < old.n_sections; i++) {
		assert_true(str_eq(pe.sections[i].name, old.sections[i].name));
		assert_true(str_eq(pe.sections[i].data, old.sections[i].data));
		assert_int_equal(pe.sections[i].virtual_address, old.sections[i].virtual_address);
	}
	for (size_t i = 0; i < N_EXTRA; i++) {
		const struct pe_section *s = pe_section(&pe, str_z(a, extra[i].name));

		assert_non_null(s);
		assert_true(str_eq(s->data, extra[i].data));
		assert_int_equal(s->virtual_size, extra[i].data.n);
		assert_int_equal(s->virtual_address % 4096, 0);
		assert_true(s->virtual_address >= old.image_bytes && s->virtual_address > end);
		end = s->virtual_address;
	}
	assert_true(pe.image_bytes > end);
	assert_int_equal(le32_at(image, optional - 16), 0); /* time */
	assert_int_equal(le32_at(image, optional + 8),
			 le32_at(stub, optional + 8) + 5 + 5 + 4 + 4 + 23);
	assert_int_equal(le32_at(image, optional + 64), checksum_slow(image, optional + 64));
	assert_null(pe_section(&pe, ".dtb"));
}

/* binutils reads what we wrote: every section of ours with its size, and its content. */
static void check_objdump(struct arena *a, struct str image)
{
	char *path = path_join(a, test_dir(a), "uki.efi"),
	     *part = path_join(a, test_dir(a), "part");
	const char *dump[] = { "objdump", "-h", path, NULL };
	struct proc_result r;
	struct str list;
	struct err e = { 0 };

	assert_ok(file_write(path, 0600, image.p, image.n, &e), &e);
	if (proc_run(a, dump, (struct str){ 0 }, NULL, &r, &e) < 0)
		skip();
	assert_int_equal(r.status, 0);
	assert_int_equal(r.err.n, 0);
	list = r.out;
	assert_true(str_has(list, "pei-x86-64"));
	for (size_t i = 0; i < N_EXTRA; i++) {
		const struct pe_section *s = &extra[i];
		struct str row = str_printf(a, "%-13.*s %08zx", STR_FMT(s->name), s->data.n);
		struct str only = str_printf(a, "--only-section=%.*s", STR_FMT(s->name));
		const char *copy[] = { "objcopy", "-Obinary", only.p, path, part, NULL };
		struct str got;

		assert_true(str_has(list, row.p));
		assert_ok(proc_run(a, copy, (struct str){ 0 }, NULL, &r, &e), &e);
		assert_ok(file_read(a, part, 1 << 20, &got, &e), &e);
		assert_true(str_eq(str_head(got, s->data.n), s->data));
	}
}

static void test_synthetic(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct str stub = stub_make(&a), image = build(&a, stub);

	(void)state;
	check_image(&a, stub, image);
	check_objdump(&a, image);
	assert_true(str_eq(image, build(&a, stub)));
}

static void test_checksum(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct str image = build(&a, stub_make(&a));
	char *bytes = str_z(&a, image);
	struct err e = { 0 };

	(void)state;
	assert_ok(pe_checksum_check(image, &e), &e);
	bytes[image.n / 2] ^= 1;
	assert_err(pe_checksum_check((struct str){ bytes, image.n }, &e), &e, "its content gives");
}

/* The kernel and the initrd are not copied. */
static void test_borrow(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct segments s = { 0 };
	size_t found = 0;
	struct err e = { 0 };

	(void)state;
	assert_ok(uki_build(&a, stub_make(&a), extra, N_EXTRA, &s, &e), &e);
	vec_each(run, &s.v)
		for (size_t i = 0; i < N_EXTRA; i++)
			found += (const char *)run->data == extra[i].data.p;
	assert_int_equal(found, N_EXTRA);
}

static void test_systemd_stub(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct str stub, image;
	struct err e = { 0 };

	(void)state;
	if (!file_exists(SYSTEMD_STUB))
		skip();
	assert_ok(file_read(&a, SYSTEMD_STUB, 1 << 20, &stub, &e), &e);
	image = build(&a, stub);
	check_image(&a, stub, image);
	check_objdump(&a, image);
}

static void check_refused(struct arena *a, struct pe_section add, const char *text)
{
	struct pe_section both[] = { { .name = STR(".linux"), .data = STR("x") }, add };
	struct segments s = { 0 };
	struct err e = { 0 };

	assert_err(uki_build(a, stub_make(a), both, 2, &s, &e), &e, text);
	assert_int_equal(s.v.n, 0);
}

static void test_refused(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct pe_section many[20];
	struct segments s = { 0 };
	struct err e = { 0 };

	(void)state;
	check_refused(&a, (struct pe_section){ .name = STR(".text"), .data = STR("x") },
		      "section '.text' is given, but stands already in the stub");
	check_refused(&a, (struct pe_section){ .name = STR(".linux"), .data = STR("x") },
		      "section '.linux' is given, but stands already");
	check_refused(&a, (struct pe_section){ .name = STR(".too-long"), .data = STR("x") },
		      "section '.too-long': want a dot and at most 7 letters");
	check_refused(&a, (struct pe_section){ .name = STR(".initrd") },
		      "section '.initrd' is empty");
	check_refused(&a,
		      (struct pe_section){ .name = STR(".initrd"), .data = { "x", UINT32_MAX } },
		      "section '.initrd': 4294967295 bytes make the image larger than 4 GiB");
	for (size_t i = 0; i < 20; i++)
		many[i] =
			(struct pe_section){ .name = str_printf(&a, ".s%zu", i), .data = STR("x") };
	assert_err(uki_build(&a, stub_make(&a), many, 20, &s, &e), &e,
		   "stub has room for 15 more sections, not for 20");
}

#define SBAT_FIRST "sbat,1,SBAT Version,sbat,1,https://x.invalid\n"
#define SBAT_LINE  "ashlar,2,Ashlar,ashlar,1.0,https://x.invalid\n"

static int sbat_build(struct arena *a, struct str stub, struct str text, struct str *ret,
		      struct err *e)
{
	struct pe_section add[] = { { .name = STR(".osrel"), .data = STR("ID=x\n") },
				    { .name = STR(".sbat"), .data = text },
				    { .name = STR(".linux"), .data = STR("kernel") } };
	struct segments s = { 0 };
	int r = uki_build(a, stub, add, 3, &s, e);

	if (r == 0)
		*ret = (struct str){ (const char *)segments_flatten(a, &s), s.size_bytes };
	return r;
}

static void test_sbat(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct str stub = stub_make(&a), image;
	struct err e = { 0 };
	struct pe pe;

	(void)state;
	assert_ok(sbat_build(&a, stub, STR(SBAT_FIRST SBAT_LINE), &image, &e), &e);
	assert_ok(pe_checksum_check(image, &e), &e);
	assert_ok(pe_read(&a, image, &pe, &e), &e);
	assert_int_equal(pe.n_sections, 4);
	assert_str(pe_section(&pe, ".sbat")->data, "sbat,1,x\n" SBAT_LINE);
	assert_int_equal(pe_section(&pe, ".sbat")->virtual_address, 0x2000);
	assert_str(pe_section(&pe, ".osrel")->data, "ID=x\n");
	assert_str(pe_section(&pe, ".linux")->data, "kernel");
	/* a stub without one gets the whole */
	memcpy((char *)(uintptr_t)stub.p + TABLE + 40, ".other", 6);
	assert_ok(sbat_build(&a, stub, STR(SBAT_FIRST SBAT_LINE), &image, &e), &e);
	assert_ok(pe_read(&a, image, &pe, &e), &e);
	assert_int_equal(pe.n_sections, 5);
	assert_str(pe_section(&pe, ".sbat")->data, SBAT_FIRST SBAT_LINE);
}

static void test_sbat_refused(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct str stub = stub_make(&a), image = { 0 }, long_text = STR(SBAT_FIRST);
	struct err e = { 0 };

	(void)state;
	assert_err(sbat_build(&a, stub, STR(SBAT_LINE), &image, &e), &e,
		   "section '.sbat' does not begin with a line 'sbat,1,...'");
	assert_err(sbat_build(&a, stub, STR(SBAT_FIRST "x"), &image, &e), &e,
		   "or does not end with a line feed");
	assert_err(sbat_build(&a, stub, STR(SBAT_FIRST "ashlar,0,a,b,c,d\n"), &image, &e), &e,
		   "section '.sbat': line 'ashlar,0,a,b,c,d' is not NAME,GENERATION,VENDOR");
	assert_err(sbat_build(&a, stub, STR(SBAT_FIRST "ashlar,1,a,b,c\n"), &image, &e), &e,
		   "line 'ashlar,1,a,b,c' is not");
	for (unsigned i = 0; i < 12; i++)
		long_text = str_cat(&a, long_text, STR(SBAT_LINE));
	assert_err(sbat_build(&a, stub, long_text, &image, &e), &e,
		   "section '.sbat': the stub leaves room for 503 bytes, not for 540");
	memcpy((char *)(uintptr_t)stub.p + HEADER_BYTES + 1024, "other", 5);
	assert_err(sbat_build(&a, stub, STR(SBAT_FIRST SBAT_LINE), &image, &e), &e,
		   "stub: its section '.sbat' holds no lines of SBAT");
	assert_null(image.p);
}

static void signing_damage(struct arena *a, size_t offset, uint32_t value, const char *text)
{
	struct str image = build(a, stub_make(a));
	struct pe_signing s;
	struct err e = { 0 };

	memcpy((char *)(uintptr_t)image.p + offset, &value, sizeof(value));
	assert_err(pe_signing(image, &s, &e), &e, text);
}

static void test_signing(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	enum { OPTIONAL = 0x44 + 20, ENTRY = OPTIONAL + 112 + 32 };
	struct str image = build(&a, stub_make(&a));
	struct pe_signing s;
	struct err e = { 0 };
	uint8_t *longer;

	(void)state;
	assert_ok(pe_signing(image, &s, &e), &e);
	assert_int_equal(s.checksum, OPTIONAL + 64);
	assert_int_equal(s.entry, ENTRY);
	assert_int_equal(s.end, image.n);
	longer = arena_alloc(&a, image.n + 16);
	memcpy(longer, image.p, image.n);
	assert_ok(pe_signing_set(longer, image.n + 16, &s, &e), &e);
	s = (struct pe_signing){ 0 };
	assert_ok(pe_signing((struct str){ (char *)longer, image.n + 16 }, &s, &e), &e);
	assert_int_equal(s.end, image.n);
	assert_ok(pe_checksum_check((struct str){ (char *)longer, image.n + 16 }, &e), &e);
	assert_ok(pe_signing_set(longer, image.n, &s, &e), &e);
	assert_memory_equal(longer, image.p, image.n);
	signing_damage(&a, TABLE + 20, HEADER_BYTES + 512,
		       "section 0: 1024 bytes from 1536 do not follow those before it, which end "
		       "at 1024");
	signing_damage(&a, TABLE + 56, 1024, "section 2: 512 bytes from 2560 do not follow");
	signing_damage(&a, OPTIONAL + 108, 4, "no entry for a certificate table");
	signing_damage(&a, ENTRY + 4, 8, "certificate table of 8 bytes from 0 is not the end");
}

static void check_damage(struct arena *a, size_t offset, uint32_t value, const char *text)
{
	struct str stub = stub_make(a);
	struct segments s = { 0 };
	struct err e = { 0 };

	memcpy((char *)(uintptr_t)stub.p + offset, &value, sizeof(value));
	assert_err(uki_build(a, stub, extra, N_EXTRA, &s, &e), &e, text);
}

static void test_damage(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	enum { COFF = 0x44, OPTIONAL = COFF + 20 };
	struct str stub = stub_make(&a);

	(void)state;
	check_damage(&a, 0, 0, "stub: PE: does not begin with 'MZ'");
	check_damage(&a, 0x3c, 0xffffffff, "stub: PE: no 'PE' header");
	check_damage(&a, COFF, 0x00618664, "PE: 97 sections, want at most 96");
	check_damage(&a, COFF, 0x00508664, "PE: headers of 1024 bytes do not hold 80 sections");
	check_damage(&a, COFF + 16, 0x022effff, "PE: not a 64-bit (PE32+) executable");
	check_damage(&a, COFF + 16, 0x022e0070, "PE: optional header ends early");
	check_damage(&a, OPTIONAL, 0x10b, "PE: not a 64-bit (PE32+) executable");
	check_damage(&a, OPTIONAL + 32, 4095,
		     "PE: alignment of 4095 bytes in memory and 512 in the file");
	check_damage(&a, OPTIONAL + 60, 0xffffffff,
		     "PE: headers of 4294967295 bytes do not hold 2 sections");
	check_damage(&a, OPTIONAL + 108, 17, "PE: 17 data directories, want at most 16");
	check_damage(&a, OPTIONAL + 112 + 36, 8, "stub is signed: use the unsigned one");
	check_damage(&a, TABLE + 8, 0xffffffff,
		     "section '.text': 4294967295 bytes at 0x1000 overlap or leave");
	check_damage(&a, TABLE + 52, 0x12bb, "section '.sbat': 10 bytes at 0x12bb overlap");
	check_damage(&a, TABLE + 20, 0xfffffff0,
		     "section '.text': 1024 bytes from 4294967280 are not in a file");
	check_damage(&a, TABLE + 20, 0, "section '.text': 1024 bytes from 0 are not in a file");
	check_damage(&a, TABLE + 100, 1, "stub has other bytes behind its section headers");
	for (size_t n = 0; n < stub.n; n += 7) {
		struct err e = { 0 };
		struct pe pe;

		assert_true(pe_read(&a, str_dup(&a, str_head(stub, n)), &pe, &e) < 0 ||
			    n >= HEADER_BYTES + 1024);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_synthetic),    cmocka_unit_test(test_checksum),
		cmocka_unit_test(test_borrow),       cmocka_unit_test(test_systemd_stub),
		cmocka_unit_test(test_refused),      cmocka_unit_test(test_sbat),
		cmocka_unit_test(test_sbat_refused), cmocka_unit_test(test_signing),
		cmocka_unit_test(test_damage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
