/* SPDX-License-Identifier: MIT */
/* json_parse.h - reads JSON (RFC 8259), one level at a time. */
#pragma once

#include "base/str.h"

/* Each name of a member is compared with all others. A manifest has an element for each package. */
enum { JSON_DEPTH_MAX = 32, JSON_MEMBERS_MAX = 1024, JSON_ELEMENTS_MAX = 65536 };

enum json_type {
	JSON_NULL,
	JSON_FALSE,
	JSON_TRUE,
	JSON_NUMBER,
	JSON_STRING,
	JSON_ARRAY,
	JSON_OBJECT
};

struct json_value {
	struct str key; /* of a member of an object; empty in an array */
	enum json_type type;
	struct str text; /* JSON_STRING: what it means; else as it stands there, checked */
};
typedef VEC(struct json_value) vec_json_value;

/* @text is one object or one array: *ret its members or elements, in order, at most
 * JSON_MEMBERS_MAX or JSON_ELEMENTS_MAX. json_parse() of the text of those gives theirs in turn,
 * JSON_DEPTH_MAX levels at most. Strict: UTF-8 only, no NUL in strings, no two members with the
 * same name (readers disagree which one counts), nothing behind the end. Borrows @text. Fails with
 * "JSON, byte N: ...". */
must_check int json_parse(struct arena *a, struct str text, vec_json_value *ret, struct err *e);
/* The member @key, or NULL. */
const struct json_value *json_find(const vec_json_value *values, const char *key);
/* The text of the member @key, which must be there and of @type: -EBADMSG. */
must_check int json_member(const vec_json_value *values, const char *key, enum json_type type,
			   struct str *ret, struct err *e);
