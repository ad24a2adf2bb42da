/* SPDX-License-Identifier: MIT */
#include "tree/tree.h"

#include <sys/stat.h>

#include "base/test.h"

static struct arena *a;
static struct err e;

static struct tree parsed(const char *text)
{
	struct tree t;

	assert_ok(tree_parse(a, str_c(text), "test.tree", &t, &e), &e);
	return t;
}

static struct str content(const struct tree *t, const char *path)
{
	struct str text;

	assert_ok(tree_read(a, t, tree_find(t, str_c(path)), &text, &e), &e);
	return text;
}

static struct rpm_file file(const char *path, uint32_t mode, const char *data)
{
	return (struct rpm_file){ .path = str_c(path),
				  .mode = mode,
				  .user = STR("root"),
				  .group = STR("root"),
				  .data = str_c(data) };
}

static struct rpm_package package(const char *name, const struct rpm_file *files, size_t n)
{
	struct rpm_package p = { .meta.name = str_c(name) };

	for (size_t i = 0; i < n; i++)
		vec_push(a, &p.files) = files[i];
	return p;
}

#define PACKAGE(name, ...)                                \
	package(name, (struct rpm_file[]){ __VA_ARGS__ }, \
		sizeof((struct rpm_file[]){ __VA_ARGS__ }) / sizeof(struct rpm_file))

static int merge(struct tree *t, struct rpm_package *p, size_t n)
{
	tree_init(a, t);
	return tree_merge(t, p, n, NULL, NULL, &e);
}

static const char small[] = "d 0755 root root - 0 /\n"
			    "d 0755 root root - 0 /etc\n"
			    "f 0644 root root 6 1700000000 /etc/a\\x20b <a\\nb c\\x3e>\n"
			    "f 0640 root shadow 4 0 /etc/bin = "
			    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\n"
			    "l 0777 root root - 0 /etc/mtab -> ../proc/self/mounts\n"
			    "d 0755 root root - 0 /usr\n"
			    "f 0755 0 0 3 0 /usr/one <one> caps=cap_net_raw=ep\n"
			    "f 0755 0 0 3 0 /usr/two link=/usr/one\n"
			    "c 0600 root root 1:3 0 /zero\n";

static void test_round_trip(void **state)
{
	struct tree t = parsed(small);

	(void)state;
	assert_str(tree_dump(a, &t), small);
	assert_str(content(&t, "/usr/two"), "one");
	assert_str(content(&t, "/etc/a b"), "a\nb c>");
	assert_str(tree_path(a, &t, tree_find(&t, STR("/etc/../usr"))), "/usr");
}

/* Trees that other tests compare with, and that come from dumps: reading and writing them changes
 * nothing. */
static void test_goldens(void **state)
{
	vec_str names;

	(void)state;
	assert_ok(dir_list(a, "test/golden/tree", &names, &e), &e);
	assert_true(names.n > 0);
	vec_each(name, &names) {
		char *path = path_join(a, "test/golden/tree", str_z(a, *name));
		struct str text;
		struct tree t;

		if (!str_ends(*name, ".tree"))
			continue;
		assert_ok(file_read(a, path, 1 << 20, &text, &e), &e);
		assert_ok(tree_parse(a, text, path, &t, &e), &e);
		assert_str(tree_dump(a, &t), str_z(a, text));
	}
}

static void test_dump_names_first_link(void **state)
{
	/* "/a-b" comes before "/a/b" in bytes, after it in a walk: the dump's first is not the
	 * holder */
	struct rpm_package p =
		PACKAGE("p", file("/a-b", S_IFREG | 0644, "x"), file("/a/b", S_IFREG | 0644, "x"));
	struct tree t;

	(void)state;
	p.files.p[0].link_group = p.files.p[1].link_group = 7;
	assert_ok(merge(&t, &p, 1), &e);
	assert_str(tree_dump(a, &t), "d 0755 root root - 0 /\n"
				     "d 0755 root root - 0 /a\n"
				     "f 0644 root root 1 0 /a/b <x>\n"
				     "f 0644 root root 1 0 /a-b link=/a/b\n");
}

