/* SPDX-License-Identifier: MIT */
#include "disk/erofs.h"
#include "fuzz.h"

enum { CONTENT_BYTES_MAX = 1 << 20, ALL_BYTES_MAX = 8 << 20 };

bool fuzz_accepts(const uint8_t *data, size_t size)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct erofs_input input;
	uint64_t all = 0;
	bool whole = true;
	struct err e;

	if (erofs_read(&a, data, size, &input, &e) < 0)
		return false;
	for (size_t i = 0; i < input.n_inodes; i++) {
		const struct erofs_content *c = input.inodes[i].content;
		struct str content;

		if (!c || c->size_bytes > CONTENT_BYTES_MAX || all > ALL_BYTES_MAX)
			continue;
		all += c->size_bytes;
		if (erofs_content_read(&a, input.codec, c, input.fragments, input.n_fragments,
				       &content, &e) < 0)
			whole = false;
	}
	return whole;
}
