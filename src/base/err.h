/* SPDX-License-Identifier: MIT */
/* err.h - an error is one sentence, set where it happens and wrapped once per layer. */
#pragma once

#include <errno.h>
#include <stdarg.h>
#include <stddef.h>

#define must_check __attribute__((warn_unused_result))

enum { ERR_BYTES_MAX = 2048 };

/* Lives in the caller's frame; nothing to free. Reads outer to inner: "image 'server': package 'x':
 * ...". */
struct err {
	char msg[ERR_BYTES_MAX];
};

/* Each returns a negative errno, so a caller can write: return err_set(e, -EINVAL, "...").
 * err_set() replaces the sentence; @code is what it returns.
 * err_sys() appends ": " and the text of the current errno, and returns -errno.
 * err_wrap() puts "context: " in front; when space runs out, the context is cut, never the cause.
 * It returns @code. */
int err_set(struct err *e, int code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
int err_sys(struct err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
int err_wrap(struct err *e, int code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
