/* SPDX-License-Identifier: MIT */
#include "upstream/debian/release_state.h"

#include "base/hash.h"
#include "base/io.h"
#include "upstream/debian/release.h"

#define STATE_MAGIC "ashlar release 2"

enum { HEADER_BYTES_MAX = 64 << 10 };

/* Lines "KEY VALUE", an empty one, the signed text. One file, so that it is all of one time. */
int release_state_save(const char *path, const struct release_state *s, struct err *e)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct buf b = { .a = &a };

	buf_printf(&b, STATE_MAGIC "\nurl %.*s\nkeyring %.*s\ncame %.*s\ntext %.*s\n",
		   STR_FMT(s->url), STR_FMT(s->keyring_sha256), STR_FMT(s->came_sha256),
		   STR_FMT(sha256_hex(&a, s->text.p, s->text.n)));
	buf_printf(&b, "etag %.*s\nmodified %.*s\n\n", STR_FMT(s->etag), STR_FMT(s->modified));
	buf_put(&b, s->text.p, s->text.n);
	return file_write_cache(path, 0644, b.v.p, b.v.n, e);
}

static struct str value(struct str *text, const char *key)
{
	struct str row = str_cut(text, '\n');

	return str_eqz(str_cut(&row, ' '), key) ? row : (struct str){ 0 };
}

void release_state_load(struct arena *a, const char *path, struct release_state *s)
{
	struct release_state was = *s;
	struct str all, digest;
	struct err e;

	if (file_read(a, path, RELEASE_BYTES_MAX + HEADER_BYTES_MAX, &all, &e) < 0 ||
	    !str_eqz(str_cut(&all, '\n'), STATE_MAGIC))
		return;
	if (!str_eq(value(&all, "url"), s->url) ||
	    !str_eq(value(&all, "keyring"), s->keyring_sha256))
		return;
	was.came_sha256 = value(&all, "came");
	digest = value(&all, "text");
	was.etag = value(&all, "etag");
	was.modified = value(&all, "modified");
	str_cut(&all, '\n');
	if (!str_eq(sha256_hex(a, all.p, all.n), digest))
		return;
	was.text = all;
	*s = was;
}