static void test_parse_errors(void **state)
{
	static const struct {
		const char *text, *message;
	} bad[] = {
		{ "x 0755 root root - 0 /", "test.tree:1: want a type, one of f d l c b p s: 'x'" },
		{ "\n# note\nd 0798 root root - 0 /", "test.tree:3: want a mode in octal: '0798'" },
		{ "d 0755", "want a user and a group" },
		{ "c 0600 root root 1 0 /x", "want a device's MAJOR:MINOR: '1'" },
		{ "f 0600 root root 1k 0 /x <>", "want '-', or a file's size: '1k'" },
		{ "f 0600 root root 1 x /x <>", "want a time" },
		{ "f 0600 root root 1 0 x <>", "test.tree:1: path 'x': want an absolute path" },
		{ "f 0600 root root 1 0 /x/../y <>", "'.' and '..' parts are not allowed" },
		{ "f 0600 root root 1 0 /x/ <>", "empty, '.' and '..' parts" },
		{ "f 0600 root root 1 0 /x = 12", "want a SHA-256: '12'" },
		{ "f 0600 root root 1 0 /x <a\\q>", "unknown escape" },
		{ "f 0600 root root 1 0 /x <a> more", "unexpected: 'more'" },
		{ "f 0600 root root 1 0 /x link=/y",
		  "a hard link to what is not a file above: 'link=/y'" },
		{ "l 0777 root root - 0 /x", "want <TEXT>" },
		{ "d 0755 root root - 0 /x\nd 0755 root root - 0 /x",
		  "test.tree:2: stands here twice: '/x'" },
		{ "f 0644 root root 0 0 /x <>\nd 0755 root root - 0 /x/y",
		  "/x is not a directory" },
	};
	struct tree t;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_err(tree_parse(a, str_c(bad[i].text), "test.tree", &t, &e), &e,
			   bad[i].message);
}

static void test_find_follows_links(void **state)
{
	struct tree t = parsed("l 0777 root root - 0 /lib -> usr/lib\n"
			       "f 0755 root root - 0 /usr/lib/x <x>\n"
			       "l 0777 root root - 0 /usr/lib/y -> /lib/x\n"
			       "l 0777 root root - 0 /up -> ../../../usr\n"
			       "l 0777 root root - 0 /loop -> loop2\n"
			       "l 0777 root root - 0 /loop2 -> loop\n"
			       "l 0777 root root - 0 /gone -> nowhere/x\n");
	uint32_t x = tree_find(&t, STR("/usr/lib/x"));

	(void)state;
	assert_true(x != TREE_NONE);
	assert_int_equal(tree_find(&t, STR("/lib/x")), x);
	assert_int_equal(tree_find(&t, STR("/lib/y")), x);
	assert_int_equal(tree_find(&t, STR("/up/lib//./x")), x);
	assert_true(tree_find_exact(&t, STR("/lib/y")) != x);
	assert_true(S_ISLNK(t.nodes.p[tree_find_exact(&t, STR("/lib"))].mode));
	assert_int_equal(tree_find(&t, STR("/loop")), TREE_NONE);
	assert_int_equal(tree_find(&t, STR("/gone")), TREE_NONE);
	assert_int_equal(tree_find(&t, STR("/lib/x/z")), TREE_NONE);
	assert_int_equal(tree_find(&t, STR("/")), 0);
	assert_int_equal(tree_find(&t, STR("")), 0);
}

