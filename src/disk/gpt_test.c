/* SPDX-License-Identifier: MIT */
#include "base/arch.h"
#include "base/test.h"
#include "base/uuid.h"

#include <fcntl.h>

#include "base/proc.h"
#include "disk/crc32.h"
#include "disk/gpt.h"

enum { DISK_LBA = 16 << 11 /* 16 MiB */ };

static void partition_make(struct gpt_partition *p, enum gpt_type type, const char *label,
			   uint64_t start, uint64_t n)
{
	gpt_type_uuid(type, &arch_x86_64, p->type);
	uuid_derive("partition", label, strlen(label), p->uuid);
	p->label = str_c(label);
	p->start_lba = start;
	p->size_lba = n;
}

static struct gpt table_make(struct arena *a)
{
	struct gpt_partition *p = arena_array(a, 4, sizeof(*p));
	struct gpt t = { .disk_lba = DISK_LBA, .partitions = p, .n_partitions = 4 };

	uuid_derive("disk", "test", 4, t.disk_uuid);
	partition_make(&p[0], GPT_TYPE_ESP, "esp", 2048, 8192);
	partition_make(&p[1], GPT_TYPE_ROOT, "root-a", 10240, 4096);
	partition_make(&p[2], GPT_TYPE_ROOT_VERITY, "root-a-verity", 14336, 2048);
	partition_make(&p[3], GPT_TYPE_ROOT_VERITY_SIG, "a label of just thirty-six characters",
		       16384, 2048);
	p[3].label.n = 36;
	p[1].attributes = 1ULL << 60;
	return t;
}

static uint8_t *disk_make(struct arena *a, const struct gpt *t)
{
	uint8_t *disk = arena_alloc(a, t->disk_lba * GPT_SECTOR_BYTES);
	struct str primary, backup;
	struct err e = { 0 };

	assert_ok(gpt_write(a, t, &primary, &backup, &e), &e);
	assert_int_equal(primary.n, 34 * GPT_SECTOR_BYTES);
	assert_int_equal(backup.n, 33 * GPT_SECTOR_BYTES);
	memcpy(disk, primary.p, primary.n);
	memcpy(disk + t->disk_lba * GPT_SECTOR_BYTES - backup.n, backup.p, backup.n);
	return disk;
}

static void test_round(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct gpt t = table_make(&a), got;
	uint8_t *disk = disk_make(&a, &t);
	struct err e = { 0 };

	(void)state;
	assert_ok(gpt_read(&a, disk, DISK_LBA * GPT_SECTOR_BYTES, &got, &e), &e);
	assert_memory_equal(got.disk_uuid, t.disk_uuid, 16);
	assert_int_equal(got.disk_lba, t.disk_lba);
	assert_int_equal(got.n_partitions, 4);
	for (size_t i = 0; i < 4; i++) {
		assert_memory_equal(got.partitions[i].type, t.partitions[i].type, 32);
		assert_int_equal(got.partitions[i].start_lba, t.partitions[i].start_lba);
		assert_int_equal(got.partitions[i].size_lba, t.partitions[i].size_lba);
		assert_int_equal(got.partitions[i].attributes, t.partitions[i].attributes);
		assert_true(str_eq(got.partitions[i].label, t.partitions[i].label));
	}
}

/* The disk as a sparse file. */
static char *file_make(struct arena *a)
{
	struct gpt t = table_make(a);
	struct str primary, backup;
	char *path = path_join(a, test_dir(a), "disk.raw");
	_cleanup_close_ int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	struct err e = { 0 };

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, DISK_LBA * GPT_SECTOR_BYTES), 0);
	assert_ok(gpt_write(a, &t, &primary, &backup, &e), &e);
	assert_ok(fd_pwrite(fd, primary.p, primary.n, 0, path, &e), &e);
	assert_ok(fd_pwrite(fd, backup.p, backup.n, DISK_LBA * GPT_SECTOR_BYTES - backup.n, path,
			    &e),
		  &e);
	return path;
}

static struct str judge(struct arena *a, const char *const *argv)
{
	struct proc_result r;
	struct err e = { 0 };

	if (proc_run(a, argv, (struct str){ 0 }, NULL, &r, &e) < 0)
		skip();
	if (r.status != 0 || r.err.n > 0)
		fail_msg("%s: status %d: %.*s%.*s", argv[0], r.status, STR_FMT(r.out),
			 STR_FMT(r.err));
	return r.out;
}

