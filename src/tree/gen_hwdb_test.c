/* SPDX-License-Identifier: MIT */
#include "tree/gen_test.h"

#define FOLDER "/usr/lib/udev/hwdb.d/"

/* Records of every shape, and what is ignored. */
static const char text_a[] =
	"# comment\n"
	" stray property=1\n"
	"usb:v1234*\nusb:v12*  \n   ID_A=one # trailing\n \tID_B=two\n NOVALUE\n  =empty\n ID_C=\n"
	"# within\n ID_D=a=b\n\n"
	"usb:v1234p5678*\n ID_A=deeper\n"
	"usb:v9999*\n ID_A=lost, a match behind properties\n\n"
	"only:matches\n\n"
	"usb:v1234*\n ID_A=replaced\n\n"
	"usb:\n ID_A=short\n\n"
	"usb:v1334*\n ID_Z=z\n ID_A=a";
static const char text_b[] = "usb:v12*\n ID_A=later file\n\npci:*\n ID_A=ID_A\n";

static struct tree sources(void)
{
	struct tree t = parsed("");

	/* Debian 12's systemd looks into /lib/udev. */
	assert_ok(tree_put(&t, STR("/lib"), S_IFLNK | 0777, STR("usr/lib"), 0, NULL, &e), &e);
	put(&t, FOLDER "20-a.hwdb", text_a);
	put(&t, FOLDER "30-b.hwdb", "usb:v12*\n ID_A=hidden\n");
	put(&t, "/etc/udev/hwdb.d/30-b.hwdb", text_b);
	put(&t, FOLDER "40-masked.hwdb", "");
	put(&t, FOLDER "README", "text");
	return t;
}

static void test_format(void **state)
{
	struct tree t = sources();
	struct str bin;
	uint64_t size;

	(void)state;
	assert_ok(gen_hwdb(&t, &e), &e);
	bin = content(&t, "/usr/lib/udev/hwdb.bin");
	assert_true(str_starts(bin, "KSLPHHRH"));
	memcpy(&size, bin.p + 16, sizeof(size));
	assert_int_equal(size, bin.n);
	assert_true(memmem(bin.p, bin.n, "/etc/udev/hwdb.d/30-b.hwdb", 26) != NULL);
	assert_null(memmem(bin.p, bin.n, "lost", 4));
	/* The sources are gone, what else is there is not. */
	assert_int_equal(tree_find(&t, STR(FOLDER "20-a.hwdb")), TREE_NONE);
	assert_int_equal(tree_find(&t, STR("/etc/udev/hwdb.d")), TREE_NONE);
	assert_true(tree_find(&t, STR(FOLDER "README")) != TREE_NONE);
}

/* The answers for each device are those of what systemd-hwdb makes of the same sources. */
static void test_systemd(void **state)
{
	static const char *const devices[] = { "usb:",          "usb:v1234",    "usb:v1234p5678x",
					       "usb:v1299",     "usb:v1334q",   "usb:v9999",
					       "pci:v00001234", "only:matches", "other:" };
	struct tree t = sources(), before = sources();
	char *mine, *theirs = extract(&before);
	const char *const update[] = { "systemd-hwdb", "-r", theirs, "--usr", "update", NULL };
	struct proc_result result, answer;

	(void)state;
	if (!file_exists("/usr/bin/systemd-hwdb"))
		skip();
	assert_ok(gen_hwdb(&t, &e), &e);
	mine = extract(&t);
	assert_ok(proc_run(a, update, (struct str){ 0 }, "udev", &result, &e), &e);
	assert_int_equal(result.status, 0);
	for (size_t i = 0; i < sizeof(devices) / sizeof(devices[0]); i++) {
		const char *const ask[] = { "systemd-hwdb", "-r", mine, "query", devices[i], NULL };
		const char *const ask_theirs[] = { "systemd-hwdb", "-r",       theirs,
						   "query",        devices[i], NULL };

		assert_ok(proc_run(a, ask, (struct str){ 0 }, "udev", &result, &e), &e);
		assert_ok(proc_run(a, ask_theirs, (struct str){ 0 }, "udev", &answer, &e), &e);
		assert_str(result.out, str_z(a, answer.out));
		assert_true(i != 1 || str_has(result.out, "ID_D=a=b\n"));
	}
}

static void test_errors(void **state)
{
	struct tree t = parsed("");

	(void)state;
	assert_ok(gen_hwdb(&t, &e), &e);
	assert_int_equal(tree_find(&t, STR("/usr")), TREE_NONE);
	assert_ok(tree_put(&t, STR(FOLDER "x.hwdb"), S_IFREG | 0644, STR("a\0b"), 0, NULL, &e), &e);
	assert_err(gen_hwdb(&t, &e), &e, FOLDER "x.hwdb: holds a NUL byte, so it is no text");
}

static struct gen_inputs inputs(struct tree *t)
{
	struct gen_inputs in;

	gen_hwdb_inputs(a, t, &in);
	return in;
}

static int run(struct tree *t)
{
	return gen_hwdb(t, &e);
}

static struct tree sources_and_more(void)
{
	struct tree t = sources();

	put(&t, "/usr/lib/udev/hwdb.bin", "old");
	put(&t, "/usr/lib/other", "text");
	return t;
}

static void test_inputs(void **state)
{
	(void)state;
	assert_stated(&(struct stated){ sources_and_more, inputs, run });
}

int main(void)
{
	const struct CMUnitTest tests[] = { TEST(test_format), TEST(test_systemd),
					    TEST(test_errors), TEST(test_inputs) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
