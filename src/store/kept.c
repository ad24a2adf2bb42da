/* SPDX-License-Identifier: MIT */
#include "store/kept.h"

#include <endian.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/io.h"
#include "base/rd.h"

/* The file: magic; version and the recipe's length, 32-bit little-endian; the SHA-256 of the rest;
 * the recipe; the bytes. */
enum {
	KEPT_VERSION = 1,
	RECIPE_BYTES_AT = 12,
	HEAD_BYTES = 16 + SHA256_BYTES,
	RECIPE_BYTES_MAX = 16 << 20,
	KEPT_BYTES_MAX = 1 << 30,
};
static const char magic[8] = "ashlkept";

static int damaged(struct err *e, const char *what)
{
	return err_set(e, -EBADMSG, "damaged: %s", what);
}

int kept_parse(struct str file, struct str *ret_recipe, struct str *ret_bytes, struct err *e)
{
	struct rd r = { .p = (const uint8_t *)file.p, .n = file.n };
	struct str head = rd_str(&r, sizeof(magic));
	uint32_t version = rd_le32(&r), recipe_bytes = rd_le32(&r);
	struct str want = rd_str(&r, SHA256_BYTES), rest;
	uint8_t digest[SHA256_BYTES];

	if (r.bad)
		return damaged(e, "shorter than its head");
	if (memcmp(head.p, magic, sizeof(magic)) != 0 || version != KEPT_VERSION)
		return damaged(e, "another form");
	rest = str_from(file, HEAD_BYTES);
	if (recipe_bytes > RECIPE_BYTES_MAX || recipe_bytes > rest.n)
		return damaged(e, "shorter than its recipe");
	sha256(rest.p, rest.n, digest);
	if (memcmp(digest, want.p, SHA256_BYTES) != 0)
		return damaged(e, "not of the digest that it says");
	*ret_recipe = str_head(rest, recipe_bytes);
	*ret_bytes = str_from(rest, recipe_bytes);
	return 0;
}

struct str kept_recipe(struct arena *a, const char *path)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	uint8_t head[HEAD_BYTES];
	uint32_t n;
	char *recipe;

	if (fd < 0 || pread(fd, head, sizeof(head), 0) != sizeof(head) ||
	    memcmp(head, magic, sizeof(magic)) != 0)
		return (struct str){ 0 };
	memcpy(&n, head + RECIPE_BYTES_AT, sizeof(n));
	n = le32toh(n);
	recipe = arena_alloc(a, n > RECIPE_BYTES_MAX ? 0 : n);
	if (n > RECIPE_BYTES_MAX || pread(fd, recipe, n, sizeof(head)) != n)
		return (struct str){ 0 };
	return (struct str){ recipe, n };
}

static int read_checked(struct arena *a, const char *path, struct str recipe, struct str *ret,
			struct err *e)
{
	struct str file, was, bytes;
	int r = file_read(a, path, KEPT_BYTES_MAX, &file, e);

	if (r == -ENOENT)
		return r;
	if (r == 0)
		r = kept_parse(file, &was, &bytes, e);
	if (r == 0 && !str_eq(was, recipe))
		r = damaged(e, "made from something else");
	if (r < 0)
		return err_wrap(e, -EBADMSG, "'%s'", path);
	*ret = bytes;
	return 0;
}

int kept_check(struct arena *a, const char *path, struct str recipe, struct err *e)
{
	struct str ignored;

	return read_checked(a, path, recipe, &ignored, e);
}

int kept_get(struct arena *a, const char *cache, const struct recipe *recipe, struct str *ret,
	     struct err *e)
{
	const char *path = recipe_path(a, cache, recipe);
	int r = read_checked(a, path, recipe_text(recipe), ret, e);

	if (r == 0)
		file_used(path);
	else if (r != -ENOENT)
		unlink(path); /* one note is enough */
	return r;
}

static struct str head_of(struct arena *a, struct str recipe, struct str bytes)
{
	struct buf b = { .a = a };
	uint8_t digest[SHA256_BYTES];
	struct sha256 h;

	sha256_init(&h);
	sha256_update(&h, recipe.p, recipe.n);
	sha256_update(&h, bytes.p, bytes.n);
	sha256_final(&h, digest);
	buf_put(&b, magic, sizeof(magic));
	buf_le32(&b, KEPT_VERSION);
	buf_le32(&b, (uint32_t)recipe.n);
	buf_put(&b, digest, sizeof(digest));
	buf_put(&b, recipe.p, recipe.n);
	return (struct str){ (const char *)b.v.p, b.v.n };
}

/* Not synced: pack_cache.c says why that is enough. */
int kept_put(const char *cache, const struct recipe *recipe, struct str bytes, size_t n_kept,
	     struct err *e)
{
	_cleanup_arena_ struct arena a = { 0 };
	_cleanup_close_ int fd = -1;
	const char *path = recipe_path(&a, cache, recipe);
	const char *dir = str_z(&a, str_head(str_c(path), (size_t)(strrchr(path, '/') - path)));
	struct str head = head_of(&a, recipe_text(recipe), bytes);
	char *temp;
	int r = dir_make(dir, e);

	if (r < 0)
		return r;
	r = file_temp(&a, path, 0644, &fd, &temp, e);
	if (r < 0)
		return r;
	r = fd_write(fd, head.p, head.n, path, e);
	if (r == 0)
		r = fd_write(fd, bytes.p, bytes.n, path, e);
	if (r == 0)
		r = file_commit_cache(fd, temp, path, e);
	if (r < 0)
		file_discard(temp);
	else
		dir_keep_newest(dir, n_kept);
	return r;
}
