/* SPDX-License-Identifier: MIT */
#include "disk/codec.h"

#include <lzma.h>
#include <zlib.h>
#include <zstd.h>

/* "xz -9" needs 65 MiB to read; nothing honest needs four times that. */
#define XZ_MEMORY_MAX (256ULL << 20)

enum {
	SINK_BYTES_MIN = 64 << 10,
	STEP_BYTES = 1 << 20,
	GZIP_WINDOW_BITS = 15 + 16, /* zlib.h: the largest window, with a gzip wrapper */
	GZIP_TRAILER_BYTES = 8,
	GZIP_MEMORY_LEVEL = 8, /* the default */
};

static void cctx_done(ZSTD_CCtx **c)
{
	ZSTD_freeCCtx(*c);
}

static void dctx_done(ZSTD_DCtx **d)
{
	ZSTD_freeDCtx(*d);
}

static int zstd_level_set(ZSTD_CCtx *c, int level, struct err *e)
{
	size_t n;

	if (!c)
		return err_set(e, -ENOMEM, "zstd: out of memory");
	if (level < 1 || level > ZSTD_maxCLevel())
		return err_set(e, -EINVAL, "zstd: level %d is not between 1 and %d", level,
			       ZSTD_maxCLevel());
	n = ZSTD_CCtx_setParameter(c, ZSTD_c_compressionLevel, level);
	if (!ZSTD_isError(n))
		n = ZSTD_CCtx_setParameter(c, ZSTD_c_checksumFlag, 1);
	return ZSTD_isError(n) ? err_set(e, -EINVAL, "zstd: %s", ZSTD_getErrorName(n)) : 0;
}

int gzip_compress(struct arena *a, struct str in, int level, struct str *ret, struct err *e)
{
	z_stream z = { .next_in = (Bytef *)(uintptr_t)in.p, .avail_in = (uInt)in.n };
	uLong cap;
	int r;

	if (in.n > UINT32_MAX)
		return err_set(e, -EFBIG, "gzip: %zu bytes are too many at once", in.n);
	if (deflateInit2(&z, level, Z_DEFLATED, GZIP_WINDOW_BITS, GZIP_MEMORY_LEVEL,
			 Z_DEFAULT_STRATEGY) != Z_OK)
		return err_set(e, -EINVAL, "gzip: no level %d, or no memory", level);
	cap = deflateBound(&z, in.n);
	z.next_out = arena_alloc(a, cap);
	z.avail_out = (uInt)cap;
	*ret = (struct str){ (const char *)z.next_out, 0 };
	r = cap > UINT32_MAX ? Z_BUF_ERROR : deflate(&z, Z_FINISH);
	ret->n = z.total_out;
	deflateEnd(&z);
	return r == Z_STREAM_END ? 0 : err_set(e, -EFBIG, "gzip: %zu bytes are too many", in.n);
}

int zstd_compress(struct arena *a, struct str in, int level, struct str *ret, struct err *e)
{
	__attribute__((cleanup(cctx_done))) ZSTD_CCtx *c = ZSTD_createCCtx();
	size_t cap = ZSTD_compressBound(in.n), n;
	int r = zstd_level_set(c, level, e);
	char *p;

	if (r < 0)
		return r;
	if (ZSTD_isError(cap))
		return err_set(e, -EFBIG, "zstd: %zu bytes are too many for one frame", in.n);
	p = arena_alloc(a, cap);
	n = ZSTD_compress2(c, p, cap, in.p, in.n);
	if (ZSTD_isError(n))
		return err_set(e, -EINVAL, "zstd: %s", ZSTD_getErrorName(n));
	*ret = (struct str){ p, n };
	return 0;
}

/* Feeds one run, zeroes piece by piece. @out has room for the worst case, so all is always taken.
 */
static size_t zstd_feed(ZSTD_CCtx *c, const struct segment *run, ZSTD_outBuffer *out)
{
	static const uint8_t zeroes[4096];
	uint64_t left = run->size_bytes;
	size_t r = 0;

	while (left > 0 && !ZSTD_isError(r)) {
		size_t max = run->data ? ARENA_SPILL_BYTES_MIN : sizeof(zeroes);
		size_t n = left < max ? left : max;
		ZSTD_inBuffer src = { run->data ? run->data + (run->size_bytes - left) : zeroes, n,
				      0 };

		while (src.pos < src.size && !ZSTD_isError(r))
			r = ZSTD_compressStream2(c, out, &src, ZSTD_e_continue);
		memory_leave(src.src, n);
		left -= n;
	}
	return r;
}

