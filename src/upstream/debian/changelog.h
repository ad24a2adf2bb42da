/* SPDX-License-Identifier: MIT */
/* changelog.h - Debian changelogs, deb-changelog(5). */
#pragma once

#include "rpm/package.h"

enum { CHANGELOG_ENTRIES_MAX = 10 };

/* The newest CHANGELOG_ENTRIES_MAX entries, in their order. A changelog is for people: reading
 * stops without an error at the first thing that is no entry. Strings are copied into @a. */
void changelog_parse(struct arena *a, struct str text, vec_changelog *ret);