static void test_sgdisk(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	const char *verify[] = { "sgdisk", "-v", file_make(&a), NULL };
	const char *info[] = { "sgdisk", "-i", "2", verify[2], NULL };
	struct str out;

	(void)state;
	assert_true(str_has(judge(&a, verify), "No problems found"));
	out = judge(&a, info);
	assert_true(str_has(out, "4F68BCE3-E8CD-4DB1-96E7-FBCAF984B709"));
	assert_true(str_has(out, "Attribute flags: 1000000000000000"));
	assert_true(str_has(out, "Partition name: 'root-a'"));
}

static void test_sfdisk(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	const char *verify[] = { "sfdisk", "--verify", file_make(&a), NULL };
	const char *dump[] = { "sfdisk", "-d", verify[2], NULL };
	struct gpt t = table_make(&a);
	struct str out, uuid = uuid_text(&a, t.partitions[2].uuid);
	char *upper = str_z(&a, uuid);

	(void)state;
	assert_true(str_has(judge(&a, verify), "No errors detected."));
	out = judge(&a, dump);
	for (char *p = upper; *p; p++)
		*p = *p >= 'a' ? *p - 32 : *p;
	assert_true(
		str_has(out,
			str_z(&a, str_printf(&a,
					     "start=       14336, size=        2048, "
					     "type=2C7357ED-EBD2-46D9-AEC1-23D437EC2BF5, uuid=%s, "
					     "name=\"root-a-verity\"",
					     upper))));
	assert_true(str_has(out, "name=\"a label of just thirty-six character\""));
	assert_true(str_has(out, "last-lba: 32734"));
}

/* Each type's UUID is what the machine's own tool calls by that name. */
static void test_types(void **state)
{
	static const struct {
		enum gpt_type type;
		const struct arch *arch;
		const char *name, *foreign;
	} types[] = {
		{ GPT_TYPE_ESP, &arch_x86_64, "ESP", "EFI System" },
		{ GPT_TYPE_ROOT, &arch_x86_64, "root-x86-64", "Linux root (x86-64)" },
		{ GPT_TYPE_ROOT, &arch_aarch64, "root-arm64", "Linux root (ARM-64)" },
		{ GPT_TYPE_ROOT_VERITY, &arch_x86_64, "root-x86-64-verity",
		  "Linux root verity (x86-64)" },
		{ GPT_TYPE_ROOT_VERITY, &arch_aarch64, "root-arm64-verity",
		  "Linux root verity (ARM-64)" },
		{ GPT_TYPE_ROOT_VERITY_SIG, &arch_x86_64, "root-x86-64-verity-sig",
		  "Linux root verity sign. (x86-64)" },
		{ GPT_TYPE_ROOT_VERITY_SIG, &arch_aarch64, "root-arm64-verity-sig",
		  "Linux root verity sign. (ARM-64)" },
		{ GPT_TYPE_VAR, &arch_aarch64, "var", "Linux variable data" },
	};
	_cleanup_arena_ struct arena a = { 0 };
	const char *list[] = { "sfdisk", "--label", "gpt", "-T", NULL };
	uint8_t uuid[16], again[16];
	struct str out;

	(void)state;
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		gpt_type_uuid(types[i].type, types[i].arch, uuid);
		assert_str(gpt_type_name(&a, uuid), types[i].name);
		assert_true(gpt_type_is(uuid, types[i].type));
		assert_false(gpt_type_is(uuid, (types[i].type + 1) % GPT_TYPES));
	}
	memset(uuid, 0xab, sizeof(uuid));
	assert_str(gpt_type_name(&a, uuid), "abababab-abab-abab-abab-abababababab");
	out = judge(&a, list);
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		struct str rest = out, line;

		while (rest.n > 0 &&
		       !str_ends(line = str_trim(str_cut(&rest, '\n')), types[i].foreign))
			;
		assert_true(uuid_parse(str_head(line, 36), again));
		gpt_type_uuid(types[i].type, types[i].arch, uuid);
		assert_memory_equal(uuid, again, 16);
	}
}

static void test_uuid(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	uint8_t x[16], y[16];

	(void)state;
	uuid_derive("p", "x", 1, x);
	uuid_derive("px", "", 0, y);
	assert_memory_not_equal(x, y, 16);
	assert_int_equal(x[6] >> 4, 8);
	assert_int_equal(x[8] >> 6, 2);
	assert_true(uuid_parse(uuid_text(&a, x), y));
	assert_memory_equal(x, y, 16);
	assert_true(uuid_parse(STR("00112233-4455-6677-8899-AABBccddeeff"), x));
	assert_str(uuid_text(&a, x), "00112233-4455-6677-8899-aabbccddeeff");
	assert_false(uuid_parse(STR("00112233-4455-6677-8899-aabbccddeef"), x));
	assert_false(uuid_parse(STR("001122334-455-6677-8899-aabbccddeeff"), x));
	assert_false(uuid_parse(STR("0011223g-4455-6677-8899-aabbccddeeff"), x));
	assert_false(uuid_parse(STR("00112233-4455-6677-8899-aabbccddee-f"), x));
}

