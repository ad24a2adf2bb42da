/* SPDX-License-Identifier: MIT */
/* gen_test.h - small trees for tests of generators, and their way to the tools that judge them. */
#pragma once

#include "tree/generators.h"

#include <sys/stat.h>

#include "base/proc.h"
#include "base/test.h"

static struct arena test_arena;
static struct arena *const a = &test_arena;
static struct err e;

static inline struct tree parsed(const char *text)
{
	struct tree t;

	assert_ok(tree_parse(a, str_c(text), "test.tree", &t, &e), &e);
	return t;
}

static inline void put(struct tree *t, const char *path, const char *text)
{
	assert_ok(tree_put(t, str_c(path), S_IFREG | 0644, str_c(text), 0, NULL, &e), &e);
}

static inline struct str content(const struct tree *t, const char *path)
{
	uint32_t id = tree_find(t, str_c(path));
	struct str text;

	if (id == TREE_NONE)
		fail_msg("%s is missing", path);
	assert_ok(tree_read(a, t, id, &text, &e), &e);
	return text;
}

/* Target of a link; "" when there is no link. */
static inline struct str link_of(const struct tree *t, const char *path)
{
	uint32_t id = tree_find_exact(t, str_c(path));

	return id != TREE_NONE && S_ISLNK(t->nodes.p[id].mode) ? t->nodes.p[id].data : STR("");
}

/* Writes folders, files and links below a fresh folder, as whoever runs the test. */
static inline char *extract(const struct tree *t)
{
	char *root = test_dir(a);
	vec_id ids;

	tree_walk(a, t, &ids);
	vec_each(id, &ids) {
		const struct tree_node *n = &t->nodes.p[*id];
		struct str path = tree_path(a, t, *id), data;
		char *at = str_z(a, str_printf(a, "%s%.*s", root, STR_FMT(path)));

		assert_ok(tree_read(a, t, *id, &data, &e), &e);
		if (S_ISDIR(n->mode))
			assert_ok(dir_make(at, &e), &e);
		else if (S_ISLNK(n->mode))
			assert_int_equal(symlink(str_z(a, n->data), at), 0);
		else
			assert_ok(file_write(at, 0644, data.p ? data.p : "", data.n, &e), &e);
	}
	return root;
}

static inline struct str read_back(const char *root, const char *path)
{
	struct str text;

	assert_ok(file_read(a, path_join(a, root, path), 1 << 20, &text, &e), &e);
	return text;
}

static int setup(void **state)
{
	(void)state;
	test_arena = (struct arena){ 0 };
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	arena_done(a);
	return 0;
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
