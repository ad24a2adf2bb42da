/* SPDX-License-Identifier: MIT */
/* command.h - a command that runs in a guest once it is up. */
#pragma once

#include "vm/credential.h"

/* For a shell: runs @command (words, ended by NULL), and writes its output to the files @ports
 * "out" and @ports "err" of the guest, then its status, as a line, to @ports "status". With
 * @power_off the guest then switches itself off. */
struct str command_script(struct arena *a, char **command, const char *ports, bool power_off);
/* What has the guest run @command (words, ended by NULL) as root: its output goes to the files
 * @ports "out" and @ports "err" of the guest, its status then, as a line, to @ports "status". With
 * no word at all, the guest waits for a line from there. Then, with @power_off, it switches itself
 * off. */
void command_credentials(struct arena *a, vec_credential *v, char **command, const char *ports,
			 bool power_off);
