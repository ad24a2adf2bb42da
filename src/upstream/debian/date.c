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
	if (str_eqz(s, "UTC") || str_eqz(s, "GMT") || str_eqz(s, "Z"))
		return true;
	if (s.n != 5 || (s.p[0] != '+' && s.p[0] != '-') ||
	    !number_parse(str_head(str_from(s, 1), 2), 99, &hours) ||
	    !number_parse(str_from(s, 3), 99, &minutes))
		return false;
	*ret = (s.p[0] == '-' ? -60L : 60L) * (hours * 60 + minutes);
	return true;
}

static bool clock_parse(struct str clock, struct tm *tm)
{
	struct str hour = str_cut(&clock, ':'), minute = str_cut(&clock, ':');

	return number_parse(hour, 23, &tm->tm_hour) && number_parse(minute, 59, &tm->tm_min) &&
	       number_parse(clock, 60, &tm->tm_sec);
}

static bool day_parse(struct str day, struct str month, struct str year, struct tm *tm)
{
	if (!number_parse(day, 31, &tm->tm_mday) || !month_parse(month, &tm->tm_mon) ||
	    !number_parse(year, 9999, &tm->tm_year))
		return false;
	/* RFC 850's, as RFC 9110, 5.6.7 reads them */
	if (year.n == 2)
		tm->tm_year += tm->tm_year < 70 ? 2000 : 1900;
	tm->tm_year -= 1900;
	return true;
}

/* "Sep 12 07:55:41 2026": as C's asctime() writes it, always UTC. */
static bool asctime_parse(struct str month, struct str text, struct tm *tm)
{
	struct str day = str_word(&text), clock = str_word(&text);

	return day_parse(day, month, str_word(&text), tm) && clock_parse(clock, tm);
}

static bool number_first_parse(struct str day, struct str text, struct tm *tm, long *ret_zone)
{
	struct str month, year, clock;

	if (str_find(day, '-') >= 0) { /* "12-Sep-26" */
		year = day;
		day = str_cut(&year, '-');
		month = str_cut(&year, '-');
	} else {
		month = str_word(&text);
		year = str_word(&text);
	}
	clock = str_word(&text);
	return day_parse(day, month, year, tm) && clock_parse(clock, tm) &&
	       zone_parse(str_word(&text), ret_zone);
}

/* strptime() would follow the locale. */
bool date_parse(struct str text, uint64_t *ret)
{
	struct str day = str_word(&text);
	struct tm tm = { 0 };
	int64_t time_sec;
	long zone = 0;
	bool ok;

	/* the day of the week */
	if (day.n > 0 && (day.p[0] < '0' || day.p[0] > '9'))
		day = str_word(&text);
	if (day.n > 0 && (day.p[0] < '0' || day.p[0] > '9'))
		ok = asctime_parse(day, text, &tm);
	else
		ok = number_first_parse(day, text, &tm, &zone);
	time_sec = timegm(&tm) - zone;
	if (!ok || time_sec < 0)
		return false;
	*ret = (uint64_t)time_sec;
	return true;
}

/* "2026-09-12", "2026-09-12 07:55:41 UTC". */
bool date_iso_parse(struct str text, uint64_t *ret)
{
	struct str date = str_word(&text), clock = str_word(&text);
	struct str year = str_cut(&date, '-'), month = str_cut(&date, '-');
	struct tm tm = { 0 };
	int64_t time_sec;

	if (!number_parse(year, 9999, &tm.tm_year) || !number_parse(month, 12, &tm.tm_mon) ||
	    !number_parse(date, 31, &tm.tm_mday) || (clock.n > 0 && !clock_parse(clock, &tm)))
		return false;
	tm.tm_year -= 1900;
	if (--tm.tm_mon < 0)
		return false;
	time_sec = timegm(&tm);
	if (time_sec < 0)
		return false;
	*ret = (uint64_t)time_sec;
	return true;
}
