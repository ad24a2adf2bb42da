/* SPDX-License-Identifier: MIT */
#include "agent/common/disks.h"

#include <fcntl.h>

#include "base/proc.h"
#include "base/test.h"
#include "base/uuid.h"
#include "disk/gpt.h"

/* sgdisk writes the table that is read. */
static void disk_make(struct arena *a, const char *dir)
{
	char *path = path_join(a, dir, "disk");
	const char *const argv[] = { "sgdisk",
				     "-n1:2048:+1M",
				     "-n3:8192:+2M",
				     "-u1:11111111-2222-3333-4444-555555555555",
				     "-u3:00112233-4455-6677-8899-AABBCCDDEEFF",
				     "-t3:41092B05-9FC8-4523-994F-2DEF0408B176",
				     path,
				     NULL };
	struct proc_result r;
	struct err e = { 0 };

	test_file_put(a, dir, "disk", STR(""));
	assert_int_equal(truncate(path, 16 << 20), 0);
	if (proc_run(a, argv, (struct str){ 0 }, "gdisk", &r, &e) < 0)
		skip();
	assert_int_equal(r.status, 0);
}

static void disk_damage(struct arena *a, const char *dir)
{
	_cleanup_close_ int fd = open(path_join(a, dir, "disk"), O_WRONLY | O_CLOEXEC);
	struct err e = { 0 };

	assert_ok(fd_pwrite(fd, "x", 1, 1024, "disk", &e), &e);
}

static void sys_make(struct arena *a, const char *dir)
{
	test_file_put(a, dir, "block/disk/size", STR("32768\n"));
	test_file_put(a, dir, "block/disk/queue/logical_block_size", STR("512\n"));
	test_file_put(a, dir, "block/disk/disk1/partition", STR("1\n"));
	test_file_put(a, dir, "block/disk/disk1/start", STR("2048\n"));
	test_file_put(a, dir, "block/disk/disk1/size", STR("2048\n"));
	test_file_put(a, dir, "block/disk/disk1/dev", STR("253:1\n"));
	test_file_put(a, dir, "block/disk/disk3/partition", STR("3\n"));
	test_file_put(a, dir, "block/disk/disk3/start", STR("8192\n"));
	test_file_put(a, dir, "block/disk/disk3/size", STR("4096\n"));
	test_file_put(a, dir, "block/disk/disk3/dev", STR("253:3\n"));
	test_file_put(a, dir, "block/loop0/size", STR("0\n"));
	test_file_put(a, dir, "block/gone/size", STR("2048\n"));
}

static void test_disks(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	const struct disk_partition *part;
	const struct disk *disk;
	char *dir = test_dir(&a);
	uint8_t x[16], y[16];
	struct disk copy;
	vec_disk disks;
	struct err e = { 0 };

	(void)state;
	disk_make(&a, dir);
	sys_make(&a, dir);
	assert_ok(disks_scan(&a, dir, dir, &disks, &e), &e);
	assert_str(disks_text(&a, &disks),
		   "disk (16 MiB): disk1 11111111-2222-3333-4444-555555555555, "
		   "disk3 00112233-4455-6677-8899-aabbccddeeff; "
		   "gone (1 MiB): open: No such file or directory");
	assert_true(uuid_parse(STR("00112233-4455-6677-8899-aabbccddeeff"), x));
	assert_true(uuid_parse(STR("11111111-2222-3333-4444-555555555555"), y));
	disk = disks_find(&disks, x, y);
	assert_non_null(disk);
	part = disk_partition_find(disk, x);
	assert_str(part->name, "disk3");
	assert_str(part->devno, "253:3");
	assert_int_equal(part->size_bytes, 2 << 20);
	assert_str(gpt_type_name(&a, part->type), "root-x86-64-verity-sig");
	copy = disk_dup(&a, disk);
	assert_str(disk_partition_find(&copy, y)->devno, "253:1");
	y[0] ^= 1;
	assert_null(disks_find(&disks, x, y));
	test_file_put(&a, dir, "block/disk/disk3/start", STR("8193\n"));
	assert_ok(disks_scan(&a, dir, dir, &disks, &e), &e);
	assert_int_equal(disks.p[0].parts.n, 1);
	/* the kernel with "gpt" on its command line takes the backup, too */
	test_file_put(&a, dir, "block/disk/disk3/start", STR("8192\n"));
	disk_damage(&a, dir);
	assert_ok(disks_scan(&a, dir, dir, &disks, &e), &e);
	assert_int_equal(disks.p[0].parts.n, 2);
	assert_true(str_starts(disks.p[0].problem, "primary partition table: "));
	assert_ok(dir_remove(dir, &e), &e);
	disks.n = 0;
	assert_str(disks_text(&a, &disks), "no disk at all");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_disks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
