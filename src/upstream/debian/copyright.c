/* SPDX-License-Identifier: MIT */
#include "upstream/debian/copyright.h"

#include <ctype.h>
#include <strings.h>

#include "upstream/stanza.h"

enum { LICENSES_MAX = 64, LICENSE_NAME_MAX = 128 };

/* DEP-5's short names, and others that Debian's copyright files commonly use, in SPDX's spelling.
 */
static const struct {
	const char *debian, *spdx;
} license_names[] = {
	{ "0BSD", "0BSD" },
	{ "AFL-2.1", "AFL-2.1" },
	{ "AGPL-3", "AGPL-3.0-only" },
	{ "AGPL-3+", "AGPL-3.0-or-later" },
	{ "Apache-2", "Apache-2.0" },
	{ "Apache-2.0", "Apache-2.0" },
	{ "Artistic", "Artistic-1.0-Perl" },
	{ "Artistic-2.0", "Artistic-2.0" },
	{ "Beerware", "Beerware" },
	{ "BSD-2-clause", "BSD-2-Clause" },
	{ "BSD-3-clause", "BSD-3-Clause" },
	{ "BSD-3-Clause-Attribution", "BSD-3-Clause-Attribution" },
	{ "BSD-4-clause", "BSD-4-Clause" },
	{ "BSD-4-clause-UC", "BSD-4-Clause-UC" },
	{ "BSL-1.0", "BSL-1.0" },
	{ "bzip2-1.0.6", "bzip2-1.0.6" },
	{ "CC-BY-3.0", "CC-BY-3.0" },
	{ "CC-BY-4.0", "CC-BY-4.0" },
	{ "CC-BY-SA-3.0", "CC-BY-SA-3.0" },
	{ "CC-BY-SA-4.0", "CC-BY-SA-4.0" },
	{ "CC0", "CC0-1.0" },
	{ "CC0-1.0", "CC0-1.0" },
	{ "CDDL-1.0", "CDDL-1.0" },
	{ "curl", "curl" },
	{ "Expat", "MIT" },
	{ "FSFAP", "FSFAP" },
	{ "FSFUL", "FSFUL" },
	{ "FSFULLR", "FSFULLR" },
	{ "GFDL-1.2", "GFDL-1.2-only" },
	{ "GFDL-1.2+", "GFDL-1.2-or-later" },
	{ "GFDL-1.3", "GFDL-1.3-only" },
	{ "GFDL-1.3+", "GFDL-1.3-or-later" },
	{ "GFDL-1.3+-no-invariant", "GFDL-1.3-no-invariants-or-later" },
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
	{ "GPL-3.0-only", "GPL-3.0-only" },
	{ "GPL-3.0-or-later", "GPL-3.0-or-later" },
	{ "ISC", "ISC" },
	{ "LGPL-2", "LGPL-2.0-only" },
	{ "LGPL-2+", "LGPL-2.0-or-later" },
	{ "LGPL-2.0+", "LGPL-2.0-or-later" },
	{ "LGPL-2.0-or-later", "LGPL-2.0-or-later" },
	{ "LGPL-2.1", "LGPL-2.1-only" },
	{ "LGPL-2.1+", "LGPL-2.1-or-later" },
	{ "LGPL-2.1-only", "LGPL-2.1-only" },
	{ "LGPL-2.1-or-later", "LGPL-2.1-or-later" },
	{ "LGPL-3", "LGPL-3.0-only" },
	{ "LGPL-3+", "LGPL-3.0-or-later" },
	{ "MIT", "MIT" },
	{ "MPL-1.1", "MPL-1.1" },
	{ "MPL-2.0", "MPL-2.0" },
	{ "Ms-PL", "MS-PL" },
	{ "OFL-1.1", "OFL-1.1" },
	{ "OLDAP-2.8", "OLDAP-2.8" },
	{ "OpenLDAP-2.8", "OLDAP-2.8" },
	{ "OpenSSL", "OpenSSL" },
	{ "PSF-2", "PSF-2.0" },
	{ "Python-2.0", "Python-2.0" },
	{ "Sleepycat", "Sleepycat" },
	{ "Unicode", "Unicode-DFS-2016" },
	{ "Unicode-DFS-2016", "Unicode-DFS-2016" },
	{ "Unlicense", "Unlicense" },
	{ "W3C", "W3C" },
	{ "X11", "X11" },
	{ "Zlib", "Zlib" },
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

/* "GPL-2+ or Artistic, and BSD-3-clause": in DEP-5, "and" binds tighter than "or", except behind a
 * comma. As people write it, the comma ends everything before it; so each part between commas gets
 * parentheses. "X with NAME exception" is a name of its own, since Debian's names of exceptions are
 * not SPDX's. */
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

struct licenses {
	struct arena *a;
	struct map seen;
	vec_str list;
};

static void license_add(struct licenses *l, struct str license)
{
	if (license.n == 0 || map_get(&l->seen, license))
		return;
	map_put(l->a, &l->seen, license, 0);
	vec_push(l->a, &l->list) = license;
}

/* One "License:" line. */
static void license_line(struct licenses *l, struct str line)
{
	struct buf b = { .a = l->a };
	bool compound = str_find(line, ',') >= 0, has_or = false;
	struct str text;

	while (line.n > 0) {
		struct str part = str_trim(str_cut(&line, ','));
		bool part_or = false, part_and = false, is_or = str_starts(part, "or "),
		     is_and = str_starts(part, "and ");

		text = license_part(l->a,
				    str_from(part, is_or    ? 3
						   : is_and ? 4
							    : 0),
				    &part_or, &part_and);
		if (text.n == 0)
			continue;
		if (b.v.n > 0)
			buf_printf(&b, is_or ? " OR " : " AND ");
		has_or = has_or || is_or || part_or;
		buf_printf(&b, compound && part_or ? "(%.*s)" : "%.*s", STR_FMT(text));
	}
	text = (struct str){ (const char *)b.v.p, b.v.n };
	if (has_or) {
		license_add(l, str_printf(l->a, "(%.*s)", STR_FMT(text)));
		return;
	}
	while (text.n > 0) {
		license_add(l, str_cut(&text, ' '));
		str_cut(&text, ' '); /* AND */
	}
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
	struct licenses of_files = { .a = a }, of_all = { .a = a };
	struct stanza stanza;
	bool first = true;
	struct err e;
	int rc;

	while ((rc = stanza_next(&text, &stanza, &e)) > 0) {
		struct str license = stanza_get(&stanza, "License");

		if (first && stanza_get(&stanza, "Format").n == 0)
			break;
		/* A paragraph with a licence and no files only holds that licence's text; the first
		 * one speaks for all files where no paragraph does. */
		if (first || stanza_get(&stanza, "Files").n > 0)
			license_line(first ? &of_all : &of_files, str_cut(&license, '\n'));
		first = false;
		if (of_files.list.n > LICENSES_MAX)
			break;
	}
	if (of_files.list.n == 0)
		of_files = of_all;
	if (rc != 0 || of_files.list.n == 0)
		return STR("LicenseRef-Debian-copyright");
	return licenses_join(a, &of_files.list);
}
