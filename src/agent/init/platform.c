/* SPDX-License-Identifier: MIT */
#include "agent/init/platform.h"

#include "base/boot_words.h"

/* @NAMES_MAX: named of what is not taken; whoever says more does not thereby hide what he said. */
enum { SHOWN_BYTES_MAX = 200, WORD_BYTES_MAX = 64, NAMES_MAX = 32, OFFERS_MAX = 4096 };

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

/* As systemd wants them (credential_name_valid()): a file's name of visible ASCII, without ':'. */
static bool name_ok(struct str name)
{
	for (size_t i = 0; i < name.n; i++)
		if (name.p[i] <= ' ' || name.p[i] >= 0x7f || name.p[i] == ':' || name.p[i] == '/')
			return false;
	return name.n > 0 && name.n <= CREDENTIAL_NAME_BYTES_MAX && !str_eqz(name, ".") &&
	       !str_eqz(name, "..");
}

static void offer(struct offers *o, struct str name, struct str value, bool binary, bool ours)
{
	if (o->credentials.n < OFFERS_MAX && name_ok(name) &&
	    (!binary || base64_decode(o->a, value, &value)))
		vec_push(o->a, &o->credentials) = (struct credential){ name, value, ours };
}

void offers_add(struct offers *o, struct str name, struct str value)
{
	offer(o, name, value, false, false);
}

static void name_add(struct arena *a, vec_str *names, struct str name)
{
	if (names->n < NAMES_MAX)
		vec_push(a, names) = name;
	else if (names->n == NAMES_MAX)
		vec_push(a, names) = STR("...");
}

static bool prefix_cut(struct str *text, const char *prefix)
{
	if (!str_starts(*text, prefix))
		return false;
	*text = str_from(*text, strlen(prefix));
	return true;
}

void offers_add_string(struct offers *o, struct str text)
{
	bool binary = prefix_cut(&text, "io.systemd.credential.binary:");
	struct boot_param p;

	if (binary || prefix_cut(&text, "io.systemd.credential:")) {
		struct str name = str_cut(&text, '=');

		offer(o, name, text, binary, false);
	} else if (prefix_cut(&text, "io.systemd.stub.kernel-cmdline-extra=") ||
		   prefix_cut(&text, "io.systemd.boot.kernel-cmdline-extra=")) {
		while (text.n > 0)
			if (boot_param_next(&text, &p))
				name_add(o->a, &o->words, str_head(p.key, WORD_BYTES_MAX));
	}
}

void offers_add_cmdline(struct offers *o, struct str cmdline)
{
	struct boot_param p;

	while (boot_param_next(&cmdline, &p) && !str_eqz(p.key, BOOT_END)) {
		bool binary = str_eqz(p.key, "systemd.set_credential_binary");
		struct str name = str_cut(&p.value, ':');

		if (binary || str_eqz(p.key, "systemd.set_credential"))
			offer(o, name, p.value, binary, true);
	}
}

static bool is_meant(struct str patterns, struct str name)
{
	while (patterns.n > 0) {
		struct str pattern = str_cut(&patterns, '\n');
		bool begins = str_ends(pattern, "*");

		pattern.n -= begins;
		if (begins ? str_eq(str_head(name, pattern.n), pattern) : str_eq(name, pattern))
			return true;
	}
	return false;
}

static bool is_there(const struct offers *o, struct str name)
{
	vec_each(c, &o->credentials)
		if (str_eq(c->name, name))
			return true;
	return false;
}

void offers_judge(const struct offers *o, struct str patterns, struct boot_status *status,
		  struct offers *ret)
{
	struct offers taken = { .a = o->a };
	size_t bytes = 0;

	vec_each(c, &o->credentials) {
		if (is_there(&taken, c->name))
			continue;
		if ((!c->ours && !is_meant(patterns, c->name)) ||
		    taken.credentials.n == CREDENTIALS_MAX ||
		    c->value.n > CREDENTIALS_BYTES_MAX - bytes) {
			name_add(o->a, &status->credentials_ignored, c->name);
			continue;
		}
		bytes += c->value.n;
		vec_push(o->a, &taken.credentials) = *c;
		if (!c->ours)
			vec_push(o->a, &status->credentials_taken) = c->name;
	}
	status->words_ignored = o->words;
	*ret = taken;
}
