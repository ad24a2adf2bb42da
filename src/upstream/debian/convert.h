/* SPDX-License-Identifier: MIT */
/* convert.h - one upstream package file into one RPM package, in memory. No code of the package
 * runs. */
#pragma once

#include "conf/conf.h"
#include "rpm/package.h"

/* Bump when a conversion's result changes: part of the key of cached packages. */
enum { CONVERT_VERSION = 4 };

/* @deb: the bytes of a .deb whose digest was checked against @meta. Hostile contents (paths that
 * escape, links through links, huge declared sizes, duplicate entries, unknown members) are an
 * error naming the package and the entry. @conf: what Ashlar changes; @upstream: rules for all
 * packages. Maintainer scripts that do what neither generators nor @conf cover are an error that
 * quotes the lines. Result in @a, ready for rpm_write(). */
must_check int deb_convert(struct arena *a, struct str deb, const struct rpm_meta *meta,
			   const struct conf_package *conf, const struct conf_upstream *upstream,
			   struct rpm_package *ret, struct err *e);
