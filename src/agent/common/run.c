/* SPDX-License-Identifier: MIT */
#include "agent/common/run.h"

#include <stdlib.h>

enum { SAID_BYTES_MAX = 600 };

static const char *const variables[][2] = {
	{ "PATH", "/usr/sbin:/usr/bin" },
	{ "TMPDIR", "/run" },       /* the root is read-only, and /var is what is being made */
	{ "DM_DISABLE_UDEV", "1" }, /* libdevmapper makes nodes itself, and does not wait */
	{ "SYSTEMD_LOG_TARGET", "console" }, /* standard error */
	{ "SYSTEMD_LOG_LEVEL", "err" },
	{ "SYSTEMD_COLORS", "0" },
};

enum { VARIABLES = sizeof(variables) / sizeof(*variables) };

void run_environment(void)
{
	for (size_t i = 0; i < VARIABLES; i++)
		setenv(variables[i][0], variables[i][1], 1);
}

void run_environment_done(void)
{
	for (size_t i = 0; i < VARIABLES; i++)
		unsetenv(variables[i][0]);
}

/* Several lines in one. */
static struct str said(struct arena *a, struct str text)
{
	struct buf b = { .a = a };

	while (text.n > 0) {
		struct str line = str_trim(str_cut(&text, '\n'));

		if (line.n > 0)
			buf_printf(&b, "%s%.*s", b.v.n > 0 ? "; " : "", STR_FMT(line));
	}
	return str_head((struct str){ (const char *)b.v.p, b.v.n }, SAID_BYTES_MAX);
}

int run(struct arena *a, const char *const *argv, struct str input, int most, struct str *ret_out,
	struct err *e)
{
	struct proc_result p;
	struct str text;
	int r;

	r = proc_run(a, argv, input, NULL, &p, e);
	if (r < 0)
		return r;
	if (p.status > most) {
		text = said(a, p.err.n > 0 ? p.err : p.out);
		return err_set(e, -EIO, "%s failed with status %d%s%.*s", argv[0], p.status,
			       text.n > 0 ? ": " : "", STR_FMT(text));
	}
	if (ret_out)
		*ret_out = p.out;
	return 0;
}
