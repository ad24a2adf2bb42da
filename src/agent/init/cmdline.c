/* SPDX-License-Identifier: MIT */
#include "agent/init/cmdline.h"

enum { REBOOT_DELAY_SEC = 10, TIMEOUT_SEC = 30 };

static int failure_value(struct str value, struct failure *ret, struct err *e)
{
	struct str rest = value, action = str_cut(&rest, ':');
	uint64_t sec = REBOOT_DELAY_SEC;

	if (str_eqz(value, "halt")) {
		*ret = (struct failure){ 0 };
		return 0;
	}
	if (!str_eqz(action, "reboot") ||
	    (action.n < value.n && !str_u64(rest, CMDLINE_SEC_MAX, &sec)))
		return err_set(
			e, -EINVAL,
			"kernel command line: ashlar.failure=%.*s: want halt, reboot or reboot:SECONDS",
			STR_FMT(value));
	*ret = (struct failure){ .reboot = true, .delay_sec = (unsigned)sec };
	return 0;
}

/* The kernel takes a negative number for "at once". Its own errors are its own to report. */
static void panic_value(struct str value, struct failure *ret)
{
	uint64_t sec;

	if (str_starts(value, "-"))
		*ret = (struct failure){ .reboot = true };
	else if (str_u64(value, CMDLINE_SEC_MAX, &sec))
		*ret = (struct failure){ .reboot = sec > 0, .delay_sec = (unsigned)sec };
}

int cmdline_failure(struct str text, struct failure *ret, struct err *e)
{
	struct failure panic = { 0 }, asked = { 0 };
	bool is_asked = false;
	struct boot_param p;
	int r;

	while (boot_param_next(&text, &p)) {
		if (str_eqz(p.key, "panic"))
			panic_value(p.value, &panic);
		if (!str_eqz(p.key, "ashlar.failure"))
			continue;
		r = failure_value(p.value, &asked, e);
		if (r < 0)
			return r;
		is_asked = true;
	}
	*ret = is_asked ? asked : panic;
	return 0;
}

static int generation_take(struct str value, bool *seen, uint32_t *ret, struct err *e)
{
	uint64_t n;

	if (*seen)
		return err_set(e, -EINVAL,
			       "kernel command line: " BOOT_GENERATION "= stands there twice");
	if (!str_u64(value, BOOT_GENERATION_MAX, &n))
		return err_set(e, -EINVAL,
			       "kernel command line: " BOOT_GENERATION
			       "=%.*s: want a number, at most %d",
			       STR_FMT(value), BOOT_GENERATION_MAX);
	*seen = true;
	*ret = (uint32_t)n;
	return 0;
}

int cmdline_parse(struct str text, struct cmdline *ret, struct err *e)
{
	struct cmdline c = { .timeout_sec = TIMEOUT_SEC };
	bool has_hash = false, has_generation = false;
	unsigned seen = 0;
	struct boot_param p;
	uint64_t sec;

	while (boot_param_next(&text, &p)) {
		int r = boot_words_take(&c.words, &seen, p.key, p.value, e);

		if (r < 0)
			return err_wrap(e, r, "kernel command line");
		if (str_eqz(p.key, BOOT_GENERATION)) {
			r = generation_take(p.value, &has_generation, &c.generation, e);
			if (r < 0)
				return r;
		}
		if (str_eqz(p.key, "roothash")) {
			/* Whoever appends to the command line must not be able to replace the root.
			 */
			if (has_hash)
				return err_set(e, -EINVAL,
					       "kernel command line: roothash= stands there twice");
			if (!hex_decode(p.value, c.root_hash, sizeof(c.root_hash)))
				return err_set(
					e, -EINVAL,
					"kernel command line: roothash=%.*s: want 64 hexadecimal digits",
					STR_FMT(p.value));
			has_hash = true;
		} else if (str_eqz(p.key, "ashlar.timeout")) {
			if (!str_u64(p.value, CMDLINE_SEC_MAX, &sec))
				return err_set(
					e, -EINVAL,
					"kernel command line: ashlar.timeout=%.*s: want seconds, at most %d",
					STR_FMT(p.value), CMDLINE_SEC_MAX);
			c.timeout_sec = (unsigned)sec;
		}
	}
	if (!has_hash)
		return err_set(
			e, -EINVAL,
			"kernel command line: no roothash=: without it no root can be trusted");
	*ret = c;
	return 0;
}
