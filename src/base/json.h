/* SPDX-License-Identifier: MIT */
/* json.h - writes JSON (RFC 8259), in the order it is called, always to the same bytes. */
#pragma once

#include <stdbool.h>

#include "base/str.h"

/* indent > 0: one member a line; 0: all on one line. Start from
 * { .b = { .a = arena }, .indent = 2 }. A key is given inside objects and NULL inside
 * arrays. Bytes that are not UTF-8 become U+FFFD. */
struct json {
	struct buf b;
	int indent, depth;
	bool comma;
};

void json_object(struct json *j, const char *key);
void json_array(struct json *j, const char *key);
void json_end_object(struct json *j);
void json_end_array(struct json *j);
void json_str(struct json *j, const char *key, struct str value);
void json_u64(struct json *j, const char *key, uint64_t value);
void json_bool(struct json *j, const char *key, bool value);
void json_null(struct json *j, const char *key);
/* Seconds with three decimals. */
void json_seconds(struct json *j, const char *key, double value);
struct str json_text(struct json *j);
