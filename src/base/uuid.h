/* SPDX-License-Identifier: MIT */
/* uuid.h - UUIDs (RFC 9562), 16 bytes in text order. */
#pragma once

#include "base/str.h"

/* Text forms of UUIDs, lower case. */
struct str uuid_text(struct arena *a, const uint8_t uuid[16]);
must_check bool uuid_parse(struct str s, uint8_t ret[16]);
/* Between text order and that of GPT and EFI, where the first three fields are little-endian: its
 * own inverse. */
void uuid_swap(const uint8_t from[16], uint8_t ret[16]);
/* A version 8 UUID from the SHA-256 of @n bytes and a purpose: the only source of "random"
 * identifiers. */
void uuid_derive(const char *purpose, const void *p, size_t n, uint8_t ret[16]);
