/* SPDX-License-Identifier: MIT */
#include "disk/verity_sig.h"
#include "fuzz.h"

/* The partition is longer than most inputs. */
bool fuzz_accepts(const uint8_t *data, size_t size)
{
	_cleanup_arena_ struct arena a = { 0 };
	size_t n = size < VERITY_SIG_BYTES ? VERITY_SIG_BYTES : size;
	uint8_t *partition = arena_alloc(&a, n);
	struct verity_sig v, again;
	struct str text;
	struct err e;

	if (size > 0)
		memcpy(partition, data, size);
	if (verity_sig_parse(&a, (struct str){ (char *)partition, n }, &v, &e) < 0 ||
	    verity_sig_write(&a, &v, &text, &e) < 0)
		return false;
	if (verity_sig_parse(&a, text, &again, &e) < 0 || !str_eq(v.signature, again.signature))
		__builtin_trap();
	return true;
}
