/* SPDX-License-Identifier: MIT */
/* fuzz.h - what each fuzz target is: fuzz_accepts(), called by libFuzzer (libfuzzer.c) or with the
 * files of a corpus (replay.c). */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Whether the parser takes @data for what it should be. What must never be, whatever comes in,
 * traps.
 */
bool fuzz_accepts(const uint8_t *data, size_t size);

/* Where nobody is trusted, which is found out last: how what is well but for that is refused. */
#define NOBODY_TRUSTED "which is none of the 0 trusted ones"
