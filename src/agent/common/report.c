/* SPDX-License-Identifier: MIT */
#include "agent/common/report.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"

/* A record of the kernel's log holds 1024 bytes with its prefix (kernel/printk:
 * PRINTKRB_RECORD_MAX). */
enum { LINE_BYTES_MAX = 900 };

/* Before /dev is mounted there is only the console that the kernel opened for its first process. */
static void line_write(enum report_level level, struct str text)
{
	_cleanup_close_ int kmsg = open("/dev/kmsg", O_WRONLY | O_CLOEXEC);
	char line[LINE_BYTES_MAX + 32];
	int n = snprintf(line, sizeof(line), "<%d>%s: %.*s\n", (int)level, report_name,
			 STR_FMT(text));

	if (kmsg < 0 || write(kmsg, line, (size_t)n) < 0)
		dprintf(STDERR_FILENO, "%s", line + 3);
}

void report(enum report_level level, const char *fmt, ...)
{
	struct err text;
	struct str rest;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text.msg, sizeof(text.msg), fmt, ap);
	va_end(ap);
	for (rest = str_c(text.msg); rest.n > 0; rest = str_from(rest, LINE_BYTES_MAX))
		line_write(level, str_head(rest, LINE_BYTES_MAX));
}
