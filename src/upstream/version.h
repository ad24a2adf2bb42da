/* SPDX-License-Identifier: MIT */
/* version.h - Debian versions (deb-version(7)) as RPM versions that compare alike: docs/decisions/version-order.md has the
 * whole argument.
 *
 * dpkg sees each part (upstream version, revision) as words of other characters and numbers by turns, and a word's
 * characters in the order
 *	~   (end of the word)   A-Z   a-z   +   -   .   :
 * RPM sees segments of digits and segments of letters, and the marks ~ and ^; everything else only separates. At one place
 *	~   (end)   ^   letters   digits
 * So each place of a word is given one of RPM's five, chosen so that what is frequent stays as it is:
 *
 *	after a number, or at the start:		inside a word, after what is left of the bar:
 *	  ~x	~x					  a | ~x	a~x		  ~ | ~x	~~x
 *	  x	^x	(1.1.1w: 1.1.1^w)		  a | 0 ~x	a~0~x		  ~ | 0 ~x	~~0~x
 *	  +~x	^0~x					  a | 0 end	a		  ~ | 0 end	~
 *	  +0	^0^					  a | 12	a12		  ~ | 12	~^12
 *	  +12	^12					  a | bcd	abcd		  ~ | rc	~rc
 *	  +x	+x	(+dfsg, +b1)
 *	  -	_zy		Letters between them are one segment, spelled so that the other characters come after
 *	  .~x	_zz~x		every letter: z is za, + zp, - zq, . zr, : zs.
 *	  .12	.12
 *	  .x	.999999999.x	Above every number; one of more than 8 digits is preceded by 1000000NN, NN its length.
 *	  :	.999999999.zz
 *
 * An absent number or revision is 0, as for dpkg. */
#pragma once

#include "base/str.h"

enum { DEB_VERSION_BYTES_MAX = 256 };

struct rpm_version {
	uint64_t epoch;
	struct str version, release;
	struct str evr; /* "[epoch:]version-release", for dependencies: always with a release, because RPM compares none where
			   one side has none */
};

/* Splits and respells a Debian version. Bytes outside its alphabet, an epoch that is no number below 2^31 (dpkg's limit)
 * and an empty upstream version are an error naming @text. */
must_check int version_parse(struct arena *a, struct str text, struct rpm_version *ret, struct err *e);
