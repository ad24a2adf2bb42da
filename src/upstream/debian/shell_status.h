/* SPDX-License-Identifier: MIT */
/* shell_status.h - commands whose exit status is known without running them. */
#pragma once

#include "upstream/debian/shell.h"

enum shell_status { FAILS, WORKS, MAYBE };

enum shell_status shell_status_of(bool works);
enum shell_status shell_status_not(enum shell_status s);
enum shell_status shell_status_either(enum shell_status x, enum shell_status y);

/* Whether word @i is known to be @text. */
bool shell_word_is(const struct shell_command *c, size_t i, const char *text);
/* true, false, ":", test(1) over known words, and "dpkg --compare-versions" with an empty version,
 * which is what a first installation passes. Tests of files say FAILS below /run, where nothing is
 * while an image is made. */
enum shell_status shell_command_status(const struct shell_command *c);
