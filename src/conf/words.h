/* SPDX-License-Identifier: MIT */
/* words.h - the words of an image's `kernel-command-line`. */
#pragma once

#include "conf/conf.h"

/* One entry of the list, which @at names. */
must_check int conf_words_check(const char *at, struct str text, struct err *e);
