/* SPDX-License-Identifier: MIT */
#include "upstream/debian/date.h"

#include <time.h>

static bool number_parse(struct str s, uint64_t max, int *ret)
{
	uint64_t x;

	if (!str_u64(s, max, &x))
		return false;
	*ret = (int)x;
	return true;
}

static bool month_parse(struct str s, int *ret)
{
	static const char *const names[] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
					     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };

	for (int i = 0; i < 12; i++)
		if (str_eqz(s, names[i])) {
			*ret = i;
			return true;
		}
	return false;
}

/* "+0130" -> seconds east of UTC. */
static bool zone_parse(struct str s, long *ret)
{
	int hours, minutes;

	*ret = 0;
	if (str_eqz(s, "UTC") || str_eqz(s, "GMT"))
		return true;
	if (s.n != 5 || (s.p[0] != '+' && s.p[0] != '-') ||
	    !number_parse(str_head(str_from(s, 1), 2), 99, &hours) ||
	    !number_parse(str_from(s, 3), 99, &minutes))
		return false;
	*ret = (s.p[0] == '-' ? -60L : 60L) * (hours * 60 + minutes);
	return true;
}

/* strptime() would follow the locale. */
bool date_parse(struct str text, uint64_t *ret)
{
	struct str day = str_word(&text), month, clock, hour, minute;
	struct tm tm = { 0 };
	int64_t time_sec;
	long zone;

	if (str_ends(day, ","))
		day = str_word(&text);
	month = str_word(&text);
	if (!number_parse(day, 31, &tm.tm_mday) || !month_parse(month, &tm.tm_mon) ||
	    !number_parse(str_word(&text), 9999, &tm.tm_year))
		return false;
	clock = str_word(&text);
	hour = str_cut(&clock, ':');
	minute = str_cut(&clock, ':');
	if (!number_parse(hour, 23, &tm.tm_hour) || !number_parse(minute, 59, &tm.tm_min) ||
	    !number_parse(clock, 60, &tm.tm_sec) || !zone_parse(str_word(&text), &zone))
		return false;
	tm.tm_year -= 1900;
	time_sec = timegm(&tm) - zone;
	if (time_sec < 0)
		return false;
	*ret = (uint64_t)time_sec;
	return true;
}
