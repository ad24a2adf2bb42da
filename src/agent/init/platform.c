/* SPDX-License-Identifier: MIT */
#include "agent/init/platform.h"

#include "base/boot_words.h"

enum { SHOWN_BYTES_MAX = 200 };

struct str platform_words(struct str cmdline)
{
	struct str text = str_trim(cmdline);
	struct boot_param p;

	/* false at "--", too, behind which words are those of init */
	while (text.n > 0)
		if (boot_param_next(&text, &p) && str_eqz(p.key, BOOT_END))
			return str_trim(text);
	return str_trim(cmdline);
}

int platform_words_check(struct str cmdline, const char *insists, struct err *e)
{
	struct str more = platform_words(cmdline);

	if (!insists || more.n == 0)
		return 0;
	return err_set(e, -EPERM,
		       "%s, but the kernel's command line goes on behind the image's last word "
		       "(" BOOT_END "): %.*s",
		       insists, STR_FMT(str_head(more, SHOWN_BYTES_MAX)));
}
