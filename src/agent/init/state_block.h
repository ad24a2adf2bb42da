/* SPDX-License-Identifier: MIT */
/* state_block.h - the first 512 bytes of the encrypted volume, which ext4 leaves alone (its
 * superblock is at byte 1024): a secret by which the machine recognises the volume (anchor.h), and
 * how many boots it has seen. Whoever makes a volume of his own cannot know the secret.
 *
 *	magic "ashlar-state\0\0\0\0", version (u32), zero (u32), generation (u64), secret (32
 *bytes); little-endian, the rest is zero
 */
#pragma once

#include "base/str.h"

enum { STATE_SECRET_BYTES = 32, STATE_BLOCK_BYTES = 512 };

struct state_block {
	uint64_t generation; /* 0: made, and never opened again */
	uint8_t secret[STATE_SECRET_BYTES];
};

/* False when there is none, or of another version. */
must_check bool state_block_parse(struct str bytes, struct state_block *ret);
void state_block_format(const struct state_block *b, uint8_t ret[STATE_BLOCK_BYTES]);

/* The same at the begin of the device @node. state_block_read(): 1 found, 0 there is none. What is
 * written is on the disk when state_block_write() returns. */
must_check int state_block_read(const char *node, struct state_block *ret, struct err *e);
must_check int state_block_write(const char *node, const struct state_block *b, struct err *e);
/* With a new secret. */
must_check int state_block_new(struct state_block *ret, struct err *e);
