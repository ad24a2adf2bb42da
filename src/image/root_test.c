/* SPDX-License-Identifier: MIT */
#include "image/root.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "base/test.h"

enum { PACKAGES = 4, CONTENT_BYTES = 40000 };

static const struct erofs_compression none = { EROFS_CODEC_NONE, 0, 4096 };

/* A pack with one file, whose content no other has. */
static struct pack *pack_make(struct arena *a, const char *dir, size_t i)
{
	const char *path = path_join(a, dir, str_z(a, str_printf(a, "%zu.pack", i)));
	struct rpm_package p = { .meta.name = str_printf(a, "p%zu", i) };
	struct segments bytes;
	struct pack *pack;
	struct buf b = { .a = a };
	struct err e;

	while (b.v.n < CONTENT_BYTES)
		buf_printf(&b, "%zu of %zu\n", b.v.n, i);
	vec_push(a, &p.files) = (struct rpm_file){ .path = str_printf(a, "/f%zu", i),
						   .mode = S_IFREG | 0644,
						   .user = STR("root"),
						   .group = STR("root"),
						   .data = { (char *)b.v.p, b.v.n },
						   .size_bytes = b.v.n };
	sha256(b.v.p, b.v.n, p.files.p[0].sha256);
	assert_ok(pack_encode(a, p.meta.name, &p, NULL, &none, &bytes, &e), &e);
	assert_ok(file_write(path, 0644, segments_flatten(a, &bytes), bytes.size_bytes, &e), &e);
	assert_ok(pack_open(a, path, &pack, &e), &e);
	return pack;
}

struct laid {
	struct pack *packs[PACKAGES];
	struct assembled as;
	struct segments root;
};

static struct laid lay(struct arena *a)
{
	struct image_options o = { .name = "test", .jobs = 2 };
	struct rpm_package list[PACKAGES];
	const char *dir = test_dir(a);
	struct laid l = { .as.version = STR("1") };
	struct err e;

	for (size_t i = 0; i < PACKAGES; i++) {
		l.packs[i] = pack_make(a, dir, i);
		list[i] = l.packs[i]->package;
	}
	tree_init(a, &l.as.tree);
	assert_ok(tree_merge(&l.as.tree, list, PACKAGES, NULL, NULL, &e), &e);
	assert_ok(root_lay(a, &o, &l.as, EROFS_CODEC_NONE, &l.root, &e), &e);
	return l;
}

static void damage(const struct pack *p)
{
	int fd = open(p->path, O_WRONLY | O_CLOEXEC);

	assert_int_equal(pwrite(fd, "x", 1, EROFS_BLOCK_BYTES + 1), 1);
	close(fd);
}

/* All damaged packs go, whichever comes first; the others stay. */
static void test_damage(void **state)
{
	static const struct {
		const char *which, *want;
	} cases[] = {
		{ "", NULL },
		{ "2", "2.pack' was damaged" },
		{ "13", "cache: 2 packs were damaged, '" },
		{ "0123", "cache: 4 packs were damaged, '" },
	};

	(void)state;
	for (size_t c = 0; c < sizeof(cases) / sizeof(*cases); c++) {
		_cleanup_arena_ struct arena a = { 0 };
		struct laid l = lay(&a);
		struct err e;

		for (const char *i = cases[c].which; *i; i++)
			damage(l.packs[*i - '0']);
		if (cases[c].want)
			assert_err(root_check(&l.as, &l.root, 2, &e), &e, cases[c].want);
		else
			assert_ok(root_check(&l.as, &l.root, 2, &e), &e);
		for (int i = 0; i < PACKAGES; i++) {
			assert_int_equal(file_exists(l.packs[i]->path),
					 !strchr(cases[c].which, '0' + i));
			pack_close(l.packs[i]);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_damage) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
