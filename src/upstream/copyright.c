/* SPDX-License-Identifier: MIT */
#include "upstream/copyright.h"

#include <ctype.h>
#include <strings.h>

#include "upstream/deb.h"

enum { LICENSES_MAX = 64, LICENSE_NAME_MAX = 128 };

/* DEP-5's short names, and others that Debian's copyright files commonly use, in SPDX's spelling. */
static const struct {
	const char *debian, *spdx;
} license_names[] = {
	{ "0BSD", "0BSD" },
	{ "AGPL-3", "AGPL-3.0-only" },
	{ "AGPL-3+", "AGPL-3.0-or-later" },
	{ "Apache-2", "Apache-2.0" },
	{ "Apache-2.0", "Apache-2.0" },
	{ "Artistic", "Artistic-1.0-Perl" },
	{ "Artistic-2.0", "Artistic-2.0" },
	{ "BSD-2-clause", "BSD-2-Clause" },
	{ "BSD-3-clause", "BSD-3-Clause" },
	{ "BSD-4-clause", "BSD-4-Clause" },
	{ "BSL-1.0", "BSL-1.0" },
	{ "CC-BY-3.0", "CC-BY-3.0" },
	{ "CC-BY-4.0", "CC-BY-4.0" },
	{ "CC-BY-SA-3.0", "CC-BY-SA-3.0" },
	{ "CC-BY-SA-4.0", "CC-BY-SA-4.0" },
	{ "CC0", "CC0-1.0" },
	{ "CC0-1.0", "CC0-1.0" },
	{ "CDDL-1.0", "CDDL-1.0" },
	{ "Expat", "MIT" },
	{ "FSFAP", "FSFAP" },
	{ "FSFUL", "FSFUL" },
	{ "FSFULLR", "FSFULLR" },
	{ "GFDL-1.2", "GFDL-1.2-only" },
	{ "GFDL-1.2+", "GFDL-1.2-or-later" },
	{ "GFDL-1.3", "GFDL-1.3-only" },
	{ "GFDL-1.3+", "GFDL-1.3-or-later" },
	{ "GFDL-NIV-1.2+", "GFDL-1.2-no-invariants-or-later" },
	{ "GFDL-NIV-1.3", "GFDL-1.3-no-invariants-only" },
	{ "GFDL-NIV-1.3+", "GFDL-1.3-no-invariants-or-later" },
	{ "GPL-1", "GPL-1.0-only" },
	{ "GPL-1+", "GPL-1.0-or-later" },
	{ "GPL-2", "GPL-2.0-only" },
	{ "GPL-2+", "GPL-2.0-or-later" },
	{ "GPL-2.0", "GPL-2.0-only" },
	{ "GPL-2.0+", "GPL-2.0-or-later" },
	{ "GPL-2.0-only", "GPL-2.0-only" },
	{ "GPL-2.0-or-later", "GPL-2.0-or-later" },
	{ "GPL-3", "GPL-3.0-only" },
	{ "GPL-3+", "GPL-3.0-or-later" },
	{ "GPL-3.0", "GPL-3.0-only" },
	{ "GPL-3.0+", "GPL-3.0-or-later" },
	{ "ISC", "ISC" },
	{ "LGPL-2", "LGPL-2.0-only" },
	{ "LGPL-2+", "LGPL-2.0-or-later" },
	{ "LGPL-2.1", "LGPL-2.1-only" },
	{ "LGPL-2.1+", "LGPL-2.1-or-later" },
	{ "LGPL-3", "LGPL-3.0-only" },
	{ "LGPL-3+", "LGPL-3.0-or-later" },
	{ "MIT", "MIT" },
	{ "MPL-1.1", "MPL-1.1" },
	{ "MPL-2.0", "MPL-2.0" },
	{ "OFL-1.1", "OFL-1.1" },
	{ "OpenLDAP-2.8", "OLDAP-2.8" },
	{ "OpenSSL", "OpenSSL" },
	{ "PSF-2", "PSF-2.0" },
	{ "Python-2.0", "Python-2.0" },
	{ "Unicode", "Unicode-DFS-2016" },
	{ "Unlicense", "Unlicense" },
	{ "W3C", "W3C" },
	{ "X11", "X11" },
	{ "Zlib", "Zlib" },
	{ "bzip2-1.0.6", "bzip2-1.0.6" },
	{ "curl", "curl" },
};

