/* SPDX-License-Identifier: MIT */
/* test.h - what unit tests share. Included by x_test.c only. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/io.h"

/* Folders of a program's tests lie in one that is removed when the program ends; not by a child
 * that it forks. */
static struct {
	char path[256];
	pid_t owner;
	unsigned n;
} test_dirs;

__attribute__((destructor)) static void test_dirs_remove(void)
{
	struct err e;

	if (test_dirs.owner == getpid() && dir_remove(test_dirs.path, &e) < 0)
		fprintf(stderr, "%s\n", e.msg);
}

/* A fresh folder below TMPDIR. */
static inline char *test_dir(struct arena *a)
{
	const char *base = getenv("TMPDIR");
	char *path;

	if (test_dirs.owner == 0) {
		snprintf(test_dirs.path, sizeof(test_dirs.path), "%s/ashlar-test-XXXXXX",
			 base ? base : "/tmp");
		assert_non_null(mkdtemp(test_dirs.path));
		test_dirs.owner = getpid();
	}
	path = str_z(a, str_printf(a, "%s/%u", test_dirs.path, test_dirs.n++));
	assert_int_equal(mkdir(path, 0700), 0);
	return path;
}

#define assert_ok(call, e)                                   \
	do {                                                 \
		int assert_r = (call);                       \
		if (assert_r < 0)                            \
			fail_msg("%s: %s", #call, (e)->msg); \
	} while (0)

/* The call fails and its sentence contains @text. */
#define assert_err(call, e, text)                                                   \
	do {                                                                        \
		int assert_r = (call);                                              \
		assert_true(assert_r < 0);                                          \
		if (!strstr((e)->msg, (text)))                                      \
			fail_msg("%s: want '%s' in '%s'", #call, (text), (e)->msg); \
	} while (0)

#define assert_str(s, text)                                                                 \
	do {                                                                                \
		struct str assert_s = (s);                                                  \
		if (!str_eqz(assert_s, (text)))                                             \
			fail_msg("%s is '%.*s', want '%s'", #s, STR_FMT(assert_s), (text)); \
	} while (0)

/* The file @dir/@name, and the folders above it. */
static inline void test_file_put(struct arena *a, const char *dir, const char *name,
				 struct str text)
{
	char *path = path_join(a, dir, name), *slash = strrchr(path, '/');
	struct err e = { 0 };

	*slash = '\0';
	assert_ok(dir_make(path, &e), &e);
	*slash = '/';
	assert_ok(file_write(path, 0644, text.p, text.n, &e), &e);
}
