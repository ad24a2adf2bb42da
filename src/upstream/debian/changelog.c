/* SPDX-License-Identifier: MIT */
#include "upstream/debian/changelog.h"

#include "upstream/debian/date.h"

/* "hello (1.2-3) unstable; urgency=medium" -> "1.2-3"; empty when it is no heading. */
static struct str heading_version(struct str line)
{
	struct str version;

	if (line.n == 0 || line.p[0] == ' ' || line.p[0] == '\t' || str_find(line, '(') < 0)
		return (struct str){ 0 };
	str_cut(&line, '(');
	version = str_cut(&line, ')');
	return str_find(line, ';') >= 0 ? str_trim(version) : (struct str){ 0 };
}

/* The change lines without their two blanks, without empty lines around them. */
static void body_add(struct buf *b, struct str line)
{
	if (str_trim(line).n == 0 && b->v.n == 0)
		return;
	if (str_starts(line, "  "))
		line = str_from(line, 2);
	buf_put(b, line.p, line.n);
	buf_u8(b, '\n');
}

static bool entry_parse(struct arena *a, struct str *text, struct changelog_entry *ret)
{
	struct buf body = { .a = a };
	struct str version;

	while (text->n > 0 && text->p[0] == '\n')
		str_cut(text, '\n');
	version = heading_version(str_cut(text, '\n'));
	while (version.n > 0 && text->n > 0) {
		struct str line = str_cut(text, '\n'), who;
		ptrdiff_t end;

		if (!str_starts(line, " -- ")) {
			body_add(&body, line);
			continue;
		}
		who = str_trim(str_from(line, 4));
		end = str_find(who, '>');
		if (end < 0 || !date_parse(str_from(who, (size_t)end + 1), &ret->time_sec))
			return false;
		ret->author = str_printf(a, "%.*s %.*s", STR_FMT(str_head(who, (size_t)end + 1)),
					 STR_FMT(version));
		ret->text = str_trim((struct str){ (const char *)body.v.p, body.v.n });
		return true;
	}
	return false;
}

void changelog_parse(struct arena *a, struct str text, vec_changelog *ret)
{
	struct changelog_entry entry;

	while (ret->n < CHANGELOG_ENTRIES_MAX && entry_parse(a, &text, &entry))
		vec_push(a, ret) = entry;
}
