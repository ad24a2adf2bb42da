/* SPDX-License-Identifier: MIT */
#include "agent/status/status.h"

#include "base/test.h"

#include "base/json_parse.h"

#define SECURITY "sys/kernel/security/"
#define EFIVARS  "sys/firmware/efi/efivars/"

/* A machine on which all is well. */
static char *machine(struct arena *a)
{
	char *dir = test_dir(a);

	test_file_put(a, dir, "usr/lib/os-release",
		      STR("NAME=\"Ashlar\"\nIMAGE_ID=server\nIMAGE_VERSION=1.0.1\n"));
	test_file_put(
		a, dir, "run/ashlar/boot.json",
		STR("{\"secure-boot\": true, \"root-hash\": \"00ff\", \"root-signature\": \"checked\", "
		    "\"execution-policy\": \"enforcing\", \"state\": \"encrypted-tpm\", "
		    "\"state-reason\": \"\", \"memory-locked\": true, "
		    "\"device-mapper-tables-refused\": true, \"missing\": [], \"platform\": {"
		    "\"credentials-taken\": [\"ssh.authorized_keys.root\"], "
		    "\"credentials-ignored\": [\"tmpfiles.extra\"], \"words-ignored\": [\"rdinit\"]}}"));
	test_file_put(a, dir, "proc/1/status",
		      STR("Name:\tsystemd\nCapBnd:\t000001fdffffffff\nSeccomp:\t2\n"));
	test_file_put(a, dir, "proc/sys/kernel/yama/ptrace_scope", STR("3\n"));
	test_file_put(a, dir, "proc/cmdline", STR("ro ashlar.execute=root\n"));
	test_file_put(a, dir, "sys/class/tpm/tpm0/tpm_version_major", STR("2\n"));
	test_file_put(a, dir, "sys/block/dm-0/dm/name", STR("root\n"));
	test_file_put(a, dir, "sys/block/dm-0/dm/uuid", STR("CRYPT-VERITY-00-root\n"));
	test_file_put(a, dir, "usr/lib/systemd/system/network-closed.service", STR(""));
	test_file_put(a, dir, "run/packet-filter/x", STR(""));
	test_file_put(a, dir, SECURITY "lockdown", STR("none [integrity] confidentiality\n"));
	test_file_put(a, dir, SECURITY "ipe/enforce", STR("1"));
	test_file_put(a, dir, SECURITY "ipe/policies/ashlar/active", STR("1"));
	test_file_put(a, dir, SECURITY "ipe/policies/ashlar/policy",
		      STR("policy_name=ashlar policy_version=1.0.0\nDEFAULT action=DENY\n"));
	test_file_put(a, dir, EFIVARS "SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c",
		      STR("\6\0\0\0\1"));
	test_file_put(a, dir, EFIVARS "StubPcrKernelImage-4a67b082-0a4c-41cf-b6c7-440b29bb8c4f",
		      STR("\6\0\0\0001\0001\0\0\0"));
	return dir;
}

static void test_all_is_well(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	char *dir = machine(&a);
	struct err e = { 0 };
	vec_json_value v;
	struct status s;

	(void)state;
	status_read(&a, dir, &s);
	assert_str(
		status_text(&a, &s),
		"Ashlar server 1.0.1: nothing is missing\n"
		"Protected:\n"
		"  - Secure Boot: firmware checked boot loader and kernel\n"
		"  - the kernel is locked down (integrity): root cannot change it\n"
		"  - the TPM holds a measurement of what was started\n"
		"  - the root: each block is checked when it is read (dm-verity, root hash 00ff)\n"
		"  - the root hash: the kernel checked its signature\n"
		"  - files of programs and libraries are executed from the root only, and kernel modules "
		"loaded from the root; not meant are scripts that a shell is told to read\n"
		"  - no device-mapper table can be made, so no other device looks like the root\n"
		"  - no process executes what it wrote to memory, or gets at another's by debugging it, "
		"having it crash, or swapping it out\n"
		"  - /var: encrypted to this machine's TPM, which knows it as its own\n"
		"  - what comes in from the network is filtered\n"
		"From the platform, as the image allows:\n"
		"  - ssh.authorized_keys.root\n"
		"From the platform, not taken:\n"
		"  - tmpfiles.extra\n"
		"From the platform, words that did not reach the kernel:\n"
		"  - rdinit\n");
	assert_ok(json_parse(&a, status_json(&a, &s), &v, &e), &e);
	assert_str(json_find(&v, "missing")->text, "[]");
	assert_str(json_find(&v, "execution-policy-active")->text, "ashlar");
	assert_int_equal(json_find(&v, "execution-policy-locked")->type, JSON_TRUE);
	assert_ok(dir_remove(dir, &e), &e);
}