static void check_refused(struct arena *a, size_t i, struct gpt_partition p, const char *text)
{
	struct gpt t = table_make(a);
	struct str primary, backup;
	struct err e = { 0 };

	((struct gpt_partition *)(uintptr_t)t.partitions)[i] = p;
	assert_err(gpt_write(a, &t, &primary, &backup, &e), &e, text);
}

static void test_refused(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct gpt t = table_make(&a);
	struct gpt_partition p = t.partitions[1];
	struct str primary, backup;
	struct err e = { 0 };

	(void)state;
	p.start_lba--;
	check_refused(&a, 1, p, "partition table: partitions 1 and 2 overlap");
	p.start_lba = 33;
	check_refused(
		&a, 1, p,
		"partition 2: 4096 sectors from 33 do not stand between sectors 34 and 32735");
	p.start_lba = UINT64_MAX;
	check_refused(&a, 1, p, "partition 2: 4096 sectors from 18446744073709551615 do not stand");
	p = t.partitions[3];
	p.size_lba = DISK_LBA - 33 - p.start_lba + 1;
	check_refused(&a, 3, p, "partition 4: 16352 sectors from 16384 do not stand");
	p.size_lba = 0;
	check_refused(&a, 3, p, "partition 4: is empty");
	p = t.partitions[1];
	memcpy(p.uuid, t.partitions[0].uuid, 16);
	check_refused(&a, 1, p, "partitions 1 and 2 have the same UUID");
	p = t.partitions[1];
	p.label = STR("a label of just thirty-six characters");
	check_refused(&a, 1, p, "is longer than 36 characters");
	p.label = STR("\xc3\xa9");
	check_refused(&a, 1, p, "partition 2: label is not printable ASCII");
	memset(p.type, 0, 16);
	check_refused(&a, 1, p, "partition 2: has no type or no UUID");
	t.disk_lba = 67;
	assert_err(gpt_write(&a, &t, &primary, &backup, &e), &e,
		   "a disk of 67 sectors has no room");
	t.disk_lba = 1 << 20;
	t.n_partitions = 129;
	assert_err(gpt_write(&a, &t, &primary, &backup, &e), &e, "129 partitions, at most 128 fit");
}

/* A changed byte anywhere in the tables is noticed. */
static void test_damage(void **state)
{
	static const struct {
		size_t offset;
		const char *text;
	} cases[] = {
		{ 450, "partition table: no protective MBR" },
		{ 511, "partition table: no protective MBR" },
		{ 512, "primary partition table: no signature 'EFI PART' in sector 1" },
		{ 520, "primary partition table: header does not match its CRC" },
		{ 528, "primary partition table: header does not match its CRC" },
		{ 580, "primary partition table: header does not match its CRC" },
		{ 1024, "primary partition table: entries do not match their CRC" },
		{ 34 * 512 - 1, "primary partition table: entries do not match their CRC" },
		{ (size_t)DISK_LBA * 512 - 33 * 512,
		  "backup partition table: entries do not match their CRC" },
		{ (size_t)DISK_LBA * 512 - 512, "backup partition table: no signature 'EFI PART'" },
		{ (size_t)DISK_LBA * 512 - 512 + 60,
		  "backup partition table: header does not match its CRC" },
	};
	_cleanup_arena_ struct arena a = { 0 };
	struct gpt t = table_make(&a), other = t, got;
	uint8_t *disk = disk_make(&a, &t), *disk2;
	size_t n = (size_t)DISK_LBA * GPT_SECTOR_BYTES;
	struct err e = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		disk[cases[i].offset] ^= 1;
		assert_err(gpt_read(&a, disk, n, &got, &e), &e, cases[i].text);
		disk[cases[i].offset] ^= 1;
	}
	assert_err(gpt_read(&a, disk, n - 512, &got, &e), &e,
		   "header does not fit a disk of 32767 sectors");
	assert_err(gpt_read(&a, disk, n - 1, &got, &e), &e,
		   "a disk of 16777215 bytes cannot have one");
	assert_err(gpt_read(&a, disk, 67 * 512, &got, &e), &e,
		   "a disk of 34304 bytes cannot have one");
	other.n_partitions = 3;
	disk2 = disk_make(&a, &other);
	memcpy(disk, disk2, 34 * 512);
	assert_err(gpt_read(&a, disk, n, &got, &e), &e, "primary and backup differ");
}

