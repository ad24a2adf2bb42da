/* SPDX-License-Identifier: MIT */
#include "disk/elf_test.h"
#include "tree/gen_test.h"
#include "tree/linker_cache.h"

#define LIB "/usr/lib/x86_64-linux-gnu/"

enum { EXTENSION_OFFSET_AT = 32, GENERATOR_SIZE_AT = 8 + 12 };

static void put_library(struct tree *t, const char *path, const char *soname)
{
	assert_ok(tree_put(t, str_c(path), S_IFREG | 0644, elf_make(a, EM_X86_64, soname), 0, NULL,
			   &e),
		  &e);
}

static void put_link(struct tree *t, const char *path, const char *target)
{
	assert_ok(tree_put(t, str_c(path), S_IFLNK | 0777, str_c(target), 0, NULL, &e), &e);
}

/* A root as Debian's, with what may go wrong in one. */
static struct tree root(void)
{
	struct tree t = parsed("");

	put(&t, "/etc/ld.so.conf", "include /etc/ld.so.conf.d/*.conf # all\n\n");
	put(&t, "/etc/ld.so.conf.d/libc.conf", "# local\n/usr/local/lib\n /nowhere\n");
	put(&t, "/etc/ld.so.conf.d/multi.conf",
	    "/lib/x86_64-linux-gnu/\n/usr/lib/x86_64-linux-gnu\ninclude ../more.conf\n");
	put(&t, "/etc/ld.so.conf.d/.hidden.conf", "/hidden\n");
	put(&t, "/etc/more.conf", "/opt/lib\n");
	put_link(&t, "/lib", "usr/lib");
	put_library(&t, "/hidden/libhidden.so.1", "libhidden.so.1");
	put_library(&t, "/opt/lib/libopt.so", "libopt.so");
	put_library(&t, LIB "libone.so.1.2.3", "libone.so.1");
	put_library(&t, LIB "libone.so.1.10.0", "libone.so.1");
	put_link(&t, LIB "libone.so", "libone.so.1");
	put_library(&t, LIB "libtwo.so.2", "libtwo.so.2");
	put_library(&t, LIB "libthree-3.so", "libthree.so.3");
	put_link(&t, LIB "libthree.so", "libthree-3.so");
	put_library(&t, LIB "libname.so", NULL);
	put_library(&t, LIB "libother.so.1.0", "libother.so.1");
	put_library(&t, LIB "libother.so.1", "libother.so.1");
	put_link(&t, LIB "libfour.so.4", "../libfour.so.4.4");
	put_library(&t, "/usr/lib/libfour.so.4.4", "libfour.so.4");
	put_library(&t, LIB "ld-linux-x86-64.so.2", "ld-linux-x86-64.so.2");
	put_library(&t, LIB "plugin.so", "plugin.so");
	put_library(&t, "/usr/lib64/libsixtyfour.so.1", "libsixtyfour.so.1");
	put_library(&t, "/usr/lib/libplain.so.1", "libplain.so.1");
	put(&t, LIB "libscript.so", "/* GNU ld script */ GROUP ( libone.so.1 )");
	put_library(&t, LIB "glibc-hwcaps/x86-64-v3/libone.so.1.10.0", "libone.so.1");
	put_library(&t, LIB "glibc-hwcaps/x86-64-v2/libone.so.1.10.0", "libone.so.1");
	put_library(&t, LIB "glibc-hwcaps/x86-64-v2/libtwo.so.2", "libtwo.so.2");
	assert_ok(tree_put(&t, STR(LIB "glibc-hwcaps/x86-64-v4"), S_IFDIR | 0755, (struct str){ 0 },
			   0, NULL, &e),
		  &e);
	return t;
}

/* Without the name of the program that wrote it, which stands at the end. */
static struct str without_generator(struct str cache)
{
	struct str s = str_dup(a, cache);
	uint32_t at, n;

	memcpy(&at, s.p + EXTENSION_OFFSET_AT, 4);
	assert_true(at + 24 < s.n);
	memcpy(&n, s.p + at + GENERATOR_SIZE_AT, 4);
	memset((char *)s.p + at + GENERATOR_SIZE_AT, 0, 4);
	assert_true(n < s.n - at);
	return str_head(s, s.n - n);
}

