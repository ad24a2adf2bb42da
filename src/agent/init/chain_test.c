/* SPDX-License-Identifier: MIT */
#include "agent/init/chain.h"

#include "base/arch.h"
#include "base/test.h"

#include "agent/init/ipe.h"
#include "base/json_parse.h"
#include "disk/gpt.h"
#include "disk/ipe_policy.h"
#include "disk/verity_sig.h"

#define HASH   "00112233445566778899aabbccddeeff0123456789abcdef0123456789abcdef"
#define GLOBAL "-8be4df61-93ca-11d2-aa0d-00e098032b8c"
#define EFIVAR "firmware/efi/efivars/"

static struct str get(struct arena *a, const char *dir, const char *name)
{
	struct err e = { 0 };
	struct str text;

	assert_ok(file_read(a, path_join(a, dir, name), 65536, &text, &e), &e);
	return text;
}

static void test_efi(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	char *sys = test_dir(&a);
	struct err e = { 0 };
	struct efi efi;

	(void)state;
	test_file_put(&a, sys, "kernel/security/lockdown",
		      STR("none [integrity] confidentiality\n"));
	efi_read(&a, sys, &efi);
	assert_false(efi.present || efi.secure_boot || efi.setup_mode || efi.measured);
	/* no variables: the kernel's own lockdown tells */
	test_file_put(&a, sys, "firmware/efi/systab", STR(""));
	efi_read(&a, sys, &efi);
	assert_true(efi.present && efi.secure_boot);
	test_file_put(&a, sys, "kernel/security/lockdown",
		      STR("[none] integrity confidentiality\n"));
	efi_read(&a, sys, &efi);
	assert_true(efi.present && !efi.secure_boot);
	test_file_put(&a, sys, EFIVAR "SecureBoot" GLOBAL, STR("\6\0\0\0\1"));
	test_file_put(&a, sys, EFIVAR "SetupMode" GLOBAL, STR("\6\0\0\0\0"));
	test_file_put(&a, sys, EFIVAR "StubPcrKernelImage-4a67b082-0a4c-41cf-b6c7-440b29bb8c4f",
		      STR("\6\0\0\0001\0001\0\0\0"));
	efi_read(&a, sys, &efi);
	assert_true(efi.secure_boot && !efi.setup_mode && efi.measured);
	test_file_put(&a, sys, "kernel/security/lockdown",
		      STR("none [integrity] confidentiality\n"));
	test_file_put(&a, sys, EFIVAR "SecureBoot" GLOBAL, STR("\6\0\0\0\0"));
	test_file_put(&a, sys, EFIVAR "SetupMode" GLOBAL, STR("\6\0\0\0\1"));
	efi_read(&a, sys, &efi);
	assert_true(!efi.secure_boot && efi.setup_mode);
	assert_ok(dir_remove(sys, &e), &e);
}

static void partition_put(struct arena *a, const char *dev, const char *name, struct str signature)
{
	struct verity_sig sig = { .signature = signature, .ipe_policy = STR("policy") };
	struct err e = { 0 };
	struct str text;

	assert_true(hex_decode(STR(HASH), sig.root_hash, ROOT_HASH_BYTES));
	assert_ok(verity_sig_write(a, &sig, &text, &e), &e);
	test_file_put(a, dev, name, text);
}

static void test_signatures(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct disk disk = { .name = STR("vda") };
	struct disk_partition part = { .name = STR("vda4") };
	char *dev = test_dir(&a);
	uint8_t root_hash[ROOT_HASH_BYTES];
	struct signatures s;
	struct err e = { 0 };

	(void)state;
	assert_true(hex_decode(STR(HASH), root_hash, ROOT_HASH_BYTES));
	vec_push(&a, &disk.parts) = part;
	signatures_find(&a, dev, &disk, root_hash, &s);
	assert_int_equal(s.root_hash.n, 0);
	assert_str(s.problem, "vda has no signature partition");
	gpt_type_uuid(GPT_TYPE_ROOT_VERITY_SIG, &arch_aarch64, disk.parts.p->type);
	signatures_find(&a, dev, &disk, root_hash, &s);
	assert_str(s.problem, "vda4: open: No such file or directory");
	test_file_put(&a, dev, "vda4", STR("{}"));
	signatures_find(&a, dev, &disk, root_hash, &s);
	assert_str(s.problem, "vda4: verity signature partition: 2 bytes, want at least 16384");
	partition_put(&a, dev, "vda4", STR("signature"));
	signatures_find(&a, dev, &disk, root_hash, &s);
	assert_str(s.root_hash, "signature");
	assert_str(s.ipe_policy, "policy");
	assert_int_equal(s.problem.n, 0);
	/* that of an older version beside it */
	root_hash[0] ^= 1;
	signatures_find(&a, dev, &disk, root_hash, &s);
	assert_str(s.problem, "vda4 has one for another root");
	assert_ok(dir_remove(dev, &e), &e);
}

static const char policy[] = "policy_name=ashlar policy_version=1.0.0\n"
			     "DEFAULT action=DENY\n"
			     "op=EXECUTE dmverity_roothash=sha256:@roothash@ action=ALLOW\n";

