/* SPDX-License-Identifier: MIT */
/* The hardware database: hwdb(7) files of udev, compiled. What systemd-hwdb ignores with a warning
 * is ignored. */
#include <sys/stat.h>

#include "base/trace.h"
#include "tree/gen.h"
#include "tree/generators.h"
#include "tree/hwdb.h"

/* All files together: 25 times what Debian has. */
enum { HWDB_BYTES_MAX = 256 << 20 };

/* A record is matches, each on a line, then properties, each on a line that begins with a blank; an
 * empty line ends it. */
enum place { BETWEEN, MATCHES, PROPERTIES };

struct reader {
	struct arena *a;
	struct hwdb *hwdb;
	const struct gen_file *file;
	uint16_t priority;
	uint32_t line;
	enum place place;
	vec_str matches;
};

/* " KEY=VALUE": one of the blanks before it belongs to the key. */
static int property(struct reader *r, struct str line, struct err *e)
{
	struct hwdb_property p = { .file = r->file->path,
				   .line = r->line,
				   .priority = r->priority };
	ptrdiff_t equals = str_find(line, '=');

	if (equals < 0)
		return 0;
	p.key = str_head(line, (size_t)equals);
	p.value = str_from(line, (size_t)equals + 1);
	while (p.key.n > 1 && (p.key.p[1] == ' ' || p.key.p[1] == '\t'))
		p.key = str_from(p.key, 1);
	if (p.key.n <= 1)
		return 0;
	vec_each(match, &r->matches) {
		int ret;

		p.match = *match;
		ret = hwdb_add(r->hwdb, &p, e);
		if (ret < 0)
			return ret;
	}
	return 0;
}

static int read_line(struct reader *r, struct str line, struct err *e)
{
	bool indented = str_starts(line, " ");

	if (r->place == BETWEEN && (line.n == 0 || indented))
		return 0;
	if (line.n == 0 || (r->place == PROPERTIES && !indented)) {
		r->place = BETWEEN;
		r->matches.n = 0;
		return 0;
	}
	if (!indented) {
		r->place = MATCHES;
		vec_push(r->a, &r->matches) = line;
		return 0;
	}
	r->place = PROPERTIES;
	return property(r, line, e);
}

static int read_file(struct reader *r, struct err *e)
{
	struct str text = r->file->text;

	if (memchr(text.p, 0, text.n))
		return err_set(e, -EBADMSG, "%.*s: holds a NUL byte, so it is no text",
			       STR_FMT(r->file->path));
	for (r->line = 1; text.n > 0; r->line++) {
		struct str line = str_cut(&text, '\n');
		int ret;

		if (str_starts(line, "#"))
			continue;
		line = str_cut(&line, '#');
		while (line.n > 0 && strchr(" \t\r\v\f", line.p[line.n - 1]))
			line.n--;
		ret = read_line(r, line, e);
		if (ret < 0)
			return err_wrap(e, ret, "%.*s:%u", STR_FMT(r->file->path), r->line);
	}
	return 0;
}

/* The sources, and folders that nothing else is in. */
static void drop_sources(struct tree *t)
{
	static const char *const folders[] = { "/etc/udev/hwdb.d", "/usr/lib/udev/hwdb.d" };

	for (size_t i = 0; i < 2; i++) {
		uint32_t dir = tree_find(t, str_c(folders[i]));
		vec_id ids = { 0 };
		size_t left = 0;

		if (dir == TREE_NONE)
			continue;
		tree_children(t->a, t, dir, &ids);
		vec_each(id, &ids) {
			if (str_ends(t->nodes.p[*id].name, ".hwdb"))
				tree_remove(t, *id);
			left += !t->nodes.p[*id].removed;
		}
		if (left == 0)
			tree_remove(t, dir);
	}
}

int gen_hwdb(struct tree *t, struct err *e)
{
	TRACE("hwdb");
	_cleanup_arena_ struct arena a = { 0 };
	struct hwdb *hwdb = hwdb_new(&a);
	uint16_t priority = 1;
	size_t bytes = 0;
	vec_gen_file files;
	int r;

	r = gen_conf_files(t, "udev/hwdb.d", ".hwdb", &files, e);
	if (r < 0 || files.n == 0)
		return r;
	if (files.n > UINT16_MAX)
		return err_set(e, -E2BIG, "%zu hwdb.d files: at most %d have a priority", files.n,
			       UINT16_MAX);
	vec_each(file, &files) {
		struct reader reader = {
			.a = &a, .hwdb = hwdb, .file = file, .priority = priority++
		};

		bytes += file->text.n;
		if (bytes > HWDB_BYTES_MAX)
			return err_set(e, -E2BIG, "hwdb.d files of more than %d bytes",
				       HWDB_BYTES_MAX);
		r = read_file(&reader, e);
		if (r < 0)
			return r;
	}
	r = gen_put(t, STR("/usr/lib/udev/hwdb.bin"), S_IFREG | 0444, hwdb_write(hwdb, t->a), e);
	if (r < 0)
		return r;
	drop_sources(t);
	return 0;
}

void gen_hwdb_inputs(struct arena *a, struct tree *t, struct gen_inputs *ret)
{
	gen_inputs_init(a, t, ret);
	gen_input_folder(ret, STR("/etc/udev/hwdb.d"));
	gen_input_folder(ret, STR("/usr/local/lib/udev/hwdb.d"));
	gen_input_folder(ret, STR("/usr/lib/udev/hwdb.d"));
	gen_input_node(ret, STR("/usr/lib/udev/hwdb.bin"));
}