/* The disk as a file that is read where it is asked. */
static int disk_read(void *arg, uint64_t offset, uint8_t *to, size_t n, struct err *e)
{
	(void)e;
	memcpy(to, (const uint8_t *)arg + offset, n);
	return 0;
}

static void scan_ok(struct arena *a, uint8_t *disk, uint64_t n, const char *damage)
{
	const struct gpt_disk source = { n, GPT_SECTOR_BYTES, disk_read, disk };
	struct gpt t = table_make(a), got;
	struct str said;
	struct err e = { 0 };

	assert_ok(gpt_scan(a, &source, &got, &said, &e), &e);
	assert_str(said, damage);
	assert_memory_equal(got.disk_uuid, t.disk_uuid, 16);
	assert_int_equal(got.n_partitions, 3);
	for (size_t i = 0; i < 3; i++) {
		const struct gpt_partition *p = &t.partitions[i < 1 ? i : i + 1];

		assert_memory_equal(got.partitions[i].type, p->type, 32);
		assert_int_equal(got.partitions[i].start_lba, p->start_lba);
		assert_int_equal(got.partitions[i].number, i < 1 ? 1 : i + 2);
	}
}

static void scan_err(struct arena *a, uint8_t *disk, uint64_t n, uint32_t sector, const char *text)
{
	const struct gpt_disk source = { n, sector, disk_read, disk };
	struct str damage;
	struct gpt got;
	struct err e = { 0 };

	assert_err(gpt_scan(a, &source, &got, &damage, &e), &e, text);
}

/* The second partition is deleted, as sgdisk -d does it, and partitions keep their numbers. */
static void entry_delete(uint8_t *disk, size_t header, size_t entries)
{
	uint32_t sum;

	memset(disk + entries + 128, 0, 128);
	sum = htole32(crc32_of(disk + entries, 128 * 128));
	memcpy(disk + header + 88, &sum, sizeof(sum));
	memset(disk + header + 16, 0, sizeof(sum));
	sum = htole32(crc32_of(disk + header, 92));
	memcpy(disk + header + 16, &sum, sizeof(sum));
}

static void test_scan(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	size_t n = (size_t)DISK_LBA * GPT_SECTOR_BYTES, last = n - 512;
	struct gpt t = table_make(&a);
	uint8_t *disk = arena_alloc(&a, 2 * n);

	(void)state;
	scan_err(&a, disk, n, 512, "no GUID partition table");
	memcpy(disk, disk_make(&a, &t), n);
	entry_delete(disk, 512, 1024);
	entry_delete(disk, last, n - 33 * 512);
	scan_ok(&a, disk, n, "");
	scan_ok(&a, disk, 2 * n, ""); /* written to a larger disk */
	scan_err(&a, disk, n, 4096,
		 "the partition table is for sectors of 512 bytes, the disk's have 4096");
	scan_err(&a, disk, n, 256, "sectors of 256 bytes");
	scan_err(&a, disk, 1536, 512, "list of partitions: is not within the disk's 3 sectors");
	scan_err(&a, disk, 512, 512, "is not within the disk's 1 sectors");
	scan_err(&a, disk, 0, 512, "is not within the disk's 0 sectors");
	disk[1024] ^= 1;
	scan_ok(&a, disk, n, "primary partition table: entries do not match their CRC");
	scan_err(&a, disk, 2 * n, 512, "partition table: entries do not match their CRC");
	memset(disk, 0, 1 << 20);
	scan_ok(&a, disk, n, "primary partition table: no signature 'EFI PART' in sector 1");
	memcpy(disk + 512, disk + last, 512);
	scan_ok(&a, disk, n, "primary partition table: header belongs into sector 32767, not 1");
	disk[last + 40] ^= 1;
	scan_err(&a, disk, n, 512, "partition table: header belongs into");
}

static void test_crc32(void **state)
{
	(void)state;
	assert_int_equal(crc32_of("123456789", 9), 0xcbf43926); /* the check value of catalogues */
	assert_int_equal(crc32_of("", 0), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round),  cmocka_unit_test(test_sgdisk),
		cmocka_unit_test(test_sfdisk), cmocka_unit_test(test_types),
		cmocka_unit_test(test_uuid),   cmocka_unit_test(test_refused),
		cmocka_unit_test(test_damage), cmocka_unit_test(test_scan),
		cmocka_unit_test(test_crc32),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
