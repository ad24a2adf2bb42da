/* SPDX-License-Identifier: MIT */
#include "store/pack_cache.h"

#include <unistd.h>

#include "base/io.h"

struct str pack_recipe(struct arena *a, const struct recipe *content,
		       const struct erofs_compression *how)
{
	struct str made = recipe_text(content);
	struct recipe r = recipe_new(a, RECIPE_PACK, recipe_what(made));

	recipe_lines(&r, recipe_inputs(made));
	recipe_line(&r, "codec", str_c(erofs_codec_name(how->codec)));
	if (how->codec == EROFS_CODEC_NONE)
		return recipe_text(&r);
	recipe_number(&r, "level", (uint64_t)how->level);
	recipe_number(&r, "cluster-bytes", how->cluster_bytes);
	recipe_library(&r, how->codec == EROFS_CODEC_ZSTD ? LIBRARY_ZSTD : LIBRARY_LZ4);
	return recipe_text(&r);
}

struct str pack_recipe_what(struct str recipe)
{
	struct str what = recipe_what(recipe);

	return str_starts(what, "pack ") ? str_from(what, strlen("pack ")) : what;
}

char *pack_cache_path(struct arena *a, const char *cache, struct str recipe)
{
	return recipe_text_path(a, cache, RECIPE_PACK, recipe);
}

/* Opens what is in the place of the pack of @recipe, and makes sure that it is. */
static int open_checked(struct arena *a, const char *path, struct str recipe, struct pack **ret,
			struct err *e)
{
	struct pack *p;
	int r = pack_open(a, path, &p, e);

	if (r < 0)
		return r;
	if (!str_eq(p->recipe, recipe)) {
		pack_close(p);
		return err_set(e, -EBADMSG, "pack '%s' is made from something else", path);
	}
	*ret = p;
	return 0;
}

int pack_cache_get(struct arena *a, const char *cache, struct str recipe, struct pack **ret,
		   struct err *e)
{
	const char *path = pack_cache_path(a, cache, recipe);
	int r = open_checked(a, path, recipe, ret, e);

	if (r == -EBADMSG)
		unlink(path);
	if (r == 0)
		file_used(path);
	return r;
}

/* Not synced, which would cost more than all else: what a power failure leaves in the place of a
 * pack (holes, zeroes, less than all) has not the digests that it should, so it is noticed and made
 * again like other damage. Until then the rename keeps everyone from seeing half a pack. */
int pack_cache_put(struct arena *a, const char *cache, struct str recipe,
		   const struct segments *bytes, struct pack **ret, struct err *e)
{
	const char *path = pack_cache_path(a, cache, recipe);
	_cleanup_close_ int fd = -1;
	char *temp;
	int r = dir_make(path_join(a, cache, "packs"), e);

	if (r == 0)
		r = file_temp(a, path, 0666, &fd, &temp, e);
	if (r < 0)
		return r;
	for (size_t i = 0; i < bytes->v.n && r == 0; i++)
		r = fd_write(fd, bytes->v.p[i].data, bytes->v.p[i].size_bytes, path, e);
	if (r == 0)
		r = file_commit_cache(fd, temp, path, e);
	if (r < 0) {
		file_discard(temp);
		return r;
	}
	return open_checked(a, path, recipe, ret, e);
}
