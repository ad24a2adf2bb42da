/* SPDX-License-Identifier: MIT */
#include "base/test.h"

#include "agent/init/cmdline.h"
#include "agent/init/controllers.h"
#include "agent/init/dm.h"
#include "agent/init/loader.h"
#include "agent/init/modules.h"

#define HASH "00112233445566778899aabbccddeeff0123456789abcdef0123456789abcdef"

static void test_cmdline(void **state)
{
	static const struct {
		const char *text, *error;
	} bad[] = {
		{ "console=ttyS0 quiet", "no roothash=" },
		{ "", "no roothash=" },
		{ "-- roothash=" HASH, "no roothash=" },
		{ "roothash=0011", "roothash=0011: want 64 hexadecimal digits" },
		{ "roothash=" HASH "0", "want 64 hexadecimal digits" },
		{ "roothash=" HASH " roothash=" HASH, "roothash= stands there twice" },
		{ "ashlar.generation=3 ashlar.generation=2 roothash=" HASH,
		  "ashlar.generation= stands there twice" },
		{ "ashlar.generation=-1 roothash=" HASH,
		  "ashlar.generation=-1: want a number, at most 2147483647" },
		{ "ashlar.timeout=soon roothash=" HASH, "ashlar.timeout=soon: want seconds" },
		{ "roothash=" HASH " ashlar.state=disk", "ashlar.state=disk: want memory or tpm" },
		{ "ashlar.without-tpm roothash=" HASH,
		  "ashlar.without-tpm=: want refuse, passphrase or plain" },
		{ "ashlar.state=tpm roothash=" HASH " ashlar.state=memory",
		  "ashlar.state= stands there twice" },
		{ "ashlar.signatures=no roothash=" HASH,
		  "ashlar.signatures=no: want secure-boot or required" },
		{ "ashlar.signatures=required ashlar.signatures=required roothash=" HASH,
		  "ashlar.signatures= stands there twice" },
		{ "ashlar.execute=roo roothash=" HASH,
		  "ashlar.execute=roo: want root, signed or anywhere" },
		{ "ashlar.execute=root \"ashlar.execute=anywhere\"",
		  "ashlar.execute= stands there twice" },
	};
	struct cmdline c;
	struct err e = { 0 };

	(void)state;
	assert_ok(cmdline_parse(STR("quiet  \"x= roothash=1\" roothash=\"" HASH
				    "\" ashlar.timeout=5 ashlar.generation=3\n"),
				&c, &e),
		  &e);
	assert_int_equal(c.timeout_sec, 5);
	assert_int_equal(c.generation, 3);
	assert_int_equal(c.words.state, STATE_MEMORY);
	assert_int_equal(c.root_hash[1], 0x11);
	assert_int_equal(c.root_hash[31], 0xef);
	assert_int_equal(c.words.signatures, SIGNATURES_SECURE_BOOT);
	assert_int_equal(c.words.execute_from, EXECUTE_ROOT);
	assert_ok(cmdline_parse(
			  STR("ashlar.signatures=required ashlar.execute=signed roothash=" HASH),
			  &c, &e),
		  &e);
	assert_int_equal(c.words.signatures, SIGNATURES_REQUIRED);
	assert_int_equal(c.words.execute_from, EXECUTE_SIGNED);
	assert_ok(
		cmdline_parse(
			STR("ashlar.state=tpm ashlar.without-tpm=plain roothash=" HASH
			    " ashlar.state-integrity=hmac ashlar.recovery-key=none -- ashlar.state=memory"),
			&c, &e),
		&e);
	assert_int_equal(c.words.state, STATE_TPM);
	assert_int_equal(c.words.without_tpm, WITHOUT_TPM_PLAIN);
	assert_int_equal(c.words.recovery_key, RECOVERY_KEY_NONE);
	assert_int_equal(c.words.state_integrity, STATE_INTEGRITY_HMAC);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_err(cmdline_parse(str_c(bad[i].text), &c, &e), &e, bad[i].error);
}

static void test_failure(void **state)
{
	static const struct {
		const char *text;
		bool reboot;
		unsigned delay_sec;
	} rows[] = {
		{ "quiet", false, 0 },
		{ "panic=0", false, 0 },
		{ "panic=30", true, 30 },
		{ "panic=-1", true, 0 },
		{ "ashlar.failure=halt panic=30", false, 0 },
		{ "ashlar.failure=reboot", true, 10 },
		{ "panic=5 ashlar.failure=reboot:0", true, 0 },
		{ "ashlar.failure=reboot:7 -- ashlar.failure=halt", true, 7 },
	};
	struct failure f;
	struct err e = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		assert_ok(cmdline_failure(str_c(rows[i].text), &f, &e), &e);
		assert_int_equal(f.reboot, rows[i].reboot);
		assert_int_equal(f.delay_sec, rows[i].delay_sec);
	}
	assert_err(cmdline_failure(STR("ashlar.failure=reboot:"), &f, &e), &e,
		   "ashlar.failure=reboot:: want halt, reboot or reboot:SECONDS");
	assert_err(cmdline_failure(STR("ashlar.failure"), &f, &e), &e, "want halt, reboot");
}