int zstd_compress_segments(struct arena *a, const struct segments *in, int level, struct str *ret,
			   struct err *e)
{
	__attribute__((cleanup(cctx_done))) ZSTD_CCtx *c = ZSTD_createCCtx();
	size_t cap = ZSTD_compressBound(in->size_bytes), n;
	ZSTD_inBuffer nothing = { 0 };
	ZSTD_outBuffer out;
	int r = zstd_level_set(c, level, e);

	if (r < 0)
		return r;
	if (ZSTD_isError(cap))
		return err_set(e, -EFBIG, "zstd: %zu bytes are too many for one frame",
			       (size_t)in->size_bytes);
	out = (ZSTD_outBuffer){ arena_alloc(a, cap), cap, 0 };
	n = ZSTD_CCtx_setPledgedSrcSize(c, in->size_bytes);
	for (size_t i = 0; i < in->v.n && !ZSTD_isError(n); i++)
		n = zstd_feed(c, &in->v.p[i], &out);
	if (!ZSTD_isError(n))
		n = ZSTD_compressStream2(c, &out, &nothing, ZSTD_e_end);
	if (n != 0)
		return err_set(e, -EINVAL, "zstd: %s",
			       ZSTD_isError(n) ? ZSTD_getErrorName(n) : "no room");
	*ret = (struct str){ out.dst, out.pos };
	return 0;
}

/* What a stream expands into. It holds one byte more than @max, so that being full means being
 * beyond. */
struct sink {
	struct arena *a;
	uint8_t *p;
	size_t n, cap, max;
	size_t end;  /* of what is asked for in this step, at most cap */
	size_t left; /* so much of it has left memory */
	decompress_watch watch;
	void *arg;
};

/* What is large leaves memory while it grows. */
static void sink_leave(struct sink *s)
{
	if (s->n - s->left < ARENA_SPILL_BYTES_MIN)
		return;
	memory_leave(s->p + s->left, s->n - s->left);
	s->left = s->n;
}

/* @hint is what the stream says of itself: worth one allocation of the right size, not to be
 * trusted. */
static void sink_init(struct sink *s, uint64_t hint)
{
	s->cap = hint < SINK_BYTES_MIN ? SINK_BYTES_MIN : hint;
	if (hint > s->max || s->cap > s->max)
		s->cap = s->max;
	s->p = arena_alloc(s->a, ++s->cap);
	s->end = s->cap < STEP_BYTES ? s->cap : STEP_BYTES;
}

/* Makes room for at least one byte, and says what there is. */
static int sink_room(struct sink *s, struct err *e)
{
	uint8_t *p;

	if (s->n < s->end)
		return 0;
	if (s->n > s->max)
		return err_set(e, -EFBIG, "expands beyond %zu bytes", s->max);
	if (s->n == s->cap) {
		s->cap = s->cap > s->max / 2 ? s->max + 1 : s->cap * 2;
		p = arena_alloc(s->a, s->cap);
		memcpy(p, s->p, s->n);
		memory_leave(s->p, s->n);
		s->p = p;
		s->left = 0;
	}
	s->end = s->cap - s->n < STEP_BYTES ? s->cap : s->n + STEP_BYTES;
	if (s->watch)
		s->watch(s->arg, (struct str){ (const char *)s->p, s->n });
	sink_leave(s);
	return 0;
}

