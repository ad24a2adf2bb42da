/* SPDX-License-Identifier: MIT */
#include "upstream/changelog.h"

#include <time.h>

static bool two_digits(struct str s, int *ret)
{
	uint64_t x;

	if (!str_u64(s, 99, &x))
		return false;
	*ret = (int)x;
	return true;
}

static bool month_number(struct str s, int *ret)
{
	static const char names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

	for (int i = 0; i < 12; i++)
		if (s.n == 3 && memcmp(s.p, names + 3 * i, 3) == 0) {
			*ret = i;
			return true;
		}
	return false;
}

/* "+0130" -> seconds east of UTC. */
static bool zone_seconds(struct str s, long *ret)
{
	int hours, minutes;

	if (s.n != 5 || (s.p[0] != '+' && s.p[0] != '-') ||
	    !two_digits(str_head(str_from(s, 1), 2), &hours) ||
	    !two_digits(str_from(s, 3), &minutes))
		return false;
	*ret = (s.p[0] == '-' ? -60L : 60L) * (hours * 60 + minutes);
	return true;
}

/* "Thu, 02 Jan 2025 12:00:00 +0000" (RFC 5322, 3.3), with or without the day of the week. */
static bool date_parse(struct str s, uint64_t *ret)
{
	struct str day = str_word(&s), month, year, clock, hour, minute;
	struct tm tm = { 0 };
	uint64_t y;
	long zone;

	if (str_ends(day, ","))
		day = str_word(&s);
	month = str_word(&s);
	year = str_word(&s);
	clock = str_word(&s);
	hour = str_cut(&clock, ':');
	minute = str_cut(&clock, ':');
	if (!two_digits(day, &tm.tm_mday) || !month_number(month, &tm.tm_mon) ||
	    !str_u64(year, 9999, &y) || y < 1970 || !two_digits(hour, &tm.tm_hour) ||
	    !two_digits(minute, &tm.tm_min) || !two_digits(clock, &tm.tm_sec) ||
	    !zone_seconds(str_word(&s), &zone))
		return false;
	tm.tm_year = (int)y - 1900;
	y = (uint64_t)(timegm(&tm) - zone);
	if ((int64_t)y < 0)
		return false;
	*ret = y;
	return true;
}

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
