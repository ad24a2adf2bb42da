/* SPDX-License-Identifier: MIT */
#include "vm/command.h"

/* One word of a shell command. */
static void shell_quoted(struct buf *b, const char *word)
{
	buf_u8(b, '\'');
	for (; *word; word++)
		if (*word == '\'')
			buf_printf(b, "'\\''");
		else
			buf_u8(b, (uint8_t)*word);
	buf_u8(b, '\'');
}

struct str command_script(struct arena *a, char **command, const char *ports, bool power_off)
{
	struct buf b = { .a = a };

	if (command[0]) {
		/* the exit of the inner shell is the status; the ports are opened once, here, and
		 * closed before the status is told */
		buf_printf(&b, "systemctl is-system-running --wait >/dev/null 2>&1\n"
			       "( cd /; unset CREDENTIALS_DIRECTORY\n");
		for (char **word = command; *word; word++) {
			buf_u8(&b, ' ');
			shell_quoted(&b, *word);
		}
		buf_printf(&b,
			   "\n) </dev/null >%sout 2>%serr\n"
			   "echo \"$?\" >%sstatus\n",
			   ports, ports, ports);
	}
	if (power_off)
		buf_printf(&b, "systemctl poweroff --no-block\n");
	return (struct str){ (char *)b.v.p, b.v.n };
}

/* A unit that runs the command once the machine is up, and tells its status. It is of type exec, so
 * that the boot is complete while it runs. In a unit file '%' and, in ExecStart=, '$' are written
 * twice; so the command travels as a credential of its own, which nothing interprets but the
 * shell. */
void command_credentials(struct arena *a, vec_credential *v, char **command, const char *ports,
			 bool power_off)
{
	static const char unit[] =
		"[Unit]\nDescription=Command of ashlar run\nDefaultDependencies=no\n"
		"After=basic.target\n"
		"[Service]\nType=exec\nImportCredential=ashlar.command\n"
		"ExecStart=/bin/sh ${CREDENTIALS_DIRECTORY}/ashlar.command\n";
	static const char wants[] = "[Unit]\nWants=ashlar-run.service\n";

	struct str script = command_script(a, command, ports, power_off);

	/* without a command, a line comes when the login prompt was seen */
	if (!command[0])
		script = str_printf(a, "read -r line <%sstatus\n%.*s", ports, STR_FMT(script));
	vec_push(a, v) = (struct credential){ "ashlar.command", script };
	vec_push(a, v) =
		(struct credential){ "systemd.extra-unit.ashlar-run.service", str_c(unit) };
	vec_push(a, v) =
		(struct credential){ "systemd.unit-dropin.multi-user.target~ashlar", str_c(wants) };
}
