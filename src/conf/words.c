/* SPDX-License-Identifier: MIT */
/* The words of `kernel-command-line`: what agent/init would refuse, or not obey, is refused here.
 */
#include "conf/words.h"

#include <assert.h>

/* The key of a definition for each word of BOOT_WORDS, in its order. */
static const char *const keys[] = { "signatures",        "execute-from", "state",
				    "state-without-tpm", "recovery-key", "state-integrity" };
#define WORD(member, word, values) word,
static const char *const words[] = { BOOT_WORDS(WORD) };

static_assert(sizeof(keys) == sizeof(words), "a word without its key");

static bool failure_ok(struct str value)
{
	struct str rest = value, action = str_cut(&rest, ':');
	uint64_t sec;

	return str_eqz(value, "halt") || str_eqz(value, "reboot") ||
	       (str_eqz(action, "reboot") && str_u64(rest, BOOT_SEC_MAX, &sec));
}

static int param_check(const char *at, const struct boot_param *p, struct err *e)
{
	uint64_t sec;

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (str_eqz(p->key, words[i]))
			return err_set(
				e, -EINVAL,
				"%s: '%s=%.*s' would stand there a second time, which no machine takes; want "
				"'%s: %.*s' in the definition",
				at, words[i], STR_FMT(p->value), keys[i], STR_FMT(p->value));
	if (str_eqz(p->key, "roothash"))
		return err_set(
			e, -EINVAL,
			"%s: 'roothash=' is the build's to say, and no machine takes it twice; leave it out",
			at);
	if (str_eqz(p->key, "ashlar.timeout") && !str_u64(p->value, BOOT_SEC_MAX, &sec))
		return err_set(e, -EINVAL, "%s: 'ashlar.timeout=%.*s'; want seconds, at most %d",
			       at, STR_FMT(p->value), BOOT_SEC_MAX);
	if (str_eqz(p->key, "ashlar.failure") && !failure_ok(p->value))
		return err_set(
			e, -EINVAL,
			"%s: 'ashlar.failure=%.*s'; want halt, reboot or reboot:SECONDS, at most %d",
			at, STR_FMT(p->value), BOOT_SEC_MAX);
	if (str_starts(p->key, "ashlar.") && !str_eqz(p->key, "ashlar.timeout") &&
	    !str_eqz(p->key, "ashlar.failure"))
		return err_set(
			e, -EINVAL,
			"%s: '%.*s' is no word that a machine knows; want ashlar.timeout=SECONDS or "
			"ashlar.failure=halt, reboot or reboot:SECONDS",
			at, STR_FMT(p->key));
	return 0;
}

int conf_words_check(const char *at, struct str text, struct err *e)
{
	struct boot_param p;
	size_t quotes = 0;
	int r = 0;

	for (size_t i = 0; i < text.n; i++)
		quotes += text.p[i] == '"';
	if (quotes % 2)
		return err_set(
			e, -EINVAL,
			"%s: '%.*s' opens a quote that never closes; want '\"' at its end, or all that "
			"follows would be part of it",
			at, STR_FMT(text));
	while (r == 0 && boot_param_next(&text, &p))
		r = param_check(at, &p, e);
	return r;
}