static void test_filter(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	char *dir = machine(&a);
	struct err e = { 0 };
	struct status s;

	(void)state;
	assert_ok(dir_remove(path_join(&a, dir, "run/packet-filter"), &e), &e);
	status_read(&a, dir, &s);
	assert_true(str_starts(status_text(&a, &s),
			       "Ashlar server 1.0.1\nNot protected:\n"
			       "  - the packet filter is not in force, so the network is closed "));
	assert_int_equal(unlink(path_join(&a, dir,
					  "usr/lib/systemd/system/network-closed.service")),
			 0);
	status_read(&a, dir, &s);
	assert_int_equal(s.missing.n, 0);
	assert_ok(dir_remove(dir, &e), &e);
}

static void test_missing(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	char *dir = machine(&a);
	struct err e = { 0 };
	struct status s;

	(void)state;
	test_file_put(&a, dir, "usr/lib/os-release", STR("NAME=A\nASHLAR_DEVELOPMENT_KEYS=1\n"));
	test_file_put(&a, dir, SECURITY "lockdown", STR("[none] integrity confidentiality\n"));
	test_file_put(&a, dir, SECURITY "ipe/enforce", STR("0"));
	test_file_put(&a, dir, "sys/block/dm-0/dm/name", STR("other\n"));
	test_file_put(
		&a, dir, "run/ashlar/boot.json",
		STR("{\"execution-policy\":\"enforcing\",\"missing\":[\"Secure Boot is off\"]}"));
	status_read(&a, dir, &s);
	assert_true(str_starts(
		status_text(&a, &s),
		"A  \n"
		"Not protected:\n"
		"  - Secure Boot is off\n"
		"  - the kernel is not locked down: root can change it while it runs\n"
		"  - this image was signed with development keys, which are kept where it was built\n"
		"  - the root is not on dm-verity\n"
		"  - the execution policy is no longer in force\n"));
	/* whose only a recovery key said */
	test_file_put(&a, dir, "run/ashlar/boot.json", STR("{\"state\":\"encrypted\"}"));
	status_read(&a, dir, &s);
	assert_true(str_has(status_text(&a, &s), "  - /var: encrypted\n"));
	/* a user other than root */
	assert_int_equal(unlink(path_join(&a, dir, SECURITY "ipe/enforce")), 0);
	test_file_put(&a, dir, "proc/1/status", STR("CapBnd:\t000001ffffffffff\nSeccomp:\t2\n"));
	test_file_put(&a, dir, "run/ashlar/boot.json",
		      STR("{\"execution-policy\":\"enforcing\",\"memory-locked\":true,"
			  "\"device-mapper-tables-refused\":true}"));
	status_read(&a, dir, &s);
	assert_int_equal(s.enforced, KNOWN_NOT);
	assert_str(s.missing.p[s.missing.n - 1], "root can change the execution policy");
	test_file_put(&a, dir, "proc/1/status", STR("CapBnd:\t000001fdffffffff\nSeccomp:\t0\n"));
	test_file_put(&a, dir, "proc/sys/kernel/yama/ptrace_scope", STR("2\n"));
	status_read(&a, dir, &s);
	assert_str(s.missing.p[s.missing.n - 2],
		   "root can make a device that looks like a verified volume and is none, and "
		   "execute what lies there");
	assert_str(s.missing.p[s.missing.n - 1],
		   "root can write code into running programs, or read their memory");
	test_file_put(&a, dir, "run/ashlar/boot.json", STR("{\"missing\":"));
	status_read(&a, dir, &s);
	assert_str(s.missing.p[0], "nothing is known of how this machine was started: "
				   "/run/ashlar/boot.json is not there, or damaged");
	assert_ok(dir_remove(dir, &e), &e);
}

