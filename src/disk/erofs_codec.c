/* SPDX-License-Identifier: MIT */
#include "disk/erofs_codec.h"

#include <lz4.h>
#include <lz4hc.h>
#include <stdlib.h>
#include <zstd.h>

static int zstd_init(struct erofs_encoder *c, struct err *e)
{
	ZSTD_CCtx *z = ZSTD_createCCtx();
	size_t n;

	c->state = z;
	if (!z)
		return err_set(e, -ENOMEM, "zstd: out of memory");
	if (c->level < 1 || c->level > ZSTD_maxCLevel())
		return err_set(e, -EINVAL, "zstd: level %d is not between 1 and %d", c->level,
			       ZSTD_maxCLevel());
	n = ZSTD_CCtx_setParameter(z, ZSTD_c_compressionLevel, c->level);
	if (!ZSTD_isError(n))
		n = ZSTD_CCtx_setParameter(z, ZSTD_c_windowLog, EROFS_CLUSTER_CONTENT_LOG);
	if (!ZSTD_isError(n))
		n = ZSTD_CCtx_setParameter(z, ZSTD_c_checksumFlag, 0); /* dm-verity has one */
	return ZSTD_isError(n) ? err_set(e, -EINVAL, "zstd: %s", ZSTD_getErrorName(n)) : 0;
}

static int lz4_init(struct erofs_encoder *c, struct err *e)
{
	if (c->level < 1 || c->level > LZ4HC_CLEVEL_MAX)
		return err_set(e, -EINVAL, "lz4hc: level %d is not between 1 and %d", c->level,
			       LZ4HC_CLEVEL_MAX);
	c->state = malloc((size_t)LZ4_sizeofStateHC());
	return c->state ? 0 : err_set(e, -ENOMEM, "lz4hc: out of memory");
}

int erofs_encoder_init(struct erofs_encoder *c, const struct erofs_compression *how, struct err *e)
{
	*c = (struct erofs_encoder){ .codec = how->codec, .level = how->level };
	switch (how->codec) {
	case EROFS_CODEC_ZSTD:
		return zstd_init(c, e);
	case EROFS_CODEC_LZ4HC:
		return lz4_init(c, e);
	default:
		return 0;
	}
}

void erofs_encoder_done(struct erofs_encoder *c)
{
	if (c->codec == EROFS_CODEC_ZSTD)
		ZSTD_freeCCtx(c->state);
	else
		free(c->state);
}

size_t erofs_encode_bound(const struct erofs_encoder *c, size_t n)
{
	return c->codec == EROFS_CODEC_ZSTD ? ZSTD_compressBound(n)
					    : (size_t)LZ4_compressBound((int)n);
}

int erofs_encode(const struct erofs_encoder *c, struct str in, uint8_t *out, size_t cap,
		 size_t *ret, struct err *e)
{
	if (c->codec == EROFS_CODEC_ZSTD) {
		size_t n = ZSTD_compress2(c->state, out, cap, in.p, in.n);

		*ret = n;
		return ZSTD_isError(n) ? err_set(e, -EINVAL, "zstd: %s", ZSTD_getErrorName(n)) : 0;
	}
	*ret = (size_t)LZ4_compress_HC_extStateHC(c->state, in.p, (char *)out, (int)in.n, (int)cap,
						  c->level);
	return *ret > 0 ? 0 : err_set(e, -EINVAL, "lz4hc: no room for %zu bytes", in.n);
}

int erofs_decode(enum erofs_codec codec, struct str in, uint8_t *out, size_t n, struct err *e)
{
	size_t got = 0;

	/* Neither format begins with a zero. */
	while (in.n > 0 && in.p[0] == 0)
		in = str_from(in, 1);
	if (codec == EROFS_CODEC_ZSTD) {
		got = ZSTD_decompress(out, n, in.p, in.n);
		if (ZSTD_isError(got))
			return err_set(e, -EBADMSG, "zstd: %s", ZSTD_getErrorName(got));
	} else if (codec == EROFS_CODEC_LZ4HC && in.n > 0 && in.n <= INT32_MAX && n <= INT32_MAX) {
		int r = LZ4_decompress_safe(in.p, (char *)out, (int)in.n, (int)n);

		if (r < 0)
			return err_set(e, -EBADMSG, "lz4: damaged");
		got = (size_t)r;
	}
	if (got != n)
		return err_set(e, -EBADMSG, "a cluster has %zu bytes of content, not %zu", got, n);
	return 0;
}

#define NAME(enumerator, name) [enumerator] = (name),

const char *erofs_codec_name(enum erofs_codec codec)
{
	static const char *const names[] = { EROFS_CODECS(NAME) };

	return names[codec];
}

struct str erofs_codec_version(struct arena *a, enum erofs_codec codec)
{
	switch (codec) {
	case EROFS_CODEC_ZSTD:
		return str_printf(a, "zstd %s", ZSTD_versionString());
	case EROFS_CODEC_LZ4HC:
		return str_printf(a, "lz4 %s", LZ4_versionString());
	default:
		return STR("none");
	}
}