static void test_put_and_remove(void **state)
{
	struct tree t = parsed("l 0777 root root - 0 /bin -> usr/bin\n"
			       "f 0755 daemon root - 5 /usr/bin/sh <sh> caps=cap_chown=ep\n"
			       "f 0755 root root - 5 /usr/bin/dash link=/usr/bin/sh\n");
	uint32_t id, sh = tree_find(&t, STR("/usr/bin/sh"));

	(void)state;
	assert_ok(tree_put(&t, STR("/bin/new"), S_IFREG | 0644, STR("n"), TREE_OWNER_GENERATOR, &id,
			   &e),
		  &e);
	assert_str(tree_path(a, &t, id), "/usr/bin/new");
	assert_ok(tree_put(&t, STR("/bin/sh"), S_IFLNK | 0777, STR("dash"), TREE_OWNER_GENERATOR,
			   &id, &e),
		  &e);
	assert_int_equal(id, sh);
	assert_ok(tree_put(&t, STR("/bin"), S_IFDIR | 0700, STR(""), TREE_OWNER_GENERATOR, &id, &e),
		  &e);
	assert_str(tree_path(a, &t, id), "/usr/bin");
	assert_err(tree_put(&t, STR("/usr"), S_IFREG | 0700, STR(""), TREE_OWNER_GENERATOR, &id,
			    &e),
		   &e, "/usr: a directory that is not empty cannot become a file");
	assert_err(tree_put(&t, STR("/usr/bin/new/x"), S_IFREG | 0700, STR(""),
			    TREE_OWNER_GENERATOR, &id, &e),
		   &e, "/usr/bin/new is not a directory");
	tree_remove(&t, tree_find(&t, STR("/bin/new")));
	assert_str(tree_dump(a, &t), "d 0755 root root - 0 /\n"
				     "l 0777 root root - 0 /bin -> usr/bin\n"
				     "d 0755 root root - 0 /usr\n"
				     "d 0700 root root - 0 /usr/bin\n"
				     "f 0755 root root 2 5 /usr/bin/dash <sh>\n"
				     "l 0777 root root - 0 /usr/bin/sh -> dash\n");
	tree_remove(&t, tree_find(&t, STR("/usr")));
	assert_int_equal(tree_find(&t, STR("/usr/bin/dash")), TREE_NONE);
	assert_ok(tree_put(&t, STR("/usr"), S_IFREG | 0644, STR(""), TREE_OWNER_GENERATOR, NULL,
			   &e),
		  &e);
	assert_str(tree_dump(a, &t), "d 0755 root root - 0 /\n"
				     "l 0777 root root - 0 /bin -> usr/bin\n"
				     "f 0644 root root 0 0 /usr <>\n");
}

static void test_merge_through_links(void **state)
{
	struct rpm_package p[] = {
		PACKAGE("old", file("/lib", S_IFDIR | 0755, ""),
			file("/lib/deep/x", S_IFREG | 0644, "x"),
			file("/sbin/tool", S_IFREG | 0755, "t")),
		PACKAGE("base", file("/lib", S_IFLNK | 0777, "usr/lib"),
			file("/sbin", S_IFLNK | 0777, "usr/sbin"),
			file("/usr/lib/deep", S_IFLNK | 0777, "../share/deep"),
			file("/usr/sbin", S_IFLNK | 0777, "bin")),
		PACKAGE("same", file("/usr/bin/tool", S_IFREG | 0755, "t"),
			file("/lib", S_IFLNK | 0777, "usr/lib")),
	};
	struct tree t;

	(void)state;
	assert_ok(merge(&t, p, 3), &e);
	assert_str(tree_dump(a, &t), "d 0755 root root - 0 /\n"
				     "l 0777 root root - 0 /lib -> usr/lib\n"
				     "l 0777 root root - 0 /sbin -> usr/sbin\n"
				     "d 0755 root root - 0 /usr\n"
				     "d 0755 root root - 0 /usr/bin\n"
				     "f 0755 root root 1 0 /usr/bin/tool <t>\n"
				     "d 0755 root root - 0 /usr/lib\n"
				     "l 0777 root root - 0 /usr/lib/deep -> ../share/deep\n"
				     "l 0777 root root - 0 /usr/sbin -> bin\n"
				     "d 0755 root root - 0 /usr/share\n"
				     "d 0755 root root - 0 /usr/share/deep\n"
				     "f 0644 root root 1 0 /usr/share/deep/x <x>\n");
	assert_int_equal(t.nodes.p[tree_find(&t, STR("/usr/bin/tool"))].owner, 0);
}

