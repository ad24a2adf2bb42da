/* SPDX-License-Identifier: MIT */
/* erofs_codec.h - compression of one cluster, for the files of EROFS only. */
#pragma once

#include "disk/erofs.h"

enum {
	/* How much content one cluster holds at most. Reading one byte costs expanding what is
	 * before it in its cluster, and the kernel keeps a window of this size per CPU. */
	EROFS_CLUSTER_CONTENT_LOG = 19,
	EROFS_CLUSTER_CONTENT_MAX = 1 << EROFS_CLUSTER_CONTENT_LOG,
	EROFS_LZ4_DISTANCE_MAX = 65535, /* LZ4 block format: an offset has 16 bits */
};

struct erofs_encoder {
	enum erofs_codec codec;
	int level;
	void *state;
};

must_check int erofs_encoder_init(struct erofs_encoder *c, const struct erofs_compression *how,
				  struct err *e);
void erofs_encoder_done(struct erofs_encoder *c);
/* Room that the compressed form of so much content can need. */
size_t erofs_encode_bound(const struct erofs_encoder *c, size_t n);
must_check int erofs_encode(const struct erofs_encoder *c, struct str in, uint8_t *out, size_t cap,
			    size_t *ret, struct err *e);
/* @in: the blocks of a cluster, zeroes in front. Fills @out, all of it or -EBADMSG. */
must_check int erofs_decode(enum erofs_codec codec, struct str in, uint8_t *out, size_t n,
			    struct err *e);