static const char modules_text[] = "libcrc32c -\n"
				   "erofs libcrc32c always\n"
				   "scsi_mod -\n"
				   "virtio_scsi scsi_mod virtio:d00000008v*\n"
				   "sd_mod scsi_mod scsi:t-0x00* scsi:t-0x07*\n";

static void test_modules(void **state)
{
	static const struct {
		const char *text, *error;
	} bad[] = {
		{ "a -\n\nb -\n", "modules.list:2: want NAME DEPS ALIAS" },
		{ "a\n", "modules.list:1: want NAME DEPS ALIAS" },
		{ "../a -\n", "modules.list:1: want NAME DEPS ALIAS" },
		{ "a -\na -\n", "modules.list:2: 'a' stands there twice" },
		{ "a b\nb -\n", "modules.list:1: 'a' depends on 'b', which no line above has" },
		{ "a a\n", "'a' depends on 'a'" },
	};
	_cleanup_arena_ struct arena a = { 0 };
	struct modules m;
	struct err e = { 0 };

	(void)state;
	assert_ok(modules_parse(&a, str_c(modules_text), &m, &e), &e);
	assert_int_equal(m.n, 5);
	modules_want_always(&m);
	assert_true(m.p[0].wanted && m.p[1].wanted && !m.p[2].wanted);
	modules_want(&m, "virtio:d00000001v00001AF4");
	assert_false(m.p[2].wanted || m.p[3].wanted);
	modules_want(&m, "virtio:d00000008v00001AF4");
	assert_true(m.p[2].wanted && m.p[3].wanted && !m.p[4].wanted);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_err(modules_parse(&a, str_c(bad[i].text), &m, &e), &e, bad[i].error);
}

/* In place of the kernel: notes what it is given, and refuses some. */
static char loaded[1024];

static int load(const char *path, struct err *e)
{
	const char *name = strrchr(path, '/') + 1;

	snprintf(loaded + strlen(loaded), sizeof(loaded) - strlen(loaded), "%s ", name);
	return strstr(name, "refused") ? err_set(e, -ENODEV, "load: No such device") : 0;
}

static void loader_make(struct arena *a, const char *dir, struct str list, struct loader *ret)
{
	struct err e = { 0 };

	loaded[0] = '\0';
	test_file_put(a, dir, "modules.list", list);
	assert_ok(loader_start(a, dir, load, ret, &e), &e);
}

/* Drivers, one after the other, as devices ask for them. */
static void test_loader(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	char *sys = test_dir(&a);
	struct loader l;
	struct err e = { 0 };

	(void)state;
	test_file_put(&a, sys, "bus/virtio/devices/virtio0/modalias",
		      STR("virtio:d00000008v00001AF4\n"));
	test_file_put(&a, sys, "bus/acpi/devices/x/modalias", STR("acpi:A:\nscsi:t-0x00\n"));
	loader_make(&a, sys, str_c(modules_text), &l);
	assert_string_equal(loaded, "libcrc32c.ko erofs.ko ");
	assert_ok(loader_scan(&l, sys, &e), &e);
	assert_true(loader_step(&l));
	assert_string_equal(loaded, "libcrc32c.ko erofs.ko scsi_mod.ko virtio_scsi.ko ");
	assert_true(loader_step(&l));
	assert_string_equal(loaded, "libcrc32c.ko erofs.ko scsi_mod.ko virtio_scsi.ko sd_mod.ko ");
	assert_false(loader_step(&l));
	assert_str(l.failed, "");
	assert_ok(dir_remove(sys, &e), &e);
}

/* A disk that needs no driver is there before anything is loaded. All that its root needs is loaded
 * before anybody can look for it, also what has aliases of its own, as dm_mod does. */
static void test_loader_always(void **state)
{
	static const char list[] = "dm_mod - devname:mapper/control char-major-10-236\n"
				   "dm_bufio dm_mod\n"
				   "dm_verity dm_bufio,dm_mod always\n"
				   "nvme - pci:v*d*sv*sd*bc01sc08i02*\n"
				   "erofs - always\n";
	_cleanup_arena_ struct arena a = { 0 };
	char *dir = test_dir(&a);
	struct loader l;
	struct err e = { 0 };

	(void)state;
	loader_make(&a, dir, str_c(list), &l);
	assert_string_equal(loaded, "dm_mod.ko dm_bufio.ko dm_verity.ko erofs.ko ");
	assert_false(loader_step(&l));
	assert_ok(dir_remove(dir, &e), &e);
}