static void test_merge_conflicts(void **state)
{
	struct rpm_package differ[] = { PACKAGE("one", file("/x", S_IFREG | 0644, "1")),
					PACKAGE("two", file("/x", S_IFREG | 0644, "2")) };
	struct rpm_package types[] = { PACKAGE("one", file("/x", S_IFREG | 0644, "1")),
				       PACKAGE("two", file("/x/y", S_IFREG | 0644, "2")) };
	struct rpm_package through[] = {
		PACKAGE("one", file("/bin", S_IFLNK | 0777, "usr/bin"),
			file("/usr/bin/x", S_IFREG | 0644, "1")),
		PACKAGE("two", file("/bin/x", S_IFREG | 0755, "1")),
	};
	struct rpm_package modes[] = { PACKAGE("plain", file("/d", S_IFDIR | 0755, "")),
				       PACKAGE("special", file("/d", S_IFDIR | 0700, "")),
				       PACKAGE("plain2", file("/d", S_IFDIR | 0755, "")),
				       PACKAGE("other", file("/d", S_IFDIR | 01777, "")) };
	struct rpm_package escape = PACKAGE("evil", file("/usr/../x", S_IFREG | 0644, ""));
	struct tree t;

	(void)state;
	assert_err(
		merge(&t, differ, 2), &e,
		"/x: package 'two' and package 'one' both hold it, with different content; leave it out of one of them with drop-files in its package.yaml");
	assert_err(merge(&t, types, 2), &e, "package 'two': path '/x/y': /x is not a directory");
	assert_err(
		merge(&t, through, 2), &e,
		"/bin/x (which leads to /usr/bin/x): package 'two' and package 'one' both hold it, with "
		"different modes or owners");
	assert_ok(merge(&t, modes, 3), &e);
	assert_int_equal(t.nodes.p[tree_find(&t, STR("/d"))].mode, S_IFDIR | 0700);
	assert_err(merge(&t, modes, 4), &e,
		   "/d: package 'other' and package 'special' both hold it");
	assert_err(merge(&t, &escape, 1), &e,
		   "package 'evil': path '/usr/../x': empty, '.' and '..'");
}

static bool keep_not_doc(void *arg, size_t package_number, const struct rpm_file *f)
{
	(void)arg, (void)package_number;
	return !(f->flags & FILE_DOC);
}

static void test_merge_links_and_keep(void **state)
{
	struct rpm_package p =
		PACKAGE("p", file("/a", S_IFREG | 0644, "x"), file("/b", S_IFREG | 0644, "x"),
			file("/c", S_IFREG | 0644, "x"), file("/ghost", S_IFREG | 0644, ""));
	struct tree t;

	(void)state;
	p.files.p[0].flags = FILE_DOC;
	p.files.p[3].flags = FILE_GHOST;
	for (size_t i = 0; i < 3; i++)
		p.files.p[i].link_group = 1;
	tree_init(a, &t);
	assert_ok(tree_merge(&t, &p, 1, keep_not_doc, NULL, &e), &e);
	assert_str(tree_dump(a, &t), "d 0755 root root - 0 /\n"
				     "f 0644 root root 1 0 /b <x>\n"
				     "f 0644 root root 1 0 /c link=/b\n");
}

static const char before[] = "f 0644 root root - 5 /a/gone <1>\n"
			     "f 0644 root root - 5 /a/stays <2>\n"
			     "f 0644 root root - 5 /b/x/one <3>\n"
			     "f 0644 root root - 5 /b/x/two <4>\n"
			     "f 0644 root root - 5 /c <5>\n"
			     "f 0644 root root - 5 /d link=/c\n";

/* What was done to one tree, done to another one of its kind, gives the same. */
static void test_journal(void **state)
{
	struct tree t = parsed(before), other = parsed(before);
	vec_id journal = { 0 };
	vec_rpm_file changes;
	uint32_t id;

	(void)state;
	t.journal = &journal;
	tree_remove(&t, tree_find(&t, STR("/a/gone")));
	tree_remove(&t, tree_find(&t, STR("/b")));
	assert_ok(tree_put(&t, STR("/b/x/two"), S_IFREG | 0600, STR("new"), TREE_OWNER_GENERATOR,
			   &id, &e),
		  &e);
	t.nodes.p[id].group = STR("shadow");
	assert_ok(tree_put(&t, STR("/c"), S_IFLNK | 0777, STR("a"), TREE_OWNER_GENERATOR, NULL, &e),
		  &e);
	assert_ok(tree_put(&t, STR("/e"), S_IFREG | 0600, STR("x"), TREE_OWNER_GENERATOR, &id, &e),
		  &e);
	tree_remove(&t, id);
	t.journal = NULL;
	assert_ok(tree_changes(a, &t, &journal, &changes, &e), &e);
	assert_int_equal(changes.n, 7); /* with /b and /b/x, which were made again */
	for (unsigned i = 0; i < 2; i++) {
		assert_ok(tree_replay(&other, &changes, &e), &e);
		assert_str(tree_dump(a, &other), str_z(a, tree_dump(a, &t)));
	}
}

/* @p as a pack keeps it. */
static struct pack *packed(const struct rpm_package *p)
{
	const struct erofs_compression how = { EROFS_CODEC_ZSTD, 3, 65536 };
	const char *path = path_join(a, test_dir(a), "x.pack");
	struct segments bytes;
	struct pack *pack;

