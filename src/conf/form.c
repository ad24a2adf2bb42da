/* SPDX-License-Identifier: MIT */
#include "conf/yaml.h"

#include "base/url.h"

#define DIGITS  "0123456789"
#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

static bool only(struct str s, const char *allowed)
{
	for (size_t i = 0; i < s.n; i++)
		if (!s.p[i] || !strchr(allowed, s.p[i]))
			return false;
	return s.n > 0;
}

static bool printable(struct str s, const char *also)
{
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if ((c < 0x20 || c == 0x7f) && (!c || !strchr(also, c)))
			return false;
	}
	return true;
}

static bool is_text(struct str s)
{
	return printable(s, "\n\t");
}

static bool is_line(struct str s)
{
	return s.n > 0 && printable(s, "\t");
}

static bool is_mode(struct str s)
{
	return s.n >= 3 && only(s, "01234567");
}

static bool is_script(struct str s)
{
	static const char *const scripts[] = { "preinst", "postinst", "prerm",
					       "postrm",  "config",   "triggers" };

	for (size_t i = 0; i < sizeof(scripts) / sizeof(scripts[0]); i++)
		if (str_eqz(s, scripts[i]))
			return true;
	return false;
}

static bool is_id(struct str s)
{
	uint64_t id;

	/* (uid_t)-1 means "no one" to the kernel, and 65535 to its older calls */
	return str_eqz(s, "-") || (str_u64(s, UINT32_MAX - 1, &id) && id != UINT16_MAX);
}

static bool is_size(struct str s)
{
	uint64_t bytes;

	return str_size(s, &bytes);
}

static bool is_digest(struct str s)
{
	return s.n == 64 && only(s, DIGITS "abcdef");
}

static bool is_name(struct str s)
{
	return only(s, DIGITS LETTERS "_+.@:-") && s.p[0] != '-' && s.p[0] != '.';
}

static bool is_account(struct str s)
{
	return only(s, DIGITS LETTERS "_-") && s.p[0] != '-' && !strchr(DIGITS, s.p[0]);
}

/* "ssh.authorized_keys.root", "network.network.*" */
static bool is_credential(struct str s)
{
	if (str_ends(s, "*"))
		s.n--;
	return only(s, DIGITS LETTERS "._@-") && s.p[0] != '.';
}

/* "de", "pt_BR", "sr@latin": as files of translations have it, which name no character set. */
static bool is_language(struct str s)
{
	return only(s, DIGITS LETTERS "_@-") && strchr(LETTERS, s.p[0]);
}

/* RFC 1123, 2.1. systemd mends others by leaving out what it does not like. */
static bool is_host(struct str s)
{
	if (s.n == 0 || s.p[s.n - 1] == '.')
		return false;
	while (s.n > 0) {
		struct str label = str_cut(&s, '.');

		if (!only(label, DIGITS LETTERS "-") || label.n > 63 || label.p[0] == '-' ||
		    label.p[label.n - 1] == '-')
			return false;
	}
	return true;
}

static bool is_release(struct str s)
{
	return only(s, DIGITS "abcdefghijklmnopqrstuvwxyz._-") && s.p[0] != '-' && s.p[0] != '.';
}

/* systemd.unit(5), UNIT NAMES: a name, maybe with an instance, and one of the types. */
static bool is_unit(struct str s)
{
	static const char *const types[] = { ".service",   ".socket", ".device", ".mount",
					     ".automount", ".swap",   ".target", ".path",
					     ".timer",     ".slice",  ".scope" };

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (str_ends(s, types[i]))
			return only(str_head(s, s.n - strlen(types[i])),
				    DIGITS LETTERS ":-_.\\@") &&
			       s.p[0] != '@';
	return false;
}

/* The digits of @like may be any, all else is as it stands there. */
static bool is_like(struct str s, const char *like)
{
	for (size_t i = 0; i < s.n; i++)
		if (like[i] == '0' ? s.p[i] < '0' || s.p[i] > '9' : s.p[i] != like[i])
			return false;
	return s.n == strlen(like);
}

