/* SPDX-License-Identifier: MIT */
/* version.h - Debian versions (deb-version(7)) as RPM versions that compare alike: the whole
 * argument is in docs/decisions/0004-version-order.md.
 *
 * dpkg sees each part (upstream version, revision) as words of other characters and numbers by
 * turns. A word's characters have this order, the end of the word among them:
 *
 *	~   (end)   A-Z   a-z   +   -   .   :
 *
 * RPM sees segments of digits and segments of letters, and two marks; the rest only separates:
 *
 *	~   (end)   ^   letters   digits
 *
 * So each place of a version is given one of RPM's five, such that what is frequent stays as it
 * is. After a number, and at the start, where a number stays a number:
 *
 *	~x	~x
 *	x	^x		1.1.1w: 1.1.1^w
 *	+~x	^0~x
 *	+0	^0^
 *	+12	^12
 *	+x	+x		+dfsg, +b1
 *	-	_zy
 *	.~x	_zz~x
 *	.12	.12		of more than 8 digits: .1000000NN.123456789..., NN their number
 *	.x	.999999999.x
 *	:	.999999999.zz
 *
 * Inside a word, after a letter (left) or after ~ (right):
 *
 *	a~x	a~x		~~x	~~x
 *	a0~x	a~0~x		~0~x	~~0~x
 *	a, a0	a		~, ~0	~		at the end of the part
 *	a12	a12		~12	~^12
 *	abc	abc		~rc	~rc
 *
 * There the other characters are above all letters: z is za, + zp, - zq, . zr, : zs. An absent
 * number or revision is 0, as for dpkg. */
#pragma once

#include "base/str.h"

enum { DEB_VERSION_BYTES_MAX = 256 };

struct rpm_version {
	uint64_t epoch;
	struct str version, release;
	struct str evr; /* "[epoch:]version-release", for dependencies: always with a release,
			   because RPM compares none where one side has none */
};

/* Splits and respells a Debian version. Bytes outside its alphabet, an epoch that is no number
 * below 2^31 (dpkg's limit) and an empty upstream version are an error naming @text. */
must_check int version_parse(struct arena *a, struct str text, struct rpm_version *ret,
			     struct err *e);