/* SPDX 2.3, annex D: a reference of one's own has letters, digits, '-' and '.'. */
static void license_name(struct buf *b, struct str name)
{
	name = str_head(name, LICENSE_NAME_MAX);
	for (size_t i = 0; i < sizeof(license_names) / sizeof(license_names[0]); i++)
		if (name.n == strlen(license_names[i].debian) &&
		    strncasecmp(name.p, license_names[i].debian, name.n) == 0) {
			buf_printf(b, "%s", license_names[i].spdx);
			return;
		}
	buf_printf(b, "LicenseRef-Debian-");
	for (size_t i = 0; i < name.n; i++) {
		unsigned char c = (unsigned char)name.p[i];

		if (c == '+')
			buf_printf(b, "-or-later");
		else
			buf_u8(b, c < 0x80 && (isalnum(c) || c == '.') ? c : '-');
	}
}

/* "GPL-2+ or Artistic, and BSD-3-clause": in DEP-5, "and" binds tighter than "or", except behind a comma. As people
 * write it, the comma ends everything before it; so each part between commas gets parentheses. "X with NAME exception"
 * is a name of its own, since Debian's names of exceptions are not SPDX's. */
static struct str license_part(struct arena *a, struct str part, bool *has_or, bool *has_and)
{
	struct buf b = { .a = a }, name = { .a = a };
	bool with = false;

	for (;;) {
		struct str word = str_word(&part);
		bool is_or = str_eqz(word, "or"), is_and = str_eqz(word, "and");

		if (word.n > 0 && !is_or && !is_and) {
			with = with || str_eqz(word, "with");
			if (name.v.n > 0)
				buf_u8(&name, '-');
			buf_put(&name, word.p, word.n);
			continue;
		}
		if (name.v.n > 0)
			license_name(&b, (struct str){ (const char *)name.v.p, name.v.n });
		name.v.n = 0;
		if (word.n == 0)
			break;
		*has_or |= is_or;
		*has_and |= is_and;
		if (b.v.n > 0)
			buf_printf(&b, is_or ? " OR " : " AND ");
	}
	return (struct str){ (const char *)b.v.p, b.v.n };
}

/* One "License:" line. Empty when it names none. */
static struct str license_line(struct arena *a, struct str line)
{
	struct buf b = { .a = a };
	bool compound = str_find(line, ',') >= 0, has_or = false;

	while (line.n > 0) {
		struct str part = str_trim(str_cut(&line, ','));
		bool part_or = false, part_and = false, is_or = str_starts(part, "or "), is_and = str_starts(part, "and ");
		struct str text = license_part(a, str_from(part, is_or ? 3 : is_and ? 4 : 0), &part_or, &part_and);

		if (text.n == 0)
			continue;
		if (b.v.n > 0)
			buf_printf(&b, is_or ? " OR " : " AND ");
		has_or = has_or || is_or || (part_or && !compound);
		buf_printf(&b, compound && (part_or || part_and) ? "(%.*s)" : "%.*s", STR_FMT(text));
	}
	if (!has_or)
		return (struct str){ (const char *)b.v.p, b.v.n };
	return str_printf(a, "(%.*s)", STR_FMT(((struct str){ (const char *)b.v.p, b.v.n })));
}

static struct str licenses_join(struct arena *a, const vec_str *licenses)
{
	struct buf b = { .a = a };

	if (licenses->n == 1 && str_starts(licenses->p[0], "("))
		return str_head(str_from(licenses->p[0], 1), licenses->p[0].n - 2);
	vec_each(license, licenses) {
		if (b.v.n > 0)
			buf_printf(&b, " AND ");
		buf_put(&b, license->p, license->n);
	}
	return (struct str){ (const char *)b.v.p, b.v.n };
}

struct str copyright_license(struct arena *a, struct str text)
{
	const struct str unknown = STR("LicenseRef-Debian-copyright");
	struct map seen = { 0 };
	vec_str licenses = { 0 };
	struct str stanza = deb822_stanza(&text);

	if (deb822_field(stanza, "Format").n == 0)
		return unknown;
	for (; stanza.n > 0; stanza = deb822_stanza(&text)) {
		struct str field = deb822_field(stanza, "License"), license;

		/* A paragraph with a licence and no files only holds that licence's text. */
		if (field.n == 0 || (deb822_field(stanza, "Files").n == 0 && deb822_field(stanza, "Format").n == 0))
			continue;
		license = license_line(a, str_cut(&field, '\n'));
		if (license.n == 0 || map_get(&seen, license))
			continue;
		if (licenses.n == LICENSES_MAX)
			return unknown;
		map_put(a, &seen, license, 0);
		vec_push(a, &licenses) = license;
	}
	return licenses.n > 0 ? licenses_join(a, &licenses) : unknown;
}