static bool is_date(struct str s)
{
	return is_like(s, "0000-00-00") || is_like(s, "0000-00-00 00:00:00 UTC");
}

/* sources.list(5): '/' at the end is a flat repository's, as in "/" and "./". */
static bool is_suite(struct str s)
{
	if (!only(s, DIGITS LETTERS "_+.@:/~-") || s.p[0] == '-')
		return false;
	for (struct str rest = s; rest.n > 0;) {
		struct str part = str_cut(&rest, '/');

		if (str_eqz(part, "..") || (part.n == 0 && s.n > 1))
			return false;
	}
	return true;
}

/* No empty, "." or ".." part, so that no path climbs out of where it belongs. */
static bool is_below(struct str s)
{
	if (s.n == 0 || !printable(s, "") || s.p[s.n - 1] == '/')
		return false;
	while (s.n > 0) {
		struct str part = str_cut(&s, '/');

		if (part.n == 0 || str_eqz(part, ".") || str_eqz(part, ".."))
			return false;
	}
	return true;
}

static bool is_path(struct str s)
{
	return s.n > 1 && s.p[0] == '/' && is_below(str_from(s, 1));
}

static bool is_mirror(struct str s)
{
	struct url u;

	return printable(s, "") &&
	       (str_eqz(s, "system") ||
		(url_parse(s, &u) && (str_eqz(u.scheme, "https") || str_eqz(u.scheme, "http") ||
				      str_starts(s, "file:///"))));
}

static const struct {
	enum form form;
	bool (*ok)(struct str s);
	const char *want;
} forms[] = {
	{ FORM_MODE, is_mode, "octal permissions such as 0644" },
	{ FORM_SCRIPT, is_script, "preinst, postinst, prerm, postrm, config or triggers" },
	{ FORM_ID, is_id, "a number, or \"-\" for any free one" },
	{ FORM_ACCOUNT, is_account,
	  "at most 31 letters, digits, '_' and '-', the first a letter or '_'" },
	{ FORM_LANGUAGE, is_language,
	  "a language such as de, pt_BR or sr@latin, without a character set" },
	{ FORM_HOST, is_host,
	  "at most 64 letters, digits and '-', in labels parted by '.' that neither begin nor end with '-'" },
	{ FORM_RELEASE, is_release, "lower-case letters, digits and any of ._-" },
	{ FORM_UNIT, is_unit, "a unit's name such as ssh.service or getty@tty1.service" },
	{ FORM_SIZE, is_size, "a size such as 120MB or 64MiB" },
	{ FORM_DATE, is_date, "a date such as 2026-09-12 or \"2026-09-12 07:55:41 UTC\"" },
	{ FORM_DIGEST, is_digest, "64 lower-case hexadecimal digits" },
	{ FORM_NAME, is_name, "a name of letters, digits and any of _+.@:-" },
	{ FORM_CREDENTIAL, is_credential,
	  "the name of a credential such as ssh.authorized_keys.root, or with '*' at its end how names "
	  "begin" },
	{ FORM_SUITE, is_suite,
	  "the name of a suite, such as stable or stable/updates, or, of a flat repository, a folder with '/' at "
	  "its end" },
	{ FORM_BELOW, is_below, "a path below the definition's folder, without '..'" },
	{ FORM_LINE, is_line, "one line of text, without control characters" },
	{ FORM_MIRROR, is_mirror,
	  "system, or a URL that begins with https://, http:// or file:///" },
	{ FORM_PATH, is_path, "an absolute path without '..' or a '/' at its end" },
	{ FORM_TEXT, is_text, "text without control characters" },
};

size_t form_bytes_max(enum form form)
{
	return (size_t)form & 0xffffff;
}

bool form_ok(enum form form, struct str s)
{
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++)
		if (forms[i].form == form)
			return s.n <= form_bytes_max(form) && forms[i].ok(s);
	return false;
}

const char *form_want(enum form form)
{
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++)
		if (forms[i].form == form)
			return forms[i].want;
	return "text";
}
