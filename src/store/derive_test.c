/* SPDX-License-Identifier: MIT */
#include "store/derive.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "base/test.h"

static struct arena *a;
static struct err e;
static unsigned calls; /* of the step */

static struct tree parsed(void)
{
	static const char text[] = "f 0644 root root - 5 /etc/mine <a>\n"
				   "f 0644 root root - 5 /old/x <b>\n"
				   "f 0644 root root - 5 /old/y <c>\n";
	struct tree t;

	assert_ok(tree_parse(a, str_c(text), "test.tree", &t, &e), &e);
	return t;
}

/* A device, a file with attributes, and another name for it. */
static int others_put(struct tree *t, struct err *step_err)
{
	uint32_t device = TREE_NONE, file = TREE_NONE, link = TREE_NONE;
	int r = tree_put(t, STR("/dev/x"), S_IFCHR | 0620, (struct str){ 0 }, TREE_OWNER_GENERATOR,
			 &device, step_err);

	if (r == 0)
		r = tree_put(t, STR("/etc/a"), S_IFREG | 0755, STR("linked"), TREE_OWNER_GENERATOR,
			     &file, step_err);
	if (r == 0)
		r = tree_put(t, STR("/etc/z"), S_IFREG | 0755, (struct str){ 0 },
			     TREE_OWNER_GENERATOR, &link, step_err);
	if (r < 0)
		return r;
	t->nodes.p[device].rdev_major = 5;
	t->nodes.p[device].rdev_minor = 1;
	xattr_set(t->a, &t->nodes.p[file].xattrs, STR("user.x"), STR("y"));
	t->nodes.p[link].link_to = file;
	t->nodes.p[link].xattrs = t->nodes.p[file].xattrs;
	t->nodes.p[file].linked = true;
	return 0;
}

/* Content of half a cluster, a small file, a link; something goes. */
static int step(void *arg, struct tree *t, struct err *step_err)
{
	struct buf big = { .a = t->a };
	uint32_t id = TREE_NONE;
	int r;

	calls++;
	if (arg)
		return err_set(step_err, -EINVAL, "%s", (const char *)arg);
	for (unsigned i = 0; i < 20000; i++)
		buf_printf(&big, "line %u\n", i);
	tree_remove(t, tree_find(t, STR("/old")));
	r = tree_put(t, STR("/big"), S_IFREG | 0755, (struct str){ (char *)big.v.p, big.v.n },
		     TREE_OWNER_GENERATOR, NULL, step_err);
	if (r == 0)
		r = tree_put(t, STR("/etc/small"), S_IFREG | 0640, STR("text"),
			     TREE_OWNER_GENERATOR, &id, step_err);
	if (r < 0)
		return r;
	t->nodes.p[id].group = STR("shadow");
	r = others_put(t, step_err);
	if (r < 0)
		return r;
	return tree_put(t, STR("/etc/link"), S_IFLNK | 0777, STR("small"), TREE_OWNER_GENERATOR,
			NULL, step_err);
}

static const struct erofs_compression zstd = { EROFS_CODEC_ZSTD, 3, 65536 };

static const struct recipe *input(unsigned i)
{
	struct recipe *r = arena_new(a, struct recipe);

	*r = recipe_new(a, RECIPE_HWDB, STR("x"));
	recipe_number(r, "input", i);
	return r;
}

static struct derive begin(const char *cache)
{
	return (struct derive){ .cache = cache,
				.how = zstd,
				.progress = progress_new(PROGRESS_QUIET) };
}

static void end(struct derive *d)
{
	derive_done(d);
	progress_free(d->progress);
}

static struct str content(const struct tree *t, const char *path)
{
	struct str text;

	assert_ok(tree_read(a, t, tree_find(t, str_c(path)), &text, &e), &e);
	return text;
}

static void assert_others(const struct tree *t)
{
	const struct tree_node *device = &t->nodes.p[tree_find(t, STR("/dev/x"))],
			       *link = &t->nodes.p[tree_find(t, STR("/etc/z"))];

	assert_int_equal(device->mode, S_IFCHR | 0620);
	assert_int_equal(device->rdev_major, 5);
	assert_int_equal(device->rdev_minor, 1);
	assert_str(*xattr_get(&link->xattrs, "user.x"), "y");
	assert_int_equal(link->link_to, tree_find(t, STR("/etc/a")));
	assert_str(content(t, "/etc/z"), "linked");
}

/* A link to what was there before has nothing to be a link to in a pack of changes. */
static int link_step(void *arg, struct tree *t, struct err *step_err)
{
	uint32_t id = TREE_NONE;
	int r = tree_put(t, STR("/etc/yours"), S_IFREG | 0644, (struct str){ 0 },
			 TREE_OWNER_GENERATOR, &id, step_err);

	(void)arg;
	if (r == 0) {
		t->nodes.p[id].link_to = tree_find(t, STR("/etc/mine"));
		t->nodes.p[t->nodes.p[id].link_to].linked = true;
	}
	return r;
}

