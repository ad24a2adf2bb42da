/* SPDX-License-Identifier: MIT */
#include "base/err.h"

#include <stdio.h>
#include <string.h>

int err_set(struct err *e, int code, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(e->msg, sizeof(e->msg), fmt, ap);
	va_end(ap);
	return code;
}

int err_sys(struct err *e, const char *fmt, ...)
{
	int code = errno > 0 ? errno : EIO;
	va_list ap;
	size_t n;

	va_start(ap, fmt);
	vsnprintf(e->msg, sizeof(e->msg), fmt, ap);
	va_end(ap);
	n = strlen(e->msg);
	snprintf(e->msg + n, sizeof(e->msg) - n, ": %s", strerror(code));
	return -code;
}

int err_wrap(struct err *e, int code, const char *fmt, ...)
{
	char context[ERR_BYTES_MAX];
	size_t cause = strnlen(e->msg, sizeof(e->msg) - 1), room, n;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(context, sizeof(context), fmt, ap);
	va_end(ap);

	n = strlen(context);
	/* two layers that know the same thing: once is enough for who reads it */
	if (strncmp(e->msg, context, n) == 0 && strncmp(e->msg + n, ": ", 2) == 0)
		return code;
	room = sizeof(e->msg) - 1 - cause;
	if (room < 2)
		return code;
	if (n > room - 2)
		n = room - 2;
	memmove(e->msg + n + 2, e->msg, cause);
	e->msg[n + 2 + cause] = '\0';
	memcpy(e->msg, context, n);
	memcpy(e->msg + n, ": ", 2);
	return code;
}