static void test_authenticated(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	char *dir = machine(&a);
	struct err e = { 0 };
	struct status s;

	(void)state;
	test_file_put(&a, dir, "run/ashlar/boot.json",
		      STR("{\"state\": \"encrypted-tpm\", \"state-authenticated\": true}"));
	status_read(&a, dir, &s);
	assert_true(str_has(status_text(&a, &s), "  - /var: each block is authenticated"));
	assert_true(str_has(status_json(&a, &s), "\"state-authenticated\": true"));
	test_file_put(&a, dir, "run/ashlar/boot.json",
		      STR("{\"state\": \"encrypted-tpm\", \"state-authenticated\": false}"));
	status_read(&a, dir, &s);
	assert_false(str_has(status_text(&a, &s), "authenticated:"));
	assert_ok(dir_remove(dir, &e), &e);
}

/* A filter that is there is not the one that matters; and Yama alone says nothing of crashes. */
static void test_only_what_is_so(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	char *dir = machine(&a);
	struct err e = { 0 };
	struct status s;

	(void)state;
	test_file_put(&a, dir, "run/ashlar/boot.json",
		      STR("{\"execution-policy\":\"enforcing\",\"missing\":[]}"));
	status_read(&a, dir, &s);
	assert_int_equal(s.tables_refused, KNOWN_NO);
	assert_false(s.memory_locked);
	assert_false(str_has(status_text(&a, &s), "no process executes what it wrote"));
	test_file_put(&a, dir, "run/ashlar/boot.json", STR("{\"memory-locked\":true}"));
	status_read(&a, dir, &s);
	assert_int_equal(s.tables_refused, KNOWN_NO);
	assert_true(s.memory_locked);
	assert_true(str_has(status_json(&a, &s), "\"device-mapper-tables-refused\": false"));
	assert_int_equal(unlink(path_join(&a, dir, "run/ashlar/boot.json")), 0);
	status_read(&a, dir, &s);
	assert_int_equal(s.tables_refused, KNOWN_NOT);
	assert_ok(dir_remove(dir, &e), &e);
}

static void test_policies(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	char *dir = machine(&a);
	struct err e = { 0 };
	struct status s;

	(void)state;
	test_file_put(&a, dir, SECURITY "ipe/policies/ashlar/policy",
		      STR("op=EXECUTE dmverity_signature=TRUE action=ALLOW\n"));
	status_read(&a, dir, &s);
	assert_true(str_has(status_text(&a, &s), "from the root and from signed volumes only"));
	/* nothing that agent/init can lock helps there */
	assert_true(str_starts(s.missing.p[0], "root can make a device that looks like"));
	test_file_put(&a, dir, SECURITY "ipe/policies/ashlar/policy",
		      STR("DEFAULT op=EXECUTE action=ALLOW\n"));
	status_read(&a, dir, &s);
	assert_true(str_has(status_text(&a, &s), "the image lets programs run from anywhere"));
	/* a user who may not read the policy */
	assert_ok(dir_remove(path_join(&a, dir, SECURITY "ipe"), &e), &e);
	test_file_put(&a, dir, "proc/cmdline", STR("ashlar.execute=signed"));
	status_read(&a, dir, &s);
	assert_true(str_has(status_text(&a, &s), "from the root and from signed volumes only"));
	test_file_put(&a, dir, SECURITY "ipe/enforce", STR("1"));
	test_file_put(&a, dir, SECURITY "ipe/policies/ashlar/active", STR("0"));
	status_read(&a, dir, &s);
	assert_int_equal(s.enforced, KNOWN_NO);
	assert_str(s.missing.p[0], "the execution policy is no longer in force");
	assert_ok(dir_remove(dir, &e), &e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_is_well),     cmocka_unit_test(test_filter),
		cmocka_unit_test(test_missing),         cmocka_unit_test(test_authenticated),
		cmocka_unit_test(test_only_what_is_so), cmocka_unit_test(test_policies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
