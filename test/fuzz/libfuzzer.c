/* SPDX-License-Identifier: MIT */
/* libfuzzer.c - a fuzz target as a libFuzzer program. */
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Zero for what is refused, too: -1 would keep it out of the corpus, which wants ways to be
 * refused; and clang 14 knows zero only. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	(void)!fuzz_accepts(data, size);
	return 0;
}