static void test_loader_refused(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	char *dir = test_dir(&a);
	struct loader l;
	struct err e = { 0 };

	(void)state;
	test_file_put(&a, dir, "bus/pci/devices/x/modalias", STR("pci:1\n"));
	loader_make(&a, dir, STR("refused_too -\nrefused refused_too pci:*\n"), &l);
	assert_ok(loader_scan(&l, dir, &e), &e);
	assert_true(loader_step(&l));
	assert_str(l.failed, "refused_too: load: No such device; refused: load: No such device");
	test_file_put(&a, dir, "modules.list", STR("refused_too -\nrefused refused_too always\n"));
	assert_err(loader_start(&a, dir, load, &l, &e), &e,
		   "kernel module refused: load: No such device; before it: refused_too: load: No");
	test_file_put(&a, dir, "modules.list", STR("erofs - always\n"));
	assert_err(loader_start(&a, dir, NULL, &l, &e), &e,
		   "kernel module erofs: open: No such file or directory");
	assert_ok(dir_remove(dir, &e), &e);
}

static void device_put(struct arena *a, const char *sys, const char *device, struct str modalias)
{
	const char *dir = str_z(a, str_printf(a, "%s/bus/%s", sys, device));

	test_file_put(a, dir, "modalias", modalias);
}

static void test_controllers(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	char *sys = test_dir(&a);
	struct err e = { 0 };

	(void)state;
	assert_str(controllers_text(&a, sys), "");
	device_put(&a, sys, "pci/devices/0000:00:05.0",
		   STR("pci:v000015ADd000007C0sv000015ADsd000007C0bc01sc07i00\n"));
	test_file_put(&a, sys, "bus/pci/devices/0000:00:05.0/vendor", STR("0x15ad\n"));
	test_file_put(&a, sys, "bus/pci/devices/0000:00:05.0/device", STR("0x07c0\n"));
	device_put(&a, sys, "pci/devices/0000:00:06.0",
		   STR("pci:v00001AF4d00001041sv00001AF4sd00001100bc02sc00i00\n"));
	device_put(&a, sys, "pci/devices/0000:00:07.0",
		   STR("pci:v00001AF4d00001001sv00001AF4sd00000002bc01sc00i00\n"));
	test_file_put(&a, sys, "bus/pci/devices/0000:00:07.0/driver/x", STR(""));
	device_put(&a, sys, "vmbus/devices/1-2", STR("vmbus:d96361baa104294db60572e2ffb1dc7f\n"));
	assert_str(controllers_text(&a, sys), "pci 0000:00:05.0 (15ad:07c0), vmbus 1-2 "
					      "(vmbus:d96361baa104294db60572e2ffb1dc7f)");
	assert_ok(dir_remove(sys, &e), &e);
}

static void test_dm_params(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct disk_partition root = { .name = STR("vda2"),
				       .devno = STR("253:2"),
				       .size_bytes = 40960 },
			      hash = { .name = STR("vda3"), .devno = STR("253:3") };
	struct verity_super super = { .data_blocks = 10, .salt = { 0xab, 0xcd }, .salt_bytes = 2 };
	uint8_t root_hash[ROOT_HASH_BYTES];
	struct err e = { 0 };
	struct str params;

	(void)state;
	assert_true(hex_decode(STR(HASH), root_hash, sizeof(root_hash)));
	assert_ok(dm_params(&a, &super, root_hash, &root, &hash, false, &params, &e), &e);
	assert_str(params, "1 253:2 253:3 4096 4096 10 1 sha256 " HASH " abcd");
	super.salt_bytes = 0;
	assert_ok(dm_params(&a, &super, root_hash, &root, &hash, true, &params, &e), &e);
	assert_true(str_ends(params, " - 2 root_hash_sig_key_desc ashlar-root-hash"));
	super.data_blocks = 11;
	assert_err(dm_params(&a, &super, root_hash, &root, &hash, false, &params, &e), &e,
		   "vda3: its verity superblock covers 11 blocks, but vda2 has 10");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cmdline),       cmocka_unit_test(test_failure),
		cmocka_unit_test(test_modules),       cmocka_unit_test(test_loader),
		cmocka_unit_test(test_loader_always), cmocka_unit_test(test_loader_refused),
		cmocka_unit_test(test_controllers),   cmocka_unit_test(test_dm_params),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