static int zstd_expand(struct str in, struct sink *s, struct err *e)
{
	__attribute__((cleanup(dctx_done))) ZSTD_DCtx *d = ZSTD_createDCtx();
	unsigned long long hint = ZSTD_getFrameContentSize(in.p, in.n);
	ZSTD_inBuffer src = { in.p, in.n, 0 };
	size_t left = 1;

	if (!d)
		return err_set(e, -ENOMEM, "zstd: out of memory");
	if (hint != ZSTD_CONTENTSIZE_UNKNOWN && hint != ZSTD_CONTENTSIZE_ERROR && hint > s->max)
		return err_set(e, -EFBIG, "expands beyond %zu bytes", s->max);
	sink_init(s,
		  hint == ZSTD_CONTENTSIZE_ERROR || hint == ZSTD_CONTENTSIZE_UNKNOWN ? in.n : hint);
	while (left > 0 || src.pos < src.size) {
		ZSTD_outBuffer dst = { s->p, s->end, s->n };
		size_t pos = src.pos;

		left = ZSTD_decompressStream(d, &dst, &src);
		if (ZSTD_isError(left))
			return err_set(e, -EBADMSG, "zstd: %s", ZSTD_getErrorName(left));
		if (left > 0 && dst.pos == s->n && src.pos == pos)
			return err_set(e, -EBADMSG, "zstd: ends in the middle of a frame");
		s->n = dst.pos;
		if ((left > 0 || src.pos < src.size) && sink_room(s, e) < 0)
			return -EFBIG;
	}
	return 0;
}

/* The size that the index at the end of an .xz file names (its format, section 2.1.2), 0 when there
 * is none. */
static uint64_t xz_hint(struct str in)
{
	const uint8_t *end = (const uint8_t *)in.p + in.n;
	uint64_t memory = XZ_MEMORY_MAX, size = 0;
	lzma_stream_flags footer;
	lzma_index *index = NULL;
	size_t pos = 0;

	if (in.n < 2UL * LZMA_STREAM_HEADER_SIZE ||
	    lzma_stream_footer_decode(&footer, end - LZMA_STREAM_HEADER_SIZE) != LZMA_OK ||
	    footer.backward_size > in.n - 2UL * LZMA_STREAM_HEADER_SIZE)
		return 0;
	end -= LZMA_STREAM_HEADER_SIZE;
	if (lzma_index_buffer_decode(&index, &memory, NULL, end - footer.backward_size, &pos,
				     footer.backward_size) == LZMA_OK)
		size = lzma_index_uncompressed_size(index);
	lzma_index_end(index, NULL);
	return size;
}

static const char *xz_reason(lzma_ret r)
{
	switch (r) {
	case LZMA_BUF_ERROR:
		return "ends in the middle of a stream";
	case LZMA_MEMLIMIT_ERROR:
		return "wants more than 256 MiB of memory";
	case LZMA_FORMAT_ERROR:
		return "has other bytes behind the stream";
	case LZMA_OPTIONS_ERROR:
		return "uses a feature this liblzma does not know";
	default:
		return "damaged";
	}
}

static int lzma_run(lzma_stream *x, lzma_ret r, struct str in, struct sink *s, const char *name,
		    struct err *e)
{
	if (r != LZMA_OK)
		return err_set(e, -ENOMEM, "%s: out of memory", name);
	x->next_in = (const uint8_t *)in.p;
	x->avail_in = in.n;
	while (r == LZMA_OK) {
		if (sink_room(s, e) < 0)
			return -EFBIG;
		x->next_out = s->p + s->n;
		x->avail_out = s->end - s->n;
		r = lzma_code(x, LZMA_FINISH);
		s->n = s->end - x->avail_out;
	}
	return r == LZMA_STREAM_END ? 0 : err_set(e, -EBADMSG, "%s: %s", name, xz_reason(r));
}

static int xz_expand(struct str in, struct sink *s, struct err *e)
{
	__attribute__((cleanup(lzma_end))) lzma_stream x = LZMA_STREAM_INIT;

	sink_init(s, xz_hint(in));
	return lzma_run(&x, lzma_stream_decoder(&x, XZ_MEMORY_MAX, LZMA_CONCATENATED), in, s, "xz",
			e);
}

static int lzma_expand(struct str in, struct sink *s, struct err *e)
{
	__attribute__((cleanup(lzma_end))) lzma_stream x = LZMA_STREAM_INIT;

	sink_init(s, 0);
	return lzma_run(&x, lzma_alone_decoder(&x, XZ_MEMORY_MAX), in, s, "lzma", e);
}