/* Plain files where the kernel has its own: what is written can be read. */
static void test_ipe(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	char *ipe = test_dir(&a);
	uint8_t root_hash[ROOT_HASH_BYTES];
	struct err e = { 0 };
	struct str text;

	(void)state;
	assert_true(hex_decode(STR(HASH), root_hash, ROOT_HASH_BYTES));
	text = ipe_policy_text(&a, str_c(policy), root_hash);
	assert_true(str_ends(text, "dmverity_roothash=sha256:" HASH " action=ALLOW\n"));
	assert_err(ipe_enforce(&a, path_join(&a, ipe, "no"), text, STR("pkcs7"), &e), &e,
		   "the kernel has no IPE, or its command line's lsm= leaves it out");
	assert_err(ipe_enforce(&a, ipe, STR("DEFAULT action=DENY\n"), STR("pkcs7"), &e), &e,
		   "the initrd's execution policy has no name");
	assert_err(ipe_enforce(&a, ipe, text, STR("pkcs7"), &e), &e, "load the execution policy: ");
	test_file_put(&a, ipe, "new_policy", STR(""));
	assert_err(ipe_enforce(&a, ipe, text, STR("pkcs7"), &e), &e,
		   "the signed execution policy is not that of this image");
	test_file_put(&a, ipe, "policies/ashlar/policy", str_c(policy));
	assert_err(ipe_enforce(&a, ipe, text, STR("pkcs7"), &e), &e,
		   "the signed execution policy is not that of this image");
	test_file_put(&a, ipe, "policies/ashlar/policy", text);
	test_file_put(&a, ipe, "policies/ashlar/active", STR("0"));
	test_file_put(&a, ipe, "enforce", STR("0"));
	assert_ok(ipe_enforce(&a, ipe, text, STR("pkcs7"), &e), &e);
	assert_str(get(&a, ipe, "new_policy"), "pkcs7");
	assert_str(get(&a, ipe, "policies/ashlar/active"), "1");
	assert_str(get(&a, ipe, "enforce"), "1");
	test_file_put(&a, ipe, "enforce", STR("00"));
	assert_err(ipe_enforce(&a, ipe, text, STR("pkcs7"), &e), &e, "enforce' stays '10'");
	assert_ok(dir_remove(ipe, &e), &e);
}

/* Without a superblock no device is made. */
static void test_missing(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct cmdline cmdline = { .words.execute_from = EXECUTE_ROOT };
	struct boot_status status = { 0 };
	struct efi efi = { .present = true, .secure_boot = true };
	struct chain c = { .a = &a, .cmdline = &cmdline, .status = &status };
	struct disk_partition part = { .name = STR("none") };
	char *dir = test_dir(&a);
	const char *path = path_join(&a, dir, "ipe-policy");
	struct err e = { 0 };

	(void)state;
	c.signatures.problem = STR("vda has no signature partition");
	c.insists = chain_insists(&cmdline, &efi);
	assert_err(chain_root(&c, &part, &part, &e), &e,
		   "Secure Boot is on, but the root hash's signature was not checked: vda has no "
		   "signature partition");
	assert_err(chain_policy(&c, path, dir, &e), &e,
		   "Secure Boot is on, but no execution policy is in force: the initrd has none");
	efi.secure_boot = false;
	assert_null(chain_insists(&cmdline, &efi));
	cmdline.words.signatures = SIGNATURES_REQUIRED;
	assert_string_equal(chain_insists(&cmdline, &efi),
			    "the image says ashlar.signatures=required");
	c.insists = NULL;
	assert_int_equal(status.missing.n, 0);
	efi.setup_mode = true;
	chain_firmware(&c, &efi);
	assert_str(status.missing.p[0],
		   "Secure Boot is off (no keys are enrolled), so firmware did "
		   "not check boot loader, kernel and command line");
	assert_ok(chain_policy(&c, path, dir, &e), &e);
	assert_str(status.missing.p[1], "no execution policy is in force: the initrd has none");
	test_file_put(&a, dir, "ipe-policy", str_c(policy));
	assert_ok(chain_policy(&c, path, dir, &e), &e);
	assert_str(status.missing.p[2],
		   "no execution policy is in force: vda has no signature partition");
	assert_string_equal(status.execution_policy, "absent");
	/* what somebody changed is never only missing */
	c.signatures = (struct signatures){ .ipe_policy = STR("pkcs7") };
	test_file_put(&a, dir, "new_policy", STR(""));
	assert_err(chain_policy(&c, path, dir, &e), &e, "is not that of this image");
	cmdline.words.execute_from = EXECUTE_ANYWHERE;
	assert_ok(chain_policy(&c, path_join(&a, dir, "no"), dir, &e), &e);
	assert_int_equal(status.missing.n, 3);
	assert_ok(dir_remove(dir, &e), &e);
}

static void test_status(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct boot_status s = { .efi = true,
				 .root_signature = "no-key",
				 .execution_policy = "absent",
				 .state = "memory",
				 .state_reason = "" };
	struct err e = { 0 };
	vec_json_value v, missing;

	(void)state;
	boot_status_missing(&a, &s, "a %s", "sentence");
	assert_ok(json_parse(&a, boot_status_json(&a, &s), &v, &e), &e);
	assert_int_equal(json_find(&v, "secure-boot")->type, JSON_FALSE);
	assert_str(json_find(&v, "root-signature")->text, "no-key");
	assert_ok(json_parse(&a, json_find(&v, "missing")->text, &missing, &e), &e);
	assert_str(missing.p[0].text, "a sentence");
	s.efi = false;
	assert_ok(json_parse(&a, boot_status_json(&a, &s), &v, &e), &e);
	assert_int_equal(json_find(&v, "secure-boot")->type, JSON_NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_efi),    cmocka_unit_test(test_signatures),
		cmocka_unit_test(test_ipe),    cmocka_unit_test(test_missing),
		cmocka_unit_test(test_status),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
