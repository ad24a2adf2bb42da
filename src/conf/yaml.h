/* SPDX-License-Identifier: MIT */
/* yaml.h - tables of libcyaml for YAML text, and an exact position for whatever is wrong in it.
 *
 * libcyaml knows the line of an error but not the nearest valid name, so the same tables are first
 * held against libyaml's events, which carry line and column. What passes is then loaded by
 * libcyaml and copied into the arena. */
#pragma once

#include <cyaml/cyaml.h>

#include "base/str.h"

enum {
	YAML_BYTES_MAX = 1 << 20,
	YAML_LIST_MAX = 4096,
	YAML_KEYS_MAX = 64, /* of one mapping: a bit each in the set of those seen */
};

/* What a text must look like, and the most bytes it may have, in the lower bits: cyaml's schema has
 * one number for a text, which only must not be less than that. */
#define FORM(number, bytes) ((number) << 24 | (bytes))
enum form {
	FORM_MODE = FORM(1, 4),     /* octal permissions */
	FORM_SCRIPT = FORM(2, 8),   /* name of a maintainer script */
	FORM_ID = FORM(3, 10),      /* decimal number or "-" */
	FORM_SIZE = FORM(4, 20),    /* 120MB, 64MiB or bytes; becomes a uint64_t */
	FORM_ACCOUNT = FORM(5, 31), /* user or group, as systemd-sysusers takes it */
	FORM_LANGUAGE = FORM(6, 32),
	FORM_HOST = FORM(7, 64),   /* hostname(7), and what sethostname(2) takes */
	FORM_DIGEST = FORM(8, 64), /* hexadecimal SHA-256 */
	FORM_RELEASE =
		FORM(9, 64), /* ID and VERSION_ID of os-release(5), also parts of file names */
	FORM_NAME = FORM(10, 255),
	FORM_UNIT = FORM(11, 255),   /* of systemd */
	FORM_BELOW = FORM(12, 1024), /* path below a folder */
	FORM_LINE = FORM(13, 2000),  /* text without a line break */
	FORM_MIRROR = FORM(14, 2048),
	FORM_PATH = FORM(15, 4095), /* absolute and normalised */
	FORM_TEXT = FORM(16, YAML_BYTES_MAX),
	FORM_DATE = FORM(17, 23),        /* a day, or a second: "2026-09-12 07:55:41 UTC" */
	FORM_SUITE = FORM(18, 256),      /* of an archive: names and '/' */
	FORM_CREDENTIAL = FORM(19, 255), /* systemd.exec(5), with '*' at its end for more of them */
};

/* Where a value of the outermost mapping stands, or an entry of a list there; lines and columns
 * count from 1. */
struct yaml_mark {
	struct str key;
	uint32_t entry; /* UINT32_MAX: the value itself */
	unsigned line, column;
};

struct yaml_doc {
	const char *name; /* what messages call the file */
	VEC(struct yaml_mark) marks;
};

/* A struct str; or, with FORM_SIZE, a uint64_t. @flag_: CYAML_FLAG_OPTIONAL or CYAML_FLAG_DEFAULT
 * for a required key. */
#define YAML_TEXT(key_, flag_, form_, type_, member_)                                \
	{                                                                            \
		.key = (key_), .data_offset = offsetof(type_, member_),              \
		.value = { .type = CYAML_STRING,                                     \
			   .flags = (enum cyaml_flag)((flag_) | CYAML_FLAG_POINTER), \
			   .data_size = 1,                                           \
			   .string = { .min = 0, .max = (form_) } },                 \
	}

/* A plain value: CYAML_BOOL, CYAML_UINT. */
#define YAML_PLAIN(key_, flag_, cyaml_type_, type_, member_)             \
	{                                                                \
		.key = (key_), .data_offset = offsetof(type_, member_),  \
		.value = { .type = (cyaml_type_),                        \
			   .flags = (flag_),                             \
			   .data_size = sizeof(((type_ *)0)->member_) }, \
	}

#define YAML_ENUM(key_, flag_, strings_, type_, member_)                            \
	{                                                                           \
		.key = (key_), .data_offset = offsetof(type_, member_),             \
		.value = { .type = CYAML_ENUM,                                      \
			   .flags = (enum cyaml_flag)((flag_) | CYAML_FLAG_STRICT), \
			   .data_size = sizeof(((type_ *)0)->member_),              \
			   .enumeration = { .strings = (strings_),                  \
					    .count = CYAML_ARRAY_LEN(strings_) } }, \
	}

/* A vector. @size_: of an element as libcyaml loads it. */
#define YAML_LIST(key_, flag_, entry_, size_, min_, type_, member_)                             \
	{                                                                                       \
		.key = (key_), .data_offset = offsetof(type_, member_.p),                       \
		.count_offset = offsetof(type_, member_.n), .count_size = sizeof(size_t),       \
		.value = { .type = CYAML_SEQUENCE,                                              \
			   .flags = (enum cyaml_flag)((flag_) | CYAML_FLAG_POINTER),            \
			   .data_size = (size_),                                                \
			   .sequence = {                                                        \
				   .entry = &(entry_), .min = (min_), .max = YAML_LIST_MAX } }, \
	}

/* A vec_str, whose entries a YAML_TEXT_ENTRY describes; a vector of structs, by a
 * YAML_STRUCT_ENTRY. */
#define YAML_TEXTS(key_, entry_, type_, member_) \
	YAML_LIST(key_, CYAML_FLAG_OPTIONAL, entry_, sizeof(char *), 0, type_, member_)
#define YAML_STRUCTS(key_, entry_, type_, member_)                                               \
	YAML_LIST(key_, CYAML_FLAG_OPTIONAL, entry_, sizeof(*((type_ *)0)->member_.p), 0, type_, \
		  member_)

#define YAML_TEXT_ENTRY(form_)                                                     \
	{                                                                          \
		.type = CYAML_STRING, .flags = CYAML_FLAG_POINTER, .data_size = 1, \
		.string = { .min = 0, .max = (form_) },                            \
	}
#define YAML_STRUCT_ENTRY(fields_, type_)                          \
	{                                                          \
		.type = CYAML_MAPPING, .data_size = sizeof(type_), \
		.mapping = { .fields = (fields_) },                \
	}
/* The outermost value of a file. */
#define YAML_TOP(fields_, type_)                                                                \
	{                                                                                       \
		.type = CYAML_MAPPING, .flags = CYAML_FLAG_POINTER, .data_size = sizeof(type_), \
		.mapping = { .fields = (fields_) },                                             \
	}

/* The mark of key @key, or of entry @entry in its list; NULL when the file has no such. */
const struct yaml_mark *yaml_mark(const struct yaml_doc *doc, const char *key, uint32_t entry);
/* "FILE:LINE:COLUMN" of it. */
const char *yaml_at(struct arena *a, const struct yaml_doc *doc, const char *key, uint32_t entry);

/* "; did you mean 'X'?" for the name nearest to @wrong, or nothing. */
const char *yaml_did_you_mean(struct arena *a, const vec_str *names, struct str wrong);

/* form.c */
bool form_ok(enum form form, struct str s);
const char *form_want(enum form form);
size_t form_bytes_max(enum form form);