	assert_ok(pack_encode(a, p->meta.name, p, NULL, &how, &bytes, &e), &e);
	assert_ok(file_write(path, 0644, segments_flatten(a, &bytes), bytes.size_bytes, &e), &e);
	assert_ok(pack_open(a, path, &pack, &e), &e);
	return pack;
}

static void test_packed(void **state)
{
	struct rpm_file one = file("/a/one", S_IFREG | 0644, "content"), two = one, three = one;
	struct rpm_package plain = PACKAGE("p", one), list[2];
	struct pack *pack;
	uint8_t digest[SHA256_BYTES], want[SHA256_BYTES];
	struct tree t;
	uint32_t id;

	(void)state;
	one.link_group = two.link_group = 1;
	two.path = STR("/a/two");
	three.path = STR("/three");
	three.data = STR("more content");
	list[0] = PACKAGE("p", one, two, three);
	pack = packed(&list[0]);
	list[0] = pack->package;
	list[1] = plain; /* the same, in memory */
	tree_init(a, &t);
	assert_ok(tree_merge(&t, list, 2, NULL, NULL, &e), &e);
	id = tree_find(&t, STR("/a/two"));
	assert_true(t.nodes.p[id].link_to != TREE_NONE);
	assert_str(content(&t, "/a/two"), "content");
	assert_int_equal(tree_size(&t, id), 7);
	sha256("content", 7, want);
	tree_sha256(&t, id, digest);
	assert_memory_equal(digest, want, sizeof(want));
	tree_remove(&t, tree_find(&t, STR("/a/one")));
	assert_str(content(&t, "/a/two"), "content");
	assert_ok(tree_put_packed(&t, STR("/copy"), S_IFREG | 0600,
				  t.nodes.p[tree_find(&t, STR("/three"))].packed,
				  TREE_OWNER_GENERATOR, &id, &e),
		  &e);
	assert_int_equal(id, tree_find(&t, STR("/copy")));
	assert_str(content(&t, "/copy"), "more content");
	plain.files.p[0].data = STR("different");
	list[1] = plain;
	tree_init(a, &t);
	assert_err(tree_merge(&t, list, 2, NULL, NULL, &e), &e, "with different content");
	pack_close(pack);
}

static void test_resolve_owners(void **state)
{
	struct tree t =
		parsed("f 0644 root root - 0 /etc/passwd <root:x:0:0:root:/root:/bin/sh\\n>\n"
		       "f 0644 root root - 0 /etc/group <root:x:0:\\nshadow:x:42:\\n>\n"
		       "f 0640 root shadow - 0 /etc/shadow <>\n"
		       "d 0755 7 1000 - 0 /own\n");

	(void)state;
	assert_ok(tree_resolve_owners(&t, &e), &e);
	assert_str(tree_dump(a, &t),
		   "d 0755 0 0 - 0 /\n"
		   "d 0755 0 0 - 0 /etc\n"
		   "f 0644 0 0 23 0 /etc/group <root:x:0:\\nshadow:x:42:\\n>\n"
		   "f 0644 0 0 30 0 /etc/passwd <root:x:0:0:root:/root:/bin/sh\\n>\n"
		   "f 0640 0 42 0 0 /etc/shadow <>\n"
		   "d 0755 7 1000 - 0 /own\n");
	assert_ok(tree_put(&t, STR("/x"), S_IFREG | 0644, STR(""), TREE_OWNER_DEFINITION, NULL, &e),
		  &e);
	t.nodes.p[tree_find(&t, STR("/x"))].group = STR("nogroup");
	assert_err(
		tree_resolve_owners(&t, &e), &e,
		"/x, from a definition, belongs to group 'nogroup', which does not exist; declare it in a sysusers.d file or a package.yaml, or let 'owners' of the package.yaml name another");
}

static int setup(void **state)
{
	static struct arena arena;

	(void)state;
	arena = (struct arena){ 0 };
	a = &arena;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	arena_done(a);
	return 0;
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_round_trip),
		TEST(test_goldens),
		TEST(test_dump_names_first_link),
		TEST(test_parse_errors),
		TEST(test_find_follows_links),
		TEST(test_put_and_remove),
		TEST(test_merge_through_links),
		TEST(test_merge_conflicts),
		TEST(test_merge_links_and_keep),
		TEST(test_journal),
		TEST(test_packed),
		TEST(test_resolve_owners),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