static void test_link_out(void **state)
{
	struct derive d = begin(test_dir(a));
	struct tree t = parsed();

	(void)state;
	assert_err(derive(&d, input(1), &t, link_step, NULL, &e), &e,
		   "/etc/yours: a hard link to /etc/mine, which the same step did not make");
	end(&d);
}

static void test_hit_is_miss(void **state)
{
	struct derive d = begin(test_dir(a));
	struct tree made = parsed(), kept = parsed(), other = parsed();

	(void)state;
	calls = 0;
	assert_ok(derive(&d, input(1), &made, step, NULL, &e), &e);
	assert_ok(derive(&d, input(1), &kept, step, NULL, &e), &e);
	assert_int_equal(calls, 1);
	assert_str(tree_dump(a, &kept), str_z(a, tree_dump(a, &made)));
	assert_int_equal(tree_find(&kept, STR("/old")), TREE_NONE);
	assert_str(content(&kept, "/etc/link"), "text");
	assert_others(&kept);
	assert_str(content(&kept, "/big"), str_z(a, content(&made, "/big")));
	assert_non_null(made.nodes.p[tree_find(&made, STR("/big"))].packed);
	assert_non_null(kept.nodes.p[tree_find(&kept, STR("/big"))].packed);
	assert_int_equal(kept.nodes.p[tree_find(&kept, STR("/big"))].owner, TREE_OWNER_GENERATOR);
	assert_ok(derive(&d, input(2), &other, step, NULL, &e), &e);
	assert_int_equal(calls, 2);
	end(&d);
}

static void test_codec(void **state)
{
	struct derive d = begin(test_dir(a));
	struct tree t = parsed(), other = parsed();

	(void)state;
	calls = 0;
	assert_ok(derive(&d, input(1), &t, step, NULL, &e), &e);
	d.how = (struct erofs_compression){ EROFS_CODEC_LZ4HC, 3, 65536 };
	assert_ok(derive(&d, input(1), &other, step, NULL, &e), &e);
	assert_int_equal(calls, 2);
	assert_str(content(&other, "/big"), str_z(a, content(&t, "/big")));
	end(&d);
}

static void test_failure(void **state)
{
	struct derive d = begin(test_dir(a));
	struct tree t = parsed();

	(void)state;
	assert_err(derive(&d, input(1), &t, step, (void *)"no such thing", &e), &e,
		   "no such thing");
	assert_null(t.journal);
	calls = 0;
	t = parsed();
	assert_ok(derive(&d, input(1), &t, step, NULL, &e), &e);
	assert_int_equal(calls, 1);
	end(&d);
}

/* One byte of the only pack in @cache is another one. */
static void flip(const struct derive *d, uint64_t at)
{
	int fd = open(d->packs.p[0]->path, O_RDWR | O_CLOEXEC);
	uint8_t byte;

	assert_int_equal(pread(fd, &byte, 1, (off_t)at), 1);
	byte ^= 1;
	assert_int_equal(pwrite(fd, &byte, 1, (off_t)at), 1);
	close(fd);
}

static void test_damage(void **state)
{
	const char *cache = test_dir(a);
	struct derive d = begin(cache);
	struct tree t = parsed(), again = parsed();
	char *good;

	(void)state;
	calls = 0;
	assert_ok(derive(&d, input(1), &t, step, NULL, &e), &e);
	good = str_z(a, tree_dump(a, &t));
	/* what the table of files says: noticed when the pack is opened */
	flip(&d, 0);
	assert_ok(derive(&d, input(1), &again, step, NULL, &e), &e);
	assert_int_equal(calls, 2);
	assert_str(tree_dump(a, &again), good);
	end(&d);
	/* content: noticed by who reads it; the next try makes it again */
	d = begin(cache);
	t = parsed();
	assert_ok(derive(&d, input(1), &t, step, NULL, &e), &e);
	assert_int_equal(calls, 2);
	flip(&d, d.packs.p[0]->blocks.first + 100);
	assert_int_equal(tree_read(a, &t, tree_find(&t, STR("/big")), &(struct str){ 0 }, &e),
			 -ESTALE);
	assert_non_null(strstr(e.msg, "/big: "));
	t = parsed();
	assert_ok(derive(&d, input(1), &t, step, NULL, &e), &e);
	assert_int_equal(calls, 3);
	assert_str(tree_dump(a, &t), good);
	assert_true(content(&t, "/big").n > 20000);
	end(&d);
}

static int setup(void **state)
{
	(void)state;
	a = calloc(1, sizeof(*a));
	return a ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	arena_done(a);
	free(a);
	return 0;
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = { TEST(test_hit_is_miss), TEST(test_link_out),
					    TEST(test_codec), TEST(test_failure),
					    TEST(test_damage) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