/* ISIZE, the last word of a member: its size modulo 2^32 (RFC 1952, 2.3.1). */
static uint64_t gzip_hint(struct str in)
{
	uint32_t size = 0;

	if (in.n >= GZIP_TRAILER_BYTES)
		memcpy(&size, in.p + in.n - sizeof(size), sizeof(size));
	return le32toh(size);
}

static uInt zlib_size(size_t n)
{
	return n > UINT32_MAX ? UINT32_MAX : (uInt)n;
}

static void inflate_done(z_stream *z)
{
	inflateEnd(z);
}

/* One call of zlib, whose sizes are 32 bits wide: takes what it reads off *in. */
static int gzip_step(z_stream *z, struct str *in, struct sink *s)
{
	uInt want = zlib_size(in->n), room = zlib_size(s->end - s->n);
	int r;

	z->next_in = (z_const Bytef *)(uintptr_t)in->p;
	z->avail_in = want;
	z->next_out = s->p + s->n;
	z->avail_out = room;
	r = inflate(z, Z_NO_FLUSH);
	*in = str_from(*in, want - z->avail_in);
	s->n += room - z->avail_out;
	return r;
}

static int gzip_expand(struct str in, struct sink *s, struct err *e)
{
	__attribute__((cleanup(inflate_done))) z_stream z = { 0 };
	int r = inflateInit2(&z, GZIP_WINDOW_BITS);

	if (r != Z_OK)
		return err_set(e, -ENOMEM, "gzip: out of memory");
	sink_init(s, gzip_hint(in));
	while (r != Z_STREAM_END || in.n > 0) {
		if (r == Z_STREAM_END)
			inflateReset(&z);
		if (sink_room(s, e) < 0)
			return -EFBIG;
		r = gzip_step(&z, &in, s);
		if (r == Z_BUF_ERROR || (r == Z_OK && in.n == 0 && s->n < s->end))
			return err_set(e, -EBADMSG, "gzip: ends in the middle of a member");
		if (r != Z_OK && r != Z_STREAM_END)
			return err_set(e, -EBADMSG, "gzip: %s", z.msg ? z.msg : "damaged");
	}
	return 0;
}

static const struct codec {
	const char *magic;
	size_t magic_bytes;
	int (*expand)(struct str in, struct sink *s, struct err *e);
} codecs[] = {
	{ "\x28\xb5\x2f\xfd", 4, zstd_expand }, /* RFC 8878, 3.1.1 */
	{ "\xfd"
	  "7zXZ\0",
	  6, xz_expand },
	{ "\x1f\x8b", 2, gzip_expand }, /* RFC 1952, 2.3.1 */
};

static int sink_give(const struct sink *s, struct str *ret, struct err *e)
{
	if (s->n > s->max)
		return err_set(e, -EFBIG, "expands beyond %zu bytes", s->max);
	*ret = (struct str){ (const char *)s->p, s->n };
	return 0;
}

int decompress(struct arena *a, struct str in, size_t max, struct str *ret, struct err *e)
{
	return decompress_watched(a, in, max, NULL, NULL, ret, e);
}

int decompress_watched(struct arena *a, struct str in, size_t max, decompress_watch watch,
		       void *arg, struct str *ret, struct err *e)
{
	struct sink s = {
		.a = a, .max = max < SIZE_MAX ? max : SIZE_MAX - 1, .watch = watch, .arg = arg
	};
	int r;

	for (size_t i = 0; i < sizeof(codecs) / sizeof(codecs[0]); i++) {
		const struct codec *c = &codecs[i];

		if (in.n < c->magic_bytes || memcmp(in.p, c->magic, c->magic_bytes) != 0)
			continue;
		r = c->expand(in, &s, e);
		return r < 0 ? r : sink_give(&s, ret, e);
	}
	if (in.n > max)
		return err_set(e, -EFBIG, "expands beyond %zu bytes", max);
	*ret = in;
	return 0;
}

int decompress_lzma(struct arena *a, struct str in, size_t max, struct str *ret, struct err *e)
{
	struct sink s = { .a = a, .max = max < SIZE_MAX ? max : SIZE_MAX - 1 };
	int r = lzma_expand(in, &s, e);

	return r < 0 ? r : sink_give(&s, ret, e);
}
