/* SPDX-License-Identifier: MIT */
#include "agent/init/loader.h"

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/io.h"

enum { MODALIAS_BYTES_MAX = 4096 };

/* A device that vanishes meanwhile, or has no modalias, asks for nothing. An ACPI device may have
 * two lines. */
static void modalias_read(struct arena *a, struct modules *m, const char *dir)
{
	struct err ignored;
	struct str text;

	if (file_read(a, path_join(a, dir, "modalias"), MODALIAS_BYTES_MAX, &text, &ignored) < 0)
		return;
	while (text.n > 0)
		modules_want(m, str_z(a, str_cut(&text, '\n')));
}

static void bus_scan(struct arena *a, struct modules *m, const char *devices)
{
	struct err ignored;
	vec_str names;

	if (dir_list(a, devices, &names, &ignored) < 0)
		return;
	vec_each(name, &names)
		modalias_read(a, m, path_join(a, devices, str_z(a, *name)));
}

int loader_scan(struct modules *m, const char *sys, struct err *e)
{
	_cleanup_arena_ struct arena a = { 0 };
	const char *bus = path_join(&a, sys, "bus");
	vec_str names;
	int r;

	r = dir_list(&a, bus, &names, e);
	if (r < 0)
		return r;
	vec_each(name, &names)
		bus_scan(&a, m, str_z(&a, str_printf(&a, "%s/%.*s/devices", bus, STR_FMT(*name))));
	/* The processor's features: SHA-256 instructions for dm-verity. */
	modalias_read(&a, m, path_join(&a, sys, "devices/system/cpu"));
	return 0;
}

/* What is built in or loaded already is no error. */
static int module_load(const char *path, struct err *e)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return err_sys(e, "open");
	if (syscall(SYS_finit_module, fd, "", 0) < 0 && errno != EEXIST)
		return err_sys(e, "load");
	return 0;
}

int loader_step(struct arena *a, struct modules *m, const char *dir, struct str *failed,
		struct err *e)
{
	for (struct module *mod = m->p; mod < m->p + m->n; mod++) {
		struct err why;
		int r;

		if (!mod->wanted || mod->tried)
			continue;
		mod->tried = true;
		r = module_load(str_z(a, str_printf(a, "%s/%s.ko", dir, mod->name)), &why);
		if (r < 0 && mod->always)
			return err_set(e, r, "kernel module %s: %s%s%.*s", mod->name, why.msg,
				       failed->n > 0 ? "; before it: " : "", STR_FMT(*failed));
		if (r < 0)
			*failed = str_printf(a, "%.*s%s%s: %s", STR_FMT(*failed),
					     failed->n > 0 ? "; " : "", mod->name, why.msg);
		if (mod->n_aliases > 0)
			return 1;
	}
	return 0;
}
