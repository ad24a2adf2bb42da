/* SPDX-License-Identifier: MIT */
/* translate.h - a stanza of Debian's Packages index as a package in RPM's terms:
 * docs/translation.md. */
#pragma once

#include "rpm/package.h"
#include "upstream/stanza.h"

/* Bump when the translation's result changes: part of the key of a cached universe. */
enum { TRANSLATION_VERSION = 1 };

/* Whether a stanza is about a package of another architecture than @arch (Debian's name). */
bool stanza_foreign(const struct stanza *s, struct str arch);
/* @arch: Debian's name. Borrows from the stanza's text. Errors begin with "package 'NAME'". */
must_check int meta_translate(struct arena *a, const struct stanza *s, struct str arch,
			      struct rpm_meta *ret, struct err *e);