static void test_ldconfig(void **state)
{
	struct tree t = root(), before = root();
	char *dir = extract(&before);
	const char *const argv[] = { "/sbin/ldconfig", "-r", dir, NULL };
	struct proc_result result;
	struct str mine, theirs;
	vec_id ids;

	(void)state;
	if (!file_exists(argv[0]))
		skip();
	assert_ok(gen_linker_cache(&t, &arch_x86_64, &e), &e);
	assert_ok(proc_run(a, argv, (struct str){ 0 }, NULL, &result, &e), &e);
	mine = without_generator(content(&t, "/etc/ld.so.cache"));
	theirs = without_generator(read_back(dir, "/etc/ld.so.cache"));
	assert_int_equal(mine.n, theirs.n);
	assert_memory_equal(mine.p, theirs.p, mine.n);
	tree_walk(a, &t, &ids);
	vec_each(id, &ids) { /* all links, those made here, too */
		char target[256];
		ssize_t n;

		if (!S_ISLNK(t.nodes.p[*id].mode))
			continue;
		n = readlink(path_join(a, dir, str_z(a, tree_path(a, &t, *id))), target,
			     sizeof(target));
		assert_true(n > 0);
		assert_str(t.nodes.p[*id].data, str_z(a, (struct str){ target, (size_t)n }));
	}
}

static void test_links(void **state)
{
	struct tree t = root();

	(void)state;
	assert_ok(gen_linker_cache(&t, &arch_x86_64, &e), &e);
	assert_str(link_of(&t, LIB "libone.so.1"), "libone.so.1.10.0");
	assert_str(link_of(&t, LIB "libthree.so.3"), "libthree-3.so");
	assert_int_equal(tree_find(&t, STR(LIB "glibc-hwcaps/x86-64-v3/libone.so.1")), TREE_NONE);
	assert_true(str_has(content(&t, "/etc/ld.so.cache"), "/opt/lib/libopt.so"));
	assert_false(str_has(content(&t, "/etc/ld.so.cache"), "hidden"));
	assert_false(str_has(content(&t, "/etc/ld.so.cache"), "plugin"));
	/* Libraries of another machine are none. */
	t = root();
	assert_ok(gen_linker_cache(&t, &arch_aarch64, &e), &e);
	assert_false(str_has(content(&t, "/etc/ld.so.cache"), "libone"));
}

static void test_order(void **state)
{
	(void)state;
	assert_true(linker_cache_cmp(STR("libx.so.9"), STR("libx.so.10")) < 0);
	assert_true(linker_cache_cmp(STR("libx.so"), STR("libx.so.1")) < 0);
	assert_true(linker_cache_cmp(STR("libx1"), STR("libxa")) > 0);
	assert_true(linker_cache_cmp(STR("libb"), STR("liba")) > 0);
	assert_int_equal(linker_cache_cmp(STR("libx.so.1"), STR("libx.so.01")), 0);
}

static void test_loop(void **state)
{
	struct tree t = parsed("");

	(void)state;
	put(&t, "/etc/ld.so.conf", "include /etc/ld.so.conf\n");
	assert_err(gen_linker_cache(&t, &arch_x86_64, &e), &e,
		   "/etc/ld.so.conf: included from more than 8 files");
}

static struct gen_inputs inputs(struct tree *t)
{
	struct gen_inputs in;

	assert_ok(gen_linker_cache_inputs(a, t, &arch_x86_64, &in, &e), &e);
	return in;
}

static int run(struct tree *t)
{
	return gen_linker_cache(t, &arch_x86_64, &e);
}

static struct tree root_and_more(void)
{
	struct tree t = root();

	put(&t, "/etc/ld.so.cache", "old");
	return t;
}

static void test_inputs(void **state)
{
	(void)state;
	assert_stated(&(struct stated){ root_and_more, inputs, run });
}

int main(void)
{
	const struct CMUnitTest tests[] = { TEST(test_ldconfig), TEST(test_links), TEST(test_order),
					    TEST(test_loop), TEST(test_inputs) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
